import type { PublishOptions } from './codecs.js';
import type { PublishDataOptions } from './data-channels.js';
import type { DataPayload } from './data-line.js';
import {
    captureCamera,
    captureMicrophone,
    captureScreen,
    type CameraOptions,
    type MicrophoneOptions,
    type ScreenShareOptions,
} from './devices.js';
import { StoaError } from './errors.js';
import { LocalTrack } from './local-track.js';
import { Participant } from './participants.js';
import { SOURCE_KIND, type TrackSource, type WireParticipant } from './protocol.js';

/** What the local participant needs of the room around it. @internal */
export interface Publisher {
    add(tracks: LocalTrack[]): Promise<void>;
    remove(tracks: LocalTrack[]): Promise<void>;
    /** Sends what the track holds now and tells the server whether it is muted. */
    sync(track: LocalTrack, by: 'self' | 'admin'): Promise<void>;
    update(params: { name?: string; metadata?: Record<string, unknown> }): Promise<void>;
    lost(track: LocalTrack): void;
    data(payload: DataPayload, options: PublishDataOptions): Promise<void>;
}

type DeviceSource = 'camera' | 'microphone';
type CaptureFor = { camera: CameraOptions; microphone: MicrophoneOptions };

/** Oneself: what is published, and the switches for it. */
export class LocalParticipant extends Participant {
    readonly #publisher: Publisher;
    readonly #tracks = new Map<TrackSource, LocalTrack>();
    readonly #options = new Map<LocalTrack, PublishOptions>();
    readonly #capture: CaptureFor = { camera: {}, microphone: {} };
    readonly #busy = new Map<string, Promise<unknown>>();

    /** @internal */
    constructor(wire: Pick<WireParticipant, 'id' | 'identity' | 'name' | 'metadata'>, publisher: Publisher) {
        super(wire);
        this.#publisher = publisher;
    }

    /** What is published at present, by source. */
    get tracks(): ReadonlyMap<TrackSource, LocalTrack> {
        return this.#tracks;
    }

    getTrack(source: TrackSource): LocalTrack | undefined {
        return this.#tracks.get(source);
    }

    get isCameraEnabled(): boolean {
        return this.#isLive('camera');
    }

    get isMicrophoneEnabled(): boolean {
        return this.#isLive('microphone');
    }

    get isScreenShareEnabled(): boolean {
        return this.#isLive('screen');
    }

    /**
     * Sends text or bytes to everybody else, or to those named. Resolves when the message was handed to the network,
     * which for a reliable one may take a while: it waits for room, and over a reconnect. An unreliable one that cannot
     * leave at once is dropped. Rejects with `forbidden` (no grant), `too_large` (see `Room.maxDataBytes`), `not_found`
     * (nobody named is there), `queue_full`, `data_closed`, `not_connected`.
     */
    publishData(payload: DataPayload | ArrayBuffer, options: PublishDataOptions = {}): Promise<void> {
        const bytes = payload instanceof ArrayBuffer ? new Uint8Array(payload) : payload;
        return this.#publisher.data(bytes, options);
    }

    /** Off stops the device (its light goes out); the track stays published, muted. */
    setCameraEnabled(enabled: boolean, options: CameraOptions = {}): Promise<void> {
        return this.#setDevice('camera', enabled, options);
    }

    /** Off sends nothing at all; the device stays open, so that unmuting is instant. */
    setMicrophoneEnabled(enabled: boolean, options: MicrophoneOptions = {}): Promise<void> {
        return this.#setDevice('microphone', enabled, options);
    }

    setScreenShareEnabled(enabled: boolean, options: ScreenShareOptions = {}): Promise<void> {
        return this.#serial('screen', async () => {
            if (enabled === this.#tracks.has('screen')) return;
            if (!enabled) return this.#stopScreen();
            const captured = await captureScreen(options);
            const tracks = captured.map(
                (media) => new LocalTrack(media.kind === 'video' ? 'screen' : 'screen_audio', media),
            );
            for (const media of captured)
                media.addEventListener('ended', () => void this.setScreenShareEnabled(false));
            await this.#publish(tracks);
        });
    }

    /** Another camera or microphone, without a gap in what is published. */
    async switchDevice(source: DeviceSource, deviceId: string): Promise<void> {
        this.#capture[source].deviceId = deviceId;
        await this.#serial(source, async () => {
            const track = this.#tracks.get(source);
            if (!track || !track.mediaStreamTrack) return;
            await this.#replace(track, await this.#open(source));
            await this.#publisher.sync(track, 'self');
        });
    }

    /** Publishes a track of the caller's, such as one of a canvas or a file. */
    publishTrack(
        media: MediaStreamTrack | LocalTrack,
        options: PublishOptions & { source?: TrackSource } = {},
    ): Promise<LocalTrack> {
        const { source: wanted, ...publish } = options;
        const source =
            media instanceof LocalTrack
                ? media.source
                : (wanted ?? (media.kind === 'audio' ? 'microphone' : 'camera'));
        if (SOURCE_KIND[source] !== media.kind)
            throw new StoaError('invalid_state', `a ${media.kind} track cannot be a ${source}`);
        return this.#serial(source, async () => {
            if (this.#tracks.has(source))
                throw new StoaError('invalid_state', `${source} is published already`);
            const track = media instanceof LocalTrack ? media : new LocalTrack(source, media);
            this.#options.set(track, publish);
            await this.#publish([track]);
            return track;
        });
    }

    /** `stop` ends the device too (default). */
    async unpublishTrack(track: LocalTrack, { stop = true } = {}): Promise<void> {
        if (this.#tracks.get(track.source) !== track) return;
        this.#tracks.delete(track.source);
        this.#options.delete(track);
        if (stop) track.stop();
        await this.#publisher.remove([track]);
    }

    setName(name: string): Promise<void> {
        return this.#publisher.update({ name }).then(() => this.update({ name }));
    }

    setMetadata(metadata: Record<string, unknown>): Promise<void> {
        return this.#publisher.update({ metadata }).then(() => this.update({ metadata }));
    }

    /** @internal */
    optionsOf(track: LocalTrack): PublishOptions {
        return this.#options.get(track) ?? {};
    }

    /** @internal Takes tracks over that go out with the first offer. */
    adopt(tracks: readonly LocalTrack[]): void {
        for (const track of tracks) {
            this.#tracks.set(track.source, track);
            if (track.mediaStreamTrack) this.#watch(track, track.mediaStreamTrack);
        }
    }

    /** @internal An admin muted us: obey before telling anybody. */
    async forceMute(track: LocalTrack): Promise<void> {
        await this.#mute(track, 'admin');
    }

    /** @internal */
    findById(id: string): LocalTrack | undefined {
        return [...this.#tracks.values()].find((track) => track.id === id);
    }

    /** @internal */
    stopAll(): void {
        for (const track of this.#tracks.values()) {
            track.stop();
            track.setId(null);
        }
        this.#tracks.clear();
    }

    #isLive(source: TrackSource): boolean {
        const track = this.#tracks.get(source);
        return track !== undefined && !track.muted;
    }

    async #setDevice(
        source: DeviceSource,
        enabled: boolean,
        options: CameraOptions & MicrophoneOptions,
    ): Promise<void> {
        Object.assign(this.#capture[source], options);
        await this.#serial(source, async () => {
            const track = this.#tracks.get(source);
            if (enabled === this.#isLive(source)) return;
            if (!enabled) return this.#mute(track!);
            if (track) return this.#unmute(track, source);
            await this.#publish([new LocalTrack(source, await this.#open(source))]);
        });
    }

    async #mute(track: LocalTrack, by: 'self' | 'admin' = 'self'): Promise<void> {
        track.setMuted(true);
        if (track.source === 'camera') {
            track.stop();
            track.setMediaStreamTrack(null);
        }
        await this.#publisher.sync(track, by);
    }

    async #unmute(track: LocalTrack, source: DeviceSource): Promise<void> {
        const ended = track.mediaStreamTrack?.readyState !== 'live';
        if (ended) await this.#replace(track, await this.#open(source));
        track.setMuted(false);
        await this.#publisher.sync(track, 'self');
    }

    #open(source: DeviceSource): Promise<MediaStreamTrack> {
        return source === 'camera'
            ? captureCamera(this.#capture.camera)
            : captureMicrophone(this.#capture.microphone);
    }

    async #replace(track: LocalTrack, media: MediaStreamTrack): Promise<void> {
        const old = track.mediaStreamTrack;
        track.setMediaStreamTrack(media);
        this.#watch(track, media);
        old?.stop();
    }

    async #publish(tracks: LocalTrack[]): Promise<void> {
        this.adopt(tracks);
        try {
            await this.#publisher.add(tracks);
        } catch (error) {
            for (const track of tracks) {
                this.#tracks.delete(track.source);
                track.stop();
            }
            throw error;
        }
    }

    async #stopScreen(): Promise<void> {
        const tracks = [this.#tracks.get('screen'), this.#tracks.get('screen_audio')].filter(
            (track) => track !== undefined,
        );
        for (const track of tracks) {
            this.#tracks.delete(track.source);
            track.stop();
        }
        await this.#publisher.remove(tracks);
    }

    /** A device that is pulled out ends its track by itself; stop() fires nothing. */
    #watch(track: LocalTrack, media: MediaStreamTrack): void {
        if (track.source !== 'camera' && track.source !== 'microphone') return;
        media.addEventListener('ended', () => {
            if (track.mediaStreamTrack !== media || this.#tracks.get(track.source) !== track) return;
            void this.#mute(track).then(() => this.#publisher.lost(track));
        });
    }

    /** Switches of one source run one after another, so that fast clicks end in the last state. */
    #serial<T>(key: string, task: () => Promise<T>): Promise<T> {
        const before = this.#busy.get(key) ?? Promise.resolve();
        const run = before.then(task, task);
        this.#busy.set(key, run.catch(() => undefined));
        return run;
    }
}

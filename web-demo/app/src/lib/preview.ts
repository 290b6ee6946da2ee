import type { LocalTrack } from '@stoa/client';
import { createCameraTrack, createMicrophoneTrack, StoaError } from '@stoa/client';
import type { ReactiveController, ReactiveControllerHost } from 'lit';
import { LevelMeter } from './meter.js';
import { loadPreferences, savePreferences } from './preferences.js';

export type PreviewSource = 'camera' | 'microphone';
const SOURCES: readonly PreviewSource[] = ['microphone', 'camera'];

/** A device that was still opening when its owner stepped in. The track is the taker's; rejects with a StoaError. */
export interface LateTrack {
    source: PreviewSource;
    track: Promise<LocalTrack>;
}

interface Device {
    on: boolean;
    opening: Promise<void> | null;
    track: LocalTrack | null;
    error: StoaError | null;
    id: string;
}

/** Camera and microphone before the meeting: opened, shown, changed, and then handed over. */
export class Preview implements ReactiveController {
    readonly #host: ReactiveControllerHost;
    readonly #onLevel: (level: number) => void;
    readonly devices: Record<PreviewSource, Device>;
    inputs: Record<PreviewSource, MediaDeviceInfo[]> = { camera: [], microphone: [] };
    #meter: LevelMeter | null = null;
    /** What was given away, and so is not stopped here. */
    readonly #given = new Set<PreviewSource>();
    #shown = false;
    readonly #onDeviceChange = () => void this.#list();

    constructor(host: ReactiveControllerHost, onLevel: (level: number) => void) {
        this.#host = host;
        this.#onLevel = onLevel;
        const kept = loadPreferences();
        const device = (on: boolean, id: string): Device => ({ on, id, opening: null, track: null, error: null });
        this.devices = {
            camera: device(kept.camera, kept.cameraId),
            microphone: device(kept.microphone, kept.microphoneId),
        };
        host.addController(this);
    }

    hostConnected(): void {
        navigator.mediaDevices?.addEventListener('devicechange', this.#onDeviceChange);
        this.#shown = true;
        for (const source of SOURCES) void this.open(source);
    }

    hostDisconnected(): void {
        navigator.mediaDevices?.removeEventListener('devicechange', this.#onDeviceChange);
        this.#shown = false;
        this.#meter?.stop();
        for (const source of SOURCES) if (!this.#given.has(source)) this.#stop(source);
    }

    async toggle(source: PreviewSource): Promise<void> {
        const device = this.devices[source];
        // A switch that is on but failed is pressed to try again.
        if (device.error) device.on = true;
        else device.on = !device.on;
        savePreferences({ [source]: device.on });
        if (device.on) await this.open(source);
        else this.#stop(source);
        this.#host.requestUpdate();
    }

    async choose(source: PreviewSource, id: string): Promise<void> {
        this.devices[source].id = id;
        savePreferences(source === 'camera' ? { cameraId: id } : { microphoneId: id });
        if (this.devices[source].on) await this.open(source);
    }

    async open(source: PreviewSource): Promise<void> {
        const device = this.devices[source];
        if (!device.on || device.opening) return;
        this.#stop(source);
        device.opening = this.#open(source, device);
        this.#host.requestUpdate();
        await device.opening;
        await this.#list();
    }

    async #open(source: PreviewSource, device: Device): Promise<void> {
        try {
            device.track = await this.#capture(source, device.id);
        } catch (error) {
            device.error = error instanceof StoaError ? error : new StoaError('device_busy', String(error));
        }
        device.opening = null;
        if (!this.#given.has(source) && !(device.on && this.#shown)) this.#stop(source);
        if (source === 'microphone' && this.#shown) this.#measure();
        this.#host.requestUpdate();
    }

    /** Gives the open tracks away; whoever takes them stops them. */
    takeTracks(): LocalTrack[] {
        return SOURCES.filter((source) => this.devices[source].track).map((source) => {
            this.#given.add(source);
            return this.devices[source].track!;
        });
    }

    /** Gives away what was not open yet when the others were taken. To be asked once one is in the room. */
    takeLate(): LateTrack[] {
        const late = SOURCES.filter((source) => {
            const { on, opening, track } = this.devices[source];
            return on && !this.#given.has(source) && (opening || track);
        });
        return late.map((source) => {
            this.#given.add(source);
            return { source, track: this.#opened(this.devices[source]) };
        });
    }

    async #opened(device: Device): Promise<LocalTrack> {
        await device.opening;
        if (!device.track) throw device.error ?? new StoaError('device_busy', 'it did not open');
        return device.track;
    }

    /** Joining failed and the tracks that were taken are stopped. */
    async reopen(): Promise<void> {
        this.#given.clear();
        await Promise.all(SOURCES.map((source) => this.open(source)));
    }

    /** A remembered device that was unplugged must not keep anybody out. */
    async #capture(source: PreviewSource, deviceId: string): Promise<LocalTrack> {
        const create = source === 'camera' ? createCameraTrack : createMicrophoneTrack;
        try {
            return await create({ deviceId });
        } catch (error) {
            if (!deviceId || !(error instanceof StoaError)) throw error;
            if (!['device_overconstrained', 'device_not_found'].includes(error.code)) throw error;
            this.devices[source].id = '';
            return create({});
        }
    }

    #stop(source: PreviewSource): void {
        const device = this.devices[source];
        device.track?.stop();
        device.track = null;
        device.error = null;
        if (source === 'microphone') this.#measure();
    }

    #measure(): void {
        this.#meter?.stop();
        this.#meter = null;
        const media = this.devices.microphone.track?.mediaStreamTrack;
        if (media) this.#meter = new LevelMeter(media, this.#onLevel);
        else this.#onLevel(0);
    }

    async #list(): Promise<void> {
        const all = (await navigator.mediaDevices?.enumerateDevices().catch(() => [])) ?? [];
        const of = (kind: MediaDeviceKind) => all.filter((each) => each.kind === kind && each.label);
        this.inputs = { camera: of('videoinput'), microphone: of('audioinput') };
        this.#host.requestUpdate();
    }
}

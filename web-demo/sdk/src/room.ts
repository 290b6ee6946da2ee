import { AudioPlayback } from './audio-playback.js';
import { browserHttpLane, browserPeer, browserSocket } from './browser.js';
import { Emitter } from './emitter.js';
import { Engine, type EngineHost } from './engine.js';
import { ServerError, StoaError } from './errors.js';
import { LocalParticipant, type Publisher } from './local-participant.js';
import type { LaneKind } from './lanes.js';
import type { LocalTrack } from './local-track.js';
import { wantedPairs } from './pairs.js';
import { RemoteParticipant, type Participant } from './participants.js';
import type { PeerFactory } from './peer.js';
import type {
    Grants,
    NotificationName,
    Notifications,
    TileGroup,
    TrackSource,
    WireAnswer,
    WireJoin,
    WireSession,
} from './protocol.js';
import { RemoteTrack, type SlotFeed } from './remote-track.js';
import { RoomData } from './room-data.js';
import type { RoomEvents } from './room-events.js';
import { applyNotification, reconcileParticipants, type RoomModel } from './room-model.js';
import type { SocketFactory } from './rpc.js';
import type { TokenSource } from './session.js';
import { SlotTable } from './slots.js';
import { StatsReader, type RoomStats } from './stats.js';
import { incomingSubjects, outgoingSubjects } from './stats-subjects.js';
import { ViewSizes } from './view-sizes.js';

export type RoomState = 'disconnected' | 'connecting' | 'connected' | 'reconnecting';

export interface RoomOptions {
    /** Receive pairs beyond which the server chooses who is seen and heard. Default 16. */
    maxPairs?: number;
    /** STUN or TURN servers instead of those that the server names. */
    iceServers?: RTCIceServer[];
    /** `relay`: only by TURN, so that nobody learns the client's address. */
    iceTransportPolicy?: RTCIceTransportPolicy;
    /** False: no data channels, even if the token grants them. Default true. */
    data?: boolean;
    /** How long to try to come back after the session is lost. Default 2 minutes. */
    giveUpAfterMs?: number;
    /** For tests and other environments. */
    socketFactory?: SocketFactory;
    /** What stands in where no WebSocket can be opened. */
    httpFactory?: SocketFactory;
    /** For tests and other environments. */
    peerFactory?: PeerFactory;
}

export interface ConnectOptions {
    signal?: AbortSignal;
    /** Tracks that are published with the first offer, such as those of a preview. */
    tracks?: LocalTrack[];
    metadata?: Record<string, unknown>;
}

export interface ViewPair {
    participant: Participant;
    group: TileGroup;
    width: number;
    height: number;
}

/** A room of a Stoa server, from connect() to disconnect(). A Room may be connected again after it was left. */
export class Room extends Emitter<RoomEvents> {
    readonly #options: RoomOptions;
    readonly #remotes = new Map<string, RemoteParticipant>();
    readonly #slots: SlotTable;
    readonly #audio: AudioPlayback;
    readonly #model: RoomModel;
    readonly #local: LocalParticipant;
    readonly #sizes: ViewSizes;
    readonly #data: RoomData;
    #engine: Engine | null = null;
    #info: WireSession | null = null;
    #state: RoomState = 'disconnected';
    #speakers: Participant[] = [];
    #locked = false;
    #view: ViewPair[] | 'auto' = 'auto';
    /** A new session knows nothing of the view. */
    #viewIsStale = false;
    #stats: { pc: RTCPeerConnection; reader: StatsReader } | null = null;

    constructor(options: RoomOptions = {}) {
        super();
        this.#options = options;
        this.#audio = new AudioPlayback((canPlay) => this.emit('audioPlaybackChanged', canPlay));
        const nobody = { id: '', identity: '', name: '', metadata: {} };
        this.#local = new LocalParticipant(nobody, this.#publisher);
        this.#slots = new SlotTable({
            findTrack: (id) => this.#findTrack(id)?.[0],
            onSubscribed: (track) => this.#emitTrack('trackSubscribed', track),
            onUnsubscribed: (track) => this.#emitTrack('trackUnsubscribed', track),
            onLayer: (track) => this.#emitTrack('trackLayerChanged', track),
        });
        this.#sizes = new ViewSizes({
            participants: () => this.#remotes.values(),
            send: (tiles) => this.#request('conference.sizes', { tiles }),
        });
        this.#data = new RoomData(
            {
                isGranted: () => this.grants?.data ?? false,
                participants: () => [this.#local, ...this.#remotes.values()],
                received: (...message) => this.emit('dataReceived', ...message),
            },
            options.data !== false,
        );
        this.#model = this.#createModel();
    }

    get state(): RoomState {
        return this.#state;
    }

    /** Empty before the first connect. */
    get name(): string {
        return this.#info?.room.name ?? '';
    }

    get grants(): Grants | null {
        return this.#info?.grants ?? null;
    }

    /** Plugins that the server runs. */
    get plugins(): readonly string[] {
        return this.#info?.plugins ?? [];
    }

    get localParticipant(): LocalParticipant {
        return this.#local;
    }

    /** By participant id, in the order of joining. */
    get remoteParticipants(): ReadonlyMap<string, RemoteParticipant> {
        return this.#remotes;
    }

    get activeSpeakers(): readonly Participant[] {
        return this.#speakers;
    }

    get locked(): boolean {
        return this.#locked;
    }

    get canPlayAudio(): boolean {
        return this.#audio.canPlay;
    }

    /** For statistics and diagnosis; to change anything on it breaks the room. Null while not connected. */
    get peerConnection(): RTCPeerConnection | null {
        return this.#engine?.peer?.pc ?? null;
    }

    /** The most that one message of `publishData()` may have; a text counts in UTF-8. */
    get maxDataBytes(): number {
        return this.#data.maxBytes;
    }

    /** What carries the signalling; null while not connected. */
    get signalling(): LaneKind | null {
        return this.#engine?.session?.lane ?? null;
    }

    /** Receive pairs that the server knows of. */
    get pairs(): number {
        return this.#engine?.peer?.pairs ?? 0;
    }

    getParticipant(identity: string): RemoteParticipant | undefined {
        for (const each of this.#remotes.values()) if (each.identity === identity) return each;
        return undefined;
    }

    /**
     * Opens a session on the server at `url` (its http or https address) and joins the room that the token names.
     * A function as token is asked again whenever the client has to join anew.
     */
    async connect(url: string, token: TokenSource, options: ConnectOptions = {}): Promise<void> {
        if (this.#state !== 'disconnected')
            throw new StoaError('invalid_state', 'the room is connected already');
        this.#state = 'connecting';
        const engine = new Engine(this.#engineHost(), {
            iceServers: this.#options.iceServers ?? null,
            iceTransportPolicy: this.#options.iceTransportPolicy ?? 'all',
            giveUpAfterMs: this.#options.giveUpAfterMs ?? 120_000,
            socketFactory: this.#options.socketFactory ?? browserSocket,
            httpFactory:
                this.#options.httpFactory ??
                (this.#options.socketFactory ? undefined : browserHttpLane),
            peerFactory: this.#options.peerFactory ?? browserPeer,
        });
        this.#engine = engine;
        this.#local.adopt(options.tracks ?? []);
        try {
            await engine.connect({ url, token, metadata: options.metadata }, options.signal);
        } catch (error) {
            this.#reset();
            throw error;
        }
        this.#state = 'connected';
        this.emit('connected');
        for (const track of this.#local.tracks.values())
            this.emit('localTrackPublished', track, this.#local);
        void this.#growPairs();
    }

    /** Leaves at once; captured devices are stopped. */
    disconnect(): void {
        if (this.#engine && this.#state !== 'disconnected') this.#engine.close('left');
    }

    /** What is shown, most important first; `auto` leaves the choice to the server. */
    async setView(view: ViewPair[] | 'auto'): Promise<void> {
        this.#view = view;
        this.#viewIsStale = false;
        const params =
            view === 'auto'
                ? { auto: true }
                : { pairs: view.map((row) => ({ ...row, participant: row.participant.id })) };
        await this.#request('conference.view', params);
    }

    /** Admin: ends the participant's session; the token is refused until it expires. */
    async kick(participant: Participant, reason?: string): Promise<void> {
        await this.#request('conference.kick', { participant: participant.id, ...(reason ? { reason } : {}) });
    }

    /** Admin: mutes another's track on the server. */
    async muteParticipant(participant: Participant, source: TrackSource): Promise<void> {
        await this.#request('conference.mute_participant', { participant: participant.id, source });
    }

    /** Admin: nobody else may join while locked. */
    async setLocked(locked: boolean): Promise<void> {
        await this.#request('conference.lock', { locked });
    }

    /** To be called from a click when `canPlayAudio` is false. */
    startAudio(): Promise<void> {
        return this.#audio.start();
    }

    /** Plays all sound through this output device, where the browser can. */
    setAudioOutput(deviceId: string): Promise<void> {
        return this.#audio.setOutput(deviceId);
    }

    /** How the call goes. Rates are those since the last call of this; the first one knows none. Null while not connected. */
    async stats(): Promise<RoomStats | null> {
        const pc = this.peerConnection;
        if (!pc) return null;
        if (this.#stats?.pc !== pc) this.#stats = { pc, reader: new StatsReader() };
        const figures = await this.#stats.reader.read(
            pc,
            incomingSubjects(this.#remotes.values()),
            outgoingSubjects(this.#local, (track) => this.#engine?.peer?.midOf(track) ?? null),
        );
        return { ...figures, signalling: this.signalling, quality: this.#local.connectionQuality };
    }

    /** Repairs as after a network change; for diagnosis. */
    restartIce(): void {
        this.#engine?.restartIce();
    }

    /** Drops the WebSocket as a dead network would; for diagnosis. */
    dropSocket(): void {
        this.#engine?.session?.dropSocket();
    }

    #request<T>(method: string, params: object): Promise<T> {
        if (!this.#engine) return Promise.reject(new StoaError('not_connected', 'not connected'));
        return this.#engine.request<T>(method, params);
    }

    readonly #publisher: Publisher = {
        add: async (tracks) => {
            const engine = this.#connectedEngine();
            for (const track of tracks) engine.peer?.publish(track, this.#local.optionsOf(track));
            try {
                await engine.negotiate();
            } catch (error) {
                for (const track of tracks) engine.peer?.unpublish(track);
                throw error;
            }
            for (const track of tracks) this.emit('localTrackPublished', track, this.#local);
        },
        remove: async (tracks) => {
            const engine = this.#connectedEngine();
            for (const track of tracks) engine.peer?.unpublish(track);
            await engine.negotiate();
            for (const track of tracks) {
                track.setId(null);
                this.emit('localTrackUnpublished', track, this.#local);
            }
        },
        sync: async (track, by) => {
            await this.#engine?.peer?.syncSender(track);
            this.emit(track.muted ? 'trackMuted' : 'trackUnmuted', track, this.#local, by);
            if (by === 'self') await this.#syncMuted(track);
        },
        update: (params) => this.#request('conference.update', params),
        lost: (track) => this.emit('deviceLost', track),
        data: async (payload, options) => {
            if (!this.#engine || this.#state === 'connecting')
                throw new StoaError('not_connected', 'connect() comes first');
            return this.#data.publish(payload, options);
        },
    };

    #connectedEngine(): Engine {
        if (!this.#engine) throw new StoaError('not_connected', 'connect() comes first');
        return this.#engine;
    }

    /** While the socket is down the state is only kept: it is told again after a resume. */
    async #syncMuted(track: LocalTrack): Promise<void> {
        if (!track.id || !this.#engine?.session?.connected) return;
        const { id, muted } = track;
        try {
            await this.#request('conference.mute', { track: id, muted });
        } catch (error) {
            if (!(error instanceof ServerError) || muted) return;
            // Refused: what others cannot hear must not look live here.
            track.setMuted(true);
            await this.#engine?.peer?.syncSender(track);
            this.emit('trackMuted', track, this.#local, 'admin');
            throw error;
        }
    }

    #engineHost(): EngineHost {
        return {
            onJoined: (info, join, again) => this.#onJoined(info, join, again),
            onNotification: (name, params) => this.#onNotification(name, params),
            onFeed: (feed: SlotFeed) => this.#slots.addFeed(feed),
            onAnswer: (answer: WireAnswer) => this.#applyAnswer(answer),
            onPeerMade: (pc) => this.#data.onPeerMade(pc),
            onPeerLost: () => {
                this.#data.onPeerLost();
                this.#slots.reset();
                this.#audio.clear();
            },
            onReconnecting: () => {
                this.#state = 'reconnecting';
                this.emit('reconnecting');
            },
            onReconnected: () => {
                this.#state = 'connected';
                for (const track of this.#local.tracks.values())
                    this.#syncMuted(track).catch(() => undefined);
                if (this.#viewIsStale) this.#repeatView();
                this.emit('reconnected');
                void this.#growPairs();
            },
            onAttempt: (attempt) => this.emit('reconnectAttempt', attempt),
            onDisconnected: (reason) => this.#onDisconnected(reason),
            createPlayer: (stream) => this.#audio.createPlayer(stream),
            wantedPairs: () => this.#wantedPairs(),
            publications: () =>
                [...this.#local.tracks.values()].map((track) => ({
                    track,
                    options: this.#local.optionsOf(track),
                })),
        };
    }

    #applyAnswer(answer: WireAnswer): void {
        this.#slots.apply(answer.slots);
        this.#data.onAnswer(answer.sdp);
        for (const row of answer.tracks) {
            const own = row.silenced ? this.#local.findById(row.id) : undefined;
            if (own && !own.muted) void this.#local.forceMute(own);
        }
    }

    #repeatView(): void {
        const view = this.#view;
        const present = (row: ViewPair) => this.#remotes.has(row.participant.id);
        this.setView(view === 'auto' ? view : view.filter(present)).catch(() => undefined);
    }

    #onJoined(info: WireSession, join: WireJoin, again: boolean): void {
        this.#info = info;
        this.#locked = join.locked;
        this.#viewIsStale = again && this.#view !== 'auto';
        this.#sizes.reset();
        this.#local.update(join.participant);
        const others = join.participants.filter((each) => each.id !== join.participant.id);
        reconcileParticipants(this.#model, others, again);
        this.#data.onParticipants();
        this.#slots.apply(join.slots);
    }

    #onNotification<N extends NotificationName>(name: N, params: Notifications[N]): void {
        applyNotification(this.#model, name, params);
        if (name === 'participant.joined') this.#data.onParticipants();
        void this.#growPairs();
    }

    #onDisconnected(reason: string): void {
        this.#reset();
        this.emit('disconnected', reason);
    }

    #reset(): void {
        this.#state = 'disconnected';
        this.#engine = null;
        this.#data.close();
        this.#sizes.reset();
        this.#slots.reset();
        this.#audio.clear();
        this.#local.stopAll();
        this.#remotes.clear();
        this.#speakers = [];
        this.#view = 'auto';
        this.#stats = null;
    }

    #wantedPairs(): number {
        const shown = [...this.#remotes.values()];
        const screens = shown.filter((each) => each.getTrack('screen')).length;
        return wantedPairs(shown.length, screens, this.pairs, this.#options.maxPairs ?? 16);
    }

    /** A failed offer for more slots is made again with the next event. */
    async #growPairs(): Promise<void> {
        const { peer } = this.#engine ?? {};
        if (this.#state !== 'connected' || !peer?.growTo(this.#wantedPairs())) return;
        await this.#engine?.negotiate().catch(() => undefined);
    }

    #findTrack(id: string): [RemoteTrack, RemoteParticipant] | undefined {
        for (const participant of this.#remotes.values()) {
            const track = participant.tracks.get(id);
            if (track) return [track, participant];
        }
        return undefined;
    }

    #emitTrack(
        event: 'trackSubscribed' | 'trackUnsubscribed' | 'trackLayerChanged',
        track: RemoteTrack,
    ): void {
        const participant = this.#findTrack(track.id)?.[1];
        if (event !== 'trackLayerChanged') this.#sizes.refresh();
        if (participant) this.emit(event, track, participant);
    }

    #createModel(): RoomModel {
        return {
            remotes: this.#remotes,
            slots: this.#slots,
            local: () => this.#local,
            setSpeakers: (speakers) => (this.#speakers = speakers),
            speakers: () => this.#speakers,
            setLocked: (locked) => (this.#locked = locked),
            emit: (event, ...args) => this.emit(event, ...args),
        };
    }
}

import { AbortedError, ConnectionError, ServerError, StoaError } from './errors.js';
import type { LocalTrack } from './local-track.js';
import { NegotiationQueue } from './negotiation.js';
import { isRetryableExchange, Peer, type PeerFactory } from './peer.js';
import type {
    NotificationName,
    Notifications,
    WireAnswer,
    WireJoin,
    WireSession,
} from './protocol.js';
import {
    INITIAL,
    isHealthy,
    transition,
    type RecoveryAction,
    type RecoveryEvent,
    type RecoveryState,
} from './recovery.js';
import type { SlotFeed } from './remote-track.js';
import type { LaneFactories } from './lanes.js';
import { Backoff, type BackoffStep } from './backoff.js';
import { Session, type TokenSource } from './session.js';
import { watchNetwork } from './network.js';
import { VERSION } from './version.js';

/** What the engine tells the room, and asks of it. */
export interface EngineHost {
    /** The model is to be brought in line with the join result; `again` after a rejoin. */
    onJoined(info: WireSession, join: WireJoin, again: boolean): void;
    onNotification<N extends NotificationName>(name: N, params: Notifications[N]): void;
    onFeed(feed: SlotFeed): void;
    onAnswer(answer: WireAnswer): void;
    /** A new PeerConnection, before its first offer. */
    onPeerMade(pc: RTCPeerConnection): void;
    /** The PeerConnection is gone with all its slots. */
    onPeerLost(): void;
    onReconnecting(): void;
    onReconnected(): void;
    onAttempt(step: ReconnectAttempt): void;
    onDisconnected(reason: string): void;
    createPlayer(stream: MediaStream): HTMLAudioElement | null;
    wantedPairs(): number;
    /** Everything that is to be published, with its options. */
    publications(): Iterable<{ track: LocalTrack; options: object }>;
}

export interface ReconnectAttempt extends BackoffStep {
    readonly phase: 'resume' | 'rejoin';
}

export interface EngineOptions extends LaneFactories {
    /** null: those that the server names */
    iceServers: RTCIceServer[] | null;
    iceTransportPolicy: RTCIceTransportPolicy;
    giveUpAfterMs: number;
    peerFactory: PeerFactory;
}

/** Close codes after which coming back would be wrong: two tabs would throw each other out for ever. */
const FINAL_CLOSE: Readonly<Record<number, string>> = {
    4013: 'replaced',
    4409: 'replaced',
    4014: 'kicked',
    4015: 'room_closed',
};
const GRACE_MS = 1_000;
const RESTART_TIMEOUT_MS = 6_000;
const RETRYABLE = new Set(['rate_limited', 'unavailable', 'draining', 'internal', 'timeout', 'quota']);
const SESSION_OVER = new Set([
    'gone',
    'resume_failed',
    'unauthenticated',
    'token_expired',
    'not_found',
    'forbidden',
]);
/** Reasons of `session.closed` after which coming back makes sense. */
const COME_BACK = new Set(['shutdown']);

interface Target {
    url: string;
    token: TokenSource;
    metadata: Record<string, unknown> | undefined;
}

/** Keeps one session and one PeerConnection alive: carries out what the recovery tables decide. */
export class Engine {
    readonly #host: EngineHost;
    readonly #options: EngineOptions;
    readonly #queue: NegotiationQueue;
    readonly #backoff = new Backoff({ baseMs: 250, maxMs: 8_000 });
    readonly #life = new AbortController();
    #state: RecoveryState = INITIAL;
    #target: Target | null = null;
    #session: Session | null = null;
    #peer: Peer | null = null;
    #lostAt = 0;
    #giveUpTimer: ReturnType<typeof setTimeout> | undefined;
    #restartTimer: ReturnType<typeof setTimeout> | undefined;
    #closedReason: string | null = null;

    constructor(host: EngineHost, options: EngineOptions) {
        this.#host = host;
        this.#options = options;
        this.#queue = new NegotiationQueue(
            (run) => this.#livePeer().negotiate(run),
            (error) => isRetryableExchange(error) || this.#state.signal !== 'open',
        );
        this.#queue.pause();
    }

    get peer(): Peer | null {
        return this.#peer;
    }

    get session(): Session | null {
        return this.#session;
    }

    get healthy(): boolean {
        return isHealthy(this.#state);
    }

    async connect(target: Target, signal?: AbortSignal): Promise<void> {
        this.#target = target;
        this.#dispatch('connect');
        const abort = () => this.#life.abort();
        signal?.addEventListener('abort', abort);
        try {
            if (signal?.aborted) throw new AbortedError();
            await this.#open(false);
            this.#dispatch('opened');
        } catch (error) {
            const aborted = signal?.aborted || this.#life.signal.aborted;
            this.#dispatch('open_failed');
            this.#teardown();
            throw aborted ? new AbortedError() : error;
        } finally {
            signal?.removeEventListener('abort', abort);
        }
        watchNetwork(this.#life.signal, {
            onChange: () => this.#onNetworkChange(),
            onVisible: () => this.#wake(),
            onPageHide: () => this.#onPageHide(),
        });
    }

    request<T>(method: string, params: object = {}): Promise<T> {
        if (!this.#session || this.#state.signal === 'closed')
            return Promise.reject(new ConnectionError('not_connected', 'the room is not connected'));
        return this.#session.request<T>(method, params);
    }

    /** Resolves when the server has answered an offer made after this call. */
    negotiate(): Promise<void> {
        return this.#queue.request();
    }

    restartIce(): void {
        this.#dispatch('network_changed');
    }

    close(reason: string): void {
        if (this.#state.signal === 'closed') return;
        this.#dispatch('close');
        this.#teardown();
        this.#host.onDisconnected(reason);
    }

    async #open(again: boolean): Promise<void> {
        const { url, token, metadata } = this.#target!;
        const jwt = typeof token === 'function' ? await token() : token;
        const inbox = new Inbox(this.#host, () => this.#session === session);
        const handlers = {
            onNotification: <N extends NotificationName>(name: N, params: Notifications[N]) =>
                this.#intercept(name, params) || inbox.deliver(name, params),
            onLost: (code: number) => {
                if (this.#session === session) this.#onSocketLost(code);
            },
        };
        const { socketFactory, httpFactory } = this.#options;
        const client = { socketFactory, httpFactory, clientName: 'stoa-client-js', clientVersion: VERSION };
        let session: Session | null = null;
        session = await Session.open(url, jwt, handlers, client, this.#life.signal);
        try {
            const join = await session.request<WireJoin>('conference.join', metadata ? { metadata } : {});
            this.#throwIfClosed();
            this.#replacePeer();
            this.#session = session;
            this.#host.onJoined(session.info, join, again);
            inbox.open();
            const peer = this.#startPeer();
            await peer.negotiate({ iceRestart: false });
            this.#throwIfClosed();
            if (!session.connected) throw new ConnectionError('connection_lost', 'lost while joining');
        } catch (error) {
            session.close();
            if (this.#session === session) this.#session = null;
            throw error;
        }
        this.#queue.resume();
    }

    #iceConfig(): RTCConfiguration {
        const { iceServers, iceTransportPolicy } = this.#options;
        return { iceServers: iceServers ?? this.#session?.iceServers ?? [], iceTransportPolicy };
    }

    #startPeer(): Peer {
        const peer: Peer = new Peer(this.#options.peerFactory, this.#iceConfig(), {
            sendOffer: (sdp, tracks) => this.request('conference.offer', { sdp, tracks }),
            onIceState: (state) => {
                if (this.#peer === peer) this.#onIceState(state);
            },
            onFailed: () => {
                if (this.#peer === peer) this.#dispatch('peer_closed');
            },
            onFeed: (feed) => this.#host.onFeed(feed),
            onAnswer: (answer) => this.#host.onAnswer(answer),
            createPlayer: (stream) => this.#host.createPlayer(stream),
        });
        this.#peer = peer;
        this.#host.onPeerMade(peer.pc);
        for (const { track, options } of this.#host.publications()) peer.publish(track, options);
        peer.growTo(this.#host.wantedPairs());
        return peer;
    }

    #replacePeer(): void {
        if (!this.#peer) return;
        this.#peer.close();
        this.#peer = null;
        this.#host.onPeerLost();
    }

    #livePeer(): Peer {
        if (!this.#peer) throw new ConnectionError('connection_lost', 'no peer connection');
        return this.#peer;
    }

    #throwIfClosed(): void {
        if (this.#life.signal.aborted) throw new AbortedError();
    }

    /** Notifications that concern the connection itself; true when the room need not see them. */
    #intercept<N extends NotificationName>(name: N, params: Notifications[N]): boolean {
        if (name === 'session.closed') {
            this.#closedReason = (params as Notifications['session.closed']).reason;
            if (COME_BACK.has(this.#closedReason)) this.#closedReason = null;
            else this.#dispatch('closed_by_server');
            return true;
        }
        if (name === 'track.encodings') {
            const { track, rids } = params as Notifications['track.encodings'];
            this.#peer?.setWantedEncodings(track, rids);
            return true;
        }
        if (name === 'media.state') {
            const { state } = params as Notifications['media.state'];
            if (state === 'closed') this.#dispatch('peer_closed');
            if (state === 'stale') this.#dispatch('network_changed');
            return true;
        }
        return false;
    }

    #onSocketLost(code: number): void {
        const reason = FINAL_CLOSE[code];
        if (reason) {
            this.#closedReason = reason;
            return this.#dispatch('closed_by_server');
        }
        this.#lostAt = performance.now();
        this.#queue.pause();
        this.#dispatch('socket_lost');
    }

    #onIceState(state: RTCIceConnectionState): void {
        if (state === 'connected' || state === 'completed') this.#dispatch('ice_connected');
        if (state === 'disconnected') this.#dispatch('ice_disconnected');
        if (state === 'failed') this.#dispatch('ice_failed');
    }

    #onNetworkChange(): void {
        this.#dispatch('network_changed');
        this.#wake();
    }

    /** Something hints that the network is back: do not sit out a back-off, and find out about a dead socket now. */
    #wake(): void {
        this.#backoff.wake();
        if (this.#state.signal === 'open') void this.#session?.probe();
    }

    #onPageHide(): void {
        this.close('page_hidden');
    }

    #dispatch(event: RecoveryEvent): void {
        const { state, actions } = transition(this.#state, event);
        const entersRejoin = state.signal === 'rejoining' && this.#state.signal !== 'rejoining';
        this.#state = state;
        if (entersRejoin) this.#enterRejoin();
        for (const action of actions) this.#actions[action]();
    }

    #enterRejoin(): void {
        this.#queue.pause();
        clearTimeout(this.#giveUpTimer);
        this.#giveUpTimer = setTimeout(() => this.#dispatch('deadline'), this.#options.giveUpAfterMs);
    }

    readonly #actions: Readonly<Record<RecoveryAction, () => void>> = {
        open: () => undefined,
        announce: () => this.#host.onReconnecting(),
        recovered: () => {
            clearTimeout(this.#giveUpTimer);
            clearTimeout(this.#restartTimer);
            this.#host.onReconnected();
        },
        give_up: () => {
            this.#teardown();
            this.#host.onDisconnected(this.#closedReason ?? 'connection_lost');
        },
        probe: () => void this.#session?.probe(),
        start_grace: () => void setTimeout(() => this.#dispatch('grace_over'), GRACE_MS),
        restart_ice: () => void this.#restart(),
        resume: () => void this.#resume(),
        rejoin: () => void this.#rejoin(),
    };

    async #restart(): Promise<void> {
        clearTimeout(this.#restartTimer);
        const peer = this.#peer;
        try {
            peer?.renewIce(this.#iceConfig());
            await this.#queue.request({ iceRestart: true });
        } catch {
            return this.#peer === peer ? this.#dispatch('peer_closed') : undefined;
        }
        if (this.#peer !== peer) return;
        if (peer?.iceConnected) return this.#dispatch('ice_connected');
        this.#restartTimer = setTimeout(() => {
            if (this.#peer === peer) this.#dispatch('restart_timeout');
        }, RESTART_TIMEOUT_MS);
    }

    async #resume(): Promise<void> {
        const session = this.#session!;
        const deadline = this.#lostAt + session.info.resume_timeout_ms;
        if (performance.now() > deadline) return this.#dispatch('session_gone');
        try {
            await this.#pause('resume');
            if (this.#session !== session || this.#state.signal !== 'resuming') return;
            await session.resume(this.#life.signal);
        } catch (error) {
            if (this.#life.signal.aborted || this.#session !== session) return;
            const over = error instanceof ServerError && SESSION_OVER.has(error.code);
            return this.#dispatch(over ? 'session_gone' : 'resume_failed');
        }
        this.#dispatch('resumed');
        this.#queue.resume();
    }

    async #rejoin(): Promise<void> {
        this.#session?.close();
        this.#session = null;
        try {
            await this.#pause('rejoin');
            if (this.#state.signal !== 'rejoining') return;
            await this.#open(true);
        } catch (error) {
            if (this.#life.signal.aborted) return;
            const refused = error instanceof ServerError && !RETRYABLE.has(error.code);
            if (refused) this.#closedReason = error.code;
            return this.#dispatch(refused ? 'refused' : 'open_failed');
        }
        this.#dispatch('opened');
        if (this.#peer?.iceConnected) this.#dispatch('ice_connected');
    }

    async #pause(phase: ReconnectAttempt['phase']): Promise<void> {
        await this.#backoff.wait(this.#state.attempt, this.#life.signal, (step) =>
            this.#host.onAttempt({ phase, ...step }),
        );
    }

    #teardown(): void {
        clearTimeout(this.#giveUpTimer);
        clearTimeout(this.#restartTimer);
        this.#session?.close();
        this.#life.abort();
        this.#queue.close(new StoaError('not_connected', 'the room was left'));
        this.#replacePeer();
    }
}

/** Holds notifications back until the room has seen the join result that they follow. */
class Inbox {
    readonly #host: EngineHost;
    readonly #isCurrent: () => boolean;
    #waiting: (() => void)[] | null = [];

    constructor(host: EngineHost, isCurrent: () => boolean) {
        this.#host = host;
        this.#isCurrent = isCurrent;
    }

    deliver<N extends NotificationName>(name: N, params: Notifications[N]): void {
        const run = () => {
            if (this.#isCurrent()) this.#host.onNotification(name, params);
        };
        if (this.#waiting) this.#waiting.push(run);
        else run();
    }

    open(): void {
        const waiting = this.#waiting ?? [];
        this.#waiting = null;
        for (const run of waiting) run();
    }
}


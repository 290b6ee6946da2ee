import { AbortedError } from './errors.js';
import type { Notifications, NotificationName, WireResume, WireSession } from './protocol.js';
import { openLane, type LaneFactories, type LaneKind } from './lanes.js';
import type { RpcSocket } from './rpc.js';

export type TokenSource = string | (() => string | Promise<string>);

export interface SessionHandlers {
    onNotification<N extends NotificationName>(name: N, params: Notifications[N]): void;
    /** The socket went away without our doing; the session behind it may still live. */
    onLost(code: number, reason: string): void;
}

export interface SessionOptions extends LaneFactories {
    clientName: string;
    clientVersion: string;
}

const PING_ANSWER_MS = 5_000;
const PROBE_ANSWER_MS = 2_000;
/** Resumes that find no WebSocket before HTTP is tried: a server that starts anew is not one without WebSockets. */
const RESUMES_BEFORE_HTTP = 2;

/** `https://host/…` -> `wss://host/v1/rtc`. */
export function signallingUrl(base: string): string {
    const url = new URL('/v1/rtc', base);
    url.protocol = url.protocol === 'https:' || url.protocol === 'wss:' ? 'wss:' : 'ws:';
    return url.href;
}

/**
 * One server-side session over as many sockets as it takes. Hands every sequenced notification on exactly once and in
 * order; when one is missing the socket is dropped, because a resume brings it again.
 */
export class Session {
    readonly info: WireSession;
    readonly #url: string;
    readonly #handlers: SessionHandlers;
    readonly #options: SessionOptions;
    #rpc: RpcSocket;
    #secret: string;
    #seq: number;
    #pingTimer: ReturnType<typeof setInterval> | undefined;
    #closed = false;
    #lane: LaneKind;
    #failedResumes = 0;
    #iceServers: RTCIceServer[];

    private constructor(
        url: string,
        handlers: SessionHandlers,
        options: SessionOptions,
        rpc: RpcSocket,
        info: WireSession,
        lane: LaneKind,
    ) {
        this.#url = url;
        this.#handlers = handlers;
        this.#options = options;
        this.#rpc = rpc;
        this.info = info;
        this.#secret = info.secret;
        this.#seq = info.seq;
        this.#lane = lane;
        this.#iceServers = info.ice_servers;
    }

    static async open(
        baseUrl: string,
        token: string,
        handlers: SessionHandlers,
        options: SessionOptions,
        signal?: AbortSignal,
    ): Promise<Session> {
        const url = signallingUrl(baseUrl);
        let session: Session | undefined;
        const early: [string, Record<string, unknown>][] = [];
        const { rpc, kind } = await openLane(
            url,
            {
                onNotification: (method, params) =>
                    session ? session.#onNotification(method, params) : early.push([method, params]),
                onClose: (code, reason) => {
                    if (session) session.#onClose(rpc, code, reason);
                },
            },
            options,
            { prefer: 'websocket', fallBack: true, signal, timeoutMs: 10_000 },
        );
        const info = await abortable(
            rpc.request<WireSession>('session.open', {
                token,
                client: { name: options.clientName, version: options.clientVersion },
            }),
            signal,
            () => rpc.close(),
        ).catch((error: unknown) => {
            rpc.close();
            throw error;
        });
        session = new Session(url, handlers, options, rpc, info, kind);
        for (const [method, params] of early) session.#onNotification(method, params);
        session.#startPings();
        return session;
    }

    get connected(): boolean {
        return !this.#rpc.closed;
    }

    /** What carries the signalling. */
    get lane(): LaneKind {
        return this.#lane;
    }

    /** STUN and TURN servers that the server names, with the newest credentials. */
    get iceServers(): RTCIceServer[] {
        return this.#iceServers;
    }

    /** Number of the last notification that was handled. */
    get seq(): number {
        return this.#seq;
    }

    request<T>(method: string, params: object = {}): Promise<T> {
        return this.#rpc.request<T>(method, params);
    }

    /**
     * Takes the session up on a new socket. Rejects with ServerError `gone` or `unauthenticated` when it is over,
     * with ConnectionError when another try may help.
     */
    async resume(signal?: AbortSignal): Promise<void> {
        let current: RpcSocket | undefined;
        const early: [string, Record<string, unknown>][] = [];
        const fallBack = this.#failedResumes >= RESUMES_BEFORE_HTTP;
        this.#failedResumes++;
        const { rpc, kind } = await openLane(
            this.#url,
            {
                onNotification: (method, params) =>
                    current ? this.#onNotification(method, params) : early.push([method, params]),
                onClose: (code, reason) => current && this.#onClose(current, code, reason),
            },
            this.#options,
            { prefer: this.#lane, fallBack, signal, timeoutMs: 5_000 },
        );
        const params = { session: this.info.session, secret: this.#secret, seq: this.#seq };
        try {
            const answer = await rpc.request<WireResume>('session.resume', params, 5_000);
            if (this.#closed) throw new AbortedError();
            this.#secret = answer.secret;
            this.#iceServers = answer.ice_servers;
        } catch (error) {
            rpc.close();
            throw error;
        }
        this.#rpc = current = rpc;
        this.#lane = kind;
        this.#failedResumes = 0;
        for (const [method, parameters] of early) this.#onNotification(method, parameters);
        this.#startPings();
    }

    /** Asks whether the socket still carries anything; one that does not answer is dropped at once. */
    async probe(timeoutMs = PROBE_ANSWER_MS): Promise<void> {
        const rpc = this.#rpc;
        if (rpc.closed) return;
        // A request without an answer closes the socket.
        await rpc.request('session.ping', {}, timeoutMs).catch(() => undefined);
    }

    /** Drops the socket but not the session, as a dead network would. */
    dropSocket(): void {
        this.#rpc.close(4000, 'dropped');
    }

    /** Ends the session for good; never waits. */
    close(): void {
        if (this.#closed) return;
        this.#closed = true;
        clearInterval(this.#pingTimer);
        this.#rpc.fire('session.close');
        this.#rpc.close(1000, 'bye');
    }

    #startPings(): void {
        clearInterval(this.#pingTimer);
        this.#pingTimer = setInterval(
            () => void this.probe(PING_ANSWER_MS),
            this.info.ping_interval_ms,
        );
    }

    #onNotification(method: string, params: Record<string, unknown>): void {
        const { seq, ...rest } = params;
        if (typeof seq === 'number') {
            if (seq <= this.#seq) return;
            if (seq !== this.#seq + 1) return this.#rpc.close(4000, `gap at ${this.#seq + 1}`);
            this.#seq = seq;
        }
        this.#handlers.onNotification(method as NotificationName, rest as never);
    }

    #onClose(rpc: RpcSocket, code: number, reason: string): void {
        if (rpc !== this.#rpc || this.#closed) return;
        clearInterval(this.#pingTimer);
        this.#handlers.onLost(code, reason);
    }
}

function abortable<T>(
    promise: Promise<T>,
    signal: AbortSignal | undefined,
    onAbort: () => void,
): Promise<T> {
    if (!signal) return promise;
    return new Promise((resolve, reject) => {
        const abort = () => {
            onAbort();
            reject(new AbortedError());
        };
        signal.addEventListener('abort', abort, { once: true });
        promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
    });
}

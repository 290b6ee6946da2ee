import { AbortedError, ConnectionError, ServerError, StoaError } from './errors.js';
import { PROTOCOL } from './protocol.js';

export type SocketFactory = (url: string, protocol: string) => WebSocket;

export interface RpcHandlers {
    onNotification(method: string, params: Record<string, unknown>): void;
    onClose(code: number, reason: string): void;
}

interface Pending {
    resolve(value: unknown): void;
    reject(error: StoaError): void;
    timer: ReturnType<typeof setTimeout> | undefined;
}

const REQUEST_TIMEOUT_MS = 15_000;

/**
 * JSON-RPC 2.0 over one WebSocket, for the life of that socket. Requests still open when it closes are rejected with
 * `connection_lost`; whether the server did them is then unknown.
 */
export class RpcSocket {
    readonly #socket: WebSocket;
    readonly #handlers: RpcHandlers;
    readonly #pending = new Map<number, Pending>();
    #nextId = 1;
    #closed = false;
    /** When the last message came, in ms of performance.now(). */
    lastMessageAt = performance.now();

    private constructor(socket: WebSocket, handlers: RpcHandlers) {
        this.#socket = socket;
        this.#handlers = handlers;
        socket.addEventListener('message', (event) => this.#onMessage(event.data));
        socket.addEventListener('close', (event) =>
            this.#onClose(event.code, event.reason),
        );
    }

    /** Opens a socket; rejects with ConnectionError or AbortedError. */
    static open(
        url: string,
        handlers: RpcHandlers,
        factory: SocketFactory,
        { signal, timeoutMs = 10_000 }: { signal?: AbortSignal | undefined; timeoutMs?: number } = {},
    ): Promise<RpcSocket> {
        if (signal?.aborted) return Promise.reject(new AbortedError());
        return new Promise((resolve, reject) => {
            const socket = factory(url, PROTOCOL);
            const rpc = new RpcSocket(socket, handlers);
            let settled = false;
            const settle = (error?: StoaError) => {
                if (settled) return;
                settled = true;
                clearTimeout(timer);
                signal?.removeEventListener('abort', onAbort);
                if (!error) return resolve(rpc);
                rpc.#closed = true;
                socket.close();
                reject(error);
            };
            const onAbort = () => settle(new AbortedError());
            const timer = setTimeout(
                () => settle(new ConnectionError('timeout', `no connection to ${url} in time`)),
                timeoutMs,
            );
            signal?.addEventListener('abort', onAbort);
            socket.addEventListener('open', () => settle());
            const failed = (code?: number) =>
                settle(new ConnectionError('connect_failed', `cannot connect to ${url}`, code));
            socket.addEventListener('close', (event) => failed(event.code));
            socket.addEventListener('error', () => failed());
        });
    }

    get closed(): boolean {
        return this.#closed;
    }

    request<T>(method: string, params: object = {}, timeoutMs = REQUEST_TIMEOUT_MS): Promise<T> {
        if (this.#closed) return Promise.reject(lost(method));
        const id = this.#nextId++;
        return new Promise<T>((resolve, reject) => {
            const timer = setTimeout(() => {
                this.#pending.delete(id);
                reject(new ConnectionError('timeout', `${method}: no answer in ${timeoutMs} ms`));
                // Whether the request was done is unknown: only a resumed session can tell.
                this.close(4000, 'no answer');
            }, timeoutMs);
            this.#pending.set(id, { resolve: resolve as (value: unknown) => void, reject, timer });
            this.#socket.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }));
        });
    }

    /** Sends without waiting for an answer; used where the page is going away. */
    fire(method: string, params: object = {}): void {
        if (this.#closed || this.#socket.readyState !== 1) return;
        this.#socket.send(JSON.stringify({ jsonrpc: '2.0', id: this.#nextId++, method, params }));
    }

    /** Closes and calls onClose at once: a dead network would delay the close event by a minute. */
    close(code = 1000, reason = ''): void {
        if (this.#closed) return;
        this.#socket.close(code, reason);
        this.#onClose(code, reason);
    }

    #onMessage(data: unknown): void {
        if (this.#closed) return;
        this.lastMessageAt = performance.now();
        const message = parseMessage(data);
        if (!message) return this.close(4400, 'not JSON-RPC');
        if (typeof message['method'] === 'string') {
            const params = (message['params'] ?? {}) as Record<string, unknown>;
            this.#handlers.onNotification(message['method'], params);
            return;
        }
        if (typeof message['id'] === 'number') this.#settle(message['id'], message);
    }

    #settle(id: number, message: Record<string, unknown>): void {
        const pending = this.#pending.get(id);
        if (!pending) return;
        this.#pending.delete(id);
        clearTimeout(pending.timer);
        const error = message['error'] as RpcErrorBody | undefined;
        if (error) pending.reject(new ServerError(error.code, error.message, error.data ?? {}));
        else pending.resolve(message['result']);
    }

    #onClose(code: number, reason: string): void {
        if (this.#closed) return;
        this.#closed = true;
        for (const pending of this.#pending.values()) {
            clearTimeout(pending.timer);
            pending.reject(lost(`socket closed (${code})`, code));
        }
        this.#pending.clear();
        this.#handlers.onClose(code, reason);
    }
}

interface RpcErrorBody {
    code: number;
    message: string;
    data?: Record<string, unknown>;
}

function lost(what: string, code?: number): ConnectionError {
    return new ConnectionError('connection_lost', `${what}: connection lost`, code);
}

function parseMessage(data: unknown): Record<string, unknown> | null {
    if (typeof data !== 'string') return null;
    try {
        const value: unknown = JSON.parse(data);
        return typeof value === 'object' && value !== null && !Array.isArray(value)
            ? (value as Record<string, unknown>)
            : null;
    } catch {
        return null;
    }
}

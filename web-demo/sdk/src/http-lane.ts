/**
 * Signalling where no WebSocket gets through: calls by POST, what the server tells by a stream of server-sent events,
 * read with fetch because EventSource sends no Authorization header. To its user it looks like a WebSocket, so that the
 * rest of the client does not know the difference.
 */
import { EventStreamParser, type StreamEvent } from './event-stream.js';

const RPC_PATH = '/v1/rpc';
const EVENTS_PATH = '/v1/events';
/** The server says something at least every 20 s. */
const SILENCE_MS = 45_000;
/** Streams that end without a word before the lane counts as lost; waits between them. */
const STREAM_RETRY_MS = [0, 250, 1_000, 2_000];
const CODE_LOST = 1006;

interface Call {
    method?: unknown;
    params?: Record<string, unknown>;
}

interface Answer {
    result?: { bearer?: unknown };
}

/** `wss://host/v1/rtc` -> `https://host/v1/rpc`. */
function pathOf(socketUrl: string, path: string): string {
    const url = new URL(path, socketUrl);
    url.protocol = url.protocol === 'wss:' || url.protocol === 'https:' ? 'https:' : 'http:';
    return url.href;
}

export class HttpLane extends EventTarget {
    readonly #rpcUrl: string;
    readonly #eventsUrl: string;
    readonly #stop = new AbortController();
    #readyState = 0;
    #bearer: string | null = null;
    #lastEventId = '';
    #calls = 0;
    /** What was told while a call was under way: its answer comes first, as it would on one socket. */
    #held: string[] = [];

    constructor(socketUrl: string) {
        super();
        this.#rpcUrl = pathOf(socketUrl, RPC_PATH);
        this.#eventsUrl = pathOf(socketUrl, EVENTS_PATH);
        void this.#probe(pathOf(socketUrl, '/livez'));
    }

    get readyState(): number {
        return this.#readyState;
    }

    send(text: string): void {
        void this.#call(text);
    }

    /** Calls that are under way are not taken back. */
    close(): void {
        this.#readyState = 3;
        this.#stop.abort();
    }

    /** Only whether the server can be reached: what it says does not matter, nor may another origin read it. */
    async #probe(url: string): Promise<void> {
        try {
            await fetch(url, { mode: 'no-cors', cache: 'no-store', signal: this.#stop.signal });
        } catch {
            return this.#end(CODE_LOST, 'unreachable');
        }
        if (this.#readyState !== 0) return;
        this.#readyState = 1;
        this.dispatchEvent(new Event('open'));
    }

    async #call(text: string): Promise<void> {
        const call = JSON.parse(text) as Call;
        const { body, token } = this.#withoutToken(call, text);
        const bearer = token ?? this.#bearer;
        this.#calls++;
        let answer = '';
        try {
            const response = await fetch(this.#rpcUrl, {
                method: 'POST',
                headers: {
                    'Content-Type': 'application/json',
                    ...(bearer ? { Authorization: `Bearer ${bearer}` } : {}),
                },
                body,
                cache: 'no-store',
                // The page may be going away.
                keepalive: call.method === 'session.close',
            });
            if (!response.ok) throw new Error(`status ${response.status}`);
            answer = await response.text();
        } catch (error) {
            this.#calls--;
            return this.#end(CODE_LOST, String(error));
        }
        this.#calls--;
        if (this.#readyState !== 1) return;
        this.#takeBearer(call, answer);
        if (answer) this.#deliver(answer);
        // Behind whatever waits for the answer.
        setTimeout(() => this.#release());
    }

    /** The token of `session.open` goes into the header. */
    #withoutToken(call: Call, text: string): { body: string; token: string | null } {
        if (call.method !== 'session.open' || typeof call.params?.['token'] !== 'string')
            return { body: text, token: null };
        const { token, ...params } = call.params;
        return { body: JSON.stringify({ ...call, params }), token: token as string };
    }

    #takeBearer(call: Call, text: string): void {
        if (call.method !== 'session.open' && call.method !== 'session.resume') return;
        const bearer = (JSON.parse(text) as Answer).result?.bearer;
        if (typeof bearer !== 'string') return;
        this.#bearer = bearer;
        const seq = call.params?.['seq'];
        this.#lastEventId = typeof seq === 'number' ? String(seq) : '0';
        void this.#listen();
    }

    async #listen(): Promise<void> {
        let failures = 0;
        while (this.#readyState === 1) {
            const heard = await this.#readStream().catch(() => false);
            failures = heard ? 0 : failures + 1;
            const wait = STREAM_RETRY_MS[failures];
            if (wait === undefined) return this.#end(CODE_LOST, 'no stream of events');
            await new Promise((resolve) => setTimeout(resolve, wait));
        }
    }

    /** One stream to its end; true when it carried something. */
    async #readStream(): Promise<boolean> {
        const silence = new AbortController();
        const stop = () => silence.abort();
        this.#stop.signal.addEventListener('abort', stop);
        let timer = setTimeout(stop, SILENCE_MS);
        let heard = false;
        try {
            const response = await fetch(this.#eventsUrl, {
                headers: {
                    Accept: 'text/event-stream',
                    Authorization: `Bearer ${this.#bearer}`,
                    'Last-Event-ID': this.#lastEventId,
                },
                cache: 'no-store',
                signal: silence.signal,
            });
            // The session is over or somebody else's now: a resume finds out.
            if (response.status === 401 || response.status === 410) this.#end(CODE_LOST, 'refused');
            if (!response.ok || !response.body) return false;
            const reader = response.body.getReader();
            const parser = new EventStreamParser();
            for (;;) {
                const { done, value } = await reader.read();
                if (done) return heard;
                heard = true;
                clearTimeout(timer);
                timer = setTimeout(stop, SILENCE_MS);
                for (const event of parser.push(value)) this.#onEvent(event);
            }
        } finally {
            clearTimeout(timer);
            this.#stop.signal.removeEventListener('abort', stop);
        }
    }

    #onEvent({ event, data, id }: StreamEvent): void {
        if (this.#readyState !== 1) return;
        if (event === 'close') {
            const { code, reason } = JSON.parse(data) as { code: number; reason: string };
            this.#held.forEach((text) => this.#deliver(text));
            return this.#end(code, reason);
        }
        if (id !== undefined) this.#lastEventId = id;
        if (this.#calls > 0 || this.#held.length > 0) this.#held.push(data);
        else this.#deliver(data);
    }

    #release(): void {
        if (this.#calls > 0) return;
        const held = this.#held;
        this.#held = [];
        for (const text of held) this.#deliver(text);
    }

    #deliver(data: string): void {
        if (this.#readyState === 1) this.dispatchEvent(new MessageEvent('message', { data }));
    }

    #end(code: number, reason: string): void {
        if (this.#readyState === 3) return;
        this.close();
        this.dispatchEvent(Object.assign(new Event('close'), { code, reason }));
    }
}

export function browserHttpLane(url: string): WebSocket {
    // What RpcSocket uses of a WebSocket is all there.
    return new HttpLane(url) as unknown as WebSocket;
}

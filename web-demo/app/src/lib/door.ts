/**
 * One RTCPeerConnection behind a WHIP or WHEP endpoint (RFC 9725): POST the offer, PATCH a new start of ICE, DELETE at the end.
 * The server answers with all its candidates and takes checks from wherever they come, so none of ours need to be sent.
 */

export type DoorState = 'connecting' | 'live' | 'trouble' | 'ended';

export interface DoorOptions {
    url: string;
    /** `refused`: the last one was; another one, if there can be another. */
    token: (refused: boolean) => Promise<string>;
    /** Adds what is sent or received; called for each new connection. */
    prepare: (pc: RTCPeerConnection) => void;
    onState: (state: DoorState, why: string) => void;
}

/** What the server said against it; `retry` is false when trying again is of no use. */
export class DoorError extends Error {
    constructor(
        readonly status: number,
        readonly code: string,
        message: string,
        readonly retryMs: number,
    ) {
        super(message);
    }
    get retry(): boolean {
        return this.status === 409 || this.status === 429 || this.status >= 500 || this.status === 0;
    }
}

const RESTART_AFTER_MS = 2000;
const BACK_OFF_MS = [500, 1000, 2000, 4000, 8000];
const FRAGMENT = 'application/trickle-ice-sdpfrag';

async function refusal(response: Response): Promise<DoorError> {
    let code = '';
    let text = response.statusText;
    try {
        const problem = (await response.json()) as { code?: string; detail?: string; title?: string };
        code = problem.code ?? '';
        text = problem.detail ?? problem.title ?? text;
    } catch {
        // no problem document: the status has to do
    }
    return new DoorError(response.status, code, text, 1000 * Number(response.headers.get('retry-after') ?? 0));
}

function line(sdp: string, name: string): string {
    return new RegExp(`^a=${name}:(.*)$`, 'm').exec(sdp)?.[1]?.trim() ?? '';
}

/** The fragment of an offer that begins ICE anew (RFC 8840). */
export function fragmentOf(sdp: string): string {
    const media = /^m=.*$/m.exec(sdp)?.[0].trim() ?? '';
    const lines = [`a=ice-ufrag:${line(sdp, 'ice-ufrag')}`, `a=ice-pwd:${line(sdp, 'ice-pwd')}`, media, `a=mid:${line(sdp, 'mid')}`];
    return lines.join('\r\n') + '\r\n';
}

/** The last answer with the credentials of the server's fragment. */
export function renewAnswer(answer: string, fragment: string): string {
    return answer
        .replace(/^a=ice-ufrag:.*$/gm, `a=ice-ufrag:${line(fragment, 'ice-ufrag')}`)
        .replace(/^a=ice-pwd:.*$/gm, `a=ice-pwd:${line(fragment, 'ice-pwd')}`);
}

export class Door {
    pc: RTCPeerConnection | null = null;
    private place = '';
    private answer = '';
    private tries = 0;
    private over = false;
    private timer = 0;
    private restarting: RTCPeerConnection | null = null;

    constructor(private readonly options: DoorOptions) {}

    async open(): Promise<void> {
        try {
            await this.connect();
        } catch (error) {
            this.failed(error);
        }
    }

    async close(): Promise<void> {
        this.over = true;
        clearTimeout(this.timer);
        const place = this.place;
        this.drop();
        if (place) await this.request('DELETE', place).catch(() => undefined);
        this.options.onState('ended', '');
    }

    private drop(): void {
        this.pc?.close();
        this.pc = null;
        this.place = '';
    }

    private async send(method: string, url: string, token: string, body?: string, headers: Record<string, string> = {}): Promise<Response> {
        const authorization = `Bearer ${token}`;
        try {
            return await fetch(url, { method, headers: { authorization, ...headers }, ...(body ? { body } : {}), keepalive: method === 'DELETE' });
        } catch {
            throw new DoorError(0, 'connect_failed', 'the server cannot be reached', 0);
        }
    }

    private async request(method: string, url: string, body?: string, headers?: Record<string, string>): Promise<Response> {
        const token = await this.options.token(false);
        let response = await this.send(method, url, token, body, headers);
        if (response.status === 401) {
            // The page may be older than its token.
            const other = await this.options.token(true);
            if (other !== token) response = await this.send(method, url, other, body, headers);
        }
        if (!response.ok) throw await refusal(response);
        return response;
    }

    private async connect(): Promise<void> {
        this.options.onState('connecting', '');
        this.drop();
        const pc = new RTCPeerConnection({ bundlePolicy: 'max-bundle' });
        this.pc = pc;
        pc.onconnectionstatechange = () => this.changed(pc);
        this.options.prepare(pc);
        await pc.setLocalDescription();
        const response = await this.request('POST', this.options.url, pc.localDescription!.sdp, { 'content-type': 'application/sdp' });
        const place = new URL(response.headers.get('location') ?? '', new URL(this.options.url, document.baseURI)).href;
        const answer = await response.text();
        if (this.over || pc !== this.pc) {
            // Closed meanwhile: nobody else knows where this session is.
            await this.request('DELETE', place).catch(() => undefined);
            return;
        }
        const iceServers = iceServersOf(response.headers.get('link') ?? '');
        // They come too late for this gathering; an ICE restart, which follows a failure, uses them.
        if (iceServers.length > 0) pc.setConfiguration({ bundlePolicy: 'max-bundle', iceServers });
        this.place = place;
        this.answer = answer;
        await pc.setRemoteDescription({ type: 'answer', sdp: this.answer });
    }

    private changed(pc: RTCPeerConnection): void {
        if (pc !== this.pc || this.over) return;
        clearTimeout(this.timer);
        if (pc.connectionState === 'connected') {
            this.tries = 0;
            this.options.onState('live', '');
        } else if (pc.connectionState === 'disconnected') {
            this.options.onState('trouble', 'no answer');
            this.timer = window.setTimeout(() => void this.restart(pc), RESTART_AFTER_MS);
        } else if (pc.connectionState === 'failed') {
            void this.restart(pc);
        }
    }

    /** New paths for the same session; if it is gone, a new session. */
    private async restart(pc: RTCPeerConnection): Promise<void> {
        if (this.restarting === pc) return;
        this.restarting = pc;
        try {
            await pc.setLocalDescription(await pc.createOffer({ iceRestart: true }));
            const fragment = fragmentOf(pc.localDescription!.sdp);
            const response = await this.request('PATCH', this.place, fragment, { 'content-type': FRAGMENT, 'if-match': '*' });
            this.answer = renewAnswer(this.answer, await response.text());
            await pc.setRemoteDescription({ type: 'answer', sdp: this.answer });
        } catch (error) {
            if (pc === this.pc && !this.over) this.failed(error instanceof DoorError && error.status === 404 ? null : error);
        } finally {
            if (this.restarting === pc) this.restarting = null;
        }
    }

    private failed(error: unknown): void {
        if (this.over) return;
        const refused = error instanceof DoorError ? error : null;
        const why = error instanceof Error ? error.message : '';
        const tokenless = (error as { code?: string } | null)?.code === 'no_token';
        if (tokenless || (refused && !refused.retry)) {
            this.over = true;
            this.drop();
            this.options.onState('ended', why);
            return;
        }
        const wait = Math.max(refused?.retryMs ?? 0, BACK_OFF_MS[Math.min(this.tries++, BACK_OFF_MS.length - 1)]!);
        this.options.onState('trouble', why);
        this.timer = window.setTimeout(() => void this.open(), wait);
    }
}

/** `<turn:host>; rel="ice-server"; username="u"; credential="c"` (RFC 9725, 4.6) */
export function iceServersOf(links: string): RTCIceServer[] {
    const servers: RTCIceServer[] = [];
    for (const [, urls, params] of links.matchAll(/<([^>]*)>((?:;\s*[\w-]+="[^"]*")*)/g)) {
        const fields = Object.fromEntries([...params!.matchAll(/([\w-]+)="([^"]*)"/g)].map(([, name, value]) => [name, value!]));
        if (fields['rel'] !== 'ice-server') continue;
        const { username, credential } = fields;
        servers.push(username && credential ? { urls: urls!, username, credential } : { urls: urls! });
    }
    return servers;
}

/** What a viewer of numbers wants to know: once per call, since the last one. */
export class Health {
    private bytes = 0;
    private frames = 0;
    private at = 0;

    async read(pc: RTCPeerConnection): Promise<string> {
        let bytes = 0;
        let frames = 0;
        let lost = 0;
        let size = '';
        let rtt: number | undefined;
        for (const row of (await pc.getStats()).values() as Iterable<Record<string, number | string>>) {
            if (row['type'] === 'inbound-rtp' || row['type'] === 'outbound-rtp') {
                bytes += Number(row['bytesReceived'] ?? row['bytesSent'] ?? 0);
                frames += Number(row['framesDecoded'] ?? row['framesEncoded'] ?? 0);
                if (row['frameWidth']) size = `${row['frameWidth']}×${row['frameHeight']}`;
            }
            if (row['type'] === 'inbound-rtp' || row['type'] === 'remote-inbound-rtp') lost += Number(row['packetsLost'] ?? 0);
            if (row['type'] === 'candidate-pair' && row['nominated']) rtt = Number(row['currentRoundTripTime'] ?? NaN);
        }
        const now = performance.now();
        const seconds = this.at ? (now - this.at) / 1000 : Infinity;
        const text = [
            size,
            `${Math.round((frames - this.frames) / seconds)} pictures/s`,
            `${Math.round(((bytes - this.bytes) * 8) / seconds / 1000)} kbit/s`,
            `${lost} lost`,
            rtt === undefined || Number.isNaN(rtt) ? '' : `${Math.round(rtt * 1000)} ms`,
        ];
        [this.bytes, this.frames, this.at] = [bytes, frames, now];
        return text.filter(Boolean).join(' · ');
    }
}

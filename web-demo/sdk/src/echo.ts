import { browserHttpLane, browserSocket } from './browser.js';
import { slotCodecs } from './codecs.js';
import { Emitter } from './emitter.js';
import { AbortedError } from './errors.js';
import type { TrackKind } from './protocol.js';
import type { SocketFactory } from './rpc.js';
import { Session, type TokenSource } from './session.js';
import { VERSION } from './version.js';

export interface EchoTestEvents {
    /** Media flows: what is sent comes back on the `stream`. */
    connected: [];
    failed: [reason: string];
}

export interface EchoTestOptions {
    iceServers?: RTCIceServer[];
    signal?: AbortSignal;
    socketFactory?: SocketFactory;
}

/** Sends one's own camera and microphone to the server and gets them back, without meeting anybody. */
export class EchoTest extends Emitter<EchoTestEvents> {
    readonly #pc: RTCPeerConnection;
    readonly #session: Session;
    /** What came back; to be shown in a <video>. */
    readonly stream: MediaStream;

    private constructor(session: Session, pc: RTCPeerConnection, stream: MediaStream) {
        super();
        this.#session = session;
        this.#pc = pc;
        this.stream = stream;
    }

    get peerConnection(): RTCPeerConnection {
        return this.#pc;
    }

    static async start(
        url: string,
        token: TokenSource,
        tracks: readonly MediaStreamTrack[],
        options: EchoTestOptions = {},
    ): Promise<EchoTest> {
        const jwt = typeof token === 'function' ? await token() : token;
        let echo: EchoTest | undefined;
        const session = await Session.open(
            url,
            jwt,
            { onNotification: () => undefined, onLost: () => echo?.emit('failed', 'connection_lost') },
            {
                socketFactory: options.socketFactory ?? browserSocket,
                httpFactory: options.socketFactory ? undefined : browserHttpLane,
                clientName: 'stoa-client-js',
                clientVersion: VERSION,
            },
            options.signal,
        );
        const pc = new RTCPeerConnection({
            iceServers: options.iceServers ?? session.iceServers,
            bundlePolicy: 'max-bundle',
        });
        try {
            echo = new EchoTest(session, pc, prepare(pc, tracks));
            await echo.#negotiate();
            if (options.signal?.aborted) throw new AbortedError();
        } catch (error) {
            pc.close();
            session.close();
            throw error;
        }
        return echo;
    }

    stop(): void {
        this.#session.close();
        this.#pc.close();
    }

    async #negotiate(): Promise<void> {
        this.#pc.addEventListener('connectionstatechange', () => {
            const { connectionState } = this.#pc;
            if (connectionState === 'connected') this.emit('connected');
            if (connectionState === 'failed') this.emit('failed', 'media');
        });
        await this.#pc.setLocalDescription(await this.#pc.createOffer());
        const params = { sdp: this.#pc.localDescription!.sdp };
        const { sdp } = await this.#session.request<{ sdp: string }>('echo.start', params);
        await this.#pc.setRemoteDescription({ type: 'answer', sdp });
    }
}

/** One m-line out for each track and one pair in; returns the stream of the pair. */
function prepare(pc: RTCPeerConnection, tracks: readonly MediaStreamTrack[]): MediaStream {
    const out = new MediaStream([...tracks]);
    for (const track of tracks) pc.addTransceiver(track, { direction: 'sendonly', streams: [out] });
    const kinds: TrackKind[] = ['audio', 'video'];
    const receivers = kinds.map((kind) => {
        const transceiver = pc.addTransceiver(kind, { direction: 'recvonly' });
        const codecs = slotCodecs(kind, RTCRtpReceiver.getCapabilities(kind)?.codecs ?? []);
        if (codecs.length > 0) transceiver.setCodecPreferences(codecs);
        return transceiver.receiver.track;
    });
    return new MediaStream(receivers);
}

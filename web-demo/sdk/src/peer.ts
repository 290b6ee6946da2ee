import { offerDescriptor, publishCodecs, slotCodecs, sendParameters, type PublishOptions, type VideoCodec } from './codecs.js';
import { NegotiationError, ServerError, StoaError } from './errors.js';
import type { LocalTrack } from './local-track.js';
import type { NegotiationRun } from './negotiation.js';
import type { TrackKind, TrackSource, WireAnswer, WireOfferTrack } from './protocol.js';
import type { SlotFeed } from './remote-track.js';

export interface PeerHooks {
    sendOffer(sdp: string, tracks: WireOfferTrack[]): Promise<WireAnswer>;
    onIceState(state: RTCIceConnectionState): void;
    onFailed(): void;
    onFeed(feed: SlotFeed): void;
    onAnswer(answer: WireAnswer): void;
    createPlayer(stream: MediaStream): HTMLAudioElement | null;
}

export type PeerFactory = (config: RTCConfiguration) => RTCPeerConnection;

interface Publication {
    readonly track: LocalTrack;
    readonly transceiver: RTCRtpTransceiver;
    options: PublishOptions;
    /** Encodings that somebody watches; null: not said, so all. */
    wanted: ReadonlySet<string> | null;
    /** Changes of parameters, one after another: each must begin with what the one before left. */
    changes: Promise<void>;
}

interface PendingOffer {
    readonly sdp: string;
    readonly tracks: WireOfferTrack[];
}

const TRANSPORT: RTCConfiguration = { bundlePolicy: 'max-bundle', rtcpMuxPolicy: 'require' };
const KINDS: readonly TrackKind[] = ['audio', 'video'];
const PARAMETER_TRIES = 5;
const PARAMETER_RETRY_MS = 100;

function fillParameters(parameters: RTCRtpSendParameters, { track, options, wanted }: Publication): void {
    const plan = sendParameters(track.source, track.mediaStreamTrack, options);
    for (const encoding of parameters.encodings) {
        const layer = encoding.rid ? plan.layers?.find((each) => each.rid === encoding.rid) : undefined;
        Object.assign(encoding, layer ?? plan.encoding);
        if (layer) encoding.active = layer.active !== false && (!wanted || wanted.has(layer.rid!));
    }
    if (plan.degradationPreference) parameters.degradationPreference = plan.degradationPreference;
}

function sendCodecs(): readonly RTCRtpCodec[] {
    return globalThis.RTCRtpSender?.getCapabilities('video')?.codecs ?? [];
}

/** What an encoding is made with, and cannot be changed to later without another offer. */
function layering(kind: TrackKind, { codec, scalabilityMode }: PublishOptions): object {
    const wished = kind === 'video' && codec ? publishCodecs(codec, sendCodecs())[0] : undefined;
    if (!wished) return {};
    return { codec: wished, ...(scalabilityMode === undefined ? {} : { scalabilityMode }) };
}

function preferCodec(transceiver: RTCRtpTransceiver, codec: VideoCodec): void {
    const codecs = publishCodecs(codec, sendCodecs());
    if (codecs.length > 0) transceiver.setCodecPreferences([...codecs]);
}

/**
 * The one PeerConnection of a session: what is published, the receive slots, and one offer/answer exchange. The caller
 * sees to it that exchanges do not overlap.
 */
export class Peer {
    readonly pc: RTCPeerConnection;
    readonly #hooks: PeerHooks;
    readonly #publications = new Map<LocalTrack, Publication>();
    readonly #idle = new Map<TrackSource, RTCRtpTransceiver[]>();
    readonly #receivers: RTCRtpTransceiver[] = [];
    readonly #announced = new Set<RTCRtpTransceiver>();
    readonly #streams = { camera: new MediaStream(), screen: new MediaStream() };
    /** An offer whose answer never came: it is sent again unchanged, the server may have taken it. */
    #pending: PendingOffer | null = null;

    constructor(factory: PeerFactory, ice: RTCConfiguration, hooks: PeerHooks) {
        this.#hooks = hooks;
        this.pc = factory({ ...ice, ...TRANSPORT });
        this.pc.addEventListener('iceconnectionstatechange', () =>
            hooks.onIceState(this.pc.iceConnectionState),
        );
        this.pc.addEventListener('connectionstatechange', () => {
            // ICE may still be up when DTLS has failed: only a new PeerConnection helps then.
            const { connectionState, iceConnectionState } = this.pc;
            if (connectionState === 'failed' && iceConnectionState !== 'failed') hooks.onFailed();
        });
    }

    /** Before an ICE restart: the credentials of TURN servers run out. */
    renewIce(ice: RTCConfiguration): void {
        this.pc.setConfiguration({ ...ice, ...TRANSPORT });
    }

    get pairs(): number {
        return this.#receivers.length / 2;
    }

    get iceConnected(): boolean {
        return ['connected', 'completed'].includes(this.pc.iceConnectionState);
    }

    /** Adds receive slots up to `pairs`; true when an offer has to tell the server. */
    growTo(pairs: number): boolean {
        const before = this.pairs;
        for (let pair = before; pair < pairs; pair++)
            for (const kind of KINDS) this.#receivers.push(this.#addSlot(kind));
        return this.pairs > before;
    }

    publish(track: LocalTrack, options: PublishOptions): void {
        if (this.#publications.has(track)) return;
        const media = track.muted ? null : track.mediaStreamTrack;
        const { encoding, layers } = sendParameters(track.source, track.mediaStreamTrack, options);
        let transceiver = this.#idle.get(track.source)?.pop();
        if (transceiver) {
            transceiver.direction = 'sendonly';
            void transceiver.sender.replaceTrack(media);
        } else {
            const inner = layering(track.kind, options);
            const group = track.source.startsWith('screen') ? 'screen' : 'camera';
            transceiver = this.pc.addTransceiver(media ?? track.kind, {
                direction: 'sendonly',
                streams: [this.#streams[group]],
                sendEncodings: (layers ?? [encoding]).map((each) => ({ ...each, ...inner })),
            });
            if (track.kind === 'video' && options.codec) preferCodec(transceiver, options.codec);
        }
        const publication = { track, transceiver, options, wanted: null, changes: Promise.resolve() };
        this.#publications.set(track, publication);
        void this.#applyParameters(publication);
    }

    /** The m-line stays for the next track of this source. */
    unpublish(track: LocalTrack): boolean {
        const publication = this.#publications.get(track);
        if (!publication) return false;
        const { transceiver } = publication;
        this.#publications.delete(track);
        void transceiver.sender.replaceTrack(null).catch(() => undefined);
        if (this.pc.signalingState !== 'closed') transceiver.direction = 'inactive';
        const idle = this.#idle.get(track.source) ?? [];
        this.#idle.set(track.source, [...idle, transceiver]);
        return true;
    }

    /** Sends what the track holds now: nothing while it is muted. */
    async syncSender(track: LocalTrack): Promise<void> {
        const publication = this.#publications.get(track);
        if (!publication) return;
        await publication.transceiver.sender.replaceTrack(track.muted ? null : track.mediaStreamTrack);
        // Another camera may be larger or smaller than the one before.
        if (!track.muted) void this.#applyParameters(publication);
    }

    /** The server's word on which encodings of a track somebody watches. */
    setWantedEncodings(trackId: string, rids: readonly string[]): void {
        const publication = [...this.#publications.values()].find((each) => each.track.id === trackId);
        if (!publication) return;
        publication.wanted = new Set(rids);
        void this.#applyParameters(publication);
    }

    #applyParameters(publication: Publication): Promise<void> {
        publication.changes = publication.changes.then(() => this.#changeParameters(publication));
        return publication.changes;
    }

    async #changeParameters(publication: Publication): Promise<void> {
        const { track, transceiver } = publication;
        // Refused while an exchange changes the parameters: what it leaves is the base of the next try.
        for (let attempt = 0; attempt < PARAMETER_TRIES; attempt++) {
            if (this.#publications.get(track) !== publication) return;
            const parameters = transceiver.sender.getParameters();
            fillParameters(parameters, publication);
            try {
                return await transceiver.sender.setParameters(parameters);
            } catch {
                await new Promise((resolve) => setTimeout(resolve, PARAMETER_RETRY_MS));
            }
        }
    }

    midOf(track: LocalTrack): string | null {
        return this.#publications.get(track)?.transceiver.mid ?? null;
    }

    senderOf(track: LocalTrack): RTCRtpSender | null {
        return this.#publications.get(track)?.transceiver.sender ?? null;
    }

    /** One exchange. On a lost connection the offer is kept and goes out again first. */
    async negotiate({ iceRestart }: NegotiationRun): Promise<void> {
        if (this.#pending) await this.#exchange(this.#pending);
        const offer = await this.pc.createOffer({ iceRestart });
        await this.pc.setLocalDescription(offer);
        this.#announceFeeds();
        this.#pending = { sdp: this.pc.localDescription!.sdp, tracks: this.#offerRows() };
        await this.#exchange(this.#pending);
    }

    close(): void {
        this.pc.close();
    }

    async #exchange(pending: PendingOffer): Promise<void> {
        let answer: WireAnswer;
        try {
            answer = await this.#hooks.sendOffer(pending.sdp, pending.tracks);
        } catch (error) {
            if (error instanceof ServerError) await this.#rollback();
            throw error;
        }
        this.#pending = null;
        try {
            await this.pc.setRemoteDescription({ type: 'answer', sdp: answer.sdp });
        } catch (error) {
            await this.#rollback();
            throw new NegotiationError('the answer does not fit the offer', error);
        }
        for (const row of answer.tracks) this.#publicationAt(row.mid)?.track.setId(row.id);
        this.#hooks.onAnswer(answer);
    }

    async #rollback(): Promise<void> {
        this.#pending = null;
        if (this.pc.signalingState === 'have-local-offer')
            await this.pc.setLocalDescription({ type: 'rollback' });
    }

    #offerRows(): WireOfferTrack[] {
        return [...this.#publications.values()]
            .filter(({ transceiver }) => transceiver.mid !== null)
            .map(({ track, transceiver }) => ({
                mid: transceiver.mid!,
                source: track.source,
                muted: track.muted,
            }));
    }

    #publicationAt(mid: string): Publication | undefined {
        return [...this.#publications.values()].find((each) => each.transceiver.mid === mid);
    }

    #addSlot(kind: TrackKind): RTCRtpTransceiver {
        const transceiver = this.pc.addTransceiver(kind, { direction: 'recvonly' });
        const available = globalThis.RTCRtpReceiver?.getCapabilities(kind)?.codecs ?? [];
        const codecs = slotCodecs(kind, available);
        if (codecs.length > 0) transceiver.setCodecPreferences(codecs);
        if (kind === 'video') offerDescriptor(transceiver);
        return transceiver;
    }

    /** Slots are known by their mid, which the browser gives with the first offer that holds them. */
    #announceFeeds(): void {
        for (const transceiver of this.#receivers) {
            if (transceiver.mid === null || this.#announced.has(transceiver)) continue;
            this.#announced.add(transceiver);
            const { receiver } = transceiver;
            const stream = new MediaStream([receiver.track]);
            const kind = receiver.track.kind as TrackKind;
            const player = kind === 'audio' ? this.#hooks.createPlayer(stream) : null;
            const feed = { mid: transceiver.mid, kind, receiver, track: receiver.track, stream, player };
            this.#hooks.onFeed(feed);
        }
    }
}

/** True for errors after which the same exchange may be tried again on another socket. */
export function isRetryableExchange(error: unknown): boolean {
    return error instanceof StoaError && ['connection_lost', 'timeout'].includes(error.code);
}

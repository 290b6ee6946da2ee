import {
    byteLength,
    DESTINATIONS,
    LINE_BYTES,
    readData,
    TOPIC_BYTES,
    writeData,
    type DataAddress,
    type DataLine,
    type DataPayload,
} from './data-line.js';
import { StoaError } from './errors.js';

export interface PublishDataOptions {
    /** Default true: repeated until it arrives, in order. False: sent once; late or lost ones are not repeated. */
    reliable?: boolean;
    /** Who gets it, at most 100; who is not in the room is passed over. Default: everybody else. */
    destinationIdentities?: readonly string[];
    /** What the message is about, at most 128 bytes. */
    topic?: string;
}

export interface DataInfo {
    /** Empty when the sender named none. */
    topic: string;
    reliable: boolean;
    /** The sender named receivers: not everybody got it. */
    direct: boolean;
}

export interface DataHost {
    /** The ids of those identities that are in the room. */
    idsOf(identities: readonly string[]): string[];
    deliver(line: DataLine, payload: DataPayload, reliable: boolean): void;
}

/** Ids that every client and the server know (docs/protocol.md). */
const RELIABLE = 60;
const LOSSY = 61;
/** What a message may have at most, if the answer does not say less. */
const MESSAGE_BYTES = 65_536;
/** What may wait in the browser; beyond it messages wait here, and unreliable ones are dropped. */
const BUFFER_BYTES = 256 * 1024;
const BUFFER_LOW_BYTES = 64 * 1024;
const LOSSY_BUFFER_BYTES = 64 * 1024;
/** What may wait here; beyond it publishing is refused. */
const QUEUE_BYTES = 4 * 1024 * 1024;

interface Waiting {
    payload: DataPayload;
    bytes: number;
    options: PublishDataOptions;
    resolve(): void;
    reject(error: unknown): void;
}

/**
 * The two data channels of a room, over as many PeerConnections as it takes: what waits outlives a PeerConnection, what
 * the browser was given does not.
 */
export class DataChannels {
    readonly #host: DataHost;
    #pc: RTCPeerConnection | null = null;
    #reliable: RTCDataChannel | null = null;
    #lossy: RTCDataChannel | null = null;
    /** The association of this PeerConnection has ended, or the server refused it. */
    #ended = false;
    #queue: Waiting[] = [];
    #queuedBytes = 0;

    constructor(host: DataHost) {
        this.#host = host;
    }

    /** Bytes that a payload may have. */
    get maxBytes(): number {
        return Math.min(this.#pc?.sctp?.maxMessageSize ?? MESSAGE_BYTES, MESSAGE_BYTES) - LINE_BYTES;
    }

    /** Before the first offer of a PeerConnection. */
    attach(pc: RTCPeerConnection): void {
        this.detach();
        this.#pc = pc;
        this.#reliable = this.#create(pc, 'reliable', { negotiated: true, id: RELIABLE });
        this.#lossy = this.#create(pc, 'lossy', {
            negotiated: true,
            id: LOSSY,
            ordered: false,
            maxRetransmits: 0,
        });
        const channel = this.#reliable;
        channel.bufferedAmountLowThreshold = BUFFER_LOW_BYTES;
        channel.addEventListener('bufferedamountlow', () => this.#pump());
        channel.addEventListener('open', () => {
            if (channel !== this.#reliable) return;
            channel.send(''); // from now on the server sends us something
            this.#pump();
        });
        channel.addEventListener('close', () => {
            if (channel === this.#reliable) this.#end('the data channels were closed');
        });
    }

    onAnswer(sdp: string): void {
        if (/^m=application 0 /m.test(sdp)) this.#end('the server takes no data channels');
    }

    /** The PeerConnection is gone; another may come. */
    detach(): void {
        const channels = [this.#reliable, this.#lossy];
        this.#pc = this.#reliable = this.#lossy = null;
        this.#ended = false;
        for (const channel of channels) channel?.close();
    }

    /** Nothing comes any more. */
    close(error: StoaError): void {
        this.detach();
        this.#rejectAll(error);
    }

    publish(payload: DataPayload, options: PublishDataOptions): Promise<void> {
        try {
            const bytes = this.#check(payload, options);
            if (options.reliable === false) return Promise.resolve(this.#sendOnce(payload, options));
            const { destinationIdentities: to } = options; // the caller may change its list while this waits
            return this.#enqueue(payload, bytes, to ? { ...options, destinationIdentities: [...to] } : options);
        } catch (error) {
            return Promise.reject(error);
        }
    }

    #create(pc: RTCPeerConnection, label: string, init: RTCDataChannelInit): RTCDataChannel {
        const channel = pc.createDataChannel(label, init);
        channel.binaryType = 'arraybuffer';
        channel.addEventListener('message', ({ data }) => {
            const read = pc === this.#pc ? readData(data) : null;
            if (read) this.#host.deliver(read.line, read.payload, init.id === RELIABLE);
        });
        return channel;
    }

    /** Bytes of the payload. */
    #check(payload: DataPayload, { topic = '', destinationIdentities }: PublishDataOptions): number {
        if (this.#ended) throw new StoaError('data_closed', 'the data channels of this connection have ended');
        const bytes = byteLength(payload);
        if (bytes > this.maxBytes)
            throw new StoaError('too_large', `${bytes} bytes of data, ${this.maxBytes} is the most`);
        if (byteLength(topic) > TOPIC_BYTES)
            throw new StoaError('too_large', `a topic has at most ${TOPIC_BYTES} bytes`);
        if (destinationIdentities && destinationIdentities.length > DESTINATIONS)
            throw new StoaError('too_large', `at most ${DESTINATIONS} destinations`);
        return bytes;
    }

    #enqueue(payload: DataPayload, bytes: number, options: PublishDataOptions): Promise<void> {
        const cost = bytes + LINE_BYTES;
        if (this.#queuedBytes + cost > QUEUE_BYTES)
            throw new StoaError('queue_full', `${QUEUE_BYTES} bytes of data are waiting already`);
        this.#queuedBytes += cost;
        // A caller may write to its buffer again before this one leaves.
        const kept = typeof payload === 'string' ? payload : payload.slice();
        return new Promise((resolve, reject) => {
            this.#queue.push({ payload: kept, bytes: cost, options, resolve, reject });
            this.#pump();
        });
    }

    /** Hands on what there is room for. */
    #pump(): void {
        const channel = this.#reliable;
        while (channel?.readyState === 'open' && channel.bufferedAmount < BUFFER_BYTES) {
            const next = this.#queue.shift();
            if (!next) return;
            this.#queuedBytes -= next.bytes;
            try {
                this.#send(channel, next.payload, next.options);
                next.resolve();
            } catch (error) {
                next.reject(error);
            }
        }
    }

    /** What cannot leave now is as good as lost on the way. */
    #sendOnce(payload: DataPayload, options: PublishDataOptions): void {
        const channel = this.#lossy;
        if (channel?.readyState !== 'open' || channel.bufferedAmount > LOSSY_BUFFER_BYTES) return;
        this.#send(channel, payload, options);
    }

    #send(channel: RTCDataChannel, payload: DataPayload, options: PublishDataOptions): void {
        const message = writeData(this.#address(options), payload);
        if (typeof message === 'string') channel.send(message);
        else channel.send(message);
    }

    #address({ topic, destinationIdentities }: PublishDataOptions): DataAddress {
        const to = destinationIdentities && this.#host.idsOf(destinationIdentities);
        if (to?.length === 0) throw new StoaError('not_found', 'none of the destinations is in the room');
        if (to && to.length > DESTINATIONS)
            throw new StoaError('too_large', `${to.length} destinations in the room, ${DESTINATIONS} is the most`);
        return { ...(topic ? { topic } : {}), ...(to ? { to } : {}) };
    }

    #end(why: string): void {
        if (this.#ended) return;
        this.#ended = true;
        this.#rejectAll(new StoaError('data_closed', why));
    }

    #rejectAll(error: StoaError): void {
        const queue = this.#queue;
        this.#queue = [];
        this.#queuedBytes = 0;
        for (const each of queue) each.reject(error);
    }
}

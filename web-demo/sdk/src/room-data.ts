import { DataChannels, type DataInfo, type PublishDataOptions } from './data-channels.js';
import type { DataPayload } from './data-line.js';
import { EarlyData } from './early-data.js';
import { StoaError } from './errors.js';
import type { Participant } from './participants.js';

export interface RoomDataHost {
    /** Whether the token of the current session grants data. */
    isGranted(): boolean;
    /** Everybody in the room, oneself too. */
    participants(): Iterable<Participant>;
    received(payload: DataPayload, participant: Participant, info: DataInfo): void;
}

/** Data between the participants of a room: who may, and from ids to participants and back. */
export class RoomData {
    readonly #host: RoomDataHost;
    readonly #isWanted: boolean;
    readonly #channels: DataChannels;
    readonly #early = new EarlyData<[payload: DataPayload, info: DataInfo]>();

    /** Not wanted: no channels, even where they are granted. */
    constructor(host: RoomDataHost, isWanted: boolean) {
        this.#host = host;
        this.#isWanted = isWanted;
        this.#channels = new DataChannels({
            idsOf: (identities) => this.#idsOf(identities),
            deliver: ({ from, topic, direct }, payload, reliable) =>
                this.#deliver(from, payload, { topic, reliable, direct }),
        });
    }

    get maxBytes(): number {
        return this.#channels.maxBytes;
    }

    async publish(payload: DataPayload, options: PublishDataOptions): Promise<void> {
        if (!this.#host.isGranted()) throw notGranted();
        if (!this.#isWanted)
            throw new StoaError('invalid_state', 'this room was made without data channels');
        return this.#channels.publish(payload, options);
    }

    /** Before the first offer of a PeerConnection; the session may have other grants than the one before it. */
    onPeerMade(pc: RTCPeerConnection): void {
        if (!this.#host.isGranted()) this.#channels.close(notGranted());
        else if (this.#isWanted) this.#channels.attach(pc);
    }

    onPeerLost(): void {
        this.#channels.detach();
    }

    onAnswer(sdp: string): void {
        this.#channels.onAnswer(sdp);
    }

    /** Somebody came whose messages may be here already. */
    onParticipants(): void {
        for (const { id } of this.#host.participants())
            for (const [payload, info] of this.#early.take(id)) this.#deliver(id, payload, info);
    }

    /** The room was left. */
    close(): void {
        this.#channels.close(new StoaError('not_connected', 'the room was left'));
        this.#early.clear();
    }

    #idsOf(identities: readonly string[]): string[] {
        const wanted = new Set(identities);
        return [...this.#host.participants()]
            .filter((each) => wanted.has(each.identity))
            .map((each) => each.id);
    }

    #deliver(from: string, payload: DataPayload, info: DataInfo): void {
        for (const each of this.#host.participants())
            if (each.id === from) return this.#host.received(payload, each, info);
        this.#early.hold(from, [payload, info]);
    }
}

function notGranted(): StoaError {
    return new StoaError('forbidden', 'the token does not grant data');
}

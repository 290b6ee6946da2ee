/** How the call goes, in figures: the browser's own counters, set against those of the last time they were asked for. */
import type { LaneKind } from './lanes.js';
import type { ConnectionQuality, TrackKind, TrackSource } from './protocol.js';

/** One track that comes or goes. What is not known (yet) is null. */
export interface TrackStats {
    direction: 'in' | 'out';
    identity: string;
    source: TrackSource;
    kind: TrackKind;
    codec: string | null;
    /** Encoding of a simulcast; null when there is only one. */
    rid: string | null;
    bitrateBps: number | null;
    /** Of the packets since the last time, 0..100; of what goes out as the server reports it. */
    lossPercent: number | null;
    jitterMs: number | null;
    width: number | null;
    height: number | null;
    framesPerSecond: number | null;
    /** Which layer the server sends, and why not a higher one. */
    layer: { name: string; why: string } | null;
    /** Why the own encoder holds back: `bandwidth`, `cpu`, `none`. */
    limitedBy: string | null;
}

export interface RoomStats {
    /** performance.now() */
    atMs: number;
    signalling: LaneKind | null;
    quality: ConnectionQuality;
    roundTripMs: number | null;
    bitrateInBps: number | null;
    bitrateOutBps: number | null;
    /** What the browser thinks it may send. */
    availableOutBps: number | null;
    /** The pair of addresses in use. */
    path: { local: string; remote: string; protocol: string; relayProtocol: string | null } | null;
    tracks: TrackStats[];
}

/** A track and what carries it. */
export interface StatsSubject {
    identity: string;
    source: TrackSource;
    kind: TrackKind;
    media: MediaStreamTrack | null;
    mid: string | null;
    layer: { name: string; why: string } | null;
}

type Row = Record<string, unknown> & { id: string; type: string; timestamp: number };

function number(row: Row | undefined, key: string): number | null {
    const value = row?.[key];
    return typeof value === 'number' ? value : null;
}

function text(row: Row | undefined, key: string): string | null {
    const value = row?.[key];
    return typeof value === 'string' && value !== '' ? value : null;
}

const ms = (seconds: number | null) => (seconds === null ? null : seconds * 1000);

/** Keeps the last report: rates are differences. */
export class StatsReader {
    #before = new Map<string, Row>();
    #now = new Map<string, Row>();

    async read(
        pc: RTCPeerConnection,
        incoming: readonly StatsSubject[],
        outgoing: readonly StatsSubject[],
    ): Promise<Omit<RoomStats, 'signalling' | 'quality'>> {
        const report = await pc.getStats();
        this.#before = this.#now;
        this.#now = new Map();
        report.forEach((row: Row) => this.#now.set(row.id, row));
        const tracks = [
            ...outgoing.flatMap((subject) => this.#sent(subject)),
            ...incoming.flatMap((subject) => this.#received(subject)),
        ];
        return { atMs: performance.now(), ...this.#transport(), tracks };
    }

    #all(type: string): Row[] {
        return [...this.#now.values()].filter((row) => row.type === type);
    }

    #get(id: string | null): Row | undefined {
        return id === null ? undefined : this.#now.get(id);
    }

    /** Growth of a counter since the last time; null where there was none, or it began anew. */
    #delta(row: Row | undefined, key: string): number | null {
        const before = row && this.#before.get(row.id);
        const [now, then] = [number(row, key), number(before, key)];
        return now === null || then === null || now < then ? null : now - then;
    }

    #bitrate(row: Row | undefined, key: string): number | null {
        const before = row && this.#before.get(row.id);
        const bytes = this.#delta(row, key);
        const took = row && before ? row.timestamp - before.timestamp : 0;
        return bytes === null || took <= 0 ? null : (bytes * 8000) / took;
    }

    #codec(row: Row): string | null {
        return text(this.#get(text(row, 'codecId')), 'mimeType')?.replace(/^\w+\//, '') ?? null;
    }

    #received({ media, mid, ...subject }: StatsSubject): TrackStats[] {
        const rows = this.#all('inbound-rtp').filter(
            (row) => (media !== null && row['trackIdentifier'] === media.id) || (mid !== null && row['mid'] === mid),
        );
        return rows.slice(0, 1).map((row) => {
            const lost = this.#delta(row, 'packetsLost');
            const got = this.#delta(row, 'packetsReceived');
            const all = (lost ?? 0) + (got ?? 0);
            return {
                ...subject,
                direction: 'in',
                codec: this.#codec(row),
                rid: null,
                bitrateBps: this.#bitrate(row, 'bytesReceived'),
                lossPercent: lost === null || all === 0 ? null : (100 * lost) / all,
                jitterMs: ms(number(row, 'jitter')),
                width: number(row, 'frameWidth'),
                height: number(row, 'frameHeight'),
                framesPerSecond: number(row, 'framesPerSecond'),
                limitedBy: null,
            };
        });
    }

    #sent({ media: _media, mid, ...subject }: StatsSubject): TrackStats[] {
        const rows = this.#all('outbound-rtp').filter((row) => mid !== null && row['mid'] === mid);
        return rows.map((row) => {
            const heard = this.#get(text(row, 'remoteId'));
            const fraction = number(heard, 'fractionLost');
            return {
                ...subject,
                direction: 'out',
                codec: this.#codec(row),
                rid: text(row, 'rid'),
                bitrateBps: this.#bitrate(row, 'bytesSent'),
                lossPercent: fraction === null ? null : fraction * 100,
                jitterMs: ms(number(heard, 'jitter')),
                width: number(row, 'frameWidth'),
                height: number(row, 'frameHeight'),
                framesPerSecond: number(row, 'framesPerSecond'),
                limitedBy: text(row, 'qualityLimitationReason'),
            };
        });
    }

    /** Firefox names no selected pair on the transport, but marks it. */
    #selectedPair(): Row | undefined {
        const named = this.#all('transport').map((row) => text(row, 'selectedCandidatePairId'));
        return (
            this.#get(named.find((id) => id !== null) ?? null) ??
            this.#all('candidate-pair').find((row) => row['selected'] === true || (row['nominated'] === true && row['state'] === 'succeeded'))
        );
    }

    #transport() {
        const pair = this.#selectedPair();
        const local = this.#get(text(pair, 'localCandidateId'));
        const remote = this.#get(text(pair, 'remoteCandidateId'));
        const heard = this.#all('remote-inbound-rtp').map((row) => number(row, 'roundTripTime'));
        const roundTrip = number(pair, 'currentRoundTripTime') ?? heard.find((each) => each !== null) ?? null;
        return {
            roundTripMs: ms(roundTrip),
            bitrateInBps: this.#bitrate(pair, 'bytesReceived'),
            bitrateOutBps: this.#bitrate(pair, 'bytesSent'),
            availableOutBps: number(pair, 'availableOutgoingBitrate'),
            path:
                local && remote
                    ? {
                          local: text(local, 'candidateType') ?? '',
                          remote: text(remote, 'candidateType') ?? '',
                          protocol: text(local, 'protocol') ?? '',
                          relayProtocol: text(local, 'relayProtocol'),
                      }
                    : null,
        };
    }
}

import type { ConnectionQuality, TrackSource, WireParticipant } from './protocol.js';
import { RemoteTrack } from './remote-track.js';

/** What is known of everybody in the room, oneself included. */
export class Participant {
    #identity: string;
    #id: string;
    #name: string;
    #metadata: Readonly<Record<string, unknown>>;
    #quality: ConnectionQuality = 'good';
    #level = 0;
    #speaking = false;

    constructor(wire: Pick<WireParticipant, 'id' | 'identity' | 'name' | 'metadata'>) {
        this.#id = wire.id;
        this.#identity = wire.identity;
        this.#name = wire.name;
        this.#metadata = wire.metadata;
    }

    get id(): string {
        return this.#id;
    }

    /** Who the token says this is; unique in the room. */
    get identity(): string {
        return this.#identity;
    }

    get name(): string {
        return this.#name;
    }

    get metadata(): Readonly<Record<string, unknown>> {
        return this.#metadata;
    }

    get connectionQuality(): ConnectionQuality {
        return this.#quality;
    }

    get isSpeaking(): boolean {
        return this.#speaking;
    }

    /** 0 to 1; of use while speaking. */
    get audioLevel(): number {
        return this.#level;
    }

    /** @internal */
    update(wire: Partial<Pick<WireParticipant, 'id' | 'identity' | 'name' | 'metadata'>>): void {
        this.#identity = wire.identity ?? this.#identity;
        this.#id = wire.id ?? this.#id;
        this.#name = wire.name ?? this.#name;
        this.#metadata = wire.metadata ?? this.#metadata;
    }

    /** @internal */
    setQuality(quality: ConnectionQuality): void {
        this.#quality = quality;
    }

    /** @internal */
    setLevel(level: number | null): void {
        this.#speaking = level !== null;
        this.#level = level ?? 0;
    }
}

export class RemoteParticipant extends Participant {
    readonly tracks = new Map<string, RemoteTrack>();
    readonly joinedAt: Date;
    #state: 'connected' | 'reconnecting';

    constructor(wire: WireParticipant) {
        super(wire);
        this.joinedAt = new Date(wire.joined_us / 1000);
        this.#state = wire.state;
        for (const track of wire.tracks) this.tracks.set(track.id, new RemoteTrack(track));
    }

    get state(): 'connected' | 'reconnecting' {
        return this.#state;
    }

    getTrack(source: TrackSource): RemoteTrack | undefined {
        for (const track of this.tracks.values()) if (track.source === source) return track;
        return undefined;
    }

    /** @internal */
    setState(state: 'connected' | 'reconnecting'): void {
        this.#state = state;
    }
}

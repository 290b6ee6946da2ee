import { AttachedElements } from './attach.js';
import { SOURCE_KIND, type TrackKind, type TrackSource } from './protocol.js';

/** Something that this participant publishes: a source that stays while the device behind it comes and goes. */
export class LocalTrack {
    readonly source: TrackSource;
    readonly kind: TrackKind;
    readonly #elements = new AttachedElements();
    #track: MediaStreamTrack | null;
    #id: string | null = null;
    #muted = false;

    constructor(source: TrackSource, track: MediaStreamTrack) {
        this.source = source;
        this.kind = SOURCE_KIND[source];
        this.#track = track;
        this.#elements.setStream(new MediaStream([track]));
    }

    /** The server's id while published. */
    get id(): string | null {
        return this.#id;
    }

    /** Null while the camera is switched off. */
    get mediaStreamTrack(): MediaStreamTrack | null {
        return this.#track;
    }

    get muted(): boolean {
        return this.#muted;
    }

    get attachedElements(): HTMLMediaElement[] {
        return this.#elements.list;
    }

    /** Shows the track in an element, now and after a change of device. Local sound is never played back: the element is muted. */
    attach(element?: HTMLMediaElement): HTMLMediaElement {
        const target = element ?? document.createElement(this.kind);
        target.muted = true;
        this.#elements.add(target);
        return target;
    }

    detach(element?: HTMLMediaElement): void {
        for (const each of element ? [element] : this.#elements.list) this.#elements.remove(each);
    }

    /** Stops the device. */
    stop(): void {
        this.#track?.stop();
    }

    /** @internal */
    setId(id: string | null): void {
        this.#id = id;
    }

    /** @internal */
    setMuted(muted: boolean): void {
        this.#muted = muted;
    }

    /** @internal The old device track is left to the caller. */
    setMediaStreamTrack(track: MediaStreamTrack | null): void {
        this.#track = track;
        this.#elements.setStream(track ? new MediaStream([track]) : null);
    }
}

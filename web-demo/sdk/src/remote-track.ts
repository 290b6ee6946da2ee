import { AttachedElements } from './attach.js';
import type { TrackKind, TrackSource, WireLayer, WireTrack } from './protocol.js';

/**
 * Something that another participant publishes. It may be attached to elements at any time: they show it while the
 * server feeds it to one of our slots, and are empty otherwise.
 */
export class RemoteTrack {
    readonly id: string;
    readonly source: TrackSource;
    readonly kind: TrackKind;
    readonly codec: string;
    readonly #elements = new AttachedElements();
    #feed: SlotFeed | null = null;
    #muted: boolean;
    #width: number;
    #height: number;
    #layer: WireLayer | null = null;
    #unavailable: string | null = null;
    #volume = 1;
    #onView: (() => void) | null = null;

    constructor(wire: WireTrack) {
        this.id = wire.id;
        this.source = wire.source;
        this.kind = wire.kind;
        this.codec = wire.codec;
        this.#muted = wire.muted;
        this.#width = wire.width ?? 0;
        this.#height = wire.height ?? 0;
    }

    get muted(): boolean {
        return this.#muted;
    }

    /** 0 until the first key frame. */
    get width(): number {
        return this.#width;
    }

    get height(): number {
        return this.#height;
    }

    /** Which encoding the server sends us, and why no larger one; null where there is one only. */
    get layer(): Readonly<WireLayer> | null {
        return this.#layer;
    }

    /** Why this browser cannot have the track (`codec`), or null. */
    get unavailable(): string | null {
        return this.#unavailable;
    }

    get isSubscribed(): boolean {
        return this.#feed !== null;
    }

    get mediaStreamTrack(): MediaStreamTrack | null {
        return this.#feed?.track ?? null;
    }

    /** The receiver that feeds the track at present; a later one may take its place. */
    get receiver(): RTCRtpReceiver | null {
        return this.#feed?.receiver ?? null;
    }

    get attachedElements(): HTMLMediaElement[] {
        return this.#elements.list;
    }

    /**
     * Shows or plays the track in an element (a new one when none is given). Sound plays without any element;
     * attaching one takes it over, for an own volume or output device.
     */
    attach(element?: HTMLMediaElement): HTMLMediaElement {
        const target = element ?? document.createElement(this.kind);
        if (this.kind === 'video') target.muted = true;
        this.#elements.add(target);
        this.#applyVolume();
        this.#onView?.();
        return target;
    }

    detach(element?: HTMLMediaElement): void {
        for (const each of element ? [element] : this.#elements.list) this.#elements.remove(each);
        this.#applyVolume();
        this.#onView?.();
    }

    /** 0 to 1, for this listener only. */
    setVolume(volume: number): void {
        this.#volume = Math.min(1, Math.max(0, volume));
        this.#applyVolume();
    }

    /** @internal */
    get feed(): SlotFeed | null {
        return this.#feed;
    }

    /** @internal */
    bind(feed: SlotFeed | null): void {
        if (this.#feed === feed) return;
        if (this.#feed?.player) this.#feed.player.volume = 1;
        this.#feed = feed;
        this.#elements.setStream(feed?.stream ?? null);
        this.#applyVolume();
    }

    /** @internal Called when the elements that show it are others. */
    setViewListener(listener: () => void): void {
        this.#onView = listener;
    }

    /** @internal */
    setMuted(muted: boolean): void {
        this.#muted = muted;
    }

    /** @internal */
    setSize(width: number, height: number): void {
        this.#width = width;
        this.#height = height;
    }

    /** @internal True: it is another one now. */
    setLayer(layer: WireLayer | null): boolean {
        const changed = JSON.stringify(layer) !== JSON.stringify(this.#layer);
        this.#layer = layer;
        return changed;
    }

    /** @internal */
    setUnavailable(reason: string | null): void {
        this.#unavailable = reason;
    }

    #applyVolume(): void {
        if (this.kind !== 'audio') return;
        const own = this.#elements.list;
        for (const element of own) element.volume = this.#volume;
        if (this.#feed?.player) this.#feed.player.volume = own.length > 0 ? 0 : this.#volume;
    }
}

/** One receive slot: a receiver for life, fed with one track or another. */
export interface SlotFeed {
    readonly mid: string;
    readonly kind: TrackKind;
    readonly receiver: RTCRtpReceiver;
    readonly track: MediaStreamTrack;
    readonly stream: MediaStream;
    /** Plays an audio slot for good: browsers count the level only of what plays. */
    readonly player: HTMLAudioElement | null;
}

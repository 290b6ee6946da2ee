import { whenPictureChanges } from './picture-change.js';
import type { WireSlot } from './protocol.js';
import type { RemoteTrack, SlotFeed } from './remote-track.js';

export interface SlotHooks {
    findTrack(id: string): RemoteTrack | undefined;
    onSubscribed(track: RemoteTrack): void;
    onUnsubscribed(track: RemoteTrack): void;
    onLayer(track: RemoteTrack): void;
}

interface Slot {
    feed: SlotFeed | null;
    shown: RemoteTrack | null;
    /** Track id that the server feeds, or is about to. */
    wanted: string | null;
    rtp: number | null;
    csrc: number | null;
    cancelWait: (() => void) | null;
}

/**
 * Which track each slot shows. Where one track follows another in a slot, the change is made with the first picture of
 * the new one, so that no name ever stands under another's picture.
 */
export class SlotTable {
    readonly #slots = new Map<string, Slot>();
    readonly #hooks: SlotHooks;

    constructor(hooks: SlotHooks) {
        this.#hooks = hooks;
    }

    addFeed(feed: SlotFeed): void {
        const slot = this.#slot(feed.mid);
        slot.feed = feed;
        this.#reconcile(slot);
    }

    apply(entries: readonly WireSlot[]): void {
        for (const entry of entries) {
            if (entry.track === undefined) continue;
            const slot = this.#slot(entry.mid);
            slot.wanted = entry.track;
            slot.rtp = entry.rtp ?? null;
            slot.csrc = entry.csrc ?? null;
            this.#reconcile(slot);
            this.#noteLayer(entry);
        }
    }

    /** To be called when a track became known that a slot may have been waiting for. */
    refresh(): void {
        for (const slot of this.#slots.values()) this.#reconcile(slot);
    }

    /** The track is gone: nothing may show it any longer. */
    release(track: RemoteTrack): void {
        for (const slot of this.#slots.values()) {
            if (slot.wanted === track.id) slot.wanted = null;
            if (slot.shown !== track) continue;
            this.#clear(slot);
            this.#reconcile(slot);
        }
    }

    /** Forgets the slots of a PeerConnection that is gone; tracks keep their elements and wait for new feeds. */
    reset(): void {
        for (const slot of this.#slots.values()) {
            slot.cancelWait?.();
            this.#clear(slot);
        }
        this.#slots.clear();
    }

    #noteLayer({ track: id, layer }: WireSlot): void {
        const track = id && layer !== undefined ? this.#hooks.findTrack(id) : undefined;
        if (track?.setLayer(layer ?? null)) this.#hooks.onLayer(track);
    }

    #slot(mid: string): Slot {
        let slot = this.#slots.get(mid);
        if (!slot) {
            slot = { feed: null, shown: null, wanted: null, rtp: null, csrc: null, cancelWait: null };
            this.#slots.set(mid, slot);
        }
        return slot;
    }

    #reconcile(slot: Slot): void {
        if (!slot.feed) return;
        slot.cancelWait?.();
        slot.cancelWait = null;
        if (slot.wanted === null) return this.#clear(slot);
        if (slot.wanted === slot.shown?.id) return;
        const next = this.#hooks.findTrack(slot.wanted);
        if (!next) return;
        if (!slot.shown) return this.#show(slot, next);
        slot.cancelWait = whenPictureChanges(slot.shown, slot, () => {
            slot.cancelWait = null;
            this.#clear(slot);
            this.#show(slot, next);
        });
    }

    #show(slot: Slot, track: RemoteTrack): void {
        const wasSubscribed = track.isSubscribed;
        for (const other of this.#slots.values()) if (other.shown === track) other.shown = null;
        slot.shown = track;
        track.bind(slot.feed);
        if (!wasSubscribed) this.#hooks.onSubscribed(track);
    }

    #clear(slot: Slot): void {
        const track = slot.shown;
        slot.shown = null;
        if (!track || track.feed !== slot.feed) return;
        track.bind(null);
        this.#hooks.onUnsubscribed(track);
    }
}

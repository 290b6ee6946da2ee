/** Tells the server at which size each remote picture is shown, so that it sends the layer that fits. */

import type { RemoteParticipant } from './participants.js';
import type { TileGroup, WireViewPair } from './protocol.js';

const SETTLE_MS = 150;
/** An element that is laid out smaller than this is not shown yet: nothing is said about it. */
const MIN_PIXELS = 16;

export interface ViewSizesHooks {
    participants(): Iterable<RemoteParticipant>;
    send(tiles: WireViewPair[]): Promise<void>;
}

export class ViewSizes {
    readonly #hooks: ViewSizesHooks;
    readonly #observed = new Set<Element>();
    #observer: ResizeObserver | null = null;
    #timer: ReturnType<typeof setTimeout> | undefined;
    #told = '[]';

    constructor(hooks: ViewSizesHooks) {
        this.#hooks = hooks;
    }

    /** Elements or tracks may be others than before. */
    readonly refresh = (): void => {
        this.#timer ??= setTimeout(() => {
            this.#timer = undefined;
            void this.#tell();
        }, SETTLE_MS);
    };

    /** The server knows nothing (any more). */
    reset(): void {
        clearTimeout(this.#timer);
        this.#timer = undefined;
        this.#observer?.disconnect();
        this.#observed.clear();
        this.#told = '[]';
    }

    async #tell(): Promise<void> {
        const tiles = this.#measure();
        const text = JSON.stringify(tiles);
        if (text === this.#told) return;
        const before = this.#told;
        this.#told = text;
        await this.#hooks.send(tiles).catch(() => {
            if (this.#told === text) this.#told = before;
        });
    }

    #measure(): WireViewPair[] {
        const tiles: WireViewPair[] = [];
        const present = new Set<Element>();
        for (const participant of this.#hooks.participants()) {
            for (const track of participant.tracks.values()) {
                if (track.kind !== 'video') continue;
                track.setViewListener(this.refresh);
                const group: TileGroup = track.source === 'screen' ? 'screen' : 'camera';
                let width = 0;
                let height = 0;
                for (const element of track.attachedElements) {
                    present.add(element);
                    width = Math.max(width, devicePixels(element.clientWidth));
                    height = Math.max(height, devicePixels(element.clientHeight));
                }
                if (width >= MIN_PIXELS && height >= MIN_PIXELS)
                    tiles.push({ participant: participant.id, group, width, height });
            }
        }
        this.#observe(present);
        return tiles;
    }

    #observe(present: ReadonlySet<Element>): void {
        if (typeof ResizeObserver === 'undefined') return;
        this.#observer ??= new ResizeObserver(this.refresh);
        for (const element of this.#observed) {
            if (present.has(element)) continue;
            this.#observer.unobserve(element);
            this.#observed.delete(element);
        }
        for (const element of present) {
            if (this.#observed.has(element)) continue;
            this.#observed.add(element);
            this.#observer.observe(element);
        }
    }
}

function devicePixels(css: number | undefined): number {
    const ratio = globalThis.devicePixelRatio || 1;
    return Math.min(8192, Math.round((css ?? 0) * ratio));
}

/**
 * One offer at a time. Wishes that come while an offer is in flight are merged into the next one, so ten tracks
 * published in one turn cost one or two exchanges, and two offers never overlap (browsers let the first one die).
 */

export interface Wish {
    iceRestart?: boolean;
}

export interface NegotiationRun {
    iceRestart: boolean;
}

interface Waiter {
    resolve(): void;
    reject(error: unknown): void;
}

export class NegotiationQueue {
    readonly #run: (run: NegotiationRun) => Promise<void>;
    readonly #isRetryable: (error: unknown) => boolean;
    #wanted: Waiter[] = [];
    #iceRestart = false;
    #running = false;
    #paused = false;
    #closedWith: unknown = undefined;

    /**
     * `run` does one whole exchange. When it fails with an error for which `isRetryable` answers true (the signalling
     * connection went away), its wishes stay queued and the queue pauses until `resume()`.
     */
    constructor(
        run: (run: NegotiationRun) => Promise<void>,
        isRetryable: (error: unknown) => boolean = () => false,
    ) {
        this.#run = run;
        this.#isRetryable = isRetryable;
    }

    get busy(): boolean {
        return this.#running || this.#wanted.length > 0;
    }

    /** Resolves when an exchange that began after this call has ended well. */
    request(wish: Wish = {}): Promise<void> {
        if (this.#closedWith) return Promise.reject(this.#closedWith);
        if (wish.iceRestart) this.#iceRestart = true;
        return new Promise((resolve, reject) => {
            this.#wanted.push({ resolve, reject });
            // A microtask later, so that wishes of one turn share one offer.
            queueMicrotask(() => void this.#pump());
        });
    }

    pause(): void {
        this.#paused = true;
    }

    resume(): void {
        this.#paused = false;
        void this.#pump();
    }

    close(error: unknown): void {
        this.#closedWith = error;
        const waiters = this.#wanted;
        this.#wanted = [];
        for (const waiter of waiters) waiter.reject(error);
    }

    async #pump(): Promise<void> {
        if (this.#running || this.#paused || this.#wanted.length === 0) return;
        this.#running = true;
        const waiters = this.#wanted;
        const iceRestart = this.#iceRestart;
        this.#wanted = [];
        this.#iceRestart = false;
        try {
            await this.#run({ iceRestart });
            for (const waiter of waiters) waiter.resolve();
        } catch (error) {
            this.#onFailure(error, waiters, iceRestart);
        } finally {
            this.#running = false;
        }
        void this.#pump();
    }

    #onFailure(error: unknown, waiters: Waiter[], iceRestart: boolean): void {
        if (this.#closedWith === undefined && this.#isRetryable(error)) {
            this.#wanted = [...waiters, ...this.#wanted];
            this.#iceRestart ||= iceRestart;
            this.#paused = true;
            return;
        }
        for (const waiter of waiters) waiter.reject(this.#closedWith ?? error);
    }
}

/** A typed event emitter. A listener that throws is reported and does not keep the others from running. */

export type Listener<A extends unknown[]> = (...args: A) => void;
/** Event name -> tuple of its arguments. */
export type EventMap<M> = { [K in keyof M]: unknown[] };

export class Emitter<M extends EventMap<M>> {
    readonly #listeners = new Map<keyof M, Set<Listener<never>>>();

    /** Returns the function that removes the listener again. */
    on<K extends keyof M>(event: K, listener: Listener<M[K]>): () => void {
        let set = this.#listeners.get(event);
        if (!set) this.#listeners.set(event, (set = new Set()));
        set.add(listener as Listener<never>);
        return () => this.off(event, listener);
    }

    once<K extends keyof M>(event: K, listener: Listener<M[K]>): () => void {
        const off = this.on(event, (...args) => {
            off();
            listener(...args);
        });
        return off;
    }

    off<K extends keyof M>(event: K, listener: Listener<M[K]>): void {
        this.#listeners.get(event)?.delete(listener as Listener<never>);
    }

    /** Resolves with the arguments of the next such event. */
    next<K extends keyof M>(event: K): Promise<M[K]> {
        return new Promise((resolve) => this.once(event, (...args) => resolve(args)));
    }

    /** @internal */
    emit<K extends keyof M>(event: K, ...args: M[K]): void {
        for (const listener of [...(this.#listeners.get(event) ?? [])]) {
            try {
                (listener as Listener<M[K]>)(...args);
            } catch (error) {
                reportError(error);
            }
        }
    }

    removeAllListeners(): void {
        this.#listeners.clear();
    }
}

function reportError(error: unknown): void {
    queueMicrotask(() => {
        throw error;
    });
}

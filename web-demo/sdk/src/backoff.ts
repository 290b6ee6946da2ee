/** Exponential back-off with full jitter in the upper half: attempt 0 is at once, later ones spread so that a server that comes back is not stormed. */

export interface BackoffOptions {
    baseMs: number;
    maxMs: number;
}

export function backoffMs(
    attempt: number,
    { baseMs, maxMs }: BackoffOptions,
    random: () => number = Math.random,
): number {
    if (attempt <= 0) return 0;
    const ceiling = Math.min(maxMs, baseMs * 2 ** (attempt - 1));
    return Math.round(ceiling / 2 + (ceiling / 2) * random());
}

export interface BackoffStep {
    readonly attempt: number;
    readonly delayMs: number;
}

/** Waits between attempts; `wake()` ends the present wait early. */
export class Backoff {
    readonly #options: BackoffOptions;
    #wake: (() => void) | null = null;

    constructor(options: BackoffOptions) {
        this.#options = options;
    }

    wait(attempt: number, signal: AbortSignal, announce: (step: BackoffStep) => void): Promise<void> {
        const delayMs = backoffMs(attempt, this.#options);
        announce({ attempt, delayMs });
        return new Promise((resolve) => {
            const finish = () => {
                clearTimeout(timer);
                signal.removeEventListener('abort', finish);
                this.#wake = null;
                resolve();
            };
            const timer = setTimeout(finish, delayMs);
            signal.addEventListener('abort', finish);
            this.#wake = finish;
        });
    }

    wake(): void {
        this.#wake?.();
    }
}

/**
 * Messages whose sender is not known yet: data channels and the signalling socket do not wait for each other, so a
 * newcomer may be heard before the room is told of him, the more so while the socket is down.
 */
export class EarlyData<T> {
    readonly #max: number;
    #waiting: { from: string; message: T }[] = [];

    constructor(max = 16) {
        this.#max = max;
    }

    /** Beyond the limit the oldest is forgotten. */
    hold(from: string, message: T): void {
        this.#waiting.push({ from, message });
        if (this.#waiting.length > this.#max) this.#waiting.shift();
    }

    /** In the order in which they came; they are not held any longer. */
    take(from: string): T[] {
        const taken = this.#waiting.filter((each) => each.from === from);
        this.#waiting = this.#waiting.filter((each) => each.from !== from);
        return taken.map((each) => each.message);
    }

    clear(): void {
        this.#waiting = [];
    }
}

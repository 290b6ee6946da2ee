/** Words for screen readers, at most one message a second: a room that fills says so once. */
export class Announcer {
    readonly #say: (text: string) => void;
    #waiting: string[] = [];
    #timer: ReturnType<typeof setTimeout> | undefined;

    constructor(say: (text: string) => void) {
        this.#say = say;
    }

    announce(text: string): void {
        this.#waiting.push(text);
        this.#timer ??= setTimeout(() => {
            this.#timer = undefined;
            const words = this.#waiting.length > 3 ? [`${this.#waiting.length} changes in the room`] : this.#waiting;
            this.#waiting = [];
            this.#say(words.join('. '));
        }, 1000);
    }

    stop(): void {
        clearTimeout(this.#timer);
    }
}

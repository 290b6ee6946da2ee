/** Plays every audio slot in a hidden element of its own, for good: browsers measure the level only of what plays. */
export class AudioPlayback {
    readonly #onChange: (canPlay: boolean) => void;
    readonly #players = new Set<HTMLAudioElement>();
    #canPlay = true;
    #output = '';

    constructor(onChange: (canPlay: boolean) => void) {
        this.#onChange = onChange;
    }

    get canPlay(): boolean {
        return this.#canPlay;
    }

    createPlayer(stream: MediaStream): HTMLAudioElement | null {
        if (typeof document === 'undefined') return null;
        const player = document.createElement('audio');
        player.autoplay = true;
        player.srcObject = stream;
        player.hidden = true;
        document.body?.append(player);
        this.#players.add(player);
        if (this.#output) void player.setSinkId?.(this.#output).catch(() => undefined);
        void this.#play(player);
        return player;
    }

    async start(): Promise<void> {
        await Promise.all([...this.#players].map((player) => this.#play(player)));
    }

    async setOutput(deviceId: string): Promise<void> {
        this.#output = deviceId;
        await Promise.all([...this.#players].map((player) => player.setSinkId?.(deviceId)));
    }

    clear(): void {
        for (const player of this.#players) {
            player.srcObject = null;
            player.remove();
        }
        this.#players.clear();
    }

    async #play(player: HTMLAudioElement): Promise<void> {
        try {
            await player.play();
            this.#setCanPlay(true);
        } catch (error) {
            // AbortError only says that the element was emptied meanwhile.
            if ((error as DOMException).name === 'NotAllowedError') this.#setCanPlay(false);
        }
    }

    #setCanPlay(canPlay: boolean): void {
        if (this.#canPlay === canPlay) return;
        this.#canPlay = canPlay;
        this.#onChange(canPlay);
    }
}

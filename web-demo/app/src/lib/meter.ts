/** How loud a microphone is, 0 to 1, some times a second. Silent where the browser gives no audio clock. */
export class LevelMeter {
    #context: AudioContext | null = null;
    #timer: ReturnType<typeof setInterval> | undefined;

    constructor(track: MediaStreamTrack, onLevel: (level: number) => void, intervalMs = 80) {
        try {
            const context = new AudioContext();
            this.#context = context;
            void context.resume().catch(() => undefined);
            const analyser = context.createAnalyser();
            analyser.fftSize = 1024;
            context.createMediaStreamSource(new MediaStream([track])).connect(analyser);
            const samples = new Float32Array(analyser.fftSize);
            this.#timer = setInterval(() => {
                analyser.getFloatTimeDomainData(samples);
                onLevel(loudness(samples));
            }, intervalMs);
        } catch {
            this.stop();
        }
    }

    stop(): void {
        clearInterval(this.#timer);
        void this.#context?.close().catch(() => undefined);
        this.#context = null;
    }
}

/** -60 dB is nothing, -10 dB is full. */
export function loudness(samples: Float32Array): number {
    let sum = 0;
    for (const sample of samples) sum += sample * sample;
    const db = 10 * Math.log10(sum / samples.length + 1e-12);
    return Math.min(1, Math.max(0, (db + 60) / 50));
}

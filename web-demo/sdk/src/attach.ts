/** Binding of media elements to a stream that may come, go and be replaced while they stay. */

export class AttachedElements {
    readonly #elements = new Set<HTMLMediaElement>();
    #stream: MediaStream | null = null;

    get list(): HTMLMediaElement[] {
        return [...this.#elements];
    }

    get stream(): MediaStream | null {
        return this.#stream;
    }

    add(element: HTMLMediaElement): void {
        this.#elements.add(element);
        element.autoplay = true;
        if (element instanceof HTMLVideoElement) element.playsInline = true;
        show(element, this.#stream);
    }

    remove(element: HTMLMediaElement): void {
        if (!this.#elements.delete(element)) return;
        if (element.srcObject === this.#stream) show(element, null);
    }

    setStream(stream: MediaStream | null): void {
        const old = this.#stream;
        this.#stream = stream;
        for (const element of this.#elements) {
            // An element that was given to another track meanwhile is not ours to clear.
            if (stream || element.srcObject === old) show(element, stream);
        }
    }
}

function show(element: HTMLMediaElement, stream: MediaStream | null): void {
    if (element.srcObject === stream) return;
    element.srcObject = stream;
    if (stream) element.play().catch(() => undefined);
}

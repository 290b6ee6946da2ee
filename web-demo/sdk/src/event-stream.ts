/** Reads server-sent events out of bytes as they come (HTML standard, 9.2.6), as far as a Stoa server sends them. */

export interface StreamEvent {
    event: string;
    data: string;
    /** Undefined when the event has none. */
    id: string | undefined;
}

export class EventStreamParser {
    readonly #decoder = new TextDecoder();
    #text = '';
    #event = '';
    #data: string[] = [];
    #id: string | undefined;

    /** The events that these bytes complete. */
    push(bytes: Uint8Array): StreamEvent[] {
        this.#text += this.#decoder.decode(bytes, { stream: true });
        const lines = this.#text.split('\n');
        this.#text = lines.pop() ?? '';
        const events: StreamEvent[] = [];
        for (const line of lines) {
            const event = this.#line(line.endsWith('\r') ? line.slice(0, -1) : line);
            if (event) events.push(event);
        }
        return events;
    }

    #line(line: string): StreamEvent | null {
        if (line === '') return this.#take();
        const colon = line.indexOf(':');
        if (colon === 0) return null; // a comment: the server shows that it is there
        const field = colon < 0 ? line : line.slice(0, colon);
        const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
        if (field === 'data') this.#data.push(value);
        if (field === 'event') this.#event = value;
        if (field === 'id') this.#id = value;
        return null;
    }

    #take(): StreamEvent | null {
        const event = { event: this.#event || 'message', data: this.#data.join('\n'), id: this.#id };
        const empty = this.#data.length === 0;
        this.#event = '';
        this.#data = [];
        this.#id = undefined;
        return empty ? null : event;
    }
}

/** Messages on the data channels as they travel: a line of JSON, a line feed, the payload (docs/protocol.md). */

export type DataPayload = string | Uint8Array;

/** What the server puts in front of a message. */
export interface DataLine {
    from: string;
    topic: string;
    direct: boolean;
}

export interface DataAddress {
    topic?: string;
    to?: readonly string[];
}

/** The most that a line may take of a message. */
export const LINE_BYTES = 4096;
export const TOPIC_BYTES = 128;
export const DESTINATIONS = 100;

const LINE_FEED = 10;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

export function byteLength(payload: DataPayload): number {
    return typeof payload === 'string' ? encoder.encode(payload).length : payload.byteLength;
}

/** Text stays text, bytes stay bytes. */
export function writeData(address: DataAddress, payload: DataPayload): string | Uint8Array<ArrayBuffer> {
    const line = `${JSON.stringify(address)}\n`;
    if (typeof payload === 'string') return line + payload;
    const head = encoder.encode(line);
    const message = new Uint8Array(head.length + payload.byteLength);
    message.set(head);
    message.set(payload, head.length);
    return message;
}

/** Null: not a message of this form. */
export function readData(message: unknown): { line: DataLine; payload: DataPayload } | null {
    const [head, payload] = split(message);
    const line = head === null ? null : parseLine(head);
    return line && payload !== null ? { line, payload } : null;
}

function split(message: unknown): [string, DataPayload] | [null, null] {
    if (typeof message === 'string') {
        const end = message.indexOf('\n');
        return end < 0 ? [null, null] : [message.slice(0, end), message.slice(end + 1)];
    }
    if (!(message instanceof ArrayBuffer)) return [null, null];
    const bytes = new Uint8Array(message);
    const end = bytes.indexOf(LINE_FEED);
    return end < 0 ? [null, null] : [decoder.decode(bytes.subarray(0, end)), bytes.slice(end + 1)];
}

function parseLine(text: string): DataLine | null {
    try {
        const { from, topic, direct } = JSON.parse(text);
        if (typeof from !== 'string') return null;
        return { from, topic: typeof topic === 'string' ? topic : '', direct: direct === true };
    } catch {
        return null;
    }
}

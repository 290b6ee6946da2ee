/**
 * Everything that @stoa/client rejects with. `code` is stable and meant to be compared; `message` is for people and logs.
 */

/** Codes that the client itself produces. The server's own codes (docs/tables.md) are passed on unchanged. */
export type ClientErrorCode =
    | 'aborted'
    | 'timeout'
    | 'connect_failed'
    | 'connection_lost'
    | 'not_connected'
    | 'invalid_state'
    | 'forbidden'
    | 'not_found'
    | 'too_large'
    | 'queue_full'
    | 'data_closed'
    | 'negotiation_failed'
    | 'permission_denied'
    | 'device_not_found'
    | 'device_busy'
    | 'device_overconstrained'
    | 'insecure_context'
    | 'unsupported';

export type ErrorCode = ClientErrorCode | (string & {});

export class StoaError extends Error {
    readonly code: ErrorCode;

    constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
        super(message, options);
        this.code = code;
        this.name = new.target.name;
    }
}

/** The server could not be reached, or the socket closed before an answer came. */
export class ConnectionError extends StoaError {
    /** WebSocket close code, when there was one. */
    readonly closeCode: number | undefined;

    constructor(code: ErrorCode, message: string, closeCode?: number) {
        super(code, message);
        this.closeCode = closeCode;
    }
}

/** The server answered a request with an error. */
export class ServerError extends StoaError {
    /** JSON-RPC error number. */
    readonly number: number;
    /** The parameter that the server rejected, such as `tracks[0].mid`. */
    readonly field: string | undefined;
    readonly retryAfterMs: number | undefined;
    readonly data: Readonly<Record<string, unknown>>;

    constructor(number: number, message: string, data: Record<string, unknown>) {
        super(typeof data['code'] === 'string' ? data['code'] : `rpc_${number}`, message);
        this.number = number;
        this.data = data;
        this.field = typeof data['field'] === 'string' ? data['field'] : undefined;
        this.retryAfterMs =
            typeof data['retry_after_ms'] === 'number' ? data['retry_after_ms'] : undefined;
    }
}

/** The browser or the user refused a camera, a microphone or a screen. */
export class DeviceError extends StoaError {
    readonly device: 'camera' | 'microphone' | 'screen' | 'speaker';

    constructor(code: ErrorCode, device: DeviceError['device'], cause?: unknown) {
        super(code, `${device}: ${code.replaceAll('_', ' ')}`, { cause });
        this.device = device;
    }
}

export class NegotiationError extends StoaError {
    constructor(message: string, cause?: unknown) {
        super('negotiation_failed', message, { cause });
    }
}

export class AbortedError extends StoaError {
    constructor(message = 'aborted by the caller') {
        super('aborted', message);
    }
}

const DOM_ERRORS: Readonly<Record<string, ClientErrorCode>> = {
    NotAllowedError: 'permission_denied',
    SecurityError: 'permission_denied',
    NotFoundError: 'device_not_found',
    NotReadableError: 'device_busy',
    AbortError: 'device_busy',
    OverconstrainedError: 'device_overconstrained',
    NotSupportedError: 'unsupported',
    TypeError: 'unsupported',
};

/** Maps what getUserMedia and getDisplayMedia throw to a DeviceError. */
export function toDeviceError(cause: unknown, device: DeviceError['device']): DeviceError {
    if (cause instanceof DeviceError) return cause;
    const name = (cause as { name?: string } | null)?.name ?? '';
    return new DeviceError(DOM_ERRORS[name] ?? 'device_busy', device, cause);
}

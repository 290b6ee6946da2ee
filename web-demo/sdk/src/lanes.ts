/** Which transport carries the signalling: a WebSocket, or HTTP where there is none to be had. */
import { ConnectionError } from './errors.js';
import { RpcSocket, type RpcHandlers, type SocketFactory } from './rpc.js';

export type LaneKind = 'websocket' | 'http';

export interface LaneFactories {
    socketFactory: SocketFactory;
    /** Missing: WebSockets only. */
    httpFactory?: SocketFactory | undefined;
}

export interface LaneWish {
    /** What carried the session last, or was asked for. */
    prefer: LaneKind;
    /** May the other one be tried? */
    fallBack: boolean;
    signal?: AbortSignal | undefined;
    timeoutMs: number;
}

/** Middleboxes that swallow the upgrade never answer it. */
const WEBSOCKET_MS = 4_000;

export async function openLane(
    url: string,
    handlers: RpcHandlers,
    { socketFactory, httpFactory }: LaneFactories,
    { prefer, fallBack, signal, timeoutMs }: LaneWish,
): Promise<{ rpc: RpcSocket; kind: LaneKind }> {
    const overHttp = async () => {
        const rpc = await RpcSocket.open(url, handlers, httpFactory!, { signal, timeoutMs });
        return { rpc, kind: 'http' as const };
    };
    if (prefer === 'http' && httpFactory) return overHttp();
    const mayFallBack = fallBack && httpFactory !== undefined;
    try {
        const patience = mayFallBack ? Math.min(WEBSOCKET_MS, timeoutMs) : timeoutMs;
        const rpc = await RpcSocket.open(url, handlers, socketFactory, { signal, timeoutMs: patience });
        return { rpc, kind: 'websocket' };
    } catch (error) {
        if (!mayFallBack || !(error instanceof ConnectionError)) throw error;
        return overHttp().catch((second: unknown) => {
            throw second instanceof ConnectionError ? error : second;
        });
    }
}

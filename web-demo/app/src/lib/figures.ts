/** Figures as people read them. */

const UNKNOWN = '–';

export function rate(bitsPerSecond: number | null): string {
    if (bitsPerSecond === null) return UNKNOWN;
    return bitsPerSecond < 1e6 ? `${Math.round(bitsPerSecond / 1000)} kbit/s` : `${(bitsPerSecond / 1e6).toFixed(1)} Mbit/s`;
}

export function percent(value: number | null): string {
    return value === null ? UNKNOWN : `${value < 10 ? value.toFixed(1) : Math.round(value)} %`;
}

export function time(ms: number | null): string {
    return ms === null ? UNKNOWN : `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
}

const KINDS: Readonly<Record<string, string>> = { host: 'direct', srflx: 'through NAT', prflx: 'through NAT', relay: 'relayed' };

export function describePath(path: { local: string; protocol: string; relayProtocol: string | null } | null): string {
    if (!path) return UNKNOWN;
    const relay = path.relayProtocol ? ` over ${path.relayProtocol.toUpperCase()}` : '';
    return `${path.protocol.toUpperCase()}, ${KINDS[path.local] ?? path.local}${relay}`;
}

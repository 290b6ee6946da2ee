/** Where the right to enter comes from: the invitation, or the development key of a server on this machine. */

import { StoaError } from '@stoa/client';

export async function fetchToken(room: string, name: string): Promise<string> {
    let response: Response;
    try {
        response = await fetch('/v1/dev/token', {
            method: 'POST',
            headers: { 'content-type': 'application/json' },
            body: JSON.stringify({ room, identity: ownIdentity(), name }),
        });
    } catch (cause) {
        throw new StoaError('connect_failed', 'no answer from the server', { cause });
    }
    if (!response.ok) throw new StoaError('no_token', `token refused (${response.status})`);
    const body = (await response.json()) as { token?: unknown };
    if (typeof body.token !== 'string') throw new StoaError('no_token', 'no token in the answer');
    return body.token;
}

const KEY = 'stoa.identity';

/** The same after a reload, so that one takes one's own place again; another in a copied tab. */
function ownIdentity(): string {
    const [navigation] = performance.getEntriesByType('navigation') as PerformanceNavigationTiming[];
    const kept = sessionStorage.getItem(KEY);
    if (kept && (navigation?.type === 'reload' || identityIsFresh)) return kept;
    const bytes = crypto.getRandomValues(new Uint8Array(9));
    const identity = `web-${btoa(String.fromCharCode(...bytes)).replaceAll('+', '-').replaceAll('/', '_')}`;
    sessionStorage.setItem(KEY, identity);
    identityIsFresh = true;
    return identity;
}
let identityIsFresh = false;

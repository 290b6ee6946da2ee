/** What the pages "watch" and "go live" share: the room, the right to enter, the line of state, the numbers. */

import { Door, Health, type DoorState } from './door.js';
import { fetchToken } from './token.js';

const HEALTH_MS = 2000;

export const byId = <T extends HTMLElement>(id: string): T => document.getElementById(id) as T;

const query = new URLSearchParams(location.search);
export const room = query.get('room') ?? 'live';
export const choice = (name: string): string => (query.get(name) ? `?${name}=${encodeURIComponent(query.get(name)!)}` : '');

/** From the fragment of the URL, which no server sees; else the development key's, and another one when that is refused. */
const given = new URLSearchParams(location.hash.slice(1)).get('token');
let token: Promise<string> | null = null;
export function ownToken(name: string, refused: boolean): Promise<string> {
    if (given) return Promise.resolve(given);
    if (refused) token = null;
    token ??= fetchToken(room, name).catch((error: unknown) => {
        token = null;
        throw error;
    });
    return token;
}

const TEXTS: Record<DoorState, string> = {
    connecting: 'Connecting …',
    live: 'Live',
    trouble: 'Connection lost, trying again …',
    ended: 'Ended',
};

export function showState(state: DoorState, why: string): void {
    const line = byId('state');
    line.textContent = why && state !== 'live' ? `${TEXTS[state]} (${why})` : TEXTS[state];
    document.body.dataset['state'] = state;
}

export function watchHealth(door: () => Door | null): void {
    const health = new Health();
    window.setInterval(async () => {
        const pc = door()?.pc;
        byId('health').textContent = pc ? await health.read(pc).catch(() => '') : '';
    }, HEALTH_MS);
}

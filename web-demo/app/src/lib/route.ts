/** Addresses of the app: `#/`, `#/room/NAME`, `#/echo`; a token may come with any of them and is never kept in the address. */

export type Route = { page: 'home' } | { page: 'room'; room: string } | { page: 'echo' };

export interface Location {
    route: Route;
    token: string | null;
}

const MAX_ROOM_BYTES = 128;

export function cleanRoomName(name: string): string {
    const clean = name.normalize('NFC').trim();
    return new TextEncoder().encode(clean).length <= MAX_ROOM_BYTES ? clean : '';
}

function decode(text: string): string {
    try {
        return decodeURIComponent(text);
    } catch {
        return '';
    }
}

export function parseHash(hash: string): Location {
    const body = hash.replace(/^#/, '');
    const at = body.search(/[?&]?token=/);
    const path = at < 0 ? body : body.slice(0, at);
    const token = at < 0 ? null : decode(body.slice(at).replace(/^[?&]?token=/, '').split('&')[0]!) || null;
    const room = /^\/room\/([^?]+)/.exec(path)?.[1];
    const name = room ? cleanRoomName(decode(room)) : '';
    if (name) return { route: { page: 'room', room: name }, token };
    if (path === '/echo') return { route: { page: 'echo' }, token };
    const inToken = token ? roomOfToken(token) : null;
    return { route: inToken ? { page: 'room', room: inToken } : { page: 'home' }, token };
}

export function hashOf(route: Route): string {
    if (route.page === 'room') return `#/room/${encodeURIComponent(route.room)}`;
    return route.page === 'echo' ? '#/echo' : '#/';
}

interface Claims {
    name?: string;
    stoa?: { room?: string };
}

/** Claims of a token, unverified: only to show what the server will check. */
export function claimsOf(token: string): Claims | null {
    try {
        const body = token.split('.')[1]!.replaceAll('-', '+').replaceAll('_', '/');
        const bytes = Uint8Array.from(atob(body), (char) => char.charCodeAt(0));
        return JSON.parse(new TextDecoder().decode(bytes)) as Claims;
    } catch {
        return null;
    }
}

function roomOfToken(token: string): string | null {
    return claimsOf(token)?.stoa?.room ?? null;
}

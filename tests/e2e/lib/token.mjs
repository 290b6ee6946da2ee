// Tokens that say anything, signed with the development key of the server: what /v1/dev/token does not give.
import { createHmac } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

const LIFETIME_S = 600;
const base64url = (text) => Buffer.from(text).toString('base64url');

/** `grants` is the claim `stoa` (docs/protocol.md): what it leaves out is not granted. */
export async function signToken(stoad, identity, grants) {
    const [kid, secret] = (await readFile(join(stoad.dataDir, 'dev.key'), 'utf8')).split(/\s+/);
    const payload = { sub: identity, name: identity, exp: Math.floor(Date.now() / 1000) + LIFETIME_S, stoa: grants };
    const signed = [{ alg: 'HS256', kid, typ: 'JWT' }, payload].map((part) => base64url(JSON.stringify(part))).join('.');
    return `${signed}.${createHmac('sha256', Buffer.from(secret, 'base64url')).update(signed).digest('base64url')}`;
}

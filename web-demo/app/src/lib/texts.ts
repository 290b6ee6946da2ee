/** What the app says when something is not as wished. */

import type { StoaError } from '@stoa/client';

interface Explanation {
    title: string;
    help: string;
}

const DEVICE: Readonly<Record<string, (device: string) => Explanation>> = {
    permission_denied: (device) => ({
        title: `The ${device} is blocked`,
        help: `Click the ${device} sign in the address bar, allow it for this page, and try again.`,
    }),
    device_not_found: (device) => ({
        title: `No ${device} found`,
        help: `Plug one in, or join without: people can still see or hear you by the other.`,
    }),
    device_busy: (device) => ({
        title: `The ${device} does not answer`,
        help: `Another program may be using it. Close that program and try again.`,
    }),
    device_overconstrained: (device) => ({
        title: `The chosen ${device} is gone`,
        help: `Choose another one from the list.`,
    }),
    insecure_context: (device) => ({
        title: `The ${device} needs a secure page`,
        help: `Open this page by https, or on the same machine by http://localhost.`,
    }),
};

export function explainDevice(error: StoaError, device: string): Explanation {
    return (DEVICE[error.code] ?? DEVICE['device_busy']!)(device);
}

const CONNECT: Readonly<Record<string, Explanation>> = {
    connect_failed: { title: 'The server cannot be reached', help: 'Check the connection and try again.' },
    connection_lost: { title: 'The connection broke while joining', help: 'Check the network and try again.' },
    timeout: { title: 'The server does not answer', help: 'Try again in a moment.' },
    unauthenticated: { title: 'The invitation is not valid', help: 'It may have expired: ask for a new one.' },
    token_expired: { title: 'The invitation has expired', help: 'Ask for a new one.' },
    locked: { title: 'The room is locked', help: 'Ask somebody inside to open it.' },
    kicked: { title: 'You were removed', help: 'A host took you out of this meeting.' },
    quota: { title: 'The room is full', help: 'Try again when somebody has left.' },
    forbidden: { title: 'You may not enter this room', help: 'It may be locked, or the invitation is for another room.' },
    rate_limited: { title: 'Too many tries', help: 'Wait a minute and try again.' },
    unavailable: { title: 'The server is busy', help: 'Try again in a moment.' },
    no_token: {
        title: 'This server wants an invitation',
        help: 'Open the link that you were given; it carries the right to enter.',
    },
};

export function explainConnect(code: string, message: string): Explanation {
    return CONNECT[code] ?? { title: 'Joining did not work', help: message };
}

const ENDED: Readonly<Record<string, Explanation>> = {
    left: { title: 'You left the meeting', help: 'Come back whenever you like.' },
    kicked: { title: 'You were removed', help: 'A host took you out of this meeting.' },
    replaced: { title: 'You joined from somewhere else', help: 'Only one window at a time can be you in this room.' },
    revoked: { title: 'Your invitation was withdrawn', help: 'Ask the host for a new one.' },
    room_closed: { title: 'The meeting has ended', help: 'The host closed the room.' },
    connection_lost: { title: 'The connection was lost', help: 'We tried for a while. Check the network and join again.' },
};

export function explainEnd(reason: string): Explanation {
    return ENDED[reason] ?? { title: 'The meeting has ended', help: 'The server closed the connection.' };
}

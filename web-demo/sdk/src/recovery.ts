/**
 * What to do when something breaks, as two tables without timers or sockets.
 *
 * `signal` follows the WebSocket and the session behind it, `media` the PeerConnection. The cheapest repair comes
 * first: resume the session (no SDP at all), then restart ICE (same DTLS, same SSRCs), then join anew.
 */

export type SignalState = 'idle' | 'opening' | 'open' | 'resuming' | 'rejoining' | 'closed';
export type MediaState = 'new' | 'up' | 'suspect' | 'restarting' | 'down';

export interface RecoveryState {
    readonly signal: SignalState;
    readonly media: MediaState;
    /** Attempts since the last time that all was well. */
    readonly attempt: number;
}

export type RecoveryEvent =
    | 'connect'
    | 'opened'
    | 'open_failed'
    | 'socket_lost'
    | 'resumed'
    | 'resume_failed'
    | 'session_gone'
    | 'refused'
    | 'deadline'
    | 'closed_by_server'
    | 'close'
    | 'ice_connected'
    | 'ice_disconnected'
    | 'ice_failed'
    | 'grace_over'
    | 'network_changed'
    | 'restart_timeout'
    | 'peer_closed';

export type RecoveryAction =
    | 'open' /* first connection */
    | 'resume' /* after the back-off of state.attempt */
    | 'rejoin' /* likewise */
    | 'restart_ice'
    | 'start_grace'
    | 'probe' /* is the socket still alive? */
    | 'announce' /* reconnecting */
    | 'recovered' /* reconnected */
    | 'give_up'; /* disconnected */

export interface Transition {
    readonly state: RecoveryState;
    readonly actions: readonly RecoveryAction[];
}

export const INITIAL: RecoveryState = { signal: 'idle', media: 'new', attempt: 0 };

/** ICE restarts tried on one PeerConnection before it is replaced. */
const MAX_RESTARTS = 3;

type Row = Partial<Record<RecoveryEvent, readonly [SignalState, ...RecoveryAction[]]>>;
const STOP: Row = {
    close: ['closed'],
    closed_by_server: ['closed', 'give_up'],
};

const SIGNAL: Readonly<Record<SignalState, Row>> = {
    idle: { connect: ['opening', 'open'], close: ['closed'] },
    opening: { opened: ['open'], open_failed: ['closed'], refused: ['closed'], close: ['closed'] },
    open: {
        ...STOP,
        socket_lost: ['resuming', 'resume'],
        session_gone: ['rejoining', 'rejoin'],
        peer_closed: ['rejoining', 'rejoin'],
    },
    resuming: {
        ...STOP,
        resumed: ['open'],
        resume_failed: ['resuming', 'resume'],
        session_gone: ['rejoining', 'rejoin'],
        peer_closed: ['rejoining', 'rejoin'],
    },
    rejoining: {
        ...STOP,
        opened: ['open'],
        open_failed: ['rejoining', 'rejoin'],
        socket_lost: ['rejoining', 'rejoin'],
        refused: ['closed', 'give_up'],
        deadline: ['closed', 'give_up'],
    },
    closed: {},
};

type MediaRow = Partial<Record<RecoveryEvent, readonly [MediaState, ...RecoveryAction[]]>>;
const MEDIA: Readonly<Record<MediaState, MediaRow>> = {
    new: { ice_connected: ['up'], ice_failed: ['restarting', 'restart_ice'] },
    up: {
        ice_disconnected: ['suspect', 'start_grace', 'probe'],
        ice_failed: ['restarting', 'restart_ice', 'probe'],
        network_changed: ['restarting', 'restart_ice', 'probe'],
    },
    suspect: {
        ice_connected: ['up'],
        grace_over: ['restarting', 'restart_ice'],
        ice_failed: ['restarting', 'restart_ice'],
        network_changed: ['restarting', 'restart_ice', 'probe'],
    },
    restarting: {
        ice_connected: ['up'],
        restart_timeout: ['restarting', 'restart_ice'],
        network_changed: ['restarting', 'restart_ice', 'probe'],
    },
    down: {},
};

/** True when calls and media work as far as the client can tell. */
export function isHealthy(state: RecoveryState): boolean {
    return state.signal === 'open' && (state.media === 'new' || state.media === 'up');
}

function isBroken(state: RecoveryState): boolean {
    return (
        state.signal === 'resuming' ||
        state.signal === 'rejoining' ||
        (state.signal === 'open' && state.media === 'restarting')
    );
}

const FAILED_ATTEMPT: ReadonlySet<RecoveryEvent> = new Set([
    'resume_failed',
    'open_failed',
    'restart_timeout',
]);

/** An event for which the tables have no row in this state changes nothing. */
export function transition(state: RecoveryState, event: RecoveryEvent): Transition {
    const media = MEDIA[state.media][event];
    const nextMedia = media?.[0] ?? state.media;
    if (event === 'restart_timeout' && media && state.attempt + 1 >= MAX_RESTARTS)
        return transition(state, 'peer_closed');

    const signal = SIGNAL[state.signal][event];
    const nextSignal = signal?.[0] ?? state.signal;
    if (!signal && !media) return { state, actions: [] };

    const entersRejoin = nextSignal === 'rejoining' && state.signal !== 'rejoining';
    const leavesRejoin = nextSignal === 'open' && state.signal === 'rejoining';
    const next: RecoveryState = {
        signal: nextSignal,
        // A rejoin brings a new PeerConnection: whatever the old one did is over.
        media: entersRejoin ? 'down' : leavesRejoin ? 'new' : nextMedia,
        attempt: entersRejoin ? 0 : FAILED_ATTEMPT.has(event) ? state.attempt + 1 : state.attempt,
    };
    const settled = isHealthy(next) ? { ...next, attempt: 0 } : next;
    const actions = [...(signal?.slice(1) ?? []), ...(media?.slice(1) ?? [])] as RecoveryAction[];
    return { state: settled, actions: withAnnouncements(state, settled, actions) };
}

function withAnnouncements(
    before: RecoveryState,
    after: RecoveryState,
    actions: RecoveryAction[],
): RecoveryAction[] {
    const list = [...actions];
    if (!isBroken(before) && isBroken(after)) list.unshift('announce');
    if (isBroken(before) && isHealthy(after)) list.push('recovered');
    return list;
}

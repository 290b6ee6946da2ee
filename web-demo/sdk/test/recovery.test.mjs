import assert from 'node:assert/strict';
import { test } from 'node:test';
import { INITIAL, isHealthy, transition } from '../build/recovery.js';

const s = (signal, media = 'up', attempt = 0) => ({ signal, media, attempt });

// [state, event, next state, actions]
const ROWS = [
    [INITIAL, 'connect', s('opening', 'new'), ['open']],
    [s('opening', 'new'), 'opened', s('open', 'new'), []],
    [s('opening', 'new'), 'open_failed', s('closed', 'new', 1), []],
    [s('opening', 'new'), 'ice_connected', s('opening', 'up'), []],
    [s('open', 'new'), 'ice_connected', s('open'), []],
    [s('open', 'new'), 'ice_failed', s('open', 'restarting'), ['announce', 'restart_ice']],
    [s('open'), 'socket_lost', s('resuming'), ['announce', 'resume']],
    [s('resuming'), 'resume_failed', s('resuming', 'up', 1), ['resume']],
    [s('resuming', 'up', 3), 'resume_failed', s('resuming', 'up', 4), ['resume']],
    [s('resuming', 'up', 4), 'resumed', s('open'), ['recovered']],
    [s('resuming', 'up', 4), 'session_gone', s('rejoining', 'down'), ['rejoin']],
    [s('rejoining', 'down'), 'open_failed', s('rejoining', 'down', 1), ['rejoin']],
    [s('rejoining', 'down', 2), 'opened', s('open', 'new'), ['recovered']],
    [s('rejoining', 'down', 2), 'refused', s('closed', 'down', 2), ['give_up']],
    [s('rejoining', 'down', 9), 'deadline', s('closed', 'down', 9), ['give_up']],
    [s('open'), 'ice_disconnected', s('open', 'suspect'), ['start_grace', 'probe']],
    [s('open', 'suspect'), 'ice_connected', s('open'), []],
    [s('open', 'suspect'), 'grace_over', s('open', 'restarting'), ['announce', 'restart_ice']],
    [s('open'), 'grace_over', s('open'), []],
    [s('open'), 'ice_failed', s('open', 'restarting'), ['announce', 'restart_ice', 'probe']],
    [s('open'), 'network_changed', s('open', 'restarting'), ['announce', 'restart_ice', 'probe']],
    [s('open', 'new'), 'network_changed', s('open', 'new'), []],
    [s('open', 'restarting'), 'ice_connected', s('open'), ['recovered']],
    [s('open', 'restarting'), 'restart_timeout', s('open', 'restarting', 1), ['restart_ice']],
    [s('open', 'restarting', 2), 'restart_timeout', s('rejoining', 'down'), ['rejoin']],
    [s('open'), 'peer_closed', s('rejoining', 'down'), ['announce', 'rejoin']],
    [s('open'), 'closed_by_server', s('closed'), ['give_up']],
    [s('resuming'), 'closed_by_server', s('closed'), ['give_up']],
    [s('open'), 'close', s('closed'), []],
    [s('resuming', 'up', 2), 'close', s('closed', 'up', 2), []],
    // The socket and the media break together: recovered only when both are whole.
    [s('open', 'restarting'), 'socket_lost', s('resuming', 'restarting'), ['resume']],
    [s('resuming', 'restarting'), 'resumed', s('open', 'restarting'), []],
    [s('resuming', 'suspect'), 'grace_over', s('resuming', 'restarting'), ['restart_ice']],
    [s('resuming'), 'ice_failed', s('resuming', 'restarting'), ['restart_ice', 'probe']],
    // Nothing that comes late brings a closed room back.
    ...['opened', 'resumed', 'ice_failed', 'socket_lost', 'restart_timeout', 'network_changed'].map(
        (event) => [s('closed', 'down'), event, s('closed', 'down'), []],
    ),
];

for (const [state, event, next, actions] of ROWS) {
    test(`${state.signal}/${state.media}/${state.attempt} + ${event}`, () => {
        assert.deepEqual(transition(state, event), { state: next, actions });
    });
}

test('announce and recovered alternate over any walk', () => {
    const events = ['connect', 'opened', 'open_failed', 'socket_lost', 'resumed', 'resume_failed', 'session_gone',
        'ice_connected', 'ice_disconnected', 'ice_failed', 'grace_over', 'network_changed', 'restart_timeout', 'peer_closed'];
    let seed = 7;
    const random = (n) => (seed = (seed * 1103515245 + 12345) & 0x7fffffff) % n;
    for (let walk = 0; walk < 200; walk++) {
        let state = s('open', 'new');
        let broken = false;
        for (let step = 0; step < 40; step++) {
            const result = transition(state, events[random(events.length)]);
            if (result.actions.includes('announce')) {
                assert.equal(broken, false);
                broken = true;
            }
            if (result.actions.includes('recovered')) {
                assert.equal(broken, true);
                broken = false;
                assert.equal(isHealthy(result.state), true);
            }
            state = result.state;
        }
    }
});

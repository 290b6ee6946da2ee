import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NegotiationQueue } from '../build/negotiation.js';
import { tick } from './fakes.mjs';

/** A run that ends when told, and remembers how many were open at once. */
function controlled() {
    const runs = [];
    let open = 0;
    const run = (options) => {
        open += 1;
        assert.equal(open, 1, 'two exchanges at once');
        return new Promise((resolve, reject) => {
            const end = (settle) => (value) => {
                open -= 1;
                settle(value);
            };
            runs.push({ options, ok: end(resolve), fail: end(reject) });
        });
    };
    return { runs, run };
}

test('wishes of one turn share one exchange', async () => {
    const { runs, run } = controlled();
    const queue = new NegotiationQueue(run);
    const all = Promise.all([queue.request(), queue.request({ iceRestart: true }), queue.request()]);
    await tick();
    assert.equal(runs.length, 1);
    assert.deepEqual(runs[0].options, { iceRestart: true });
    runs[0].ok();
    await all;
});

test('wishes made during an exchange wait for the next one, merged', async () => {
    const { runs, run } = controlled();
    const queue = new NegotiationQueue(run);
    const first = queue.request();
    await tick();
    let later = 0;
    const rest = [queue.request(), queue.request()].map((each) => each.then(() => (later += 1)));
    runs[0].ok();
    await first;
    await tick();
    assert.equal(runs.length, 2);
    assert.equal(later, 0);
    assert.deepEqual(runs[1].options, { iceRestart: false });
    runs[1].ok();
    await Promise.all(rest);
    assert.equal(later, 2);
    assert.equal(queue.busy, false);
});

test('a failure is told to those who shared the exchange, and the queue goes on', async () => {
    const { runs, run } = controlled();
    const queue = new NegotiationQueue(run);
    const refused = assert.rejects(queue.request(), /forbidden/);
    await tick();
    const next = queue.request();
    runs[0].fail(new Error('forbidden'));
    await refused;
    await tick();
    runs[1].ok();
    await next;
});

test('a lost connection keeps the wishes, ICE restart included, until resume', async () => {
    const { runs, run } = controlled();
    const queue = new NegotiationQueue(run, (error) => error.message === 'lost');
    const wish = queue.request({ iceRestart: true });
    await tick();
    runs[0].fail(new Error('lost'));
    await tick();
    const second = queue.request();
    await tick();
    assert.equal(runs.length, 1, 'paused');
    queue.resume();
    await tick();
    assert.deepEqual(runs[1].options, { iceRestart: true });
    runs[1].ok();
    await Promise.all([wish, second]);
});

test('closing refuses what waits and what comes', async () => {
    const { run } = controlled();
    const queue = new NegotiationQueue(run);
    queue.pause();
    const waiting = assert.rejects(queue.request(), /left/);
    queue.close(new Error('left'));
    await waiting;
    await assert.rejects(queue.request(), /left/);
});

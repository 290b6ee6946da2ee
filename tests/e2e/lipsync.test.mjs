// One publisher's video comes 250 ms late: the receiver's browser must be told enough to put sound and picture together.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launchChromium, openHarness } from './lib/browsers.mjs';
import { startStoad } from './lib/stoad.mjs';
import { sleep, until } from './lib/until.mjs';
import { noFaults, sawEvent, seesPerson } from './lib/watch.mjs';

const ROOM = 'lipsync';
const DELAY_MS = 250;
const SETTLE_MS = 25_000;
const LIMIT_MS = 80;
const late = { identity: 'late', colour: '#d02020', frequency: 500 };
const prompt = { identity: 'prompt', colour: '#20a020', frequency: 800 };
let stoad, browser, viewer;

before(async () => {
    stoad = await startStoad();
    browser = await launchChromium();
    for (const who of [late, prompt]) {
        const { identity, colour, frequency } = who;
        who.page = await openHarness(browser, stoad.url);
        const options = who === late ? { delayVideoMs: DELAY_MS } : {};
        await who.page.evaluate((args, more) => harness.join(args, more), { room: ROOM, identity }, options);
        await who.page.evaluate((args) => harness.publish(args), { colour, frequency, fps: 20, publish: { maxBitrate: 400_000 } });
    }
    viewer = await openHarness(browser, stoad.url);
});

after(async () => {
    await browser?.close();
    await stoad?.stop();
});

/** Median of the skews over 3 s. */
async function skewOf(identity) {
    const samples = [];
    for (let i = 0; i < 10; i++) {
        const skew = await viewer.evaluate((id) => harness.skew(id), identity);
        if (skew !== null) samples.push(skew);
        await sleep(300);
    }
    assert.ok(samples.length >= 7, `the browser says when it plays (${samples.length} of 10)`);
    return samples.sort((a, b) => a - b)[Math.floor(samples.length / 2)];
}

test('the video really comes late at first', async () => {
    // One pair only, so that the second half is a switch within the same slots.
    await viewer.evaluate((args) => harness.join(args, { maxPairs: 1 }), { room: ROOM, identity: 'viewer' });
    assert.equal(await viewer.evaluate(() => harness.room.pairs), 1);
    await viewer.evaluate(() => harness.setView(['late']));
    await seesPerson(viewer, late);
    const { ageMs } = await viewer.evaluate(() => harness.look('late'));
    assert.ok(ageMs > DELAY_MS, `picture is ${ageMs} ms old`);
});

test(`after 25 s sound and picture are at most ${LIMIT_MS} ms apart`, async (t) => {
    await sleep(SETTLE_MS);
    const skew = await skewOf('late');
    t.diagnostic(`audio - video = ${skew.toFixed(0)} ms`);
    assert.ok(Math.abs(skew) <= LIMIT_MS, `${skew} ms`);
});

test('the same 25 s after the slots changed to somebody else', async (t) => {
    const before = await viewer.evaluate(() => harness.slots());
    await viewer.evaluate(() => harness.setView(['prompt']));
    await sawEvent(viewer, ['trackSubscribed', 'prompt', 'camera']);
    await seesPerson(viewer, prompt);
    await until(() => viewer.evaluate(() => !document.querySelector('[data-who="late/camera"]')), 'the old tile is gone');
    await sleep(SETTLE_MS);
    const skew = await skewOf('prompt');
    t.diagnostic(`audio - video = ${skew.toFixed(0)} ms`);
    assert.ok(Math.abs(skew) <= LIMIT_MS, `${skew} ms`);
    const after = await viewer.evaluate(() => harness.slots());
    assert.deepEqual(after.map(({ ssrc }) => ssrc), before.map(({ ssrc }) => ssrc), 'the same slots');
    noFaults([viewer, late.page, prompt.page]);
});

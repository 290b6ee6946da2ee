// Bad networks before a viewer: a bottleneck that opens again, and loss over a long way (tests/impair).
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launchChromium, launchFirefox, openHarness } from './lib/browsers.mjs';
import { startImpair } from './lib/impair.mjs';
import { startStoad } from './lib/stoad.mjs';
import { NotYet, sleep, until } from './lib/until.mjs';
import { noFaults, sawEvent } from './lib/watch.mjs';

const LIMIT = 'down rate_kbps=600 queue_bytes=30000'; // 400 ms
const LIMITED_MS = 30_000;
const BACK_MS = 10_000;
const FAR = 'both delay_ms=50';
const LOSSY = 'both loss_percent=2';
const LOSSY_MS = 30_000;
const MAX_FREEZE_MS = 500;
// The smallest picture that a camera is published in three layers with, and few frames: decoding must not be what is short.
const CAMERA = { colour: '#d02020', frequency: 500, width: 960, height: 540, fps: 15, noise: true };
const SMALL = { colour: '#d02020', frequency: 500, width: 320, height: 180, fps: 15 };
let stoad, chromium, firefox;

before(async () => {
    stoad = await startStoad({ STOA_MEDIA_WORKERS: '1' });
    [chromium, firefox] = await Promise.all([launchChromium(), launchFirefox()]);
});

after(async () => {
    await Promise.all([chromium?.close(), firefox?.close()]);
    await stoad?.stop();
});

async function begin(browser, room, picture) {
    const impair = await startImpair(stoad);
    const [viewer, sender] = [await openHarness(browser, stoad.url), await openHarness(chromium, stoad.url)];
    await viewer.evaluate((args, more) => harness.join(args, more), { room, identity: 'viewer' }, { through: impair.through });
    await sender.evaluate((args) => harness.join(args), { room, identity: 'sender' });
    await sender.evaluate((args) => harness.publish(args), { ...picture, publish: { degradationPreference: 'maintain-resolution' } });
    await sawEvent(viewer, ['trackSubscribed', 'sender', 'camera']);
    await viewer.evaluate(({ width, height }) => harness.resize('sender', width, height), picture);
    return {
        impair,
        viewer,
        async end() {
            noFaults([viewer, sender]);
            const counts = await impair.counts();
            await Promise.all([viewer, sender].map((page) => page.evaluate(() => harness.leave())));
            await Promise.all([viewer, sender].map((page) => page.close()));
            await impair.stop();
            return counts;
        },
    };
}

const camera = (viewer) => viewer.evaluate(() => harness.inbound('sender', 'camera'));
const voice = (viewer) => viewer.evaluate(() => harness.inbound('sender', 'microphone'));

/** For two seconds nothing but whole pictures of this height, at this rate or more. */
async function isSteady(viewer, height, minKbps, ms) {
    let last = null;
    let good = 0;
    await until(async () => {
        const now = await camera(viewer);
        const kbps = last && now ? (8 * (now.bytesReceived - last.bytesReceived)) / (now.timestamp - last.timestamp) : 0;
        last = now;
        good = now?.frameHeight === height && kbps >= minKbps ? good + 1 : 0;
        if (good >= 2) return true;
        throw new NotYet(`${now?.frameWidth}x${now?.frameHeight}, ${kbps.toFixed(0)} kbit/s`);
    }, `${height} lines at ${minKbps} kbit/s`, { ms, every: 1000 });
}

for (const name of ['Chromium', 'Firefox']) {
    test(`${name}: 600 kbit/s leave a moving low layer and whole audio; the top layer comes back`, { timeout: 180_000 }, async (t) => {
        const { impair, viewer, end } = await begin(name === 'Chromium' ? chromium : firefox, `narrow-${name}`, CAMERA);
        await isSteady(viewer, CAMERA.height, 800, 30_000);

        const sound = await voice(viewer);
        await impair.set(LIMIT);
        const heights = [];
        let longest = 0;
        for (let passed = 0; passed < LIMITED_MS; passed += 1000) {
            await viewer.evaluate(() => harness.watchFrames('sender'));
            await sleep(1000);
            heights.push((await camera(viewer)).frameHeight);
            longest = Math.max(longest, (await viewer.evaluate(() => harness.drawn())).longest);
        }
        const after = await voice(viewer);
        const concealed = (after.concealedSamples - sound.concealedSamples) / (after.totalSamplesReceived - sound.totalSamplesReceived);
        const low = heights.filter((height) => height < CAMERA.height).length;
        t.diagnostic(`heights ${heights.join(' ')}; longest without a picture ${longest.toFixed(0)} ms; concealed ${(100 * concealed).toFixed(2)} %`);
        assert.ok(low >= 0.6 * heights.length, `in a low layer for ${low} of ${heights.length} s`);
        assert.ok(longest < 1500, `${longest} ms without a picture`);
        assert.ok(concealed < 0.02, `${(100 * concealed).toFixed(2)} % concealed`);

        await until(async () => (await camera(viewer)).frameHeight < CAMERA.height, 'it does not just try the top layer');
        const opened = Date.now();
        await impair.set('down rate_kbps=0');
        await until(async () => {
            const now = await camera(viewer);
            if (now.frameHeight === CAMERA.height) return true;
            throw new NotYet(`${now.frameWidth}x${now.frameHeight}`);
        }, 'the top layer is back', { ms: BACK_MS });
        t.diagnostic(`top layer after ${Date.now() - opened} ms`);
        await isSteady(viewer, CAMERA.height, 800, 15_000);
        const { down } = await end();
        assert.ok(down.queue > 0, 'the queue was full');
    });
}

for (const name of ['Chromium', 'Firefox']) {
    test(`${name}: 2 % loss at 100 ms round trip freezes nothing for more than ${MAX_FREEZE_MS} ms`, { timeout: 120_000 }, async (t) => {
        const { impair, viewer, end } = await begin(name === 'Chromium' ? chromium : firefox, `lossy-${name}`, SMALL);
        await impair.set(FAR);
        await isSteady(viewer, SMALL.height, 10, 20_000);
        await impair.set(LOSSY);
        const before = await camera(viewer);
        await viewer.evaluate(() => harness.watchFrames('sender'));
        await sleep(LOSSY_MS);
        const { count, longest } = await viewer.evaluate(() => harness.drawn());
        const now = await camera(viewer);
        const freezes = now.freezeCount - before.freezeCount;
        const frozenMs = 1000 * (now.totalFreezesDuration - before.totalFreezesDuration);
        const { down } = await end();
        t.diagnostic(`${count} frames, longest gap ${longest.toFixed(0)} ms, ${freezes} freezes of ${frozenMs.toFixed(0)} ms in all, ` +
            `${now.packetsLost} packets lost, ${now.nackCount} asked for, ${now.retransmittedPacketsReceived ?? '?'} sent again`);
        assert.ok(down.lost > 20, JSON.stringify(down));
        assert.equal(now.pliCount, before.pliCount, 'what was missed came again: no key frame had to be asked for');
        assert.ok(count > 0.8 * SMALL.fps * (LOSSY_MS / 1000), `${count} frames`);
        assert.ok(longest <= MAX_FREEZE_MS, `${longest} ms without a frame`);
    });
}

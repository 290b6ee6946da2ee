// A 720p camera reaches its full rate: transport-wide feedback works and lets the sender's estimate grow.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launchChromium, openHarness } from './lib/browsers.mjs';
import { startStoad } from './lib/stoad.mjs';
import { NotYet, until } from './lib/until.mjs';
import { noFaults, sawEvent } from './lib/watch.mjs';

const WANTED_BPS = 2_500_000;
let stoad, browser, sender, viewer;

before(async () => {
    stoad = await startStoad();
    browser = await launchChromium();
    sender = await openHarness(browser, stoad.url);
    viewer = await openHarness(browser, stoad.url);
});

after(async () => {
    await browser?.close();
    await stoad?.stop();
});

test('availableOutgoingBitrate reaches 2.5 Mbit/s within 15 s at 1280x720', async (t) => {
    await viewer.evaluate(() => harness.join({ room: 'rate', identity: 'viewer' }));
    await sender.evaluate(() => harness.join({ room: 'rate', identity: 'sender' }));
    await sender.evaluate(() => harness.publish({
        colour: '#d02020', width: 1280, height: 720, fps: 25, noise: true,
        // Noise is harder than any camera: the encoder would rather shrink it than spend the bits.
        publish: { degradationPreference: 'maintain-resolution', simulcast: false },
    }));
    await sawEvent(viewer, ['trackSubscribed', 'sender', 'camera']);
    const start = Date.now();
    let available = 0;
    await until(async () => {
        const pairs = await sender.evaluate(() => harness.stats('candidate-pair'));
        available = Math.max(...pairs.map((each) => each.availableOutgoingBitrate ?? 0));
        if (available >= WANTED_BPS) return true;
        throw new NotYet(`available: ${Math.round(available / 1000)} kbit/s`);
    }, 'availableOutgoingBitrate', { ms: 15_000, every: 250 });
    t.diagnostic(`${Math.round(available / 1000)} kbit/s after ${Date.now() - start} ms`);
});

test('what the viewer gets is 1280x720 and 2 Mbit/s or more', async (t) => {
    let last = null;
    await until(async () => {
        const now = await viewer.evaluate(() => harness.inbound('sender', 'camera'));
        const bps = last && now ? (8000 * (now.bytesReceived - last.bytesReceived)) / (now.timestamp - last.timestamp) : 0;
        last = now;
        if (now?.frameHeight === 720 && bps >= 2_000_000) return t.diagnostic(`${Math.round(bps / 1000)} kbit/s`) ?? true;
        throw new NotYet(`${now?.frameWidth}x${now?.frameHeight}, ${Math.round(bps / 1000)} kbit/s`);
    }, '720p arrives', { ms: 15_000, every: 1000 });
    noFaults([sender, viewer]);
});

// Redundant audio: to those who negotiated it as it came, to others the newest block alone.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launchChromium, launchFirefox, openHarness } from './lib/browsers.mjs';
import { startStoad } from './lib/stoad.mjs';
import { NotYet, until } from './lib/until.mjs';
import { hearsTone, noFaults, sawEvent } from './lib/watch.mjs';

const SENDER = { identity: 'sender', frequency: 700 };
let stoad, chromium, firefox, sender, viewer, other;

before(async () => {
    stoad = await startStoad({ STOA_MEDIA_CODECS: 'red,opus,vp8' });
    chromium = await launchChromium();
    firefox = await launchFirefox();
    sender = await openHarness(chromium, stoad.url);
    viewer = await openHarness(chromium, stoad.url);
    other = await openHarness(firefox, stoad.url);
    await viewer.evaluate(() => harness.join({ room: 'red', identity: 'viewer' }));
    await other.evaluate(() => harness.join({ room: 'red', identity: 'other' }));
    await sender.evaluate((who) => harness.join({ room: 'red', identity: who }), SENDER.identity);
    await sender.evaluate((frequency) => harness.publish({ frequency }), SENDER.frequency);
});

after(async () => {
    await chromium?.close();
    await firefox?.close();
    await stoad?.stop();
});

const codecIs = (page, wanted) => until(async () => {
    const mime = await page.evaluate((who) => harness.codecOf(who, 'microphone'), SENDER.identity);
    if (mime?.toLowerCase() === wanted) return true;
    throw new NotYet(`${mime}`);
}, wanted, { ms: 8000, every: 200 });

test('Chromium gets it with redundancy, and hears the tone', async () => {
    await sawEvent(viewer, ['trackSubscribed', SENDER.identity, 'microphone']);
    await hearsTone(viewer, SENDER);
    await codecIs(viewer, 'audio/red');
});

test('Firefox, which has no redundancy, gets Opus and the same energy', async () => {
    await sawEvent(other, ['trackSubscribed', SENDER.identity, 'microphone']);
    await codecIs(other, 'audio/opus');
    const energy = await other.evaluate((who) => harness.energy(who, 2000), SENDER.identity);
    assert.ok(energy > 0.001, `energy ${energy}`);
    const { packetsLost, concealedSamples, totalSamplesReceived } =
        await other.evaluate((who) => harness.inbound(who, 'microphone'), SENDER.identity);
    assert.equal(packetsLost, 0);
    assert.ok(!(concealedSamples > totalSamplesReceived / 4), `${concealedSamples} of ${totalSamplesReceived} concealed`);
});

test('who speaks is known as ever', async () => {
    await sawEvent(viewer, ['speakers']);
    noFaults([sender, viewer, other]);
});

// Redundant audio: to those who negotiated it as it came, to others the newest block alone.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launchChromium, launchFirefox, openHarness } from './lib/browsers.mjs';
import { startStoad } from './lib/stoad.mjs';
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

/** Bytes of payload per packet: browsers name the codec inside, so only the size tells what arrives. */
async function packetSize(page) {
    const read = () => page.evaluate((who) => harness.inbound(who, 'microphone'), SENDER.identity);
    const before = await read();
    await new Promise((resolve) => setTimeout(resolve, 2000));
    const after = await read();
    return (after.bytesReceived - before.bytesReceived) / (after.packetsReceived - before.packetsReceived);
}

test('Chromium hears the tone, Firefox, which has no redundancy, the same energy', async () => {
    await sawEvent(viewer, ['trackSubscribed', SENDER.identity, 'microphone']);
    await sawEvent(other, ['trackSubscribed', SENDER.identity, 'microphone']);
    await hearsTone(viewer, SENDER);
    const energy = await other.evaluate((who) => harness.energy(who, 2000), SENDER.identity);
    assert.ok(energy > 0.001, `energy ${energy}`);
    const { packetsLost, concealedSamples, totalSamplesReceived } =
        await other.evaluate((who) => harness.inbound(who, 'microphone'), SENDER.identity);
    assert.equal(packetsLost, 0);
    assert.ok(!(concealedSamples > totalSamplesReceived / 4), `${concealedSamples} of ${totalSamplesReceived} concealed`);
});

test('only those who negotiated it get what was sent before', async (t) => {
    const [withRed, without] = await Promise.all([packetSize(viewer), packetSize(other)]);
    t.diagnostic(`${withRed.toFixed(0)} bytes a packet to Chromium, ${without.toFixed(0)} to Firefox`);
    assert.ok(withRed > 1.6 * without, `${withRed} against ${without}`);
});

test('who speaks is known as ever', async () => {
    await sawEvent(viewer, ['speakers']);
    noFaults([sender, viewer, other]);
});

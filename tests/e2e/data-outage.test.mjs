// Data while media comes and goes: what waits when a PeerConnection is lost leaves over the next one of the same Room.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launchChromium, launchFirefox, openHarness } from './lib/browsers.mjs';
import { startImpair } from './lib/impair.mjs';
import { startStoad } from './lib/stoad.mjs';
import { NotYet, until } from './lib/until.mjs';
import { eventCount, noFaults, sawEvent } from './lib/watch.mjs';

const MESSAGES = 10;
const LETTERS = 60_000;
const browsers = {};
let stoad;

before(async () => {
    stoad = await startStoad({ STOA_MEDIA_WORKERS: '1' }); // the one that the relay stands before
    [browsers.Chromium, browsers.Firefox] = await Promise.all([launchChromium(), launchFirefox()]);
});

after(async () => {
    await Promise.all(Object.values(browsers).map((browser) => browser.close()));
    await stoad?.stop();
});

/** Of the large messages that came: their topics are numbers. */
const numbers = (page) =>
    page.evaluate(() => harness.data.filter(([, , { topic }]) => topic).map(([, , { topic }]) => Number(topic)));

/** Says it until it is heard: until then the reader's channels may still be opening. */
async function passes(from, to, text) {
    await until(async () => {
        assert.equal(await from.evaluate((payload) => harness.sendData({ text: payload }), text), null);
        return to.evaluate((wanted) => harness.data.some(([each]) => each === wanted), text);
    }, `${text} is heard`, { ms: 15_000 });
}

/** Resolves when the browser has taken no more for a while: nothing leaves. Returns how many messages it has. */
async function jammed(page) {
    let before = -1;
    return until(async () => {
        const now = await page.evaluate(() => harness.taken.length);
        const stands = now === before && now > 0;
        before = now;
        if (stands) return now;
        throw new NotYet(`${now} taken`);
    }, 'the channel is full', { every: 500 });
}

for (const name of ['Chromium', 'Firefox'])
    test(`${name}: what waits when the media path dies leaves over the next PeerConnection, once and in order`, async () => {
        const room = `outage-${name}`;
        const impair = await startImpair(stoad);
        const sender = await openHarness(browsers[name], stoad.url);
        const reader = await openHarness(browsers.Chromium, stoad.url);
        await sender.evaluate((args, more) => harness.join(args, more), { room, identity: 'sender' }, { through: impair.through });
        await reader.evaluate((args) => harness.join(args), { room, identity: 'reader' });
        await until(() => sender.evaluate(() => harness.room.remoteParticipants.size === 1), 'the sender sees the reader');
        await passes(sender, reader, 'before');

        await impair.set('both loss_percent=100');
        await sender.evaluate((count, letters) => {
            const { room } = harness;
            Object.assign(harness, { lostPeer: room.peerConnection, taken: [], failed: [] });
            for (let n = 0; n < count; n++)
                room.localParticipant.publishData('z'.repeat(letters), { topic: String(n) }).then(
                    () => harness.taken.push(n),
                    ({ code }) => harness.failed.push(code),
                );
        }, MESSAGES, LETTERS);
        const lost = await jammed(sender);
        assert.ok(lost < MESSAGES, 'some wait');

        const from = await eventCount(sender);
        await sender.evaluate(() => {
            // A server that has forgotten the session: the client joins anew, with another PeerConnection.
            const open = WebSocket.prototype.send;
            WebSocket.prototype.send = function (text) {
                if (!text.includes('session.resume')) return open.call(this, text);
                WebSocket.prototype.send = open;
                open.call(this, text.replace(/"secret":"[^"]*"/, '"secret":"AAAAAAAAAAAAAAAAAAAAAA"'));
            };
            harness.room.dropSocket();
        });
        await until(() => sender.evaluate(() => ![null, harness.lostPeer].includes(harness.room.peerConnection)), 'another PeerConnection');
        assert.deepEqual(await sender.evaluate(() => [harness.taken.length, harness.failed]), [lost, []], 'they wait still');
        await impair.set('both loss_percent=0');
        await sawEvent(sender, ['reconnected'], { from, ms: 12_000 });

        const waited = Array.from({ length: MESSAGES - lost }, (_, n) => lost + n);
        await until(async () => (await numbers(reader)).length >= waited.length, 'they come', { ms: 20_000 });
        await passes(sender, reader, 'after');
        assert.deepEqual(await numbers(reader), waited);
        const kept = { taken: Array.from({ length: MESSAGES }, (_, n) => n), failed: [] };
        assert.deepEqual(await sender.evaluate(() => ({ taken: harness.taken, failed: harness.failed })), kept);
        assert.equal(await sender.evaluate(() => harness.lostPeer.connectionState), 'closed');
        noFaults([sender, reader]);
        await Promise.all([sender, reader].map((page) => page.close()));
        await impair.stop();
    });

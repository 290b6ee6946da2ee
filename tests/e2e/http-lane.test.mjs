// No WebSocket gets through: the client signals by POST and server-sent events, and the call is the same.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launchChromium, launchFirefox, openHarness } from './lib/browsers.mjs';
import { startProxy } from './lib/proxy.mjs';
import { startStoad } from './lib/stoad.mjs';
import { sleep, until } from './lib/until.mjs';
import { eventCount, events, hearsTone, noFaults, sawEvent, seesPerson } from './lib/watch.mjs';

const ROOM = 'http';
const PICTURE = { fps: 15, publish: { maxBitrate: 400_000 } };
const ann = { identity: 'ann', colour: '#d02020', frequency: 500 };
const bob = { identity: 'bob', colour: '#20a020', frequency: 800 };
const cat = { identity: 'cat', colour: '#2020d0', frequency: 1500 };
let stoad, proxy, chromium, firefox;

async function join({ page, identity, colour, frequency }) {
    await page.evaluate((args) => harness.join(args), { room: ROOM, identity });
    await page.evaluate((args) => harness.publish(args), { ...PICTURE, colour, frequency });
}

/** As behind a proxy that knows no upgrades. */
const blockWebSockets = (page) =>
    page.evaluate(() => {
        const Real = WebSocket;
        window.WebSocket = class extends Real {
            constructor(url, protocol) {
                super(String(url).replace('/v1/rtc', '/no-such-socket'), protocol);
            }
        };
    });

before(async () => {
    stoad = await startStoad();
    proxy = await startProxy(stoad.port);
    [chromium, firefox] = await Promise.all([launchChromium(), launchFirefox()]);
    ann.page = await openHarness(chromium, proxy.url);
    bob.page = await openHarness(chromium, stoad.url);
    cat.page = await openHarness(firefox, stoad.url);
    for (const who of [ann, cat]) await blockWebSockets(who.page);
    for (const who of [ann, bob, cat]) await join(who);
});

after(async () => {
    await Promise.all([chromium?.close(), firefox?.close()]);
    await proxy?.stop();
    await stoad?.stop();
});

const lane = ({ page }) => page.evaluate(() => harness.room.signalling);

test('two without a WebSocket and one with: all see and hear each other', async () => {
    assert.deepEqual([await lane(ann), await lane(bob), await lane(cat)], ['http', 'websocket', 'http']);
    for (const viewer of [ann, bob, cat])
        for (const person of [ann, bob, cat].filter((each) => each !== viewer)) {
            await seesPerson(viewer.page, person, { viewer: viewer.identity });
            // Firefox has no audio device here to listen with.
            if (viewer !== cat && person !== cat) await hearsTone(viewer.page, person, { viewer: viewer.identity });
        }
});

test('calls and notifications work: mute, metadata, leaving', async () => {
    const from = await eventCount(bob.page);
    await ann.page.evaluate(() => harness.room.localParticipant.setMicrophoneEnabled(false));
    await sawEvent(bob.page, ['trackMuted', 'ann', 'microphone'], { from });
    await sawEvent(cat.page, ['trackMuted', 'ann', 'microphone']);
    await ann.page.evaluate(() => harness.room.localParticipant.setMicrophoneEnabled(true));
});

test('4 s without any connection: media goes on, events come once and in order', async () => {
    const from = await eventCount(ann.page);
    proxy.cut();
    for (let n = 0; n < 4; n++) {
        await bob.page.evaluate((value) => harness.room.localParticipant.setMetadata({ n: value }), n);
        await sleep(1000);
    }
    proxy.heal();
    const told = async () => (await events(ann.page)).slice(from).filter(([name, who]) => name === 'metadata' && who === 'bob');
    await until(async () => (await told()).length >= 4, 'the missed events', { ms: 15_000 });
    await sleep(500);
    assert.deepEqual((await told()).map(([, , { n }]) => n), [0, 1, 2, 3]);
    assert.equal((await events(ann.page)).slice(from).some(([name]) => name === 'trackUnsubscribed'), false);
    await seesPerson(ann.page, bob);
    // Firefox tells the page of the socket that does not open.
    cat.page.faults = cat.page.faults.filter((fault) => !fault.includes('no-such-socket'));
    noFaults([ann.page, bob.page, cat.page]);
});

// A camera in three layers: a viewer gets the one that fits its tile, and what nobody watches is not sent.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launchChromium, launchFirefox, openHarness } from './lib/browsers.mjs';
import { startStoad } from './lib/stoad.mjs';
import { NotYet, sleep, until } from './lib/until.mjs';
import { noFaults, sawEvent } from './lib/watch.mjs';

const LAYERS = [
    { rid: 'q', width: 320, height: 180 },
    { rid: 'h', width: 640, height: 360 },
    { rid: 'f', width: 1280, height: 720 },
];
const TURNS = [0, 1, 2, 1, 0, 2];
let stoad, chromium, firefox;

before(async () => {
    stoad = await startStoad();
    [chromium, firefox] = await Promise.all([launchChromium(), launchFirefox()]);
});

after(async () => {
    await Promise.all([chromium?.close(), firefox?.close()]);
    await stoad?.stop();
});

/** The picture that comes is of this height, and moves. */
async function shows(viewer, from, { rid, height }) {
    let frames = null;
    await until(async () => {
        const now = await viewer.evaluate((who) => harness.inbound(who, 'camera'), from);
        const layer = await viewer.evaluate((who) => harness.layer(who), from);
        const moves = frames !== null && now?.framesDecoded > frames;
        frames = now?.framesDecoded ?? null;
        if (moves && now.frameHeight === height && layer?.rid === rid) return true;
        throw new NotYet(`${now?.frameWidth}x${now?.frameHeight}, told ${JSON.stringify(layer)}`);
    }, `${rid}: ${height} lines`, { ms: 20_000, every: 100 });
}

/** Only this encoding grows, for a whole second, within `ms`. */
async function sendsOnly(sender, rid, ms) {
    let last = await sender.evaluate(() => harness.sentByRid());
    await until(async () => {
        const now = await sender.evaluate(() => harness.sentByRid());
        const grown = Object.keys(now).filter((each) => now[each] > (last[each] ?? 0));
        last = now;
        if (grown.join() === rid) return true;
        throw new NotYet(`sends ${grown.join(', ') || 'nothing'}`);
    }, `only ${rid} is sent`, { ms, every: 1000 });
}

async function metric(name) {
    const text = await (await fetch(`${stoad.url}/metrics`)).text();
    const line = text.split('\n').find((each) => each.startsWith(name));
    return Number(line?.split(' ').at(-1) ?? 0);
}

for (const name of ['Chromium', 'Firefox']) {
    test(`${name} publishes three layers, each is selected in turn`, { timeout: 180_000 }, async (t) => {
        const room = `layers-${name}`;
        const sender = await openHarness(name === 'Chromium' ? chromium : firefox, stoad.url);
        const viewer = await openHarness(chromium, stoad.url);
        await viewer.evaluate((args) => harness.join(args), { room, identity: 'viewer' });
        await sender.evaluate((args) => harness.join(args), { room, identity: 'sender' });
        await sender.evaluate(() => harness.publish({ colour: '#d02020', width: 1280, height: 720, fps: 20 }));
        await sawEvent(viewer, ['trackSubscribed', 'sender', 'camera']);
        for (const turn of TURNS) {
            const layer = LAYERS[turn];
            const start = Date.now();
            await viewer.evaluate((args) => harness.resize('sender', ...args), [layer.width, layer.height]);
            await shows(viewer, 'sender', layer);
            t.diagnostic(`${layer.rid} after ${Date.now() - start} ms`);
            await sleep(1000);
            await sendsOnly(sender, layer.rid, 10_000);
        }
        noFaults([sender, viewer]);
        await sender.evaluate(() => harness.leave());
        await viewer.evaluate(() => harness.leave());
    });
}

/** When the bytes of an encoding last grew, and what has grown since; asked often, for `ms`. */
async function growth(sender, rid, ms) {
    const begin = Date.now();
    let last = (await sender.evaluate(() => harness.sentByRid()))[rid] ?? 0;
    const grew = [];
    while (Date.now() - begin < ms) {
        const now = (await sender.evaluate(() => harness.sentByRid()))[rid] ?? 0;
        if (now > last) grew.push(Date.now() - begin);
        last = now;
        await sleep(40);
    }
    return grew;
}

for (const name of ['Chromium', 'Firefox']) {
    test(`${name}: an encoding ends within 2 s after the last look at it, and begins within 1 s after the next`, { timeout: 120_000 }, async (t) => {
        const room = `prompt-${name}`;
        const sender = await openHarness(name === 'Chromium' ? chromium : firefox, stoad.url);
        const viewer = await openHarness(chromium, stoad.url);
        await viewer.evaluate((args) => harness.join(args), { room, identity: 'viewer' });
        await sender.evaluate((args) => harness.join(args), { room, identity: 'sender' });
        await sender.evaluate(() => harness.publish({ colour: '#d02020', width: 960, height: 540, fps: 15 }));
        await sawEvent(viewer, ['trackSubscribed', 'sender', 'camera']);
        await viewer.evaluate(() => harness.setView(['sender'], { width: 960, height: 540 }));
        await shows(viewer, 'sender', { rid: 'f', height: 540 });
        await viewer.evaluate(() => harness.setView(['sender'], { width: 240, height: 135 }));
        const ends = await growth(sender, 'f', 4000);
        await shows(viewer, 'sender', { rid: 'q', height: 135 });
        await viewer.evaluate(() => harness.setView(['sender'], { width: 960, height: 540 }));
        const begins = await growth(sender, 'f', 2500);
        t.diagnostic(`ended after ${ends.at(-1) ?? 0} ms, began after ${begins[0]} ms`);
        assert.ok((ends.at(-1) ?? 0) <= 2000, `sent for ${ends.at(-1)} ms`);
        assert.ok(begins[0] <= 1000, `not sent for ${begins[0]} ms`);
        noFaults([sender, viewer]);
        await Promise.all([sender, viewer].map((page) => page.evaluate(() => harness.leave())));
    });
}

test('two viewers, two layers; and with nobody watching nothing is sent', { timeout: 120_000 }, async () => {
    const sender = await openHarness(chromium, stoad.url);
    const viewers = [await openHarness(chromium, stoad.url), await openHarness(firefox, stoad.url)];
    await sender.evaluate(() => harness.join({ room: 'two', identity: 'sender' }));
    await sender.evaluate(() => harness.publish({ colour: '#20a020', width: 1280, height: 720, fps: 20 }));
    for (const [i, viewer] of viewers.entries()) {
        await viewer.evaluate((args) => harness.join(args), { room: 'two', identity: `viewer-${i}` });
        await sawEvent(viewer, ['trackSubscribed', 'sender', 'camera']);
        await viewer.evaluate((args) => harness.resize('sender', ...args), [LAYERS[i].width, LAYERS[i].height]);
    }
    await Promise.all(viewers.map((viewer, i) => shows(viewer, 'sender', LAYERS[i])));
    for (const viewer of viewers) await viewer.evaluate(() => harness.leave());
    await sleep(1500);
    await sendsOnly(sender, '', 10_000);
    await viewers[1].evaluate(() => harness.join({ room: 'two', identity: 'again' }));
    await sawEvent(viewers[1], ['trackSubscribed', 'sender', 'camera']);
    await shows(viewers[1], 'sender', LAYERS[0]);
    noFaults([sender, ...viewers]);
});

test('both browsers tell the server what they can receive', async () => {
    assert.ok((await metric('stoa_feedback_total{kind="remb_in"}')) > 10, 'REMB came');
});

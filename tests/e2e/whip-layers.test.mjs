// A browser publishes three layers by WHIP (RFC 9725, 4.8): the room gets the one that fits, a WHEP viewer the best.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launchChromium, openHarness, openWindow } from './lib/browsers.mjs';
import { startStoad } from './lib/stoad.mjs';
import { NotYet, until } from './lib/until.mjs';
import { hearsTone, noFaults, sawEvent, seesPerson } from './lib/watch.mjs';

const CAM = { room: 'layered', identity: 'cam', colour: '#c0a020', frequency: 1100, width: 960, height: 540, fps: 15, rids: ['q', 'h', 'f'] };
const HEIGHTS = [135, 270, 540, 270, 135, 540];
let stoad, chromium;

before(async () => {
    stoad = await startStoad({ STOA_PLUGINS_LOAD: 'conference,broadcast' });
    chromium = await launchChromium();
});

after(async () => {
    await chromium?.close();
    await stoad?.stop();
});

test('Chromium publishes three rids by WHIP: each is selected in turn in the room, WHEP shows the best', { timeout: 120_000 }, async (t) => {
    const [room, encoder] = [await openHarness(chromium, stoad.url), await openHarness(chromium, stoad.url)];
    await room.evaluate((who) => harness.join(who), { room: CAM.room, identity: 'ann' });
    const answer = await encoder.evaluate((args) => harness.whip(args), CAM);
    assert.match(answer, /^a=simulcast:recv q;h;f\r$/m);
    for (const rid of CAM.rids) assert.match(answer, new RegExp(`^a=rid:${rid} recv`, 'm'));
    await sawEvent(room, ['trackSubscribed', 'cam', 'camera']);

    for (const height of HEIGHTS) {
        const begin = Date.now();
        await room.evaluate((h) => harness.setView(['cam'], { width: (h * 16) / 9, height: h }), height);
        let frames = null;
        await until(async () => {
            const now = await room.evaluate(() => harness.inbound('cam', 'camera'));
            const moves = frames !== null && now?.framesDecoded > frames;
            frames = now?.framesDecoded ?? null;
            if (moves && now.frameHeight === height) return true;
            throw new NotYet(`${now?.frameWidth}x${now?.frameHeight}`);
        }, `${height} lines`, { ms: 20_000 });
        t.diagnostic(`${height} lines after ${Date.now() - begin} ms`);
    }
    await seesPerson(room, CAM);
    await hearsTone(room, CAM);

    const watch = await openWindow(chromium);
    await watch.goto(`${stoad.url}/watch.html?room=${CAM.room}`, { waitUntil: 'domcontentloaded' });
    await until(async () => {
        const width = await watch.evaluate(() => document.getElementById('picture').videoWidth);
        if (width === CAM.width) return true;
        throw new NotYet(`${width} wide`);
    }, 'the WHEP viewer has the best layer', { ms: 20_000 });
    noFaults([room, encoder]);
});

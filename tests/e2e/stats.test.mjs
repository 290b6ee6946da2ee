// What room.stats() says, in both browsers, and the panel that shows it.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launchChromium, launchFirefox, openHarness, openWindow } from './lib/browsers.mjs';
import { startStoad } from './lib/stoad.mjs';
import { NotYet, sleep, until } from './lib/until.mjs';
import { noFaults, seesPerson } from './lib/watch.mjs';

const ROOM = 'stats';
const PICTURE = { width: 640, height: 360, fps: 15, publish: { maxBitrate: 400_000, simulcast: false } };
const ann = { identity: 'ann', colour: '#d02020', frequency: 500 };
const cat = { identity: 'cat', colour: '#2020d0', frequency: 1500 };
let stoad, chromium, firefox;

before(async () => {
    stoad = await startStoad();
    [chromium, firefox] = await Promise.all([launchChromium(), launchFirefox()]);
    ann.page = await openHarness(chromium, stoad.url);
    cat.page = await openHarness(firefox, stoad.url);
    for (const { page, identity, colour, frequency } of [ann, cat]) {
        await page.evaluate((args) => harness.join(args), { room: ROOM, identity });
        await page.evaluate((args) => harness.publish(args), { ...PICTURE, colour, frequency });
    }
    await seesPerson(ann.page, cat);
    await seesPerson(cat.page, ann);
});

after(async () => {
    await Promise.all([chromium?.close(), firefox?.close()]);
    await stoad?.stop();
});

const stats = ({ page }) => page.evaluate(() => harness.room.stats());

for (const [name, own, other] of [['Chromium', ann, cat], ['Firefox', cat, ann]])
    test(`${name}: rates, loss, round trip, sizes, codec, path`, async () => {
        const first = await stats(own);
        assert.ok(first.tracks.length >= 4 && first.tracks.every((track) => track.bitrateBps === null), 'rates need two looks');
        await sleep(2000);
        await until(async () => {
            const now = await stats(own);
            const find = (direction, source) => now.tracks.find((track) => track.direction === direction && track.source === source);
            const [camera, sent, sound] = [find('in', 'camera'), find('out', 'camera'), find('in', 'microphone')];
            try {
                assert.equal(camera.identity, other.identity);
                // A busy machine encodes a smaller picture.
                assert.ok(camera.width >= 160 && camera.width <= 640 && Math.abs(camera.width / camera.height - 16 / 9) < 0.1, `${camera.width}x${camera.height}`);
                assert.equal(camera.codec, 'VP8');
                assert.ok(camera.bitrateBps > 5_000 && camera.bitrateBps < 2_000_000, `in ${camera.bitrateBps}`);
                assert.ok(camera.framesPerSecond > 5 && camera.framesPerSecond < 31, `fps ${camera.framesPerSecond}`);
                assert.equal(camera.lossPercent, 0);
                assert.ok(sent.bitrateBps > 5_000 && sent.lossPercent === 0, `out ${sent.bitrateBps} ${sent.lossPercent}`);
                assert.ok(sound.codec === 'opus' && sound.bitrateBps > 500, `sound ${sound.bitrateBps}`);
                assert.ok(now.roundTripMs >= 0 && now.roundTripMs < 500, `round trip ${now.roundTripMs}`);
                assert.equal(now.path.protocol, 'udp');
                assert.equal(now.path.remote, 'host');
                assert.deepEqual([now.signalling, now.quality], ['websocket', 'good']);
            } catch (error) {
                throw new NotYet(`${error.message}\n${JSON.stringify(now)}`);
            }
            return true;
        }, 'figures', { ms: 15_000, every: 1000 });
    });

test('the panel shows them', async () => {
    const page = await openWindow(chromium);
    const token = await ann.page.evaluate(() => harness.token({ room: 'stats', identity: 'dan' }));
    await page.goto(`${stoad.url}/#token=${token}`);
    await (await page.waitForSelector('>>> button[type=submit]')).click();
    await page.waitForSelector('>>> control-bar');
    await page.keyboard.press('i');
    const shown = async () => {
        const row = await page.$('>>> article[data-track="in ann camera"]');
        return (await row?.evaluate((each) => each.textContent)) ?? '';
    };
    await until(async () => {
        const text = await shown();
        if (/VP8/.test(text) && /\d+ kbit\/s/.test(text) && /\d{3}×\d{2,3}/.test(text)) return true;
        throw new NotYet(text);
    }, 'the camera of ann in figures', { ms: 15_000 });
    noFaults([ann.page, cat.page]);
});

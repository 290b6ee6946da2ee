// Layers inside one stream: VP9 and AV1 with L3T3_KEY from Chromium, each layer selected in turn by the size shown.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { launchChromium, openHarness } from './lib/browsers.mjs';
import { startStoad } from './lib/stoad.mjs';
import { NotYet, until } from './lib/until.mjs';
import { noFaults, sawEvent, seesPerson } from './lib/watch.mjs';

const SENDER = { identity: 'sender', colour: '#d02020' };
const HEIGHTS = [180, 720, 360, 180, 360, 720];
const MIN_FPS = 10;

for (const codec of ['vp9', 'av1']) {
    describe(codec, () => {
        let stoad, browser, sender, viewer;

        before(async () => {
            stoad = await startStoad({ STOA_MEDIA_CODECS: `opus,vp8,${codec}` });
            browser = await launchChromium();
            sender = await openHarness(browser, stoad.url);
            viewer = await openHarness(browser, stoad.url);
            await viewer.evaluate(() => harness.join({ room: 'svc', identity: 'viewer' }));
            await sender.evaluate((who) => harness.join({ room: 'svc', identity: who }), SENDER.identity);
        });

        after(async () => {
            await browser?.close();
            await stoad?.stop();
        });

        test('is sent with three spatial and three temporal layers', async (t) => {
            const begin = Date.now();
            await sender.evaluate((colour, name) => harness.publish({
                colour, width: 1280, height: 720, fps: 20,
                publish: { codec: name, scalabilityMode: 'L3T3_KEY', degradationPreference: 'maintain-resolution' },
            }), SENDER.colour, codec);
            await sawEvent(viewer, ['trackSubscribed', SENDER.identity, 'camera']);
            await until(async () => {
                const [out] = (await sender.evaluate(() => harness.stats('outbound-rtp')))
                    .filter((each) => each.kind === 'video');
                if (out?.scalabilityMode === 'L3T3_KEY' && out.frameHeight === 720) return true;
                throw new NotYet(`${out?.scalabilityMode} ${out?.frameWidth}x${out?.frameHeight}`);
                // how soon the sender's estimate allows the third layer is the browser's affair
            }, 'L3T3_KEY at 1280x720', { ms: 60_000, every: 250 });
            t.diagnostic(`three layers after ${Date.now() - begin} ms`);
        });

        for (const [i, height] of HEIGHTS.entries()) {
            test(`step ${i + 1}: shown ${height} pixels high it is ${height} pixels high`, async (t) => {
                const begin = Date.now();
                await viewer.evaluate((who, h) => harness.setView([who], { width: (h * 16) / 9, height: h }), SENDER.identity, height);
                let now;
                await until(async () => {
                    now = await viewer.evaluate((who) => harness.inbound(who, 'camera'), SENDER.identity);
                    if (now?.frameHeight === height) return true;
                    throw new NotYet(`${now?.frameWidth}x${now?.frameHeight}, ${now?.framesDecoded} frames`);
                }, `${height} pixels`, { ms: 12_000, every: 100 });
                const took = Date.now() - begin;
                await new Promise((resolve) => setTimeout(resolve, 2000));
                const then = await viewer.evaluate((who) => harness.inbound(who, 'camera'), SENDER.identity);
                const seconds = (then.timestamp - now.timestamp) / 1000;
                const fps = (then.framesDecoded - now.framesDecoded) / seconds;
                const kbps = (8 * (then.bytesReceived - now.bytesReceived)) / seconds / 1000;
                t.diagnostic(`${then.frameWidth}x${then.frameHeight} after ${took} ms, ${fps.toFixed(1)} frames/s, ${kbps.toFixed(0)} kbit/s, ` +
                    `${then.keyFramesDecoded} key frames, ${then.freezeCount} freezes`);
                assert.equal(then.frameHeight, height);
                assert.ok(fps >= MIN_FPS, `${fps} frames per second`);
                await seesPerson(viewer, SENDER, { ms: 3000 });
            });
        }

        test('what arrives is this codec', async () => {
            const mime = await viewer.evaluate((who) => harness.codecOf(who, 'camera'), SENDER.identity);
            assert.equal(mime?.toLowerCase(), `video/${codec}`);
            noFaults([sender, viewer]);
        });
    });
}

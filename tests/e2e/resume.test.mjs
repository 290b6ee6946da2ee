// The WebSocket breaks and comes back while media goes on; then ICE starts anew on the same DTLS association.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launchChromium, launchFirefox, openHarness } from './lib/browsers.mjs';
import { startProxy } from './lib/proxy.mjs';
import { startStoad } from './lib/stoad.mjs';
import { sleep, until } from './lib/until.mjs';
import { eventCount, events, hearsTone, noFaults, sawEvent, seesPerson } from './lib/watch.mjs';

const ROOM = 'resume';
const PICTURE = { fps: 15, publish: { maxBitrate: 400_000 } };
const ann = { identity: 'ann', colour: '#d02020', frequency: 500 };
const bob = { identity: 'bob', colour: '#20a020', frequency: 800 };
const cat = { identity: 'cat', colour: '#2020d0', frequency: 1500 };
let stoad, proxy, browser, firefox;

before(async () => {
    stoad = await startStoad();
    proxy = await startProxy(stoad.port);
    browser = await launchChromium();
    ann.page = await openHarness(browser, proxy.url);
    bob.page = await openHarness(browser, stoad.url);
    for (const { page, identity, colour, frequency } of [ann, bob]) {
        await page.evaluate((args) => harness.join(args), { room: ROOM, identity });
        await page.evaluate((args) => harness.publish(args), { ...PICTURE, colour, frequency });
    }
    for (const [listener, who] of [[ann, bob], [bob, ann]]) {
        await seesPerson(listener.page, who);
        await hearsTone(listener.page, who);
    }
});

after(async () => {
    await Promise.all([browser?.close(), firefox?.close()]);
    await proxy?.stop();
    await stoad?.stop();
});

const framesOf = (viewer, identity) =>
    viewer.page.evaluate(async (id) => (await harness.inbound(id, 'camera')).framesDecoded, identity);
const slots = () => ann.page.evaluate(() => harness.slots());
const sdp = () => ann.page.evaluate(() => harness.sdp());

test('5 s without WebSocket: same SSRCs, no SDP, frames every second, events once and in order', async () => {
    const [slotsBefore, sdpBefore, from] = [await slots(), await sdp(), await eventCount(ann.page)];
    proxy.cut();
    const told = [];
    for (let second = 0; second < 5; second++) {
        const [inward, outward] = [await framesOf(ann, 'bob'), await framesOf(bob, 'ann')];
        await bob.page.evaluate((n) => harness.room.localParticipant.setMetadata({ n }), second);
        told.push(second);
        await sleep(1000);
        assert.ok((await framesOf(ann, 'bob')) > inward, `frames come in second ${second}`);
        assert.ok((await framesOf(bob, 'ann')) > outward, `frames go out in second ${second}`);
    }
    await sawEvent(ann.page, ['reconnecting'], { from });
    const during = (await events(ann.page)).slice(from);
    assert.equal(during.some(([name]) => name === 'metadata'), false, 'the cut did cut');
    proxy.heal();
    await sawEvent(ann.page, ['reconnected'], { from, ms: 12_000 });
    await until(async () => (await events(ann.page)).slice(from).filter(([name]) => name === 'metadata').length >= 5, 'the missed events');
    await sleep(300);
    const metadata = (await events(ann.page)).slice(from).filter(([name]) => name === 'metadata');
    assert.deepEqual(metadata.map(([, who, { n }]) => [who, n]), told.map((n) => ['bob', n]));
    assert.deepEqual(await sdp(), sdpBefore);
    const key = ({ mid, kind, ssrc }) => `${mid} ${kind} ${ssrc}`;
    assert.deepEqual((await slots()).map(key), slotsBefore.map(key));
    const seen = (await events(ann.page)).slice(from).map(([name]) => name);
    assert.equal(seen.includes('trackUnsubscribed'), false);
    assert.equal(seen.filter((name) => name === 'reconnected').length, 1);
});

test('the resumed session works: requests are answered, new events come', async () => {
    const from = await eventCount(bob.page);
    await ann.page.evaluate(() => harness.room.localParticipant.setMicrophoneEnabled(false));
    await sawEvent(bob.page, ['trackMuted', 'ann', 'microphone'], { from });
    await ann.page.evaluate(() => harness.room.localParticipant.setMicrophoneEnabled(true));
});

test('ICE restart: media goes on within 2 s over the same DTLS association', async () => {
    const transport = async () => (await ann.page.evaluate(() => harness.stats('transport')))[0];
    const before = await transport();
    const [slotsBefore, sdpBefore] = [await slots(), await sdp()];
    const gap = await ann.page.evaluate(() => harness.longestGap('bob', 4000, () => harness.room.restartIce()));
    assert.ok(gap.count > 20 && gap.longest < 2000, JSON.stringify(gap));
    const after = await transport();
    const sdpAfter = await sdp();
    const ufrag = (text) => /a=ice-ufrag:(\S+)/.exec(text)[1];
    assert.notEqual(ufrag(sdpAfter.local), ufrag(sdpBefore.local));
    assert.notEqual(ufrag(sdpAfter.remote), ufrag(sdpBefore.remote));
    for (const key of ['id', 'localCertificateId', 'remoteCertificateId', 'srtpCipher', 'dtlsState'])
        assert.equal(after[key], before[key], key);
    assert.equal(after.iceLocalUsernameFragment, ufrag(sdpAfter.local), 'the new credentials are in use');
    assert.ok(after.packetsReceived > before.packetsReceived, 'counters go on: the same transport');
    const key = ({ mid, ssrc }) => `${mid} ${ssrc}`;
    assert.deepEqual((await slots()).map(key), slotsBefore.map(key));
    await seesPerson(ann.page, bob);
    await seesPerson(bob.page, ann);
});

test('a session that is gone: joined anew, everything as before', async () => {
    const from = await eventCount(ann.page);
    await ann.page.evaluate(() => {
        // What a server that forgot the session would answer is provoked by a wrong secret.
        const open = WebSocket.prototype.send;
        WebSocket.prototype.send = function (text) {
            WebSocket.prototype.send = open;
            open.call(this, text.includes('session.resume') ? text.replace(/"secret":"[^"]*"/, '"secret":"AAAAAAAAAAAAAAAAAAAAAA"') : text);
        };
        harness.room.dropSocket();
    });
    await sawEvent(ann.page, ['reconnected'], { from, ms: 12_000 });
    await seesPerson(ann.page, bob);
    await seesPerson(bob.page, ann);
    noFaults([ann.page, bob.page]);
});

test('Firefox does the same: ICE restart and resume without a stop of the picture', async () => {
    firefox = await launchFirefox();
    cat.page = await openHarness(firefox, stoad.url);
    const { page, identity, colour, frequency } = cat;
    await page.evaluate((args) => harness.join(args), { room: ROOM, identity });
    await page.evaluate((args) => harness.publish(args), { ...PICTURE, colour, frequency });
    await seesPerson(page, bob);
    const repairs = { restart: () => harness.room.restartIce(), resume: () => harness.room.dropSocket() };
    for (const [name, repair] of Object.entries(repairs)) {
        const from = await eventCount(page);
        const watching = page.evaluate(() => harness.longestGap('bob', 3000, () => undefined));
        await page.evaluate(repair);
        const gap = await watching;
        assert.ok(gap.count > 15 && gap.longest < 2000, `${name} ${JSON.stringify(gap)}`);
        await sawEvent(page, ['reconnected'], { from });
    }
    await seesPerson(bob.page, cat);
    noFaults([page]);
});

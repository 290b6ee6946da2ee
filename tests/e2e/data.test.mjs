// Data channels between browsers: Chromium and Firefox, both ways, reliable and not, to all and to one.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launchChromium, launchFirefox, openHarness } from './lib/browsers.mjs';
import { startProxy } from './lib/proxy.mjs';
import { startStoad } from './lib/stoad.mjs';
import { signToken } from './lib/token.mjs';
import { NotYet, sleep, until } from './lib/until.mjs';
import { eventCount, noFaults, sawEvent } from './lib/watch.mjs';

const ROOM = 'data';
const LIMIT = 60 * 1024;
let stoad, proxy, chromium, firefox, ann, bob, cat;

before(async () => {
    stoad = await startStoad();
    proxy = await startProxy(stoad.port);
    [chromium, firefox] = await Promise.all([launchChromium(), launchFirefox()]);
    ann = await openHarness(chromium, proxy.url);
    bob = await openHarness(firefox, proxy.url);
    cat = await openHarness(chromium, stoad.url);
    for (const [identity, page] of Object.entries({ ann, bob, cat })) {
        page.who = identity;
        await page.evaluate((args) => harness.join(args), { room: ROOM, identity });
    }
    await everybodyListens();
});

after(async () => {
    await Promise.all([chromium?.close(), firefox?.close()]);
    await proxy?.stop();
    await stoad?.stop();
});

const pages = () => [ann, bob, cat];
const forget = () => Promise.all(pages().map((page) => page.evaluate(() => (harness.data.length = 0))));
const send = (page, payload, options) => page.evaluate((...args) => harness.sendData(...args), payload, options);
const dataOf = (page) => page.evaluate(() => harness.data);

async function got(page, wanted, what) {
    await until(async () => {
        const data = await dataOf(page);
        if (JSON.stringify(data) === JSON.stringify(wanted)) return true;
        throw new NotYet(`${page.who} got ${JSON.stringify(data)}, wanted ${JSON.stringify(wanted)}`);
    }, what, { ms: 8000 });
}

/** Until the first messages come through a page's channels may still be opening. */
async function everybodyListens() {
    await until(async () => {
        for (const page of pages()) await send(page, { text: 'hello' });
        const heard = await Promise.all(pages().map(dataOf));
        if (heard.every((rows) => new Set(rows.map(([, who]) => who)).size === 2)) return true;
        throw new NotYet(JSON.stringify(heard));
    }, 'all hear all', { ms: 15_000 });
    await sleep(300);
    await forget();
}

const info = (more) => ({ topic: '', reliable: true, direct: false, ...more });

for (const [name, payload, options, seen] of [
    ['text', { text: 'grüße\n{}' }, {}, ['grüße\n{}', info()]],
    ['an empty text with a topic', { text: '' }, { topic: 'wave' }, ['', info({ topic: 'wave' })]],
    ['bytes', { bytes: 1000 }, { topic: 'file' }, ['digest', info({ topic: 'file' })]],
    ['unreliable text', { text: 'now' }, { reliable: false }, ['now', info({ reliable: false })]],
    ['unreliable bytes', { bytes: 300 }, { reliable: false, topic: 'p' }, ['digest', info({ topic: 'p', reliable: false })]],
    ['the largest text', { letters: LIMIT }, {}, [`${LIMIT} letters x`, info()]],
    ['the largest number of bytes', { bytes: LIMIT }, {}, ['digest', info()]],
    ['the largest, unreliable', { bytes: LIMIT }, { reliable: false }, ['digest', info({ reliable: false })]],
])
    test(`${name}: from each browser to the other two`, async () => {
        for (const from of pages()) {
            await forget();
            assert.equal(await send(from, payload, options), null);
            const content = seen[0] === 'digest' ? await from.evaluate((n) => harness.digestOf(n), payload.bytes) : seen[0];
            for (const page of pages()) if (page !== from) await got(page, [[content, from.who, seen[1]]], name);
            assert.deepEqual(await dataOf(from), [], 'not to oneself');
        }
    });

test('to named participants: they get it, nobody else', async () => {
    for (const reliable of [true, false]) {
        await forget();
        const direct = info({ direct: true, reliable, topic: 't' });
        assert.equal(await send(ann, { text: 'bob' }, { reliable, topic: 't', destinationIdentities: ['bob'] }), null);
        assert.equal(await send(bob, { bytes: 5 }, { reliable, topic: 't', destinationIdentities: ['ann', 'bob', 'gone'] }), null);
        const five = await ann.evaluate(() => harness.digestOf(5));
        await got(ann, [[five, 'bob', direct]], 'ann');
        await until(async () => (await dataOf(bob)).length === 2, 'bob has both');
        assert.deepEqual(await dataOf(cat), []);
    }
    assert.equal(await send(ann, { text: 'x' }, { destinationIdentities: ['nobody'] }), 'not_found');
});

test('one byte above the limit is refused before it is sent, and nothing breaks', async () => {
    await forget();
    for (const page of pages()) {
        assert.equal(await page.evaluate(() => harness.room.maxDataBytes), LIMIT, page.who);
        assert.equal(await send(page, { bytes: LIMIT + 1 }), 'too_large');
        assert.equal(await send(page, { letters: LIMIT + 1 }, { reliable: false }), 'too_large');
    }
    assert.equal(await send(bob, { text: 'still here' }), null);
    await got(ann, [['still here', 'bob', info()]], 'after it');
});

test('a hundred reliable messages at once come all, in order', async () => {
    for (const [from, to] of [[ann, bob], [bob, ann]]) {
        await forget();
        await from.evaluate(() => Promise.all(Array.from({ length: 100 }, (_, n) => harness.sendData({ text: `${n} ${'y'.repeat(150)}` }))));
        await until(async () => (await dataOf(to)).length >= 100, '100 messages', { ms: 10_000 });
        assert.deepEqual((await dataOf(to)).map(([text]) => parseInt(text, 10)), Array.from({ length: 100 }, (_, n) => n));
    }
});

test('the channels go on while the WebSocket is away, after the resume, and after an ICE restart', async () => {
    await forget();
    const from = await eventCount(ann);
    proxy.cut();
    await sawEvent(ann, ['reconnecting'], { from });
    assert.equal(await send(ann, { text: 'no socket' }), null);
    await got(cat, [['no socket', 'ann', info()]], 'while the socket is away');
    proxy.heal();
    await sawEvent(ann, ['reconnected'], { from, ms: 12_000 });
    for (const page of [ann, bob]) {
        await forget();
        assert.equal(await send(page, { text: 'resumed' }), null);
        await got(cat, [['resumed', page.who, info()]], 'after the resume');
        await page.evaluate(() => harness.room.restartIce());
        assert.equal(await send(page, { text: 'restarted' }), null);
        await got(cat, [['resumed', page.who, info()], ['restarted', page.who, info()]], 'after the restart');
    }
});

test('who leaves and joins again has data channels again', async () => {
    const from = await eventCount(cat);
    await cat.evaluate(() => harness.leave());
    await sawEvent(cat, ['disconnected'], { from });
    await cat.evaluate((args) => harness.join(args), { room: ROOM, identity: 'cat' });
    await everybodyListens();
});

test('a room that was made without data channels offers none, and publishing says so', async () => {
    const dan = await openHarness(chromium, stoad.url);
    await dan.evaluate((args) => harness.join(args, { data: false }), { room: ROOM, identity: 'dan' });
    assert.equal(await send(dan, { text: 'x' }), 'invalid_state');
    assert.equal((await dan.evaluate(() => harness.sdp())).local.includes('m=application'), false);
    noFaults([dan]);
    await dan.close();
});

const associations = async () => {
    const text = await (await fetch(`${stoad.url}/metrics`)).text();
    return Number(/^stoa_open\{kind="sctp_associations"\} (\d+)$/m.exec(text)[1]);
};

test('without the grant there is no association, not even for an offer of one, and publishing says so', async () => {
    await until(async () => (await associations()) === pages().length, 'one association a page');
    const eve = await openHarness(chromium, stoad.url);
    const token = await signToken(stoad, 'eve', { room: ROOM, publish: ['microphone'], subscribe: true });
    await eve.evaluate((args) => harness.join(args), { token });
    await eve.evaluate((args) => harness.publish(args), { frequency: 500 });
    const connected = () => eve.evaluate(() => harness.room.peerConnection.connectionState === 'connected');
    await until(connected, 'eve is connected');
    for (const reliable of [true, false]) assert.equal(await send(eve, { text: 'x' }, { reliable }), 'forbidden');
    assert.equal((await eve.evaluate(() => harness.sdp())).local.includes('m=application'), false);

    await eve.evaluate(() => {
        harness.room.peerConnection.createDataChannel('own');
        harness.room.restartIce();
    });
    const answer = () => eve.evaluate(() => harness.sdp().remote);
    await until(async () => (await answer()).includes('m=application'), 'the offer of a channel is answered');
    assert.match(await answer(), /^m=application 0 /m);
    await until(connected, 'eve is connected still');
    assert.equal(await send(eve, { text: 'x' }), 'forbidden');
    assert.equal(await associations(), pages().length);
    noFaults([eve, ...pages()]);
});

// Four people in one room: every receiver proves by pixels whose picture it shows and by tone whose voice it hears.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { harnessReady, launchChromium, launchFirefox, openHarness } from './lib/browsers.mjs';
import { startStoad } from './lib/stoad.mjs';
import { NotYet, sleep, until } from './lib/until.mjs';
import { eventCount, events, hearsNothing, hearsTone, look, noFaults, sawEvent, seesPerson, showsPerson } from './lib/watch.mjs';

const ROOM = 'call';
const PICTURE = { width: 640, height: 360, fps: 15, publish: { maxBitrate: 400_000 } };
const people = {
    ann: { identity: 'ann', colour: '#d02020', frequency: 500, admin: true },
    bob: { identity: 'bob', colour: '#20a020', frequency: 800 },
    cat: { identity: 'cat', colour: '#2020d0', frequency: 1500, firefox: true },
    dan: { identity: 'dan', colour: '#c0a020', frequency: 1100 },
};
const all = Object.values(people);
const others = (who) => all.filter((each) => each !== who);
const chromiums = all.filter((each) => !each.firefox);

let stoad;
let browsers = [];
const page = (who) => who.page;

async function join(who) {
    const { identity, admin = false } = who;
    await who.page.evaluate((args) => harness.join(args), { room: ROOM, identity, admin });
    const { colour, frequency } = who;
    who.tracks = await who.page.evaluate((args) => harness.publish(args), { ...PICTURE, colour, frequency });
}

before(async () => {
    stoad = await startStoad();
    const [one, two, fox] = await Promise.all([launchChromium(), launchChromium(), launchFirefox()]);
    browsers = [one, two, fox];
    people.ann.page = await openHarness(one, stoad.url);
    people.bob.page = await openHarness(two, stoad.url);
    people.cat.page = await openHarness(fox, stoad.url);
    people.dan.page = await openHarness(one, stoad.url);
});

after(async () => {
    await Promise.all(browsers.map((browser) => browser.close()));
    await stoad?.stop();
});

async function everybodySees(whom, viewers = others(whom)) {
    for (const viewer of viewers) await seesPerson(page(viewer), whom, { viewer: viewer.identity });
}

test('four people join: each sees the three others, live and in the right tile', async () => {
    for (const who of all) await join(who);
    for (const who of all) await everybodySees(who);
});

test('the check itself can fail: nobody passes for somebody else', async () => {
    const picture = await look(people.ann.page, 'bob');
    assert.ok(showsPerson(picture, people.bob.colour));
    for (const who of others(people.bob)) assert.equal(showsPerson(picture, who.colour), false);
    assert.equal(showsPerson({ ...picture, ageMs: 5000 }, people.bob.colour), false);
});

test('each Chromium hears the three others, each tone on the right track', async () => {
    for (const listener of chromiums)
        for (const who of others(listener)) await hearsTone(page(listener), who, { viewer: listener.identity });
});

test('Firefox hears each one: energy in that slot alone while only that one sounds', async () => {
    const cat = people.cat.page;
    const sounding = others(people.cat);
    for (const who of sounding) await page(who).evaluate(() => harness.setToneVolume(0));
    for (const who of sounding) {
        await page(who).evaluate(() => harness.setToneVolume(0.2));
        await until(async () => {
            const energies = await cat.evaluate((ids) => Promise.all(ids.map((id) => harness.energy(id, 700))), sounding.map((each) => each.identity));
            const right = sounding.every((each, i) => (each === who ? energies[i] > 1e-4 : energies[i] < 1e-5));
            if (right) return true;
            throw new NotYet(`${who.identity} sounds, energies ${energies}`);
        }, `Firefox hears only ${who.identity}`, { ms: 12_000 });
        await page(who).evaluate(() => harness.setToneVolume(0));
    }
    for (const who of sounding) await page(who).evaluate(() => harness.setToneVolume(0.2));
});

test('who makes the most noise is the active speaker', async () => {
    await sawEvent(people.ann.page, ['speakers'], { from: 0 });
    for (const who of [people.ann, people.dan]) await page(who).evaluate(() => harness.setToneVolume(0));
    await people.cat.page.evaluate(() => harness.room.localParticipant.setMicrophoneEnabled(false));
    await until(async () => {
        const speakers = await people.ann.page.evaluate(() => harness.room.activeSpeakers.map((each) => each.identity));
        if (speakers.join() === 'bob') return true;
        throw new NotYet(`speakers: ${speakers}`);
    }, 'bob alone speaks');
    await people.cat.page.evaluate(() => harness.room.localParticipant.setMicrophoneEnabled(true));
    for (const who of [people.ann, people.dan]) await page(who).evaluate(() => harness.setToneVolume(0.2));
});

test('mute and unmute: silence for all, then the tone again', async () => {
    const local = () => people.ann.page;
    await local().evaluate(() => harness.room.localParticipant.setMicrophoneEnabled(false));
    for (const listener of [people.bob, people.dan]) {
        await sawEvent(page(listener), ['trackMuted', 'ann', 'microphone', 'self']);
        await hearsNothing(page(listener), people.ann);
    }
    await sawEvent(people.cat.page, ['trackMuted', 'ann', 'microphone', 'self']);
    const sent = () => local().evaluate(async () => (await harness.stats('outbound-rtp')).find((each) => each.kind === 'audio').packetsSent);
    const before = await sent();
    await sleep(500);
    assert.equal(await sent(), before, 'a muted microphone sends nothing');
    await local().evaluate(() => harness.room.localParticipant.setMicrophoneEnabled(true));
    await sawEvent(people.bob.page, ['trackUnmuted', 'ann', 'microphone', 'self']);
    for (const listener of [people.bob, people.dan]) await hearsTone(page(listener), people.ann);
});

test('camera off and on: told to all, and the picture is live again', async () => {
    const { bob, ann, cat } = people;
    await bob.page.evaluate(() => harness.room.localParticipant.setCameraEnabled(false));
    for (const viewer of [ann, cat]) await sawEvent(viewer.page, ['trackMuted', 'bob', 'camera', 'self']);
    // The painted track was stopped with the camera: what comes now is the fake device, another picture.
    await bob.page.evaluate(() => harness.room.localParticipant.setCameraEnabled(true));
    for (const viewer of [ann, cat]) {
        await sawEvent(viewer.page, ['trackUnmuted', 'bob', 'camera', 'self']);
        const frames = () => viewer.page.evaluate(async () => (await harness.inbound('bob', 'camera')).framesDecoded);
        const before = await frames();
        await until(async () => (await frames()) > before + 10, `${viewer.identity} decodes the camera again`);
    }
});

test('screen share: a tile of its own in every browser, gone when it stops', async () => {
    const { dan } = people;
    const published = await dan.page.evaluate(async () => {
        await harness.room.localParticipant.setScreenShareEnabled(true);
        return [...harness.room.localParticipant.tracks.keys()];
    });
    assert.ok(published.includes('screen'));
    for (const viewer of others(dan)) {
        await sawEvent(page(viewer), ['trackSubscribed', 'dan', 'screen']);
        await until(async () => (await look(page(viewer), 'dan', 'screen'))?.width >= 640, `${viewer.identity} sees the screen`);
    }
    await everybodySees(dan);
    await dan.page.evaluate(() => harness.room.localParticipant.setScreenShareEnabled(false));
    for (const viewer of others(dan)) {
        await sawEvent(page(viewer), ['trackUnsubscribed', 'dan', 'screen']);
        assert.equal(await look(page(viewer), 'dan', 'screen'), null);
    }
    await everybodySees(dan);
});

test('leave and come back', async () => {
    const { bob } = people;
    const from = await eventCount(people.ann.page);
    await bob.page.evaluate(() => harness.leave());
    for (const viewer of others(bob)) await sawEvent(page(viewer), ['participantDisconnected', 'bob', 'left']);
    await everybodySees(people.ann, [people.dan, people.cat]);
    await join(bob);
    await sawEvent(people.ann.page, ['participantConnected', 'bob'], { from });
    await everybodySees(bob);
    await seesPerson(bob.page, people.cat);
    await hearsTone(bob.page, people.dan);
});

test('reload: the old self leaves at once, the new one is seen again', async () => {
    const { dan } = people;
    const from = await eventCount(people.ann.page);
    await dan.page.reload();
    await sawEvent(people.ann.page, ['participantDisconnected', 'dan'], { from, ms: 3000 });
    await harnessReady(dan.page);
    await join(dan);
    await everybodySees(dan);
    await seesPerson(dan.page, people.bob);
});

test('an admin mutes: nothing leaves the browser of the other any longer', async () => {
    const { ann, bob, dan } = people;
    await ann.page.evaluate(() => harness.room.muteParticipant(harness.room.getParticipant('bob'), 'microphone'));
    await sawEvent(dan.page, ['trackMuted', 'bob', 'microphone', 'admin']);
    await sawEvent(bob.page, ['trackMuted', 'bob', 'microphone', 'admin']);
    await hearsNothing(dan.page, bob);
});

test('who is no admin may not kick', async () => {
    const code = await people.dan.page.evaluate(() =>
        harness.room.kick(harness.room.getParticipant('ann')).then(() => 'done', (error) => error.code));
    assert.equal(code, 'forbidden');
});

test('kick: the session ends, the others are told, the token is refused', async () => {
    const { ann, bob, dan, cat } = people;
    await ann.page.evaluate(() => harness.room.kick(harness.room.getParticipant('bob')));
    await sawEvent(bob.page, ['disconnected', 'kicked']);
    for (const viewer of [ann, dan, cat]) await sawEvent(viewer.page, ['participantDisconnected', 'bob', 'kicked']);
    const code = await bob.page.evaluate(async () => {
        const token = harness.tokenUsed;
        return harness.join({ token }).then(() => 'joined', (error) => error.code);
    });
    assert.ok(['unauthenticated', 'kicked', 'forbidden'].includes(code), code);
    await everybodySees(dan, [ann, cat]);
});

test('a locked room takes nobody', async () => {
    const { ann, bob } = people;
    await ann.page.evaluate(() => harness.room.setLocked(true));
    const attempt = () => bob.page.evaluate((room) =>
        harness.join({ room, identity: 'eve' }).then(() => 'joined', (error) => error.code), ROOM);
    assert.ok(['locked', 'forbidden'].includes(await attempt()));
    await ann.page.evaluate(() => harness.room.setLocked(false));
    assert.equal(await attempt(), 'joined');
});

test('nothing went wrong in any page', async () => {
    noFaults(all.map(page));
    for (const who of [people.ann, people.cat, people.dan]) {
        const seen = await events(page(who));
        assert.equal(seen.some(([name]) => name === 'reconnecting' || name === 'disconnected'), false, who.identity);
    }
});

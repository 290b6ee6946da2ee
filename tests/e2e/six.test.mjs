// A third and a sixth person join: everybody sees everybody, and a join costs the others no offer while pairs last.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launchChromium, openHarness } from './lib/browsers.mjs';
import { startStoad } from './lib/stoad.mjs';
import { sleep, until } from './lib/until.mjs';
import { noFaults, seesPerson } from './lib/watch.mjs';

const PICTURE = { width: 320, height: 180, fps: 8, publish: { maxBitrate: 120_000 } };
const COLOURS = ['#d02020', '#20a020', '#2020d0', '#c0a020', '#20a0a0', '#a020a0'];
const people = COLOURS.map((colour, i) => ({ identity: `p${i + 1}`, colour }));
let stoad, browser;

before(async () => {
    stoad = await startStoad();
    browser = await launchChromium();
});

after(async () => {
    await browser?.close();
    await stoad?.stop();
});

async function join(who) {
    who.page = await openHarness(browser, stoad.url);
    await who.page.evaluate((args) => harness.join(args), { room: 'six', identity: who.identity });
    await who.page.evaluate((args) => harness.publish(args), { ...PICTURE, colour: who.colour });
}

async function everybodySeesEverybody(present) {
    for (const viewer of present)
        for (const whom of present)
            if (viewer !== whom) await seesPerson(viewer.page, whom, { viewer: viewer.identity });
}

const pairs = (who) => who.page.evaluate(() => harness.room.pairs);
const sdp = (who) => who.page.evaluate(() => harness.sdp());

test('three people', async () => {
    for (const who of people.slice(0, 3)) await join(who);
    await everybodySeesEverybody(people.slice(0, 3));
});

test('the fourth costs the others no offer', async () => {
    const before = await Promise.all(people.slice(0, 3).map(sdp));
    await join(people[3]);
    await everybodySeesEverybody(people.slice(0, 4));
    assert.deepEqual(await Promise.all(people.slice(0, 3).map(sdp)), before);
});

test('six people; the others asked once for four more pairs, ahead of need', async () => {
    await join(people[4]);
    await until(async () => (await Promise.all(people.slice(0, 5).map(pairs))).every((each) => each === 8), 'eight pairs');
    await sleep(300);
    const before = await Promise.all(people.slice(0, 5).map(sdp));
    await join(people[5]);
    await everybodySeesEverybody(people);
    assert.deepEqual(await Promise.all(people.slice(0, 5).map(sdp)), before);
    noFaults(people.map((who) => who.page));
});

// A large room: 200 native participants, 4 of them with a camera, all with a microphone, and two browsers with 16 pairs each.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { after, before, test } from 'node:test';
import { join as joinPath } from 'node:path';
import { fileURLToPath } from 'node:url';
import { launchChromium, openHarness } from './lib/browsers.mjs';
import { startStoad } from './lib/stoad.mjs';
import { NotYet, sleep, until } from './lib/until.mjs';
import { hearsTone, noFaults } from './lib/watch.mjs';

const ROOM = 'large';
const TOP = fileURLToPath(new URL('../../', import.meta.url));
const NATIVE = joinPath(process.env.STOA_BUILD ?? joinPath(TOP, 'build/release'), 'bin/stoa-native-peer');
const CAMERAS = ['cam-0', 'cam-1', 'cam-2', 'cam-3'];
/** The native peer's tone rises with its number. */
const voices = [{ identity: 'voice-0', frequency: 300 }, { identity: 'voice-1', frequency: 400 }];
const CROWD = 194;
const ann = { identity: 'ann' };
const bob = { identity: 'bob', frequency: 800 };
const natives = [];
let stoad, browser;

function startNatives(identity, peers, ...more) {
    const args = ['--port', stoad.port, '--room', ROOM, '--identity', identity, '--peers', peers, '--stats-ms', 600_000, ...more];
    const child = spawn(NATIVE, args.map(String), { stdio: ['ignore', 'ignore', 'pipe'] });
    child.faults = '';
    child.stderr.on('data', (text) => (child.faults += text));
    natives.push(child);
}

before(async () => {
    stoad = await startStoad({ STOA_LIMITS_ROOM_PARTICIPANTS: '256' });
    browser = await launchChromium();
    for (const who of [ann, bob]) who.page = await openHarness(browser, stoad.url);
});

after(async () => {
    for (const child of natives) child.kill('SIGKILL');
    await browser?.close();
    await stoad?.stop();
});

const everybody = ({ page }) => page.evaluate(() => [...harness.room.remoteParticipants.values()].map((each) => each.identity));
const subscribed = ({ page }, kind) =>
    page.evaluate((wanted) => [...harness.room.remoteParticipants.values()]
        .flatMap(({ identity, tracks }) => [...tracks.values()].filter((t) => t.kind === wanted && t.isSubscribed).map(() => identity)), kind);
const frames = ({ page }, identity) =>
    page.evaluate(async (id) => (await harness.inbound(id, 'camera'))?.framesDecoded ?? 0, identity);
const show = ({ page }, identities) =>
    page.evaluate((list) => harness.room.setView(list.map((identity) => ({
        participant: harness.room.getParticipant(identity), group: 'camera', width: 320, height: 180,
    }))), identities);

async function pictureMoves(who, identity) {
    let before = 0;
    await until(async () => {
        const now = await frames(who, identity);
        if (now > before + 5 && before > 0) return true;
        before ||= now;
        throw new NotYet(`${identity}: ${now} frames`);
    }, `${who.identity} sees ${identity}`, { ms: 20_000 });
}

test('200 and two come', async () => {
    startNatives('cam-', 4, '--publish', 'microphone,camera', '--silent', '--pairs', 4, '--fps', 10, '--kbps', 100);
    await sleep(1500);
    for (const who of [ann, bob]) {
        await who.page.evaluate((args) => harness.join(args), { room: ROOM, identity: who.identity });
        if (who.frequency) await who.page.evaluate((args) => harness.publish(args), { frequency: who.frequency });
    }
    startNatives('crowd-', CROWD, '--publish', 'microphone', '--silent', '--pairs', 1, '--stagger-ms', 30);
    await until(async () => {
        const count = (await everybody(ann)).length;
        if (count === 4 + CROWD + 1) return true;
        throw new NotYet(`${count} are there; ${natives.map((each) => each.faults).join('')}`);
    }, 'all are there', { ms: 90_000 });
});

test('the cameras are seen, and no more is received than there are pairs', async () => {
    for (const identity of CAMERAS) await pictureMoves(ann, identity);
    assert.equal(await ann.page.evaluate(() => harness.room.pairs), 16);
    assert.ok((await subscribed(ann, 'audio')).length <= 16);
    await hearsTone(ann.page, bob);
});

test('who turns to another page gets that page only', async () => {
    const page = Array.from({ length: 12 }, (_, i) => `crowd-${100 + i}`);
    await show(bob, page);
    await until(async () => {
        const heard = await subscribed(bob, 'audio');
        if (page.every((each) => heard.includes(each)) && (await subscribed(bob, 'video')).length === 0) return true;
        throw new NotYet(JSON.stringify(heard));
    }, 'the page is mapped, the cameras are not');
});

test('late voices are heard by everybody: by the server\'s choice, and beside a page', async () => {
    startNatives('voice-', voices.length, '--publish', 'microphone', '--pairs', 1);
    await until(async () => (await everybody(bob)).length === 4 + CROWD + voices.length + 1, 'the voices are there', { ms: 30_000 });
    for (const who of [ann, bob]) for (const voice of voices) await hearsTone(who.page, voice, { viewer: who.identity });
});

test('turning the page: cameras within seconds, the voices go on', async () => {
    await show(bob, CAMERAS);
    for (const identity of CAMERAS) await pictureMoves(bob, identity);
    for (const voice of voices) await hearsTone(bob.page, voice);
    for (const child of natives) assert.equal(child.exitCode, null, child.faults);
    noFaults([ann.page, bob.page]);
});

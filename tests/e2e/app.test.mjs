// The real application: people type a room's name, join, see each other, and use what is on the screen.
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { after, before, test } from 'node:test';
import { join } from 'node:path';
import { launchChromium, launchFirefox, openWindow } from './lib/browsers.mjs';
import { startStoad } from './lib/stoad.mjs';
import { NotYet, until } from './lib/until.mjs';

const SHOTS = process.env.STOA_E2E_SHOTS ?? fileURLToPath(new URL('../../build/e2e-screenshots', import.meta.url));
let stoad, chromium, firefox, ann, bob, cat;

before(async () => {
    await mkdir(SHOTS, { recursive: true });
    stoad = await startStoad();
    [chromium, firefox] = await Promise.all([launchChromium(), launchFirefox()]);
});

after(async () => {
    await Promise.all([chromium?.close(), firefox?.close()]);
    await stoad?.stop();
});

const meetingPath = () => `/${new URL(ann.url()).hash}`;

async function open(browser, path = '/', viewport = { width: 1280, height: 800 }) {
    const page = await openWindow(browser);
    await page.setViewport(viewport);
    page.faults = [];
    page.on('pageerror', (error) => page.faults.push(String(error.stack ?? error)));
    page.on('console', (message) => {
        if (message.type() === 'error') page.faults.push(message.text());
    });
    await page.goto(`${stoad.url}${path}`);
    return page;
}

const shot = (page, name) => page.screenshot({ path: join(SHOTS, `${name}.png`) });

/** Types into a field of the join screen, as a person would. */
async function type(page, id, text) {
    const field = await page.waitForSelector(`>>> input#${id}`);
    await field.click({ count: 3 });
    await field.type(text);
}

async function press(page, selector) {
    const element = await page.waitForSelector(`>>> ${selector}`);
    await element.click();
}

/** What the page shows: one row a tile. */
function tiles(page) {
    return page.evaluate(() => {
        const found = [];
        const walk = (root) => {
            for (const element of root.querySelectorAll('*')) {
                if (element.localName === 'video-tile') {
                    const video = element.shadowRoot.querySelector('video');
                    found.push({
                        name: element.shadowRoot.querySelector('.tag span').textContent.trim(),
                        source: element.source,
                        playing: !video.hidden && video.videoWidth > 0 && video.currentTime > 0,
                        muted: !!element.shadowRoot.querySelector('.tag .muted'),
                        width: element.getBoundingClientRect().width,
                    });
                }
                if (element.shadowRoot) walk(element.shadowRoot);
            }
        };
        walk(document);
        return found;
    });
}

async function shows(page, names) {
    await until(async () => {
        const found = await tiles(page);
        const playing = found.filter((tile) => tile.playing).map((tile) => tile.name);
        if (names.length === found.length && names.every((name) => playing.includes(name))) return true;
        throw new NotYet(JSON.stringify(found));
    }, `tiles of ${names}`, { ms: 15_000 });
}

async function tileOf(page, name, isRight, what) {
    await until(async () => {
        const found = await tiles(page);
        const tile = found.find((each) => each.name.startsWith(name));
        if (tile && isRight(tile)) return true;
        throw new NotYet(JSON.stringify(found));
    }, what);
}

test('type a room and a name, and join', async () => {
    ann = await open(chromium);
    await until(async () => (await ann.$('>>> .preview video:not([hidden])')) !== null, 'the camera preview');
    await type(ann, 'room', 'café monday');
    await type(ann, 'name', 'Ann Archer');
    await shot(ann, 'join');
    await press(ann, 'button[type=submit]');
    await shows(ann, ['Ann Archer (you)']);
    assert.equal(new URL(ann.url()).hash, '#/room/caf%C3%A9%20monday');
    await shot(ann, 'alone');
});

test('a second browser follows the link; both see each other', async () => {
    bob = await open(chromium, meetingPath());
    await type(bob, 'name', 'Bob Baker');
    await bob.keyboard.press('Enter');
    await shows(bob, ['Ann Archer', 'Bob Baker (you)']);
    await shows(ann, ['Bob Baker', 'Ann Archer (you)']);
    await shot(ann, 'two');
});

test('Firefox is the third', async () => {
    cat = await open(firefox, meetingPath());
    await type(cat, 'name', 'Cat');
    await press(cat, 'button[type=submit]');
    await shows(cat, ['Ann Archer', 'Bob Baker', 'Cat (you)']);
    await shows(ann, ['Bob Baker', 'Cat', 'Ann Archer (you)']);
    await shot(cat, 'three-firefox');
});

test('M mutes, V stops the camera; the others see it', async () => {
    await bob.bringToFront();
    await bob.keyboard.press('KeyM');
    await tileOf(ann, 'Bob', (tile) => tile.muted, 'Bob is muted');
    await bob.keyboard.press('KeyM');
    await tileOf(ann, 'Bob', (tile) => !tile.muted, 'Bob is heard');
    await bob.keyboard.press('KeyV');
    await tileOf(ann, 'Bob', (tile) => !tile.playing, 'Bob has no picture');
    await bob.keyboard.press('KeyV');
    await tileOf(ann, 'Bob', (tile) => tile.playing, 'Bob has a picture');
});

/** Signs that float over the stage, with names. */
const floating = (page) => page.evaluate(() => {
    const view = document.querySelector('stoa-app').shadowRoot.querySelector('meeting-view');
    const signs = view.shadowRoot.querySelector('reaction-float').shadowRoot.querySelectorAll('div');
    return [...signs].map((each) => `${each.dataset.sign} ${each.textContent.trim()}`);
});

test('R and a click give a sign that everybody sees, Firefox too', async () => {
    for (const [giver, name, others] of [[bob, 'Bob Baker', [ann, cat]], [cat, 'Cat', [ann, bob]]]) {
        await giver.bringToFront();
        await giver.keyboard.press('KeyR');
        await giver.waitForSelector('>>> reaction-picker');
        if (giver === bob) await shot(bob, 'reactions');
        await press(giver, 'reaction-picker >>> button[aria-label=bravo]');
        for (const page of [giver, ...others])
            await until(async () => (await floating(page)).some((text) => text === `star ${name}`), `${name}'s star`);
        if (giver === bob) await shot(bob, 'reaction');
    }
    await until(async () => (await floating(ann)).length === 0, 'signs go by themselves');
});

test('a screen takes the stage', async () => {
    await bob.keyboard.press('KeyS');
    await tileOf(ann, 'Bob Baker: screen', (tile) => tile.playing && tile.width > 700, 'the screen is large');
    await ann.bringToFront();
    await press(ann, '[data-action=people]');
    await ann.waitForSelector('>>> people-panel');
    await shot(ann, 'screen-share');
    await bob.bringToFront();
    await bob.keyboard.press('KeyS');
    await until(async () => (await tiles(ann)).every((tile) => tile.source === 'camera'), 'the screen is gone');
});

test('on a phone the tiles stand below each other', async () => {
    await ann.setViewport({ width: 390, height: 844, deviceScaleFactor: 2 });
    await shows(ann, ['Bob Baker', 'Cat', 'Ann Archer (you)']);
    const overflow = await ann.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert.ok(overflow <= 0, `${overflow} px too wide`);
    await shot(ann, 'phone');
    await ann.setViewport({ width: 1280, height: 800 });
});

test('leave, and come back', async () => {
    await press(bob, '[data-action=leave]');
    await bob.waitForSelector('>>> message-page');
    await shows(ann, ['Cat', 'Ann Archer (you)']);
    await press(bob, 'message-page >>> button.primary');
    await press(bob, 'button[type=submit]');
    await shows(ann, ['Cat', 'Bob Baker', 'Ann Archer (you)']);
});

/** Devices of this page open only when the test calls `openDevices()`. */
function holdDevices(page) {
    return page.evaluateOnNewDocument(() => {
        const open = new Promise((resolve) => (window.openDevices = resolve));
        const real = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
        window.opened = [];
        navigator.mediaDevices.getUserMedia = async (constraints) => {
            await open;
            const stream = await real(constraints);
            window.opened.push(...stream.getTracks());
            return stream;
        };
    });
}

async function comeEarly(name) {
    const page = await openWindow(chromium);
    page.faults = [];
    await holdDevices(page);
    await page.goto(`${stoad.url}${meetingPath()}`);
    await type(page, 'name', name);
    await page.keyboard.press('Enter');
    await tileOf(ann, name, (tile) => !tile.playing, `${name} is in the room without a picture`);
    return page;
}

const openedTracks = (page) => page.evaluate(() => window.opened.map((track) => `${track.kind} ${track.readyState}`).sort());

test('who steps in before the devices are open is seen and heard once they are', async () => {
    const page = await comeEarly('Dan');
    await page.evaluate(() => window.openDevices());
    await tileOf(ann, 'Dan', (tile) => tile.playing && !tile.muted, 'Dan is seen and heard');
    await press(page, '[data-action=leave]');
    await page.waitForSelector('>>> message-page');
    await page.close();
    await shows(ann, ['Cat', 'Bob Baker', 'Ann Archer (you)']);
});

test('devices that open when their owner has left are closed again', async () => {
    const page = await comeEarly('Eve');
    await press(page, '[data-action=leave]');
    await page.waitForSelector('>>> message-page');
    await page.evaluate(() => window.openDevices());
    await until(async () => {
        assert.deepEqual(await openedTracks(page), ['audio ended', 'video ended']);
        return true;
    }, 'camera and microphone are closed');
    await page.close();
    await shows(ann, ['Cat', 'Bob Baker', 'Ann Archer (you)']);
});

test('the echo test brings one\'s own picture back', async () => {
    const page = await open(chromium, '/#/echo');
    await press(page, 'main > button.primary');
    await until(() => page.evaluate(() => {
        const video = document.querySelector('stoa-app').shadowRoot.querySelector('echo-page').shadowRoot.querySelector('#returned');
        return video.videoWidth > 0 && video.currentTime > 0.5;
    }), 'the echo plays', { ms: 15_000 });
    await shot(page, 'echo');
    assert.deepEqual(page.faults, []);
    await page.close();
});

test('no page broke a rule of the browser or threw', () => {
    for (const page of [ann, bob, cat]) assert.deepEqual(page.faults, []);
});

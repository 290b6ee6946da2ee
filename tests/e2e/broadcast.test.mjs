// WHIP and WHEP in Chromium: the pages "go live" and "watch", the meeting beside them, Firefox, and a stream that comes back.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launchChromium, launchFirefox, openHarness, openWindow } from './lib/browsers.mjs';
import { startStoad } from './lib/stoad.mjs';
import { NotYet, until } from './lib/until.mjs';
import { hearsTone, noFaults, seesPerson } from './lib/watch.mjs';

const ROOM = 'show';
let stoad;
let chromium;
let firefox;

before(async () => {
    stoad = await startStoad({ STOA_PLUGINS_LOAD: 'conference,broadcast' });
    [chromium, firefox] = await Promise.all([launchChromium(), launchFirefox()]);
});

after(async () => {
    await Promise.all([chromium, firefox].map((browser) => browser?.close()));
    await stoad?.stop();
});

async function openPage(browser, path) {
    const page = await openWindow(browser);
    await page.goto(stoad.url + path, { waitUntil: 'domcontentloaded' });
    return page;
}

const state = (page) => page.evaluate(() => document.body.dataset.state ?? '');
const line = (page) => page.evaluate(() => document.getElementById('state').textContent);
/** [frames shown, width]. */
const shown = (page) =>
    page.evaluate(() => {
        const video = document.getElementById('picture');
        // Firefox counts what it paints elsewhere
        return [video.mozPaintedFrames ?? video.getVideoPlaybackQuality().totalVideoFrames, video.videoWidth];
    });

async function isLive(page, what) {
    await until(async () => {
        if ((await state(page)) === 'live') return true;
        throw new NotYet(`${await state(page)}: ${await line(page)}`);
    }, what);
}

/** More frames come within the time. */
async function moves(page, what, more = 15) {
    const [before] = await shown(page);
    await until(async () => {
        const [now, width] = await shown(page);
        if (now >= before + more && width > 0) return true;
        throw new NotYet(`${now - before} frames, ${width} wide, ${await line(page)}`);
    }, what, { ms: 15_000 });
}

async function goLive(browser, room = ROOM) {
    const page = await openPage(browser, `/live.html?room=${room}`);
    await page.click('#camera');
    await isLive(page, 'the camera is live');
    return page;
}

async function sessions() {
    const text = await (await fetch(`${stoad.url}/metrics`)).text();
    return Number(/stoa_open\{kind="sessions"\} (\d+)/.exec(text)[1]);
}

test('Chromium goes live, Chromium and Firefox watch, and the meeting sees it too', async () => {
    const live = await goLive(chromium);
    const watch = await openPage(chromium, `/watch.html?room=${ROOM}`);
    const fox = await openPage(firefox, `/watch.html?room=${ROOM}`);
    await isLive(watch, 'the page watches');
    await moves(watch, 'the picture moves');
    await moves(fox, 'the picture moves in Firefox');
    await until(async () => /\d+ pictures\/s · \d+ kbit\/s/.test(await watch.evaluate(() => document.getElementById('health').textContent)), 'the health is shown');

    const meeting = await openHarness(chromium, stoad.url);
    await meeting.evaluate((args) => harness.join(args), { room: ROOM, identity: 'ann', admin: false });
    await until(async () => {
        const text = await (await fetch(`${stoad.url}/metrics`)).text();
        const count = /stoa_open\{kind="participants"\} (\d+)/.exec(text)?.[1];
        if (count === '2') return true;
        throw new NotYet(`${count} participants`);
    }, 'both are participants, viewers are not');

    await live.click('#stop');
    await until(async () => (await sessions()) === 3, 'the publisher is gone, the viewers and the meeting are not');
    assert.equal(await state(watch), 'live');
    await live.click('#camera');
    await isLive(live, 'it is live again');
    await moves(watch, 'the same viewer sees the new stream');
    await Promise.all([live, watch, fox, meeting].map((page) => page.close()));
    await until(async () => (await sessions()) === 0, 'nothing is left', { ms: 45_000 });
});

test('Firefox goes live, Chromium watches', async () => {
    const live = await goLive(firefox, 'fox');
    const watch = await openPage(chromium, '/watch.html?room=fox');
    await moves(watch, 'the picture moves');
    await Promise.all([live.close(), watch.close()]);
});

test('an ICE restart by PATCH goes on with the same session', async () => {
    const live = await goLive(chromium, 'restart');
    const watch = await openPage(chromium, '/watch.html?room=restart');
    await moves(watch, 'the picture moves');
    const result = await watch.evaluate(async (url) => {
        const { token } = await (await fetch('/v1/dev/token', {
            method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ room: 'restart', identity: 'eve', name: 'Eve' }),
        })).json();
        const authorization = `Bearer ${token}`;
        const pc = (window.pc = new RTCPeerConnection({ bundlePolicy: 'max-bundle' }));
        for (const kind of ['audio', 'video']) pc.addTransceiver(kind, { direction: 'recvonly' });
        await pc.setLocalDescription();
        const post = await fetch(url, { method: 'POST', headers: { authorization, 'content-type': 'application/sdp' }, body: pc.localDescription.sdp });
        const answer = await post.text();
        await pc.setRemoteDescription({ type: 'answer', sdp: answer });
        const up = () => new Promise((resolve) => {
            const look = () => (pc.iceConnectionState === 'connected' || pc.iceConnectionState === 'completed' ? resolve() : setTimeout(look, 50));
            look();
        });
        await up();
        const ufrag = (sdp) => /a=ice-ufrag:(\S+)/.exec(sdp)[1];
        await pc.setLocalDescription(await pc.createOffer({ iceRestart: true }));
        const local = pc.localDescription.sdp;
        const fragment = `a=ice-ufrag:${ufrag(local)}\r\na=ice-pwd:${/a=ice-pwd:(\S+)/.exec(local)[1]}\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\n`;
        const patch = await fetch(new URL(post.headers.get('location'), location.href), {
            method: 'PATCH', headers: { authorization, 'content-type': 'application/trickle-ice-sdpfrag', 'if-match': '*' }, body: fragment,
        });
        const ours = await patch.text();
        const renewed = answer.replace(/a=ice-ufrag:\S+/g, `a=ice-ufrag:${ufrag(ours)}`).replace(/a=ice-pwd:\S+/g, `a=ice-pwd:${/a=ice-pwd:(\S+)/.exec(ours)[1]}`);
        await pc.setRemoteDescription({ type: 'answer', sdp: renewed });
        await up();
        const frames = async () => [...(await pc.getStats()).values()].find((row) => row.type === 'inbound-rtp' && row.kind === 'video')?.framesDecoded ?? 0;
        const before = await frames();
        for (let i = 0; i < 100 && (await frames()) < before + 15; i++) await new Promise((resolve) => setTimeout(resolve, 100));
        return { status: patch.status, etags: [post.headers.get('etag'), patch.headers.get('etag')], more: (await frames()) - before,
            pairs: [...(await pc.getStats()).values()].filter((row) => row.type === 'transport').map((row) => row.dtlsState) };
    }, '/whep/restart');
    assert.equal(result.status, 200);
    assert.notEqual(result.etags[0], result.etags[1]);
    assert.ok(result.more >= 15, JSON.stringify(result));
    assert.deepEqual(result.pairs, ['connected']);
    await Promise.all([live.close(), watch.close()]);
});

test('the room shows the pixels of a WHIP publisher, and its tone', async () => {
    const cam = { room: 'pixels', identity: 'cam', colour: '#c0a020', frequency: 1100 };
    const [room, encoder] = await Promise.all([openHarness(chromium, stoad.url), openHarness(chromium, stoad.url)]);
    await room.evaluate((args) => harness.join(args), { room: cam.room, identity: 'ann', admin: false });
    await encoder.evaluate((args) => harness.whip(args), cam);
    await seesPerson(room, cam);
    await hearsTone(room, cam);
    noFaults([room, encoder]);
    await Promise.all([room.close(), encoder.close()]);
});

test('a browser that lacks the codec of the stream says so', async () => {
    // Debian's Firefox has no H264
    const cam = { room: 'h264', identity: 'cam', colour: '#2020d0', frequency: 800, codec: 'video/H264' };
    const early = await openPage(firefox, `/watch.html?room=${cam.room}`);
    await isLive(early, 'it waits for the stream');
    const encoder = await openHarness(chromium, stoad.url);
    await encoder.evaluate((args) => harness.whip(args), cam);
    const watch = await openPage(chromium, `/watch.html?room=${cam.room}`);
    await moves(watch, 'who has it sees the picture');
    const late = await openPage(firefox, `/watch.html?room=${cam.room}`);
    for (const [page, ms] of [[late, 10_000], [early, 40_000]]) {
        await until(async () => {
            if ((await state(page)) === 'ended') return true;
            throw new NotYet(`${await state(page)}: ${await line(page)}`);
        }, 'it is told', { ms });
        assert.match(await line(page), /H264/);
        assert.equal(await page.evaluate(() => document.getElementById('fallback').hidden), false);
    }
    await moves(watch, 'who has it goes on');
    await Promise.all([early, late, watch, encoder].map((page) => page.close()));
});

test('a page whose token is refused says so', async () => {
    const watch = await openPage(chromium, `/watch.html?room=${ROOM}#token=nonsense`);
    await until(async () => (await state(watch)) === 'ended', 'it has ended');
    assert.match(await line(watch), /token/);
    assert.equal(await watch.evaluate(() => document.getElementById('fallback').hidden), false);
    await watch.close();
});

/** In the page: a clock of black and white stripes, by WHIP to the server and by WHEP back; how old each picture is. */
async function ages(room) {
    const [width, height, bits, stripe] = [640, 360, 16, 40];
    const token = async (identity) => {
        const body = JSON.stringify({ room, identity, name: identity });
        return (await (await fetch('/v1/dev/token', { method: 'POST', headers: { 'content-type': 'application/json' }, body })).json()).token;
    };
    const connect = async (pc, path, who) => {
        await pc.setLocalDescription();
        const headers = { authorization: `Bearer ${await token(who)}`, 'content-type': 'application/sdp' };
        const post = await fetch(path, { method: 'POST', headers, body: pc.localDescription.sdp });
        await pc.setRemoteDescription({ type: 'answer', sdp: await post.text() });
    };
    const canvas = () => Object.assign(document.createElement('canvas'), { width, height });
    const now = () => Math.round(performance.now()) & 0xffff;
    const face = canvas();
    const brush = face.getContext('2d');
    setInterval(() => {
        const time = now();
        for (let i = 0; i < bits; i++) {
            brush.fillStyle = (time >> i) & 1 ? '#fff' : '#000';
            brush.fillRect(i * stripe, 0, stripe, height);
        }
    }, 16);
    const [from, to] = [1, 2].map(() => new RTCPeerConnection({ bundlePolicy: 'max-bundle' }));
    from.addTransceiver(face.captureStream(30).getVideoTracks()[0], { direction: 'sendonly' });
    await connect(from, `/whip/${room}`, 'clock');
    to.addTransceiver('video', { direction: 'recvonly' });
    const video = Object.assign(document.createElement('video'), { muted: true, autoplay: true });
    document.body.append(video);
    const eye = canvas().getContext('2d', { willReadFrequently: true });
    const found = [];
    const done = new Promise((resolve) => {
        const look = () => {
            eye.drawImage(video, 0, 0, width, height);
            const row = eye.getImageData(0, height / 2, width, 1).data;
            let time = 0;
            for (let i = 0; i < bits; i++) if (row[(i * stripe + stripe / 2) * 4] > 128) time |= 1 << i;
            found.push((now() - time) & 0xffff);
            if (found.length < 200) video.requestVideoFrameCallback(look);
            else resolve(found.slice(50));
        };
        to.ontrack = ({ track }) => {
            video.srcObject = new MediaStream([track]);
            video.requestVideoFrameCallback(look);
        };
    });
    await connect(to, `/whep/${room}`, 'eye');
    return done;
}

test('a clock goes from a WHIP page to a WHEP page in less than 150 ms', async () => {
    const page = await openPage(chromium, '/watch.html?room=nobody');
    const found = (await page.evaluate(ages, 'clock')).sort((a, b) => a - b);
    assert.ok(found[found.length >> 1] <= 150, `median ${found[found.length >> 1]} ms, last ${found.at(-1)} ms`);
    await page.close();
});

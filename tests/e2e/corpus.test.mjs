// Every kind of offer of the SDP corpus that today's codecs cover, made live by a browser, ends connected.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launchChromium, launchFirefox, openHarness } from './lib/browsers.mjs';
import { startStoad } from './lib/stoad.mjs';

const BOTH = [
    'audio-only-sendonly', 'audio-video-sendrecv', 'audio-video-sendrecv-trickle-no-candidates', 'audio-video-ice-restart',
    'bundle-max-compat-audio-video', 'recvonly-8-transceivers', 'recvonly-8-videos', 'two-streams-sendrecv',
    'whip-audio-video-sendonly', 'whep-audio-video-recvonly', 'simulcast-3rids-sendonly', 'simulcast-3rids-one-inactive',
    'simulcast-3rids-sendrecv-datachannel', 'datachannel-only', 'datachannel-only-trickle-no-candidates', 'datachannel-ice-restart',
    'datachannels-that-come-and-go',
    'renegotiate-datachannel-added', 'renegotiate-second-video-added', 'renegotiate-second-video-stopped', 'renegotiate-all-inactive',
];
const CASES = {
    chromium: [...BOTH, 'h264-only'],
    firefox: BOTH,
    'chromium without permissions': ['recvonly-mdns-candidates'],
};
const LAUNCH = {
    chromium: () => launchChromium(),
    firefox: () => launchFirefox(),
    'chromium without permissions': () => launchChromium({ grantDevices: false, loopback: false }),
};

let stoad;
before(async () => {
    stoad = await startStoad();
});
after(async () => {
    await stoad?.stop();
});

for (const [name, cases] of Object.entries(CASES)) {
    test(name, async (t) => {
        const browser = await LAUNCH[name]();
        try {
            const page = await openHarness(browser, stoad.url);
            for (const one of cases) await t.test(one, () => run(page, one, name));
        } finally {
            await browser.close();
        }
    });
}

async function run(page, recipe, browserName) {
    const identity = `${browserName.replaceAll(' ', '-')}-${recipe}`;
    const result = await page.evaluate(async (recipeName, who) => {
        const { RECIPES } = await import('/e2e/recipes.js');
        const session = await harness.raw({ room: 'corpus', identity: who });
        try {
            const pc = await RECIPES[recipeName](session);
            const sdp = pc.remoteDescription.sdp;
            const state = pc.connectionState;
            const offer = pc.localDescription.sdp;
            pc.close();
            return { state, answer: sdp, offer };
        } finally {
            session.close();
        }
    }, recipe, identity);
    assert.equal(result.state, 'connected');
    assert.equal(/^m=application 0 /m.test(result.answer), false, 'data channels are taken');
    const lines = (text) => text.match(/^m=/gm).length;
    assert.equal(lines(result.answer), lines(result.offer), 'one answer line for each line of the offer');
}

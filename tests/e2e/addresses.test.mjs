// Two announced addresses: a peer that uses either connects, and replies come from the address it asked.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launchChromium, openHarness } from './lib/browsers.mjs';
import { startStoad } from './lib/stoad.mjs';
import { noFaults } from './lib/watch.mjs';

const ADDRESSES = ['127.0.0.2', '127.0.0.3'];
let stoad, browser, page;

before(async () => {
    stoad = await startStoad({ STOA_MEDIA_ANNOUNCE: ADDRESSES.join(',') });
    browser = await launchChromium();
    page = await openHarness(browser, stoad.url);
});

after(async () => {
    await browser?.close();
    await stoad?.stop();
});

for (const address of ADDRESSES) {
    test(`${address} alone connects`, async () => {
        const result = await page.evaluate(async (only) => {
            const { connected } = await import('/e2e/raw.js');
            const session = await harness.raw({ room: 'addresses', identity: only });
            const pc = new RTCPeerConnection({ bundlePolicy: 'max-bundle' });
            pc.addTransceiver('audio', { direction: 'recvonly' });
            pc.addTransceiver('video', { direction: 'recvonly' });
            let offered = [];
            // The other address is taken out of the answer, so that only this one can work.
            const change = (sdp) => {
                const lines = sdp.split('\r\n');
                const isCandidate = (line) => line.startsWith('a=candidate:');
                offered = lines.filter(isCandidate).map((line) => line.split(' ')[4]);
                return lines.filter((line) => !isCandidate(line) || line.split(' ')[4] === only).join('\r\n');
            };
            await session.negotiate(pc, { change });
            await connected(pc);
            const stats = [...(await pc.getStats()).values()];
            const transport = stats.find((each) => each.type === 'transport');
            const pair = stats.find((each) => each.id === transport.selectedCandidatePairId);
            const remote = stats.find((each) => each.id === pair.remoteCandidateId);
            pc.close();
            session.close();
            return { offered: [...new Set(offered)], used: remote.address, type: remote.candidateType };
        }, address);
        assert.deepEqual(result.offered.sort(), ADDRESSES);
        assert.equal(result.used, address);
        assert.equal(result.type, 'host', 'a reply from elsewhere would make a peer-reflexive candidate');
        noFaults([page]);
    });
}

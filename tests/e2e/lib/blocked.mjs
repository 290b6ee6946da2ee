// Runs inside a network namespace that drops UDP (blocked.test.mjs): blocked.mjs tcp|relay ADDRESS RELAY
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { openSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { launchChromium, launchFirefox, openHarness } from './browsers.mjs';
import { startStoad } from './stoad.mjs';
import { until } from './until.mjs';
import { hearsTone, noFaults, seesPerson } from './watch.mjs';

const [kind, address, relay] = process.argv.slice(2);
const PICTURE = { width: 320, height: 180, fps: 15, publish: { maxBitrate: 300_000 } };
const SECRET = 'south-wind-5520';
const people = [
    { identity: 'ann', colour: '#d02020', frequency: 500 },
    { identity: 'cat', colour: '#2020d0', frequency: 1500, firefox: true },
];

function listens(port) {
    return new Promise((resolve) => {
        const socket = connect(port, address, () => resolve(true)).on('error', () => resolve(false));
        socket.on('connect', () => socket.destroy());
    });
}

/** coturn that takes clients by TCP only and may relay to the media server's address. */
async function startTurn(folder) {
    await writeFile(join(folder, 'secret'), `${SECRET}\n`);
    const out = openSync(join(folder, 'turn.log'), 'w');
    const args = ['-n', '--listening-ip', address, '--relay-ip', relay, '--listening-port', '3478', '--no-udp', '--no-tls',
        '--no-dtls', '--no-cli', '--use-auth-secret', '--static-auth-secret', SECRET, '--realm', 'stoa.test',
        '--allowed-peer-ip', address, '--userdb', join(folder, 'db'), '--pidfile', join(folder, 'pid'),
        '--log-file', 'stdout', '--simple-log'];
    const child = spawn('turnserver', args, { stdio: ['ignore', out, out] });
    await until(() => listens(3478), 'coturn listens');
    return { child, log: () => readFile(join(folder, 'turn.log'), 'utf8') };
}

/** The pair that carries the call, as getStats() tells it. */
async function pairOf(page) {
    return page.evaluate(async () => {
        const stats = [...(await harness.room.peerConnection.getStats()).values()];
        const used = stats.find((each) => each.type === 'transport')?.selectedCandidatePairId;
        const pair = stats.find((each) => (used ? each.id === used : each.type === 'candidate-pair' && each.selected));
        const end = (id) => {
            const { protocol, candidateType, relayProtocol } = stats.find((each) => each.id === id);
            return { protocol, candidateType, relayProtocol };
        };
        return pair && { local: end(pair.localCandidateId), remote: end(pair.remoteCandidateId) };
    });
}

const folder = await mkdtemp(join(tmpdir(), 'stoa-blocked-'));
const turn = kind === 'relay' ? await startTurn(folder) : null;
const stoad = await startStoad({
    STOA_MEDIA_ANNOUNCE: address,
    ...(turn ? { STOA_TURN_URLS: `turn:${address}:3478?transport=tcp`, STOA_TURN_SECRET_FILE: join(folder, 'secret') } : {}),
});
const browsers = [];
try {
    browsers.push(await launchChromium({ loopback: false }), await launchFirefox());
    for (const who of people) {
        who.page = await openHarness(browsers[who.firefox ? 1 : 0], stoad.url);
        const options = turn ? { iceTransportPolicy: 'relay' } : {};
        await who.page.evaluate((args, more) => harness.join(args, more), { room: 'blocked', identity: who.identity }, options);
        await who.page.evaluate((args) => harness.publish(args), { ...PICTURE, colour: who.colour, frequency: who.frequency });
    }
    const [ann, cat] = people;
    await seesPerson(ann.page, cat, { viewer: 'ann', ms: 30_000 });
    await seesPerson(cat.page, ann, { viewer: 'cat', ms: 30_000 });
    await hearsTone(ann.page, cat, { viewer: 'ann' });
    for (const { page, identity } of people) {
        const pair = await pairOf(page);
        console.log(identity, JSON.stringify(pair));
        if (turn) {
            assert.equal(pair.local.candidateType, 'relay');
            assert.equal(pair.local.relayProtocol ?? 'tcp', 'tcp');
        } else {
            assert.equal(pair.remote.protocol, 'tcp');
        }
    }
    noFaults(people.map((who) => who.page));
} catch (error) {
    console.log((await stoad.readLog()).slice(-3000), turn ? (await turn.log()).slice(-3000) : '');
    throw error;
} finally {
    await Promise.all(browsers.map((browser) => browser.close()));
    turn?.child.kill();
    await stoad.stop();
    await rm(folder, { recursive: true, force: true });
}

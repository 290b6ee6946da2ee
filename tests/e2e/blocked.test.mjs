// UDP is dropped: the browsers come in by TCP, and then by TURN over TCP. In a network namespace of its own, so that
// the rules touch nobody else; see lib/blocked.mjs for what runs inside.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const ADDRESS = '10.77.0.1';
// Of the TURN server's side towards the media server; on lo, where browsers gather nothing.
const RELAY = '10.77.0.2';

const SETUP = `set -e
ip link set lo up
ip link add v0 type veth peer name v1
ip addr add ${ADDRESS}/24 dev v0
ip addr add ${RELAY}/32 dev lo
ip link set v0 up
ip link set v1 up
# Firefox offers the address of the default route, and nothing when there is none.
ip route add default via 10.77.0.254 dev v0
nft add table inet blocked
nft 'add chain inet blocked out { type filter hook output priority 0; }'
nft add rule inet blocked out ip saddr ${RELAY} ip daddr ${ADDRESS} meta l4proto udp accept
nft add rule inet blocked out ip saddr ${ADDRESS} ip daddr ${RELAY} meta l4proto udp accept
nft add rule inet blocked out meta l4proto udp counter drop
exec "$0" "$@"`;

function whyNot() {
    if (process.getuid() !== 0) return 'needs root for a network namespace';
    for (const [name, args] of [['nft', ['--version']], ['ip', ['-V']], ['turnserver', ['--version']]])
        if (spawnSync(name, args).error) return `${name} is missing`;
    const tried = spawnSync('unshare', ['-n', 'bash', '-c', SETUP, 'true'], { encoding: 'utf8' });
    return tried.status === 0 ? false : `no network namespace with nftables here: ${tried.stderr}`;
}

const skip = whyNot();

for (const kind of ['tcp', 'relay']) {
    test(`UDP blocked: Chromium and Firefox see and hear each other by ${kind}`, { skip, timeout: 180_000 }, async () => {
        const inside = fileURLToPath(new URL('lib/blocked.mjs', import.meta.url));
        const child = spawn('unshare', ['-n', 'bash', '-c', SETUP, process.execPath, inside, kind, ADDRESS, RELAY], {
            stdio: ['ignore', 'pipe', 'pipe'],
        });
        let text = '';
        for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (text += chunk));
        const code = await new Promise((resolve) => child.on('close', resolve));
        assert.equal(code, 0, text);
    });
}

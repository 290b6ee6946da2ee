// A bad network between one page and the server: the relay of tests/impair, and how a page comes to use it.
import { spawn } from 'node:child_process';
import { access } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { stoadProgram } from './stoad.mjs';

/** Firefox sends nothing to the loopback, so it is an address of the machine where there is one. */
function ownAddress() {
    const all = Object.values(networkInterfaces()).flat();
    return all.find((each) => each.family === 'IPv4' && !each.internal)?.address ?? '127.0.0.1';
}

/** `through` is for harness.join(); `set('down rate_kbps=600')` and so on: see tests/impair/command.h. */
export async function startImpair(stoad, { seed = 1 } = {}) {
    const program = process.env.STOA_IMPAIR ?? join(dirname(stoadProgram()), 'stoa-impair');
    await access(program).catch(() => {
        throw new Error(`${program} is missing: build the target stoa-impair, or name it in STOA_IMPAIR`);
    });
    const address = ownAddress();
    const child = spawn(program, [address, String(stoad.mediaPort), String(seed)], { stdio: ['pipe', 'pipe', 'inherit'] });
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const answer = async () => (await lines.next()).value ?? '';
    const ended = new Promise((resolve) => child.once('close', resolve));
    const port = Number(/^ready (\d+)$/.exec(await answer())?.[1]);
    if (!port) throw new Error(`stoa-impair ${address} ${stoad.mediaPort} does not begin`);
    const say = async (line) => {
        child.stdin.write(`${line}\n`);
        const said = await answer();
        if (!said || said.startsWith('error')) throw new Error(`stoa-impair: ${said}`);
        return said;
    };
    return {
        through: { address, port },
        set: say,
        async counts() {
            return JSON.parse(await say('stat'));
        },
        stop() {
            child.stdin.end();
            return ended;
        },
    };
}

// Starts the real server on free ports with a folder of its own, and stops it by its process id.
import { spawn } from 'node:child_process';
import { access, cp, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openSync } from 'node:fs';
import { until } from './until.mjs';

const TOP = fileURLToPath(new URL('../../../', import.meta.url));
const WORKERS = 2;

async function mustExist(path, how) {
    await access(path).catch(() => {
        throw new Error(`${path} is missing: ${how}`);
    });
    return path;
}

function freeTcpPort() {
    return new Promise((resolve, reject) => {
        const server = createServer();
        server.once('error', reject);
        server.listen(0, '127.0.0.1', () => {
            const { port } = server.address();
            server.close(() => resolve(port));
        });
    });
}

function udpIsFree(port) {
    return new Promise((resolve) => {
        const socket = createSocket('udp4');
        socket.once('error', () => resolve(false));
        socket.bind(port, () => socket.close(() => resolve(true)));
    });
}

/** First of WORKERS free UDP ports in a row, outside the range that the kernel gives to others. */
async function freeMediaPorts() {
    for (let tries = 0; tries < 50; tries++) {
        const base = 21000 + 4 * Math.floor(Math.random() * 2500);
        const free = await Promise.all(Array.from({ length: WORKERS }, (_, i) => udpIsFree(base + i)));
        if (free.every(Boolean)) return base;
    }
    throw new Error('no free UDP ports');
}

/** The built demo, with the test pages beside it. */
async function makeWebRoot(folder) {
    const dist = await mustExist(join(TOP, 'web-demo/dist'), 'run `npm ci && npm run build` in web-demo');
    const root = join(folder, 'web');
    await cp(dist, root, { recursive: true });
    await cp(fileURLToPath(new URL('../page', import.meta.url)), join(root, 'e2e'), { recursive: true });
    return root;
}

export function stoadProgram() {
    return process.env.STOAD ?? join(process.env.STOA_BUILD ?? join(TOP, 'build/release'), 'bin/stoad');
}

/** `env` adds to or replaces the configuration, such as STOA_MEDIA_ANNOUNCE. */
export async function startStoad(env = {}) {
    const program = await mustExist(
        stoadProgram(),
        'build it (`cmake --preset release && cmake --build build/release`), or name it in STOAD or its folder in STOA_BUILD',
    );
    const folder = await mkdtemp(join(tmpdir(), 'stoa-e2e-'));
    await mkdir(join(folder, 'data'));
    const [port, mediaPort] = [await freeTcpPort(), await freeMediaPorts()];
    const log = join(folder, 'stoad.log');
    const out = openSync(log, 'w');
    const child = spawn(program, [], {
        cwd: folder,
        stdio: ['ignore', out, out],
        env: {
            ...process.env,
            STOA_HTTP_PORT: String(port),
            STOA_MEDIA_PORT_BASE: String(mediaPort),
            STOA_MEDIA_WORKERS: String(WORKERS),
            STOA_DATA_DIR: join(folder, 'data'),
            STOA_WEB_ROOT: await makeWebRoot(folder),
            STOA_LIMITS_NETWORK_UNAUTHENTICATED: '1000',
            ...(process.env.STOA_PLUGINS_DIR ? { STOA_PLUGINS_DIR: process.env.STOA_PLUGINS_DIR } : {}),
            ...env,
        },
    });
    let ended = null;
    child.once('error', (error) => (ended = String(error)));
    child.once('exit', (code, signal) => (ended = `ended with ${signal ?? code}`));
    const readLog = () => readFile(log, 'utf8').catch(() => '');
    const url = `http://127.0.0.1:${port}`;
    try {
        await until(async () => {
            if (ended) throw new Error(`stoad ${ended}\n${await readLog()}`);
            return (await fetch(`${url}/livez`).catch(() => null))?.ok;
        }, 'stoad answers /livez', { ms: 15_000 });
    } catch (error) {
        child.kill('SIGKILL');
        throw error;
    }
    return {
        url,
        port,
        /** Of the first worker. */
        mediaPort,
        pid: child.pid,
        dataDir: join(folder, 'data'),
        readLog,
        get ended() {
            return ended;
        },
        /** SIGTERM, and not more: a server that does not end by that has a fault. */
        async stop() {
            const early = ended;
            if (!ended) child.kill('SIGTERM');
            try {
                await until(() => ended, 'stoad ends on SIGTERM', { ms: 15_000 });
            } catch (error) {
                child.kill('SIGKILL');
                throw error;
            }
            const text = await readLog();
            await rm(folder, { recursive: true, force: true });
            if (early || !/ended with 0/.test(ended)) throw new Error(`stoad ${ended}\n${text.slice(-4000)}`);
            return text;
        },
    };
}

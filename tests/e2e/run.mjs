// Runs the test files one after another (two cores: one heavy thing at a time) and sums up.
// `node run.mjs [name…]` runs only files whose name holds one of the words. The last line is the sum.
// (`node --test --test-concurrency=1` would do the same, but not with the Node.js 18 of Debian 12.)
import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));
const words = process.argv.slice(2);
const files = readdirSync(here)
    .filter((name) => name.endsWith('.test.mjs') && (words.length === 0 || words.some((word) => name.includes(word))))
    .sort();

const totals = { pass: 0, fail: 0, skipped: 0 };

function run(file) {
    return new Promise((resolve) => {
        const child = spawn(process.execPath, ['--test', '--test-reporter=tap', file], { cwd: here, stdio: ['ignore', 'pipe', 'inherit'] });
        let text = '';
        child.stdout.on('data', (chunk) => (text += chunk));
        child.on('close', (code) => resolve({ code, text }));
    });
}

function count(text, word) {
    return Number(new RegExp(`^# ${word} (\\d+)`, 'm').exec(text)?.[1] ?? 0);
}

/** What went wrong, without what went well: a reader of a cut log sees the reason first. */
function failures(text) {
    return text.match(/^ *not ok .*\n(?: *---\n[^]*?\n *\.\.\.\n)?/gm)?.join('') ?? text;
}

for (const file of files) {
    const start = Date.now();
    const { code, text } = await run(file);
    const [pass, fail, skipped] = ['pass', 'fail', 'skipped'].map((word) => count(text, word));
    totals.pass += pass;
    totals.fail += code !== 0 && fail === 0 ? 1 : fail;
    totals.skipped += skipped;
    if (code !== 0) process.stdout.write(failures(text));
    const seconds = ((Date.now() - start) / 1000).toFixed(1);
    console.log(`${code === 0 ? 'ok  ' : 'FAIL'} ${file} ${seconds} s`);
}
console.log(`${totals.pass} passed, ${totals.fail} failed, ${totals.skipped} skipped`);
process.exitCode = totals.fail > 0 || files.length === 0 ? 1 : 0;

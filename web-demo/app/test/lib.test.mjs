import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { load } from './load.mjs';

const { bestGrid, startColumn } = await load('grid.ts');
const { parseHash, hashOf, cleanRoomName } = await load('route.ts');
const { initials, avatarColour, AVATAR_COLOURS } = await load('people.ts');
const { loudness } = await load('meter.ts');
const { pageOf } = await load('paging.ts');
const { REACTIONS, readReaction } = await load('reactions.ts');
const { rate, percent, time, describePath } = await load('figures.ts');

test('grid: columns and rows for the usual windows', () => {
    // count, width, height -> columns x rows
    const rows = [
        [1, 1280, 700, 1, 1], [2, 1280, 700, 2, 1], [3, 1280, 700, 2, 2], [4, 1280, 700, 2, 2], [6, 1280, 700, 3, 2],
        [9, 1280, 700, 3, 3], [12, 1280, 700, 4, 3], [1, 390, 700, 1, 1], [2, 390, 700, 1, 2], [3, 390, 700, 1, 3],
        [6, 390, 700, 2, 3], [12, 390, 700, 3, 4],
    ];
    for (const [count, width, height, columns, lines] of rows) {
        const grid = bestGrid(count, width, height, 10);
        assert.deepEqual([grid.columns, grid.rows], [columns, lines], `${count} in ${width}x${height}`);
    }
});

test('grid: tiles never leave the area, and never lose their shape', () => {
    for (let count = 1; count <= 12; count++)
        for (const [width, height] of [[1280, 700], [390, 700], [2000, 300], [300, 1200], [50, 40]]) {
            const grid = bestGrid(count, width, height, 10);
            assert.ok(grid.columns * grid.rows >= count);
            assert.ok(grid.columns * grid.tileWidth + (grid.columns - 1) * 10 <= width + 1e-6);
            assert.ok(grid.rows * grid.tileHeight + (grid.rows - 1) * 10 <= height + 1e-6);
            assert.ok(grid.tileWidth / grid.tileHeight < 16 / 9 + 0.1, `${count} ${width}x${height}`);
        }
});

test('grid: a last row that is not full stands in the middle', () => {
    const grid = { columns: 3, rows: 2, tileWidth: 1, tileHeight: 1 };
    assert.deepEqual([0, 1, 2, 3, 4].map((index) => startColumn(index, 5, grid)), [1, 3, 5, 2, 4]);
});

const token = (claims) => `h.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.s`;

test('addresses', () => {
    const jwt = token({ name: 'Änn', stoa: { room: 'demo' } });
    const rows = [
        ['', { page: 'home' }, null], ['#/', { page: 'home' }, null], ['#/echo', { page: 'echo' }, null],
        ['#/room/demo', { page: 'room', room: 'demo' }, null],
        ['#/room/caf%C3%A9%20one', { page: 'room', room: 'café one' }, null],
        ['#/room/%E0%A4%A', { page: 'home' }, null],
        ['#/room/demo?token=a.b.c', { page: 'room', room: 'demo' }, 'a.b.c'],
        [`#token=${jwt}`, { page: 'room', room: 'demo' }, jwt],
        ['#token=', { page: 'home' }, null],
        [`#/room/${'x'.repeat(200)}`, { page: 'home' }, null],
    ];
    for (const [hash, route, expected] of rows) assert.deepEqual(parseHash(hash), { route, token: expected }, hash);
    assert.equal(hashOf({ page: 'room', room: 'a/b c' }), '#/room/a%2Fb%20c');
    assert.equal(cleanRoomName('  cafe\u0301 '), 'café');
});

test('initials', () => {
    const rows = [['Ada Lovelace', 'AL'], ['ann', 'A'], ['  ', '?'], ['王 小明', '王小'], ['a b c', 'AC'], ['😀 x', '😀X']];
    for (const [name, expected] of rows) assert.equal(initials(name), expected);
    assert.equal(avatarColour('x'), avatarColour('x'));
});

test('loudness: silence is 0, full scale is 1', () => {
    assert.equal(loudness(new Float32Array(1024)), 0);
    assert.equal(loudness(new Float32Array(1024).fill(1)), 1);
    const quiet = loudness(new Float32Array(1024).fill(0.01));
    assert.ok(quiet > 0.3 && quiet < 0.5);
});

function luminance(hex) {
    const part = (at) => {
        const value = parseInt(hex.slice(at, at + 2), 16) / 255;
        return value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
    };
    return 0.2126 * part(1) + 0.7152 * part(3) + 0.0722 * part(5);
}
function contrast(a, b) {
    const [light, dark] = [luminance(a), luminance(b)].sort((x, y) => y - x);
    return (light + 0.05) / (dark + 0.05);
}

test('every pair of colours that text uses has a contrast of 4.5 or more', async () => {
    const css = await readFile(new URL('../src/styles.css', import.meta.url), 'utf8');
    const [light, dark] = css.split('@media (prefers-color-scheme: dark)').map((part) =>
        Object.fromEntries([...part.matchAll(/--([\w-]+):\s*(#[0-9a-f]{6})/g)].map((match) => [match[1], match[2]])),
    );
    const pairs = [
        ['text', 'bg'], ['text', 'surface'], ['text', 'surface-2'], ['text', 'surface-3'], ['text-2', 'bg'], ['text-2', 'surface'],
        ['text-2', 'surface-2'], ['on-accent', 'accent'], ['on-accent', 'accent-hover'], ['accent-text', 'bg'], ['accent-text', 'surface'],
        ['danger-text', 'surface'], ['danger-text', 'surface-2'], ['warn-text', 'warn-bg'], ['tile-text', 'tile'],
    ];
    for (const [name, theme] of [['light', light], ['dark', { ...light, ...dark }]])
        for (const [front, back] of pairs)
            assert.ok(contrast(theme[front], theme[back]) >= 4.5, `${name}: ${front} on ${back} ${contrast(theme[front], theme[back]).toFixed(2)}`);
    for (const theme of [light, { ...light, ...dark }])
        for (const name of ['danger', 'danger-hover'])
            assert.ok(contrast('#ffffff', theme[name]) >= 4.5, `white on ${name}`);
    for (const colour of AVATAR_COLOURS) assert.ok(contrast('#ffffff', colour) >= 4.5, colour);
});

test('pages of a large room', () => {
    const others = (count) => Array.from({ length: count }, (_, i) => i);
    const rows = [ // others, page wanted -> page, of, first, how many
        [0, 0, 0, 1, 'auto', 0], [15, 3, 0, 1, 'auto', 0], [16, 0, 0, 3, 'auto', 0], [16, 1, 1, 3, 0, 12], [16, 2, 2, 3, 12, 4],
        [16, 9, 2, 3, 12, 4], [200, 17, 17, 18, 192, 8], [200, -1, 0, 18, 'auto', 0],
    ];
    for (const [count, wanted, index, pages, first, length] of rows) {
        const page = pageOf(others(count), wanted);
        assert.deepEqual([page.index, page.count], [index, pages], `${count}, ${wanted}`);
        if (first === 'auto') assert.equal(page.view, 'auto');
        else assert.deepEqual(page.view, others(count).slice(first, first + length));
    }
    assert.equal(pageOf(others(30), 1).label, '1–12 of 30');
});

test('reactions: one of the few signs, nothing else that somebody may send', () => {
    for (const each of REACTIONS) assert.equal(readReaction(each.sign, 'reaction'), each);
    for (const [payload, topic] of [
        ['heart', ''], ['heart', 'chat'], ['hearts', 'reaction'], ['', 'reaction'], ['<b>', 'reaction'], [new Uint8Array([1]), 'reaction'],
    ])
        assert.equal(readReaction(payload, topic), null);
    assert.equal(new Set(REACTIONS.map((each) => each.sign)).size, REACTIONS.length);
    for (const { colour } of REACTIONS) assert.ok(contrast('#ffffff', colour) >= 4, colour);
});

test('figures', () => {
    assert.deepEqual([null, 0, 64_400, 2_540_000].map(rate), ['–', '0 kbit/s', '64 kbit/s', '2.5 Mbit/s']);
    assert.deepEqual([null, 0, 2.34, 40.2].map(percent), ['–', '0.0 %', '2.3 %', '40 %']);
    assert.deepEqual([null, 0.44, 23.6].map(time), ['–', '0.4 ms', '24 ms']);
    assert.equal(describePath({ local: 'relay', protocol: 'udp', relayProtocol: 'tcp' }), 'UDP, relayed over TCP');
    assert.equal(describePath({ local: 'host', protocol: 'tcp', relayProtocol: null }), 'TCP, direct');
});

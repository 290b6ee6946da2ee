import assert from 'node:assert/strict';
import { test } from 'node:test';
import { backoffMs } from '../build/backoff.js';
import { publishCodecs, slotCodecs, sendParameters } from '../build/codecs.js';
import { layerEncodings, wantsLayers } from '../build/layers.js';
import { Emitter } from '../build/emitter.js';
import { ServerError, toDeviceError } from '../build/errors.js';
import { wantedPairs } from '../build/pairs.js';
import { rtpReached } from '../build/rtp-clock.js';
import { signallingUrl } from '../build/session.js';

test('back-off: at once first, then doubling with jitter in the upper half', () => {
    const options = { baseMs: 250, maxMs: 8000 };
    const rows = [[0, 0, 0], [1, 125, 250], [2, 250, 500], [3, 500, 1000], [6, 4000, 8000], [40, 4000, 8000]];
    for (const [attempt, low, high] of rows) {
        assert.equal(backoffMs(attempt, options, () => 0), low);
        assert.equal(backoffMs(attempt, options, () => 1), high);
    }
});

test('pairs: steps of 4, one ahead, never fewer', () => {
    // others, screens, have, max -> wanted
    const rows = [
        [0, 0, 0, 16, 4], [3, 0, 4, 16, 4], [4, 0, 4, 16, 8], [3, 1, 4, 16, 8], [11, 0, 8, 16, 12],
        [12, 0, 12, 16, 16], [12, 3, 16, 16, 16], [50, 0, 4, 16, 16], [50, 0, 4, 8, 8], [1, 0, 12, 16, 12],
    ];
    for (const [others, screens, have, max, wanted] of rows)
        assert.equal(wantedPairs(others, screens, have, max), wanted, `${others} ${screens} ${have}`);
});

test('RTP timestamps compare modulo 2^32', () => {
    const rows = [
        [5, 5, true], [6, 5, true], [4, 5, false], [3, 0xfffffff0, true], [0xfffffff0, 3, false],
        [0x7fffffff, 0, true], [0x80000000, 0, false],
    ];
    for (const [a, b, reached] of rows) assert.equal(rtpReached(a, b), reached, `${a} ${b}`);
});

test('the signalling address follows the page address', () => {
    const rows = [
        ['http://a:8080', 'ws://a:8080/v1/rtc'], ['https://a/x/y?z#h', 'wss://a/v1/rtc'],
        ['https://a:444/', 'wss://a:444/v1/rtc'],
    ];
    for (const [from, to] of rows) assert.equal(signallingUrl(from), to);
    assert.throws(() => signallingUrl('nothing'));
});

test('slots offer one profile of each codec and its repair format', () => {
    const codec = (mimeType, sdpFmtpLine) => ({ mimeType, sdpFmtpLine, clockRate: 90000 });
    const video = [
        codec('video/VP8'), codec('video/rtx'), codec('video/VP9', 'profile-id=0'), codec('video/VP9', 'profile-id=2'),
        codec('video/H264', 'level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42001f'),
        codec('video/H264', 'level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f'),
        codec('video/H264', 'level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=42e01f'),
        codec('video/AV1', 'level-idx=5;profile=0;tier=0'), codec('video/AV1', 'level-idx=5;profile=1;tier=0'),
        codec('video/red'), codec('video/ulpfec'),
    ];
    const picked = slotCodecs('video', video);
    assert.deepEqual(picked, [video[0], video[2], video[5], video[7], video[1]]);
    const audio = [codec('audio/red'), codec('audio/opus', 'minptime=10'), codec('audio/PCMU')];
    assert.deepEqual(slotCodecs('audio', audio), [audio[1], audio[0]]);
    assert.equal(slotCodecs('video', [codec('video/VP9', 'max-fs=12288;max-fr=60')]).length, 1);
    assert.equal(slotCodecs('video', [codec('video/AV1')]).length, 1);
});

test('a wished codec comes first, the others stay behind it', () => {
    const all = ['video/VP8', 'video/rtx', 'video/VP9', 'video/AV1'].map((mimeType) => ({ mimeType, clockRate: 90000 }));
    assert.deepEqual(publishCodecs('av1', all), [all[3], all[0], all[1], all[2]]);
    assert.deepEqual(publishCodecs('h264', all), []);
});

test('camera bit rates follow the height, options win', () => {
    const media = (height) => ({ getSettings: () => ({ height }) });
    const rows = [[1080, 4_000_000], [720, 2_500_000], [540, 1_400_000], [360, 800_000]];
    for (const [height, rate] of rows)
        assert.equal(sendParameters('camera', media(height)).encoding.maxBitrate, rate);
    assert.equal(sendParameters('camera', media(720), { maxBitrate: 1 }).encoding.maxBitrate, 1);
    assert.equal(sendParameters('screen', media(720)).degradationPreference, 'maintain-resolution');
});

test('server-sent events, cut anywhere', async () => {
    const { EventStreamParser } = await import('../build/event-stream.js');
    const text = ':\n\nid: 7\ndata: {"a":"ü"}\n\ndata: 1\r\ndata: 2\r\n\r\nevent: close\ndata:{}\n\nid: 9\n\ndata: rest';
    const wanted = [
        { event: 'message', data: '{"a":"ü"}', id: '7' }, { event: 'message', data: '1\n2', id: undefined },
        { event: 'close', data: '{}', id: undefined },
    ];
    const bytes = new TextEncoder().encode(text);
    for (let size = 1; size <= bytes.length; size++) {
        const parser = new EventStreamParser();
        const events = [];
        for (let at = 0; at < bytes.length; at += size) events.push(...parser.push(bytes.subarray(at, at + size)));
        assert.deepEqual(events, wanted, `in pieces of ${size}`);
    }
});

test('a camera comes in layers from 640x360 up, others in one encoding', () => {
    const media = (width, height) => ({ getSettings: () => ({ width, height }) });
    const rows = [[1280, 720, true], [640, 360, true], [360, 640, true], [320, 240, false], [320, 180, false]];
    for (const [width, height, wanted] of rows) {
        assert.equal(wantsLayers({ width, height }), wanted, `${width}x${height}`);
        assert.equal(sendParameters('camera', media(width, height)).layers !== null, wanted);
    }
    assert.equal(sendParameters('camera', media(1280, 720), { simulcast: false }).layers, null);
    assert.equal(sendParameters('screen', media(1920, 1080)).layers, null);
    assert.equal(sendParameters('microphone', media()).layers, null);
});

test('layers: their sizes and rates, and the top one left out where browsers leave it out', () => {
    const rows = [
        [720, 2_500_000, [[4, 150_000, true], [2, 500_000, true], [1, 2_500_000, true]]],
        [1080, 4_000_000, [[4, 300_000, true], [2, 1_000_000, true], [1, 4_000_000, true]]],
        [360, 800_000, [[2, 150_000, true], [1, 800_000, true], [1, 800_000, false]]],
        [720, 200_000, [[4, 150_000, true], [2, 200_000, true], [1, 200_000, true]]],
    ];
    for (const [height, maxBitrate, wanted] of rows) {
        const layers = layerEncodings({ maxBitrate, maxFramerate: 30 }, { height });
        assert.deepEqual(layers.map((each) => each.rid), ['q', 'h', 'f']);
        assert.deepEqual(
            layers.map((each) => [each.scaleResolutionDownBy, each.maxBitrate, each.active]), wanted, `${height}`);
        assert.ok(layers.every((each) => each.maxFramerate === 30));
    }
});

test('emitter: once, off, and a listener that leaves while it runs', () => {
    const emitter = new Emitter();
    const heard = [];
    const off = emitter.on('a', (value) => {
        heard.push(value);
        off();
    });
    emitter.on('a', (value) => heard.push(-value));
    emitter.once('a', (value) => heard.push(value * 10));
    emitter.emit('a', 1);
    emitter.emit('a', 2);
    assert.deepEqual(heard, [1, -1, 10, -2]);
});

test('errors carry stable codes', () => {
    const error = new ServerError(-32602, 'bad', { code: 'invalid_param', field: 'tracks[0].mid', retry_after_ms: 5 });
    assert.equal(error.code, 'invalid_param');
    assert.equal(error.field, 'tracks[0].mid');
    assert.equal(error.retryAfterMs, 5);
    assert.equal(error.name, 'ServerError');
    assert.equal(new ServerError(-32601, 'no', {}).code, 'rpc_-32601');
    const rows = [['NotAllowedError', 'permission_denied'], ['NotFoundError', 'device_not_found'], ['NotReadableError', 'device_busy'], ['Odd', 'device_busy']];
    for (const [name, code] of rows) assert.equal(toDeviceError({ name }, 'camera').code, code);
});

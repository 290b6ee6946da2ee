import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { FakePeerConnection, FakeStream, MockServer, participant, socketFactory, tick, until } from './fakes.mjs';

globalThis.MediaStream = FakeStream;
globalThis.HTMLVideoElement = class {};
const { Room } = await import('../build/index.js');

let server, room, received;
const makeRoom = (options = {}) => {
    room = new Room({ socketFactory, peerFactory: (config) => new FakePeerConnection(config), giveUpAfterMs: 3000, ...options });
    received = [];
    room.on('dataReceived', (payload, who, info) => received.push([payload, who.identity, info]));
    return room;
};
beforeEach(async () => {
    FakePeerConnection.made = [];
    server = await new MockServer().start();
    server.others = [participant('pt_ann'), participant('pt_bob')];
    makeRoom();
});
afterEach(() => {
    room.disconnect();
    server.stop();
});
const connect = () => room.connect(server.url, 'jwt');
const channels = () => FakePeerConnection.made.at(-1).channels;
const openAll = () => channels().forEach((each) => each.open());
const publish = (...args) => room.localParticipant.publishData(...args);
const bytes = (text) => new TextEncoder().encode(text).buffer;

test('two negotiated channels before the first offer; an empty message says that they are read', async () => {
    await connect();
    const [reliable, lossy] = channels();
    assert.deepEqual(reliable.init, { negotiated: true, id: 60 });
    assert.deepEqual(lossy.init, { negotiated: true, id: 61, ordered: false, maxRetransmits: 0 });
    openAll();
    assert.deepEqual([reliable.sent, lossy.sent], [[''], []]);
});

test('no channel without the grant, or where the application wants none', async () => {
    server.grantsData = false;
    await connect();
    assert.deepEqual(channels(), []);
    await assert.rejects(publish('x'), { code: 'forbidden' });
    room.disconnect();
    server.grantsData = true;
    makeRoom({ data: false });
    await connect();
    assert.deepEqual(channels(), []);
    await assert.rejects(publish('x'), { code: 'invalid_state' });
});

test('what is sent: a line, then text or bytes', async () => {
    await connect();
    openAll();
    const [reliable, lossy] = channels();
    const rows = [
        [['hi'], reliable, '{}\nhi'],
        [['hi', { topic: 'chat' }], reliable, '{"topic":"chat"}\nhi'],
        [['', { destinationIdentities: ['bob', 'nobody'] }], reliable, '{"to":["pt_bob"]}\n'],
        [['me', { destinationIdentities: ['me'] }], reliable, '{"to":["pt_me"]}\nme'],
        [['now', { reliable: false }], lossy, '{}\nnow'],
        [[new Uint8Array([1, 10, 2]), { topic: 'b' }], reliable, new Uint8Array([...new TextEncoder().encode('{"topic":"b"}\n'), 1, 10, 2])],
        [[new Uint8Array([7]).buffer], reliable, new Uint8Array([123, 125, 10, 7])],
    ];
    for (const [args, channel, wanted] of rows) {
        await publish(...args);
        assert.deepEqual(channel.sent.at(-1), wanted);
    }
});

test('what comes: text as text, bytes as bytes, nonsense not at all', async () => {
    await connect();
    const [reliable, lossy] = channels();
    const info = (more) => ({ topic: '', reliable: true, direct: false, ...more });
    const rows = [
        [reliable, '{"from":"pt_ann"}\nhi\nthere', ['hi\nthere', 'ann', info()]],
        [reliable, '{"from":"pt_bob","topic":"t","direct":true}\n', ['', 'bob', info({ topic: 't', direct: true })]],
        [lossy, bytes('{"from":"pt_ann","topic":"x"}\n\x00\n'), [new Uint8Array([0, 10]), 'ann', info({ topic: 'x', reliable: false })]],
        [reliable, '{"from":"pt_me","direct":true}\nself', ['self', 'me', info({ direct: true })]],
        [reliable, 'no line', null],
        [reliable, '{"from":7}\nx', null],
        [reliable, '{"from":\nx', null],
        [reliable, 'null\nx', null],
        [reliable, bytes(''), null],
    ];
    for (const [channel, message, wanted] of rows) {
        received.length = 0;
        channel.receive(message);
        assert.deepEqual(received, wanted ? [wanted] : []);
    }
});

test('a message that comes before its sender is known waits for him', async () => {
    await connect();
    const [reliable] = channels();
    for (let n = 0; n < 20; n++) reliable.receive(`{"from":"pt_cat"}\n${n}`);
    assert.deepEqual(received, []);
    server.notify('participant.joined', { participant: participant('pt_cat') });
    await until(() => received.length > 0, 'data');
    assert.deepEqual(received.map(([payload, who]) => `${who} ${payload}`), Array.from({ length: 16 }, (_, n) => `cat ${n + 4}`));
});

test('reliable messages wait for room in order, unreliable ones do not', async () => {
    await connect();
    const done = [];
    const part = 'x'.repeat(60_000);
    const all = [0, 1, 2, 3, 4, 5, 6].map((n) => publish(n + part).then(() => done.push(n)));
    await publish('lost', { reliable: false });
    await tick();
    assert.deepEqual(done, [], 'the channels are not open');
    openAll();
    const [reliable, lossy] = channels();
    await tick();
    assert.deepEqual(done, [0, 1, 2, 3, 4], 'one beyond 256 KiB at most');
    reliable.drain();
    await Promise.all(all);
    assert.deepEqual(reliable.sent.map((each) => each[3] ?? ''), ['', '0', '1', '2', '3', '4', '5', '6']);
    assert.deepEqual(lossy.sent, []);
    lossy.bufferedAmount = 100_000;
    await publish('late', { reliable: false });
    assert.deepEqual(lossy.sent, []);
});

test('limits are errors of their own', async () => {
    await connect();
    assert.equal(room.maxDataBytes, 61_440);
    FakePeerConnection.made.at(-1).sctp = { maxMessageSize: 16_384 };
    assert.equal(room.maxDataBytes, 12_288);
    const rows = [
        ['too_large', 'x'.repeat(12_289)],
        ['too_large', 'ä'.repeat(6_145)],
        ['too_large', new Uint8Array(12_289)],
        ['too_large', 'x'.repeat(12_289), { reliable: false }],
        ['too_large', '', { topic: 'ö'.repeat(65) }],
        ['too_large', '', { destinationIdentities: Array.from({ length: 101 }, String) }],
    ];
    for (const [code, ...args] of rows) await assert.rejects(publish(...args), { code });
    openAll();
    await publish('x'.repeat(12_288));
    await assert.rejects(publish('', { destinationIdentities: ['nobody'] }), { code: 'not_found' });
    await assert.rejects(publish('', { destinationIdentities: [], reliable: false }), { code: 'not_found' });
});

test('the queue is bounded', async () => {
    await connect();
    const waiting = Array.from({ length: 64 }, () => publish(new Uint8Array(61_440)));
    await assert.rejects(publish('one more'), { code: 'queue_full' });
    openAll();
    for (let n = 0; n < 20; n++) channels()[0].drain();
    await Promise.all(waiting);
    await publish('room again');
});

test('a buffer may be used again as soon as publishData() has returned', async () => {
    await connect();
    const buffer = new Uint8Array([1]);
    const sent = publish(buffer);
    buffer[0] = 2;
    openAll();
    await sent;
    assert.deepEqual(channels()[0].sent.at(-1), new Uint8Array([123, 125, 10, 1]));
});

test('leaving refuses what waits; before and after it there is no connection', async () => {
    await assert.rejects(publish('x'), { code: 'not_connected' });
    await connect();
    const waiting = assert.rejects(publish('x'), { code: 'not_connected' });
    room.disconnect();
    await waiting;
    await assert.rejects(publish('x'), { code: 'not_connected' });
});

test('an association that ends, or a server without data channels', async () => {
    await connect();
    const waiting = assert.rejects(publish('x'), { code: 'data_closed' });
    channels()[0].close();
    await waiting;
    await assert.rejects(publish('x'), { code: 'data_closed' });
    room.disconnect();
    const answer = server.defaults['conference.offer'];
    server.replies['conference.offer'] = (params) => {
        const reply = answer(params);
        return { result: { ...reply.result, sdp: 'v=0\r\nm=application 0 UDP/DTLS/SCTP webrtc-datachannel\r\n' } };
    };
    makeRoom();
    await connect();
    await assert.rejects(publish('x'), { code: 'data_closed' });
});

test('a resume and an ICE restart keep the channels; a new session makes new ones, and what waited leaves there', async () => {
    await connect();
    const broken = room.next('reconnecting');
    server.cut();
    await broken;
    channels()[0].open();
    await publish('while the socket is down');
    assert.equal(channels()[0].sent.at(-1), '{}\nwhile the socket is down');
    await until(() => room.state === 'connected', 'resumed');
    room.restartIce();
    await tick(20);
    assert.equal(FakePeerConnection.made.length, 1);
    channels()[0].bufferedAmount = 1e6;
    const late = publish('late', { destinationIdentities: ['bob'] });
    server.others = [participant('pt_bob2', [], { identity: 'bob' })];
    server.replies['session.resume'] = () => MockServer.error('gone');
    server.cut();
    await until(() => FakePeerConnection.made.length === 2 && room.state === 'connected', 'rejoined');
    openAll();
    await late;
    assert.deepEqual(channels()[0].sent, ['', '{"to":["pt_bob2"]}\nlate']);
});

test('a new session without the grant refuses what waited', async () => {
    await connect();
    const refused = [];
    for (const text of ['one', 'two']) publish(text).catch(({ code }) => refused.push(code));
    server.grantsData = false;
    server.replies['session.resume'] = () => MockServer.error('gone');
    server.cut();
    await until(() => FakePeerConnection.made.length === 2 && room.state === 'connected', 'rejoined');
    await until(() => refused.length === 2, 'both are refused');
    assert.deepEqual(refused, ['forbidden', 'forbidden']);
    assert.deepEqual(channels(), []);
    await assert.rejects(publish('x'), { code: 'forbidden' });
});

test('what a line may name is participants, not identities', async () => {
    const twins = (count) => Array.from({ length: count }, (_, n) => participant(`pt_${n}`, [], { identity: 'twin' }));
    for (const reliable of [true, false]) {
        server.others = twins(100);
        await connect();
        openAll();
        const channel = channels()[reliable ? 0 : 1];
        await publish('fits', { reliable, destinationIdentities: ['twin'] });
        assert.equal(JSON.parse(channel.sent.at(-1).split('\n')[0]).to.length, 100);
        server.notify('participant.joined', { participant: twins(101)[100] });
        await until(() => room.remoteParticipants.size === 101, 'one more');
        const told = { code: 'too_large', message: /101 destinations/ };
        await assert.rejects(publish('does not', { reliable, destinationIdentities: ['twin'] }), told);
        room.disconnect();
    }
});

test('what the server says of lost and refused messages', async () => {
    await connect();
    const told = [];
    room.on('dataRefused', (refusal) => told.push(refusal));
    room.on('dataLost', (count) => told.push(count));
    server.notify('data.refused', { code: 'rate_limited', field: 'data_messages_per_second', count: 3 });
    server.notify('data.lost', { count: 5 });
    await until(() => told.length === 2, 'both');
    assert.deepEqual(told, [{ code: 'rate_limited', field: 'data_messages_per_second', count: 3 }, 5]);
});

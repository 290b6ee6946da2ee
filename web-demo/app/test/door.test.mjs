// The page's end of WHIP and WHEP, between a server and an RTCPeerConnection that do as they are told.
import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { load } from './load.mjs';

const { Door } = await load('door.ts');
const URL_OF_IT = '/whip/live';
const PLACE = 'https://stoa.example/whip/ps_1.secret';
const SDP = 'v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=ice-ufrag:abcd\r\na=ice-pwd:efgh\r\n';

let asked;
let answers;
let connections;

class FakeConnection {
    connectionState = 'new';
    closed = false;
    offers = 0;
    constructor() {
        connections.push(this);
    }
    async createOffer() {
        this.offers++;
        return { type: 'offer', sdp: SDP };
    }
    async setLocalDescription() {
        this.localDescription = { type: 'offer', sdp: SDP };
    }
    async setRemoteDescription(description) {
        this.remote = description;
    }
    close() {
        this.closed = true;
    }
    becomes(state) {
        this.connectionState = state;
        this.onconnectionstatechange();
    }
}

/** What the server says to the next request of that method: a function of nothing. */
const say = (method, answer) => (answers[method] ??= []).push(answer);
const created = () => new Response(SDP, { status: 201, headers: { location: '/whip/ps_1.secret' } });
const refused = (status, code) => new Response(JSON.stringify({ code, title: code }), { status });

beforeEach(() => {
    [asked, answers, connections] = [[], {}, []];
    globalThis.RTCPeerConnection = FakeConnection;
    globalThis.document = { baseURI: 'https://stoa.example/live.html' };
    globalThis.window = globalThis;
    globalThis.fetch = async (url, { method, headers }) => {
        asked.push(`${method} ${url} ${headers.authorization}`);
        const answer = answers[method]?.shift();
        assert.ok(answer, `${method} ${url} was not expected`);
        return answer();
    };
});

function make(more = {}) {
    const states = [];
    const door = new Door({ url: URL_OF_IT, token: async () => 'one', prepare: () => undefined, onState: (state, why) => states.push([state, why]), ...more });
    return { door, states };
}

const settle = () => new Promise((resolve) => setTimeout(resolve, 20));

test('a session that comes when its page has closed is ended', async () => {
    let release;
    say('POST', () => new Promise((resolve) => (release = () => resolve(created()))));
    say('DELETE', () => new Response(null, { status: 200 }));
    const { door } = make();
    const open = door.open();
    await settle();
    await door.close();
    release();
    await open;
    assert.deepEqual(asked, [`POST ${URL_OF_IT} Bearer one`, `DELETE ${PLACE} Bearer one`]);
    assert.ok(connections[0].closed);
});

test('a token that is too old is followed by another one', async () => {
    let current = 'one';
    say('POST', () => refused(401, 'unauthenticated'));
    say('POST', created);
    const { door, states } = make({ token: async (was_refused) => (was_refused ? (current = 'two') : current) });
    await door.open();
    assert.deepEqual(asked, [`POST ${URL_OF_IT} Bearer one`, `POST ${URL_OF_IT} Bearer two`]);
    assert.deepEqual(states, [['connecting', '']]);
});

test('the only token, refused, is the end', async () => {
    say('POST', () => refused(401, 'unauthenticated'));
    const { door, states } = make();
    await door.open();
    assert.equal(asked.length, 1);
    assert.deepEqual(states.at(-1), ['ended', 'unauthenticated']);
});

test('no token at all is the end, a server out of reach is not', async () => {
    const none = make({ token: async () => Promise.reject(Object.assign(new Error('token refused (404)'), { code: 'no_token' })) });
    await none.door.open();
    assert.deepEqual(none.states.at(-1), ['ended', 'token refused (404)']);
    const away = make({ token: async () => Promise.reject(Object.assign(new Error('no answer'), { code: 'connect_failed' })) });
    await away.door.open();
    assert.deepEqual(away.states.at(-1), ['trouble', 'no answer']);
    await away.door.close();
});

test('one start of ICE at a time', async () => {
    let release;
    say('POST', created);
    say('PATCH', () => new Promise((resolve) => (release = () => resolve(new Response(SDP, { status: 200 })))));
    say('PATCH', () => new Response(SDP, { status: 200 }));
    const { door } = make();
    await door.open();
    const [pc] = connections;
    pc.becomes('failed');
    pc.becomes('failed');
    await settle();
    assert.equal(pc.offers, 1);
    release();
    await settle();
    pc.becomes('failed');
    await settle();
    assert.equal(pc.offers, 2);
    assert.equal(connections.length, 1);
});

import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { FakePeerConnection, FakeStream, FakeTrack, MockServer, participant, socketFactory, tick, track, until } from './fakes.mjs';

globalThis.MediaStream = FakeStream;
globalThis.HTMLVideoElement = class {};
const { Room } = await import('../build/index.js');

let server, room, events;
const LOGGED = ['connected', 'reconnecting', 'reconnected', 'disconnected', 'participantConnected', 'participantDisconnected',
    'trackSubscribed', 'trackUnsubscribed', 'trackMuted', 'trackUnmuted'];

beforeEach(async () => {
    FakePeerConnection.made = [];
    server = await new MockServer().start();
    room = new Room({ socketFactory, peerFactory: (config) => new FakePeerConnection(config), giveUpAfterMs: 3000 });
    events = [];
    for (const name of LOGGED)
        room.on(name, (...args) => events.push([name, ...args.map((arg) => arg?.identity ?? arg?.id ?? arg)].join(' ')));
});
afterEach(() => {
    room.disconnect();
    server.stop();
});
const pc = () => FakePeerConnection.made.at(-1);
const connect = (options) => room.connect(server.url, 'jwt', options);

test('connect opens, joins and offers slots, in this order', async () => {
    server.others = [participant('pt_ann', [track('tr_a', 'camera')])];
    await connect({ metadata: { hat: 'red' } });
    assert.deepEqual(server.calls.map((call) => call.method), ['session.open', 'conference.join', 'conference.offer']);
    assert.equal(server.calls[0].params.token, 'jwt');
    assert.deepEqual(server.last('conference.join'), { metadata: { hat: 'red' } });
    assert.equal(room.pairs, 4);
    assert.equal(room.state, 'connected');
    assert.equal(room.localParticipant.identity, 'me');
    assert.equal(room.name, 'demo');
    assert.deepEqual(events, ['participantConnected ann', 'connected']);
});

test('a refused token rejects with the code of the server', async () => {
    server.replies['session.open'] = () => MockServer.error('unauthenticated');
    await assert.rejects(connect(), { name: 'ServerError', code: 'unauthenticated' });
    assert.equal(room.state, 'disconnected');
    delete server.replies['session.open'];
    await connect();
    assert.equal(room.state, 'connected', 'the same room can be tried again');
});

test('an unreachable server rejects with connect_failed', async () => {
    server.stop();
    await assert.rejects(connect(), { name: 'ConnectionError', code: 'connect_failed' });
});

test('an AbortSignal ends connect at any stage', async () => {
    for (const stage of ['session.open', 'conference.join', 'conference.offer']) {
        const abort = new AbortController();
        server.replies[stage] = () => {
            abort.abort();
            return new Promise(() => undefined);
        };
        await assert.rejects(connect({ signal: abort.signal }), { name: 'AbortedError', code: 'aborted' }, stage);
        delete server.replies[stage];
    }
    await assert.rejects(connect({ signal: AbortSignal.abort() }), { code: 'aborted' });
});

test('encodings that nobody watches are switched off, and on again', async () => {
    await connect();
    const local = room.localParticipant;
    const camera = await local.publishTrack(new FakeTrack('video'));
    const { sender } = pc().transceivers.find((each) => each.direction === 'sendonly');
    const active = () => sender.parameters.encodings.map((each) => `${each.rid}${each.active ? '+' : '-'}`).join('');
    assert.equal(active(), 'q+h+f+');
    server.notify('track.encodings', { track: camera.id, rids: ['q'] });
    await until(() => active() === 'q+h-f-', 'only q');
    sender.refusals = 2; // an exchange was under way
    server.notify('track.encodings', { track: camera.id, rids: ['q', 'f'] });
    await until(() => active() === 'q+h-f+', 'q and f');
    server.notify('track.encodings', { track: camera.id, rids: [] });
    await until(() => active() === 'q-h-f-', 'none');
    server.notify('track.encodings', { track: 'tr_of_before', rids: ['q'] });
    await local.setCameraEnabled(false);
    assert.equal(active(), 'q-h-f-');
});

test('publishing: one offer names every published mid; unpublishing frees the m-line for the next', async () => {
    await connect();
    const local = room.localParticipant;
    const [camera, microphone] = await Promise.all([
        local.publishTrack(new FakeTrack('video')), local.publishTrack(new FakeTrack('audio')),
    ]);
    assert.equal(server.count('conference.offer'), 2);
    assert.deepEqual(server.last('conference.offer').tracks.map((row) => row.source), ['camera', 'microphone']);
    assert.match(camera.id, /^tr_8_/);
    await local.unpublishTrack(camera);
    assert.deepEqual(server.last('conference.offer').tracks.map((row) => row.source), ['microphone']);
    const lines = pc().transceivers.length;
    await local.publishTrack(new FakeTrack('video'));
    assert.equal(pc().transceivers.length, lines, 'm-line used again');
    assert.equal(microphone.mediaStreamTrack.readyState, 'live');
});

test('a forbidden source rejects, rolls back, and leaves the room usable', async () => {
    await connect();
    server.replies['conference.offer'] = () => MockServer.error('forbidden', { field: 'tracks[0].source' });
    await assert.rejects(room.localParticipant.publishTrack(new FakeTrack('video'), { source: 'screen' }),
        { code: 'forbidden', field: 'tracks[0].source' });
    assert.equal(pc().signalingState, 'stable');
    delete server.replies['conference.offer'];
    await room.localParticipant.publishTrack(new FakeTrack('audio'));
    assert.deepEqual(server.last('conference.offer').tracks.map((row) => row.source), ['microphone']);
});

test('an answer that does not parse is a negotiation error', async () => {
    await connect();
    server.replies['conference.offer'] = () => ({ result: { sdp: 'spoilt', tracks: [], slots: [] } });
    await assert.rejects(room.localParticipant.publishTrack(new FakeTrack('audio')), { code: 'negotiation_failed' });
});

test('participants come, publish, mute, and go', async () => {
    await connect();
    server.notify('participant.joined', { participant: participant('pt_bob') });
    server.notify('track.published', { participant: 'pt_bob', track: track('tr_b', 'camera') });
    server.notify('slots.changed', { slots: [{ pair: 0, kind: 'video', mid: '1', track: 'tr_b', participant: 'pt_bob', source: 'camera', rtp: null }] });
    server.notify('track.muted', { participant: 'pt_bob', track: 'tr_b', by: 'admin' });
    server.notify('no.such.thing', {});
    server.notify('participant.left', { participant: 'pt_bob', reason: 'kicked' });
    await until(() => events.some((each) => each.startsWith('participantDisconnected')), 'bob left');
    assert.deepEqual(events.slice(1), [
        'participantConnected bob', 'trackSubscribed tr_b bob', 'trackMuted tr_b bob admin',
        'trackUnsubscribed tr_b bob', 'participantDisconnected bob kicked',
    ]);
});

test('the fifth other makes the client ask for four more pairs, in one offer', async () => {
    await connect();
    for (const name of ['a', 'b', 'c']) server.notify('participant.joined', { participant: participant(`pt_${name}`) });
    await until(() => room.remoteParticipants.size === 3, 'three');
    assert.equal(server.count('conference.offer'), 1);
    for (const name of ['d', 'e']) server.notify('participant.joined', { participant: participant(`pt_${name}`) });
    await until(() => server.count('conference.offer') === 2, 'an offer');
    assert.equal(room.pairs, 8);
    const lines = server.last('conference.offer').sdp.split('\n').slice(1).map((line) => line.split(' ')[0]);
    assert.deepEqual(lines.slice(8), ['m=audio', 'm=video', 'm=audio', 'm=video', 'm=audio', 'm=video', 'm=audio', 'm=video']);
    await tick(20);
    assert.equal(server.count('conference.offer'), 2);
});

test('socket cut: the session is resumed, what was missed comes once and in order, no SDP', async () => {
    await connect();
    server.notify('participant.joined', { participant: participant('pt_a') });
    await until(() => room.remoteParticipants.size === 1, 'a');
    server.cut();
    server.notify('participant.joined', { participant: participant('pt_b') }, { deliver: false });
    server.notify('participant.joined', { participant: participant('pt_c') }, { deliver: false });
    await until(() => events.includes('reconnected') && room.remoteParticipants.size === 3, 'reconnected');
    assert.deepEqual(server.last('session.resume'), { session: 'ps_1', secret: 'secret1', seq: 1 });
    assert.deepEqual(events.filter((each) => each.startsWith('p')), ['participantConnected a', 'participantConnected b', 'participantConnected c']);
    assert.equal(events.filter((each) => each === 'reconnecting').length, 1);
    assert.equal(server.count('conference.offer'), 1);
    assert.equal(server.count('session.open'), 1);
    assert.equal(FakePeerConnection.made.length, 1);
    server.cut();
    await until(() => events.filter((each) => each === 'reconnected').length === 2, 'again');
    assert.equal(server.last('session.resume').secret, 'secret1x', 'the secret rotates');
});

test('a repeated notification is passed over, a gap makes the client resume', async () => {
    await connect();
    server.notify('participant.joined', { participant: participant('pt_a') });
    server.broadcast(server.sent[0]);
    server.notify('participant.joined', { participant: participant('pt_b') }, { deliver: false });
    server.notify('participant.joined', { participant: participant('pt_c') });
    await until(() => room.remoteParticipants.size === 3, 'all three');
    assert.equal(server.count('session.resume'), 1);
    assert.deepEqual(events.filter((each) => each.startsWith('participant')), ['participantConnected a', 'participantConnected b', 'participantConnected c']);
});

test('an offer whose answer was lost goes out again unchanged after the resume', async () => {
    await connect();
    let swallowed = null;
    server.replies['conference.offer'] = (params) => {
        swallowed = params;
        delete server.replies['conference.offer'];
        server.cut();
        return undefined;
    };
    const published = await room.localParticipant.publishTrack(new FakeTrack('audio'));
    assert.ok(published.id);
    const offers = server.calls.filter((call) => call.method === 'conference.offer');
    assert.deepEqual(offers[2].params, swallowed);
});

test('gone: a new session, a new PeerConnection, the same objects, everything published again', async () => {
    server.others = [participant('pt_a', [track('tr_a', 'microphone')]), participant('pt_b')];
    await connect();
    await room.localParticipant.publishTrack(new FakeTrack('audio'));
    const before = room.remoteParticipants.get('pt_a');
    server.replies['session.resume'] = () => MockServer.error('gone');
    server.others = [participant('pt_a', [track('tr_a', 'microphone', { muted: true })]), participant('pt_c')];
    server.cut();
    await until(() => events.includes('reconnected'), 'reconnected');
    assert.equal(FakePeerConnection.made.length, 2);
    assert.equal(FakePeerConnection.made[0].signalingState, 'closed');
    assert.deepEqual(server.last('conference.offer').tracks.map((row) => row.source), ['microphone']);
    assert.equal(room.remoteParticipants.get('pt_a'), before);
    assert.deepEqual(events.slice(3), ['reconnecting', 'participantDisconnected b left', 'trackMuted tr_a a self', 'participantConnected c', 'reconnected']);
});

test('a view that was asked for is asked for again in a new session, without those who left', async () => {
    server.others = [participant('pt_a'), participant('pt_b')];
    await connect();
    const [a, b] = [...room.remoteParticipants.values()];
    await room.setView([a, b].map((who) => ({ participant: who, group: 'camera', width: 320, height: 180 })));
    server.others = [participant('pt_a')];
    server.replies['session.resume'] = () => MockServer.error('gone');
    server.cut();
    await until(() => server.count('conference.view') === 2, 'the view again');
    assert.deepEqual(server.last('conference.view').pairs.map((row) => row.participant), ['pt_a']);
});

test('a server that stays away: the client gives up in the end', async () => {
    room = new Room({ socketFactory, peerFactory: (config) => new FakePeerConnection(config), giveUpAfterMs: 300 });
    server.resumeTimeoutMs = 100;
    await connect();
    const gone = room.next('disconnected');
    server.stop();
    assert.deepEqual(await gone, ['connection_lost']);
    assert.equal(room.state, 'disconnected');
});

test('ICE fails: an offer with ICE restart on the same PeerConnection', async () => {
    await connect();
    pc().setIce('connected');
    pc().setIce('failed');
    await until(() => pc().offers.length === 2, 'restart offer');
    assert.match(pc().offers[1], /restart=true/);
    pc().setIce('connected');
    await until(() => events.includes('reconnected'), 'reconnected');
    assert.equal(FakePeerConnection.made.length, 1);
});

test('ICE fails while the socket is down: resume first, then the restart', async () => {
    await connect();
    pc().setIce('connected');
    const broken = room.next('reconnecting');
    server.cut();
    await broken;
    pc().setIce('failed');
    await until(() => pc().offers.length === 2, 'restart offer');
    assert.equal(server.count('session.resume'), 1);
    assert.match(pc().offers[1], /restart=true/);
    assert.equal(events.includes('reconnected'), false);
    pc().setIce('connected');
    await until(() => events.includes('reconnected'), 'reconnected');
});

test('kicked: no attempt to come back', async () => {
    await connect();
    const gone = room.next('disconnected');
    server.notify('session.closed', { reason: 'kicked' });
    assert.deepEqual(await gone, ['kicked']);
    await tick(50);
    assert.equal(server.count('session.resume') + server.count('session.open'), 1);
    assert.equal(events.includes('reconnecting'), false);
});

test('replaced by close code alone: no attempt to come back either', async () => {
    await connect();
    const gone = room.next('disconnected');
    for (const socket of server.sockets) socket.close(4409, 'replaced');
    assert.deepEqual(await gone, ['replaced']);
});

test('mute while the socket is down is told after the resume', async () => {
    await connect();
    const microphone = await room.localParticipant.publishTrack(new FakeTrack('audio'));
    let open;
    server.replies['session.resume'] = (params) => new Promise((resolve) => (open = () => resolve(server.defaults['session.resume'](params))));
    server.cut();
    await until(() => open, 'resume asked');
    await room.localParticipant.setMicrophoneEnabled(false);
    assert.equal(pc().transceivers.at(-1).sender.track, null, 'nothing is sent from now on');
    assert.equal(server.count('conference.mute'), 0);
    open();
    await until(() => server.count('conference.mute') === 1, 'mute told');
    assert.deepEqual(server.last('conference.mute'), { track: microphone.id, muted: true });
});

test('an admin mutes us: nothing is sent any longer', async () => {
    await connect();
    const microphone = await room.localParticipant.publishTrack(new FakeTrack('audio'));
    server.notify('track.muted', { participant: 'pt_me', track: microphone.id, by: 'admin' });
    await until(() => microphone.muted, 'muted');
    assert.equal(pc().transceivers.at(-1).sender.track, null);
    assert.equal(room.localParticipant.isMicrophoneEnabled, false);
    assert.ok(events.includes(`trackMuted ${microphone.id} me admin`));
});

test('what an admin muted before begins muted when it is published anew', async () => {
    await connect();
    server.silenced.add('microphone');
    const microphone = await room.localParticipant.publishTrack(new FakeTrack('audio'));
    await until(() => microphone.muted, 'muted');
    assert.equal(pc().transceivers.at(-1).sender.track, null);
    assert.ok(events.includes(`trackMuted ${microphone.id} me admin`));
});

test('unmuting that the server refuses leaves the track muted and tells why', async () => {
    await connect();
    const microphone = await room.localParticipant.publishTrack(new FakeTrack('audio'));
    await room.localParticipant.setMicrophoneEnabled(false);
    server.replies['conference.mute'] = () => MockServer.error('forbidden');
    await assert.rejects(room.localParticipant.setMicrophoneEnabled(true), { code: 'forbidden' });
    assert.equal(microphone.muted, true);
    assert.equal(pc().transceivers.at(-1).sender.track, null);
});

test('speakers and qualities', async () => {
    server.others = [participant('pt_a')];
    await connect();
    const heard = [];
    room.on('activeSpeakersChanged', (speakers) => heard.push(speakers.map((each) => `${each.identity}:${each.audioLevel}`).join()));
    room.on('connectionQualityChanged', (quality, who) => heard.push(`${who.identity} ${quality}`));
    server.notify('speakers.changed', { speakers: [{ participant: 'pt_a', level: 0.5 }, { participant: 'pt_me', level: 0.2 }] }, { ephemeral: true });
    server.notify('speakers.changed', { speakers: [] }, { ephemeral: true });
    server.notify('quality.changed', { participants: [{ participant: 'pt_a', quality: 'poor' }] }, { ephemeral: true });
    await until(() => heard.length === 3, 'three');
    assert.deepEqual(heard, ['a:0.5,me:0.2', '', 'a poor']);
    assert.equal(room.getParticipant('a').isSpeaking, false);
});

test('disconnect tells the server, and nothing comes after it', async () => {
    await connect();
    room.disconnect();
    assert.equal(events.at(-1), 'disconnected left');
    await until(() => server.count('session.close') === 1, 'session.close');
    assert.equal(pc().signalingState, 'closed');
    await assert.rejects(room.setLocked(true), { code: 'not_connected' });
});

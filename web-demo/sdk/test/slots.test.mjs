import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';

class FakeVideo {
    constructor() {
        this.srcObject = null;
        this.callbacks = new Map();
        this.next = 1;
    }
    play() {
        return Promise.resolve();
    }
    requestVideoFrameCallback(callback) {
        this.callbacks.set(this.next, callback);
        return this.next++;
    }
    cancelVideoFrameCallback(handle) {
        this.callbacks.delete(handle);
    }
    present(rtpTimestamp) {
        const callbacks = [...this.callbacks.values()];
        this.callbacks.clear();
        for (const callback of callbacks) callback(0, { rtpTimestamp });
    }
}
globalThis.HTMLVideoElement = FakeVideo;

const { RemoteTrack } = await import('../build/remote-track.js');
const { SlotTable } = await import('../build/slots.js');

let tracks, events, table;
let contributing;
const receiver = { getContributingSources: () => contributing };
const feed = (mid, kind = 'video') => ({ mid, kind, stream: { stream: mid }, track: { mid }, receiver, player: null });
const slot = (track, rtp = null, mid = '1') => ({ pair: 0, kind: 'video', mid, track, rtp });

beforeEach(() => {
    tracks = new Map(['a', 'b', 'c'].map((id) => [id, new RemoteTrack({ id, source: 'camera', kind: 'video', codec: 'vp8', muted: false })]));
    events = [];
    contributing = [];
    table = new SlotTable({
        findTrack: (id) => tracks.get(id),
        onSubscribed: (track) => events.push(`+${track.id}`),
        onUnsubscribed: (track) => events.push(`-${track.id}`),
        onLayer: (track) => events.push(`${track.id}:${track.layer?.rid}`),
    });
    table.addFeed(feed('1'));
    table.addFeed(feed('2'));
});
test('a slot tells the layer of its track once', () => {
    const layer = { rid: 'h', width: 640, height: 360, why: 'size' };
    const entry = { pair: 0, kind: 'video', mid: '1', track: 'a', rtp: null };
    table.apply([{ ...entry, layer: null }]);
    table.apply([{ ...entry, layer }]);
    table.apply([{ ...entry, layer: { ...layer } }]);
    table.apply([{ ...entry, layer: { ...layer, why: 'rate' } }]);
    table.apply([entry]); // an older server says nothing
    assert.deepEqual(events, ['+a', 'a:h', 'a:h']);
    assert.equal(tracks.get('a').layer.why, 'rate');
});

const attach = (id) => tracks.get(id).attach(new FakeVideo());

test('an empty slot shows its track at once, even one attached before', () => {
    const video = attach('a');
    assert.equal(video.srcObject, null);
    table.apply([slot('a')]);
    assert.deepEqual(events, ['+a']);
    assert.equal(video.srcObject.stream, '1');
    table.apply([slot('a', 1000)]);
    assert.deepEqual(events, ['+a'], 'the second notice changes nothing');
});

test('one track after another: the change comes with the first new picture', () => {
    const [a, b] = [attach('a'), attach('b')];
    table.apply([slot('a')]);
    table.apply([slot('b')]);
    assert.deepEqual(events, ['+a'], 'the old picture still stands');
    table.apply([slot('b', 0xfffffff0)]);
    a.present(0xffffff00);
    assert.deepEqual(events, ['+a']);
    a.present(0x00000010);
    assert.deepEqual(events, ['+a', '-a', '+b'], 'reached modulo 2^32');
    assert.equal(a.srcObject, null);
    assert.equal(b.srcObject.stream, '1');
});

test('a picture that overtakes the notice names itself by its contributing source', () => {
    const [a, b] = [attach('a'), attach('b')];
    contributing = [{ source: 7, rtpTimestamp: 500 }]; // b was here before
    table.apply([slot('a')]);
    table.apply([{ ...slot('b'), csrc: 7 }]);
    a.present(1000);
    contributing = [{ source: 7, rtpTimestamp: 2000 }];
    a.present(1100);
    assert.deepEqual(events, ['+a'], 'the new picture is here and not yet presented');
    contributing = [{ source: 7, rtpTimestamp: 2100 }];
    a.present(2000);
    assert.deepEqual(events, ['+a', '-a', '+b']);
    assert.equal(b.srcObject.stream, '1');
});

test('with nobody looking the change is immediate', () => {
    table.apply([slot('a')]);
    table.apply([{ ...slot('b'), csrc: 7 }]);
    assert.deepEqual(events, ['+a'], 'nothing of it was sent yet');
    table.apply([slot('b', 5)]);
    assert.deepEqual(events, ['+a', '-a', '+b']);
});

test('a track that ends while its slot is promised to another makes room at once', () => {
    attach('a');
    table.apply([slot('a')]);
    table.apply([slot('b')]);
    table.release(tracks.get('a'));
    assert.deepEqual(events, ['+a', '-a', '+b']);
});

test('the promise is withdrawn: the old track stays', () => {
    const a = attach('a');
    table.apply([slot('a')]);
    table.apply([slot('b', 100)]);
    table.apply([slot('a', 200)]);
    a.present(300);
    assert.deepEqual(events, ['+a']);
});

test('a track moves to another slot without being unsubscribed', () => {
    const a = attach('a');
    table.apply([slot('a')]);
    table.apply([slot('a', null, '2')]);
    assert.deepEqual(events, ['+a']);
    assert.equal(a.srcObject.stream, '2');
    table.apply([slot(null)]);
    assert.equal(a.srcObject.stream, '2', 'emptying the old slot does not touch it');
});

test('a slot may be told of a track before the track itself is', () => {
    table.apply([slot('z')]);
    assert.deepEqual(events, []);
    tracks.set('z', new RemoteTrack({ id: 'z', source: 'camera', kind: 'video', codec: 'vp8', muted: false }));
    table.refresh();
    assert.deepEqual(events, ['+z']);
});

test('a new PeerConnection: all is unsubscribed, elements stay for the next feed', () => {
    const a = attach('a');
    table.apply([slot('a')]);
    table.reset();
    assert.equal(a.srcObject, null);
    table.addFeed(feed('7'));
    table.apply([slot('a', null, '7')]);
    assert.equal(a.srcObject.stream, '7');
    assert.deepEqual(events, ['+a', '-a', '+a']);
});

// A PeerConnection that only keeps the rules that the client relies on, and a real WebSocket server with a small room.
import { WebSocketServer, WebSocket } from 'ws';

export class FakeTrack extends EventTarget {
    constructor(kind) {
        super();
        this.kind = kind;
        this.readyState = 'live';
    }
    getSettings() {
        return { height: 720 };
    }
    stop() {
        this.readyState = 'ended';
    }
}

export class FakeStream {
    constructor(tracks = []) {
        this.tracks = tracks;
    }
}

class FakeSender {
    constructor(track, encodings = [{}]) {
        this.track = track;
        this.parameters = { encodings: encodings.map((each) => ({ ...each })) };
        this.refusals = 0;
    }
    async replaceTrack(track) {
        this.track = track;
    }
    getParameters() {
        return structuredClone(this.parameters);
    }
    async setParameters(parameters) {
        if (this.refusals-- > 0) throw new Error('InvalidStateError');
        this.parameters = parameters;
    }
}

class FakeTransceiver {
    constructor(kind, track, direction, encodings) {
        this.mid = null;
        this.kind = kind;
        this.direction = direction;
        this.sender = new FakeSender(track, encodings);
        this.receiver = { track: new FakeTrack(kind) };
    }
    setCodecPreferences() {}
}

export class FakeChannel extends EventTarget {
    constructor(label, init) {
        super();
        Object.assign(this, { label, id: init.id, init, readyState: 'connecting', bufferedAmount: 0, sent: [] });
    }
    send(message) {
        if (this.readyState !== 'open') throw new Error('InvalidStateError');
        this.sent.push(message);
        this.bufferedAmount += message.length ?? message.byteLength;
    }
    open() {
        this.readyState = 'open';
        this.dispatchEvent(new Event('open'));
    }
    /** The network has taken it all. */
    drain() {
        this.bufferedAmount = 0;
        this.dispatchEvent(new Event('bufferedamountlow'));
    }
    receive(data) {
        this.dispatchEvent(Object.assign(new Event('message'), { data }));
    }
    close() {
        if (this.readyState === 'closed') return;
        this.readyState = 'closed';
        this.dispatchEvent(new Event('close'));
    }
}

export class FakePeerConnection extends EventTarget {
    static made = [];

    constructor(config) {
        super();
        this.config = config;
        this.signalingState = 'stable';
        this.iceConnectionState = 'new';
        this.connectionState = 'new';
        this.transceivers = [];
        this.channels = [];
        this.sctp = null;
        this.offers = [];
        this.localDescription = null;
        FakePeerConnection.made.push(this);
    }
    addTransceiver(what, { direction, sendEncodings }) {
        const isKind = typeof what === 'string';
        const kind = isKind ? what : what.kind;
        const transceiver = new FakeTransceiver(kind, isKind ? null : what, direction, sendEncodings);
        this.transceivers.push(transceiver);
        return transceiver;
    }
    createDataChannel(label, init) {
        const channel = new FakeChannel(label, init);
        this.channels.push(channel);
        return channel;
    }
    getTransceivers() {
        return this.transceivers;
    }
    async createOffer({ iceRestart = false } = {}) {
        this.#mustBeOpen();
        const lines = this.transceivers.map((each, i) => `m=${each.kind} ${i} ${each.direction}`);
        return { type: 'offer', sdp: [`v=0 ${this.offers.length} restart=${iceRestart}`, ...lines].join('\n') };
    }
    async setLocalDescription(description) {
        this.#mustBeOpen();
        if (description.type === 'rollback') {
            this.signalingState = 'stable';
            return;
        }
        if (this.signalingState !== 'stable') throw new Error('two offers overlap');
        this.signalingState = 'have-local-offer';
        this.offers.push(description.sdp);
        this.localDescription = description;
        this.transceivers.forEach((each, i) => (each.mid = String(i)));
    }
    async setRemoteDescription(description) {
        this.#mustBeOpen();
        if (this.signalingState !== 'have-local-offer') throw new Error('answer without offer');
        if (description.sdp === 'spoilt') throw new Error('cannot parse');
        this.signalingState = 'stable';
    }
    setIce(state) {
        this.iceConnectionState = state;
        this.dispatchEvent(new Event('iceconnectionstatechange'));
    }
    setConfiguration(config) {
        this.config = config;
    }
    close() {
        this.signalingState = 'closed';
    }
    #mustBeOpen() {
        if (this.signalingState === 'closed') throw new Error('InvalidStateError');
    }
}

export const tick = (ms = 0) => new Promise((resolve) => setTimeout(resolve, ms));

export async function until(condition, what, ms = 3000) {
    const end = Date.now() + ms;
    while (!condition()) {
        if (Date.now() > end) throw new Error(`never: ${what}`);
        await tick(5);
    }
}

export const socketFactory = (url, protocol) => new WebSocket(url, protocol);

export const participant = (id, tracks = [], more = {}) => ({
    id, identity: id.slice(3), name: id.slice(3).toUpperCase(), metadata: {}, joined_us: 1e6,
    state: 'connected', tracks, ...more,
});
export const track = (id, source, more = {}) => ({
    id, source, kind: ['camera', 'screen'].includes(source) ? 'video' : 'audio', codec: 'vp8', muted: false, ...more,
});

/** One server that keeps sessions over sockets, with replies that a test can change by method. */
export class MockServer {
    constructor() {
        this.calls = [];
        this.replies = {};
        this.sockets = new Set();
        this.sessions = 0;
        this.seq = 0;
        this.sent = [];
        this.others = [];
        this.secret = 's0';
        this.nextTrack = 1;
        this.silenced = new Set();
    }
    async start() {
        this.wss = new WebSocketServer({ port: 0, host: '127.0.0.1' });
        await new Promise((resolve) => this.wss.once('listening', resolve));
        this.url = `http://127.0.0.1:${this.wss.address().port}`;
        this.wss.on('connection', (socket) => {
            this.sockets.add(socket);
            socket.on('close', () => this.sockets.delete(socket));
            socket.on('message', (data) => this.onMessage(socket, JSON.parse(data)));
        });
        return this;
    }
    stop() {
        this.cut();
        this.wss.close();
    }
    cut() {
        for (const socket of this.sockets) socket.terminate();
    }
    count(method) {
        return this.calls.filter((call) => call.method === method).length;
    }
    last(method) {
        return this.calls.filter((call) => call.method === method).at(-1)?.params;
    }
    /** Keeps a notification for resumes and sends it where a socket is open. */
    notify(method, params, { deliver = true, ephemeral = false } = {}) {
        if (!ephemeral) params = { ...params, seq: ++this.seq };
        const message = { jsonrpc: '2.0', method, params };
        if (!ephemeral) this.sent.push(message);
        if (deliver) this.broadcast(message);
    }
    broadcast(message) {
        for (const socket of this.sockets) socket.send(JSON.stringify(message));
    }
    async onMessage(socket, { id, method, params }) {
        this.calls.push({ method, params });
        const custom = this.replies[method];
        const reply = custom ? await custom(params, socket) : this.defaults[method]?.(params) ?? {};
        if (reply === undefined) return;
        socket.send(JSON.stringify({ jsonrpc: '2.0', id, ...(reply.error ? { error: reply.error } : { result: reply.result ?? {} }) }));
        reply.after?.(socket);
    }
    static error(code, data = {}) {
        return { error: { code: -32000, message: code, data: { code, ...data } } };
    }
    defaults = {
        'session.open': () => {
            this.seq = 0;
            this.sent = [];
            this.secret = `secret${++this.sessions}`;
            return { result: {
                session: `ps_${this.sessions}`, secret: this.secret, seq: 0, identity: 'me', name: 'Me',
                room: { id: 'rm_1', name: 'demo' },
                grants: { publish: ['camera', 'microphone'], subscribe: true, data: this.grantsData ?? true, admin: false },
                server: { name: 'mock', version: '0', time_us: 1 }, ping_interval_ms: 10000,
                resume_timeout_ms: this.resumeTimeoutMs ?? 30000, plugins: ['conference'],
                ice_servers: this.iceServers ?? [],
            } };
        },
        'session.resume': ({ secret, seq }) => {
            if (secret !== this.secret) return MockServer.error('unauthenticated');
            this.secret += 'x';
            return {
                result: { secret: this.secret, seq: this.seq, time_us: 1, ice_servers: this.iceServers ?? [] },
                after: (socket) => {
                    for (const message of this.sent)
                        if (message.params.seq > seq) socket.send(JSON.stringify(message));
                },
            };
        },
        'conference.join': () => ({ result: {
            participant: participant('pt_me'), participants: this.others, locked: false, view: 'auto', slots: [],
        } }),
        'conference.offer': ({ sdp, tracks }) => {
            const lines = sdp.split('\n').slice(1).map((line) => line.split(' '));
            const pairs = { audio: 0, video: 0 };
            const slots = lines.filter((line) => line[2] === 'recvonly').map(([kind, mid]) => {
                const name = kind.slice(2);
                return { pair: pairs[name]++, kind: name, mid };
            });
            return { result: {
                sdp: 'answer',
                tracks: tracks.map(({ mid, source }) => ({
                    mid, id: `tr_${mid}_${this.nextTrack++}`, silenced: this.silenced.has(source),
                })),
                slots,
            } };
        },
    };
}

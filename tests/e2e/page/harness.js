// What the tests do inside a page: join, publish a picture and a tone that can be recognised, and look and listen.
import { Room } from '/sdk/stoa-client.js';
import { connectRaw } from './raw.js';

const BITS = 16;
const isFirefox = navigator.userAgent.includes('Firefox');
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** One flat colour, and the low 16 bits of the clock as black and white blocks at the bottom. */
function paintedTrack({ colour, width = 640, height = 360, fps = 15, noise = false }) {
    const canvas = document.createElement('canvas');
    canvas.width = width;
    canvas.height = height;
    const context = canvas.getContext('2d');
    const block = width / BITS;
    const grain = noise ? makeGrain(width, height) : null;
    const paint = () => {
        context.fillStyle = colour;
        context.fillRect(0, 0, width, height);
        if (grain) context.drawImage(grain, -Math.random() * width, -Math.random() * height);
        const clock = Date.now() & 0xffff;
        for (let bit = 0; bit < BITS; bit++) {
            context.fillStyle = (clock >> bit) & 1 ? '#fff' : '#000';
            context.fillRect(bit * block, height * (5 / 6), block, height / 6);
        }
    };
    paint();
    setInterval(paint, 1000 / fps);
    return canvas.captureStream(fps).getVideoTracks()[0];
}

/** Something that costs an encoder bits. */
function makeGrain(width, height) {
    const canvas = document.createElement('canvas');
    canvas.width = width * 2;
    canvas.height = height * 2;
    const context = canvas.getContext('2d');
    const image = context.createImageData(canvas.width, canvas.height);
    for (let i = 0; i < image.data.length; i += 4) {
        image.data.fill(Math.random() * 255, i, i + 3);
        image.data[i + 3] = 110;
    }
    context.putImageData(image, 0, 0);
    return canvas;
}

let audioContext;
const tone = { oscillator: null, gain: null };

/** Firefox has no audio device here, hence no oscillator: there it is the fake microphone. */
async function toneTrack(frequency) {
    if (isFirefox) return (await navigator.mediaDevices.getUserMedia({ audio: true })).getAudioTracks()[0];
    audioContext ??= new AudioContext();
    await audioContext.resume();
    const oscillator = audioContext.createOscillator();
    const gain = audioContext.createGain();
    const out = audioContext.createMediaStreamDestination();
    oscillator.frequency.value = frequency;
    gain.gain.value = 0.2;
    oscillator.connect(gain).connect(out);
    oscillator.start();
    Object.assign(tone, { oscillator, gain });
    return out.stream.getAudioTracks()[0];
}

const scratch = document.createElement('canvas');
scratch.width = 320;
scratch.height = 180;
const scratchContext = scratch.getContext('2d', { willReadFrequently: true });

function readPicture(video) {
    scratchContext.drawImage(video, 0, 0, scratch.width, scratch.height);
    const at = (x, y) => [...scratchContext.getImageData(x, y, 1, 1).data.slice(0, 3)];
    let clock = 0;
    for (let bit = 0; bit < BITS; bit++) {
        const [red, green, blue] = at((bit + 0.5) * (scratch.width / BITS), 165);
        if (red + green + blue > 384) clock |= 1 << bit;
    }
    // Five places: a frame that is mixed of two people must not pass.
    const spots = [[20, 20], [300, 20], [160, 75], [20, 130], [300, 130]].map(([x, y]) => at(x, y));
    return { spots, ageMs: (Date.now() - clock) & 0xffff, width: video.videoWidth, height: video.videoHeight };
}

const analysers = new WeakMap();
function analyserOf(track) {
    let analyser = analysers.get(track);
    if (!analyser) {
        audioContext ??= new AudioContext();
        void audioContext.resume();
        analyser = audioContext.createAnalyser();
        analyser.fftSize = 8192;
        analyser.smoothingTimeConstant = 0.1;
        audioContext.createMediaStreamSource(new MediaStream([track])).connect(analyser);
        analysers.set(track, analyser);
    }
    return analyser;
}

/** Video is held back frame by frame before it is packetised. Chromium takes a transform only in the turn that makes the sender. */
function latePeerFactory(delayMs) {
    return (config) => {
        const pc = new RTCPeerConnection(config);
        const add = pc.addTransceiver.bind(pc);
        pc.addTransceiver = (what, init) => {
            const transceiver = add(what, init);
            if (init.direction === 'sendonly' && transceiver.receiver.track.kind === 'video') {
                const worker = new Worker('/e2e/delay-worker.js');
                transceiver.sender.transform = new RTCRtpScriptTransform(worker, { delayMs });
            }
            return transceiver;
        };
        return pc;
    };
}

/** The answer's candidates become one: the relay, so that all media goes through it. */
function relayedPeerFactory({ address, port }) {
    return (config) => {
        const pc = new RTCPeerConnection(config);
        const set = pc.setRemoteDescription.bind(pc);
        pc.setRemoteDescription = ({ type, sdp }) => {
            const [before, ...after] = sdp.split(/^a=candidate:.*\r\n/m);
            const candidate = before === sdp ? '' : `a=candidate:1 1 udp 2130706431 ${address} ${port} typ host\r\n`;
            return set({ type, sdp: before + candidate + after.join('') });
        };
        return pc;
    };
}

/** The first bytes of the SHA-256, and how many bytes: what a large payload is known by. */
async function digest(bytes) {
    const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
    return `${bytes.length} bytes ${[...hash.slice(0, 6)].join('-')}`;
}

/** A payload that is not of one byte only. */
function makeBytes(length) {
    return Uint8Array.from({ length }, (_, i) => (i * 31 + (i >> 8)) & 255);
}

class Harness {
    room = null;
    events = [];
    /** What came by data channels: [payload, from, info]; bytes as their digest. */
    data = [];
    /** What watchNames() found; a wrong frame has the number of the tile that it was seen in. */
    names = { frames: 0, tiles: 0, wrong: [] };
    #colours = null;
    #drawn = null;
    #videos = new Map();
    #connectArgs = null;

    async token({ room, identity, name = identity, admin = false }) {
        const response = await fetch('/v1/dev/token', {
            method: 'POST',
            headers: { 'content-type': 'application/json' },
            body: JSON.stringify({ room, identity, name, admin }),
        });
        if (!response.ok) throw new Error(`token: ${response.status} ${await response.text()}`);
        return (await response.json()).token;
    }

    /** Joins with the SDK; `options` are those of Room, `delayVideoMs`: how late our video leaves, `through`: a relay for media. */
    async join(who, { delayVideoMs = 0, through = null, ...options } = {}) {
        const token = who.token ?? (await this.token(who));
        this.#connectArgs = { token };
        if (delayVideoMs > 0) options.peerFactory = latePeerFactory(delayVideoMs);
        if (through) options.peerFactory = relayedPeerFactory(through);
        const room = new Room(options);
        this.room = room;
        this.#record(room);
        await room.connect(location.origin, token);
        return { id: room.localParticipant.id, identity: room.localParticipant.identity };
    }

    get tokenUsed() {
        return this.#connectArgs.token;
    }

    /** Returns the error's code, or null; `bytes` stands for so many of them, `letters` for a text. */
    async sendData({ text, bytes, letters }, options) {
        const payload = bytes === undefined ? (text ?? 'x'.repeat(letters)) : makeBytes(bytes);
        try {
            await this.room.localParticipant.publishData(payload, options);
            return null;
        } catch (error) {
            return error.code ?? String(error);
        }
    }

    digestOf(bytes) {
        return digest(makeBytes(bytes));
    }

    #onData(payload, who, info) {
        const row = [payload, who.identity, info];
        this.data.push(row);
        if (typeof payload !== 'string') void digest(payload).then((text) => (row[0] = text));
        else if (payload.length > 200) row[0] = `${payload.length} letters ${[...new Set(payload)].join('')}`;
    }

    leave() {
        this.room.disconnect();
    }

    async publish({ colour, frequency, ...picture }) {
        const local = this.room.localParticipant;
        const jobs = [];
        if (colour) jobs.push(local.publishTrack(paintedTrack({ colour, ...picture }), { source: 'camera', ...(picture.publish ?? {}) }));
        if (frequency) jobs.push(local.publishTrack(await toneTrack(frequency), { source: 'microphone' }));
        await Promise.all(jobs);
        return Object.fromEntries([...local.tracks].map(([source, track]) => [source, track.id]));
    }

    /** The same picture and tone, without the SDK: by WHIP; `codec` leaves all others out of the offer, `rids` makes layers. */
    async whip({ room, identity, colour, frequency, codec, rids, ...picture }) {
        const pc = new RTCPeerConnection({ bundlePolicy: 'max-bundle' });
        const stream = new MediaStream();
        const options = { direction: 'sendonly', streams: [stream] };
        pc.addTransceiver(await toneTrack(frequency), options);
        const sendEncodings = rids?.map((rid, i) => ({ rid, scaleResolutionDownBy: 2 ** (rids.length - 1 - i) }));
        const video = pc.addTransceiver(paintedTrack({ colour, ...picture }), { ...options, ...(rids ? { sendEncodings } : {}) });
        if (codec) video.setCodecPreferences(RTCRtpSender.getCapabilities('video').codecs.filter((each) => each.mimeType === codec));
        await pc.setLocalDescription();
        const headers = { authorization: `Bearer ${await this.token({ room, identity })}`, 'content-type': 'application/sdp' };
        const response = await fetch(`/whip/${room}`, { method: 'POST', headers, body: pc.localDescription.sdp });
        if (response.status !== 201) throw new Error(`WHIP: ${response.status} ${await response.text()}`);
        await pc.setRemoteDescription({ type: 'answer', sdp: await response.text() });
        this.whipPeer = pc;
        return pc.remoteDescription.sdp;
    }

    setToneVolume(volume) {
        tone.gain.gain.value = volume;
    }

    #record(room) {
        const log = (name, ...args) => this.events.push([name, ...args]);
        for (const name of ['connected', 'reconnecting', 'reconnected']) room.on(name, () => log(name));
        room.on('dataReceived', (payload, who, info) => this.#onData(payload, who, info));
        room.on('dataRefused', (refusal) => log('dataRefused', refusal.code));
        room.on('disconnected', (reason) => log('disconnected', reason));
        room.on('participantConnected', (who) => log('participantConnected', who.identity));
        room.on('participantDisconnected', (who, reason) => log('participantDisconnected', who.identity, reason));
        room.on('participantMetadataChanged', (metadata, who) => log('metadata', who.identity, metadata));
        room.on('trackMuted', (track, who, by) => log('trackMuted', who.identity, track.source, by));
        room.on('trackUnmuted', (track, who, by) => log('trackUnmuted', who.identity, track.source, by));
        room.on('trackSubscribed', (track, who) => {
            log('trackSubscribed', who.identity, track.source);
            if (track.kind === 'video') this.#addTile(track, who);
            else if (!isFirefox) analyserOf(track.mediaStreamTrack);
        });
        room.on('trackUnsubscribed', (track, who) => {
            log('trackUnsubscribed', who.identity, track.source);
            this.#removeTile(track);
        });
        room.on('activeSpeakersChanged', (speakers) => log('speakers', speakers.map((each) => each.identity)));
    }

    #addTile(track, who) {
        const video = document.createElement('video');
        video.width = 320;
        video.height = 180;
        video.dataset.who = `${who.identity}/${track.source}`;
        document.body.append(video);
        track.attach(video);
        this.#videos.set(track, video);
        if (this.#colours) this.#watchName(video, who.identity);
    }

    /** From now on every single frame of every new tile is compared with the colour of the person it stands for. */
    watchNames(colours) {
        this.#colours = colours;
    }

    #watchName(video, identity) {
        const wanted = [1, 3, 5].map((at) => parseInt(this.#colours[identity].slice(at, at + 2), 16));
        const tile = this.names.tiles++;
        const watch = (_now, { rtpTimestamp }) => {
            if (!video.isConnected) return;
            scratchContext.clearRect(0, 0, scratch.width, scratch.height);
            scratchContext.drawImage(video, 0, 0, scratch.width, scratch.height);
            const [...seen] = scratchContext.getImageData(160, 75, 1, 1).data;
            const isDrawn = seen.pop() > 0; // a busy browser may have let go of the frame already
            this.names.frames += isDrawn ? 1 : 0;
            const isWrong = isDrawn && !wanted.every((value, i) => Math.abs(value - seen[i]) <= 60);
            // The client may be told of the same frame after us: what counts is the tile that stands when it is painted.
            requestAnimationFrame(() => {
                if (isWrong && video.isConnected) this.names.wrong.push({ tile, identity, seen, rtpTimestamp });
            });
            video.requestVideoFrameCallback(watch);
        };
        video.requestVideoFrameCallback(watch);
    }

    #removeTile(track) {
        track.detach();
        this.#videos.get(track)?.remove();
        this.#videos.delete(track);
    }

    #track(identity, source) {
        return this.room.getParticipant(identity)?.getTrack(source);
    }

    /** The picture in the tile of this person, or null while there is none. */
    look(identity, source = 'camera') {
        const video = document.querySelector(`[data-who="${identity}/${source}"]`);
        return video && video.videoWidth > 0 ? readPicture(video) : null;
    }

    /** Chromium: the strongest frequency and its level. */
    hear(identity, source = 'microphone') {
        const media = this.#track(identity, source)?.mediaStreamTrack;
        if (!media) return null;
        const analyser = analyserOf(media);
        const bins = new Float32Array(analyser.frequencyBinCount);
        analyser.getFloatFrequencyData(bins);
        let best = 1;
        for (let i = 1; i < bins.length; i++) if (bins[i] > bins[best]) best = i;
        return { hz: (best * audioContext.sampleRate) / analyser.fftSize, db: bins[best] };
    }

    /** Audio energy that the slot of this person gained in `ms`. */
    async energy(identity, ms = 1000) {
        const before = await this.inbound(identity, 'microphone');
        await sleep(ms);
        const after = await this.inbound(identity, 'microphone');
        return (after?.totalAudioEnergy ?? 0) - (before?.totalAudioEnergy ?? 0);
    }

    /** inbound-rtp of the slot that feeds this track. */
    async inbound(identity, source) {
        const receiver = this.#track(identity, source)?.receiver;
        if (!receiver) return null;
        for (const each of (await receiver.getStats()).values()) if (each.type === 'inbound-rtp') return { ...each };
        return null;
    }

    /** Shows a tile at another size. */
    resize(identity, width, height) {
        const video = document.querySelector(`[data-who="${identity}/camera"]`);
        Object.assign(video, { width, height });
    }

    /** What the server says about the layer of a camera. */
    layer(identity) {
        return this.#track(identity, 'camera')?.layer ?? null;
    }

    /** Bytes sent of each encoding of the own camera, by rid. */
    async sentByRid() {
        const rows = (await this.stats('outbound-rtp')).filter((each) => each.rid);
        return Object.fromEntries(rows.map((each) => [each.rid, each.bytesSent ?? 0]));
    }

    /** For the message of a test that fails. */
    async explain(identity, source) {
        const track = this.#track(identity, source);
        const { packetsReceived, framesReceived, framesDecoded, keyFramesDecoded, pliCount, packetsLost } =
            (await this.inbound(identity, source)) ?? {};
        const { connectionState } = this.room.peerConnection ?? {};
        const tile = document.querySelector(`[data-who="${identity}/${source}"]`);
        return {
            known: !!track, subscribed: track?.isSubscribed, mediaMuted: track?.mediaStreamTrack?.muted, connectionState,
            tile: tile && { readyState: tile.readyState, paused: tile.paused, same: tile.srcObject?.getTracks()[0] === track?.mediaStreamTrack },
            packetsReceived, framesReceived, framesDecoded, keyFramesDecoded, pliCount, packetsLost,
        };
    }

    async stats(type) {
        const report = await this.room.peerConnection.getStats();
        return [...report.values()].filter((each) => each.type === type).map((each) => ({ ...each }));
    }

    /** Slots by mid with their SSRC and decoded frames. */
    async slots() {
        const rows = [];
        for (const each of await this.stats('inbound-rtp'))
            rows.push({ mid: each.mid, kind: each.kind, ssrc: each.ssrc, frames: each.framesDecoded ?? 0 });
        return rows.sort((a, b) => Number(a.mid) - Number(b.mid));
    }

    sdp() {
        const { currentLocalDescription: local, currentRemoteDescription: remote } = this.room.peerConnection;
        return { local: local.sdp, remote: remote.sdp };
    }

    /** Longest time without a decoded video frame while `action` and `ms` pass. */
    async longestGap(identity, ms, action) {
        const video = document.querySelector(`[data-who="${identity}/camera"]`);
        let last = performance.now();
        let longest = 0;
        let count = 0;
        let on = true;
        const watch = (now) => {
            longest = Math.max(longest, performance.now() - last);
            last = performance.now();
            count += 1;
            if (on) video.requestVideoFrameCallback(watch);
        };
        video.requestVideoFrameCallback(watch);
        await action();
        await sleep(ms);
        on = false;
        return { longest: Math.max(longest, performance.now() - last), count };
    }

    /** Counts the frames drawn from now on; see drawn(). */
    watchFrames(identity) {
        const video = document.querySelector(`[data-who="${identity}/camera"]`);
        const frames = (this.#drawn = { count: 0, longest: 0, last: performance.now() });
        const watch = () => {
            const now = performance.now();
            frames.longest = Math.max(frames.longest, now - frames.last);
            frames.last = now;
            frames.count += 1;
            if (this.#drawn === frames) video.requestVideoFrameCallback(watch);
        };
        video.requestVideoFrameCallback(watch);
    }

    /** Since watchFrames(): frames drawn, and the longest time without one, in ms. */
    drawn() {
        const { count, longest, last } = this.#drawn;
        return { count, longest: Math.max(longest, performance.now() - last) };
    }

    /** |audio - video| of one person's playout, in ms; null while the browser cannot say. */
    async skew(identity) {
        const [audio, video] = await Promise.all([this.inbound(identity, 'microphone'), this.inbound(identity, 'camera')]);
        if (!audio?.estimatedPlayoutTimestamp || !video?.estimatedPlayoutTimestamp) return null;
        // Each is the media time played out at the time of its own snapshot.
        const apart = audio.timestamp - video.timestamp;
        return audio.estimatedPlayoutTimestamp - video.estimatedPlayoutTimestamp - apart;
    }

    setView(pairs, { width = 640, height = 360 } = {}) {
        return this.room.setView(pairs.map((identity) => ({
            participant: this.room.getParticipant(identity), group: 'camera', width, height,
        })));
    }

    /** 'video/VP9' and the like, of what arrives for this track; null before it does. */
    async codecOf(identity, source) {
        const receiver = this.#track(identity, source)?.receiver;
        const report = receiver ? await receiver.getStats() : new Map();
        const inbound = [...report.values()].find((each) => each.type === 'inbound-rtp');
        return report.get(inbound?.codecId)?.mimeType ?? null;
    }

    raw(who) {
        return connectRaw(() => this.token(who));
    }
}

window.harness = new Harness();

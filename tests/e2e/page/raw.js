// The protocol without the SDK, for offers that the SDK would never make.

const SOURCES = { audio: ['microphone', 'screen_audio'], video: ['camera', 'screen'] };

class RawSession {
    #socket;
    #next = 1;
    #waiting = new Map();
    notifications = [];

    constructor(socket) {
        this.#socket = socket;
        socket.onmessage = ({ data }) => {
            const message = JSON.parse(data);
            if (message.method) return this.notifications.push(message);
            const { resolve, reject } = this.#waiting.get(message.id);
            this.#waiting.delete(message.id);
            if (message.error) reject(new Error(`${message.error.data?.code}: ${message.error.message} ${JSON.stringify(message.error.data)}`));
            else resolve(message.result);
        };
        socket.onclose = ({ code }) => {
            for (const { reject } of this.#waiting.values()) reject(new Error(`closed ${code}`));
        };
    }

    call(method, params = {}) {
        const id = this.#next++;
        return new Promise((resolve, reject) => {
            this.#waiting.set(id, { resolve, reject });
            this.#socket.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }));
        });
    }

    /** Offers what `pc` has, whatever it is; `change` may alter the answer before it is applied. */
    async negotiate(pc, { iceRestart = false, trickle = true, change = (sdp) => sdp } = {}) {
        await pc.setLocalDescription(await pc.createOffer({ iceRestart }));
        if (!trickle) await gathered(pc);
        const used = { audio: 0, video: 0 };
        const tracks = pc.getTransceivers()
            .filter((each) => ['sendonly', 'sendrecv'].includes(each.direction) && each.mid !== null && !each.stopped)
            .map((each) => {
                const kind = each.receiver.track.kind;
                return { mid: each.mid, source: SOURCES[kind][used[kind]++] };
            });
        const result = await this.call('conference.offer', { sdp: pc.localDescription.sdp, tracks });
        await pc.setRemoteDescription({ type: 'answer', sdp: change(result.sdp) });
        return { ...result, offer: pc.localDescription.sdp };
    }

    close() {
        this.#socket.close();
    }
}

function gathered(pc) {
    if (pc.iceGatheringState === 'complete') return undefined;
    return new Promise((resolve) => pc.addEventListener('icegatheringstatechange', () => {
        if (pc.iceGatheringState === 'complete') resolve();
    }));
}

/** Opens a session and joins. */
export async function connectRaw(getToken) {
    const token = await getToken();
    const socket = new WebSocket(`${location.origin.replace('http', 'ws')}/v1/rtc`, 'stoa.v1');
    await new Promise((resolve, reject) => {
        socket.onopen = resolve;
        socket.onerror = () => reject(new Error('no WebSocket'));
    });
    const session = new RawSession(socket);
    await session.call('session.open', { token, client: { name: 'raw', version: '0' } });
    await session.call('conference.join');
    return session;
}

/** Resolves when the connection is up; throws with its state when it does not come up. */
export async function connected(pc, ms = 8000) {
    const end = performance.now() + ms;
    while (pc.connectionState !== 'connected') {
        if (performance.now() > end || pc.connectionState === 'failed')
            throw new Error(`connection ${pc.connectionState}, ICE ${pc.iceConnectionState}`);
        await new Promise((resolve) => setTimeout(resolve, 50));
    }
}

// How each offer of the corpus comes about in a live browser. The names are those of its files.
import { connected } from './raw.js';

const media = async (kinds) => {
    const stream = await navigator.mediaDevices.getUserMedia({ audio: kinds.includes('audio'), video: kinds.includes('video') });
    return stream.getTracks();
};

/** Canvas and silence: for pages that may not open devices, and for second tracks. */
function painted() {
    const canvas = document.createElement('canvas');
    canvas.width = 640;
    canvas.height = 360;
    const context = canvas.getContext('2d');
    setInterval(() => {
        context.fillStyle = `hsl(${Date.now() / 20} 80% 50%)`;
        context.fillRect(0, 0, 640, 360);
    }, 100);
    return canvas.captureStream(10).getVideoTracks()[0];
}

const newPc = (config = {}) => new RTCPeerConnection({ bundlePolicy: 'max-bundle', ...config });

function addAll(pc, tracks, direction) {
    const stream = new MediaStream(tracks);
    return tracks.map((track) => pc.addTransceiver(track, { direction, streams: [stream] }));
}

const RIDS = [{ rid: 'q', scaleResolutionDownBy: 4 }, { rid: 'h', scaleResolutionDownBy: 2 }, { rid: 'f' }];

function prefer(transceiver, mimeType) {
    const codecs = RTCRtpSender.getCapabilities('video').codecs.filter((each) => [mimeType, 'video/rtx'].includes(each.mimeType));
    transceiver.setCodecPreferences(codecs);
}

async function sendrecv(session, options = {}, config = {}) {
    const pc = newPc(config);
    addAll(pc, await media(['audio', 'video']), 'sendrecv');
    await session.negotiate(pc, options);
    await connected(pc);
    return pc;
}

async function simulcast(session, { direction = 'sendonly', inactive = null, data = false } = {}) {
    const pc = newPc();
    const channel = data ? pc.createDataChannel('corpus') : null;
    const [audio, video] = [...(await media(['audio'])), painted()];
    pc.addTransceiver(audio, { direction });
    const sendEncodings = RIDS.map((each) => ({ ...each, active: each.rid !== inactive }));
    pc.addTransceiver(video, { direction, sendEncodings });
    await session.negotiate(pc);
    await connected(pc);
    if (channel) await opened(channel);
    return pc;
}

/** Resolves when the channel is open: its DATA_CHANNEL_OPEN was answered. */
function opened(channel, ms = 8000) {
    return new Promise((resolve, reject) => {
        channel.addEventListener('open', () => resolve(channel));
        setTimeout(() => reject(new Error(`the data channel is ${channel.readyState}`)), ms);
        if (channel.readyState === 'open') resolve(channel);
    });
}

async function dataOnly(session, options = {}) {
    const pc = newPc();
    const channel = pc.createDataChannel('corpus');
    await session.negotiate(pc, options);
    await connected(pc);
    await opened(channel);
    return { pc, channel };
}

/** Resolves when both sides have closed their half: the server answered the reset and sent its own. */
function closed(channel, ms = 8000) {
    return new Promise((resolve, reject) => {
        channel.addEventListener('close', resolve);
        setTimeout(() => reject(new Error(`the data channel is ${channel.readyState}`)), ms);
        channel.close();
    });
}

/** More channels than may be open at once, one after another. */
async function channelsComeAndGo(session, count) {
    const { pc } = await dataOnly(session);
    for (let i = 0; i < count; i++) await closed(await opened(pc.createDataChannel(`${i}`)));
    return pc;
}

async function recvonly(session, kinds) {
    const pc = newPc();
    for (const kind of kinds) pc.addTransceiver(kind, { direction: 'recvonly' });
    await session.negotiate(pc);
    await connected(pc);
    return pc;
}

async function renegotiated(session, change) {
    const pc = await sendrecv(session);
    const extra = await change(pc);
    const result = await session.negotiate(pc);
    await connected(pc);
    return { pc, extra, result };
}

const repeat = (kinds, times) => Array.from({ length: times }, () => kinds).flat();

/** Name of the case -> recipe; each ends connected, or throws. */
export const RECIPES = {
    'audio-only-sendonly': async (session) => {
        const pc = newPc();
        addAll(pc, await media(['audio']), 'sendonly');
        await session.negotiate(pc);
        await connected(pc);
        return pc;
    },
    'audio-video-sendrecv': (session) => sendrecv(session, { trickle: false }),
    'audio-video-sendrecv-trickle-no-candidates': (session) => sendrecv(session),
    'audio-video-ice-restart': async (session) => {
        const pc = await sendrecv(session);
        const ufrag = () => /a=ice-ufrag:(\S+)/.exec(pc.remoteDescription.sdp)[1];
        const before = ufrag();
        await session.negotiate(pc, { iceRestart: true });
        if (ufrag() === before) throw new Error('the server kept its ICE credentials over the restart');
        await new Promise((resolve) => setTimeout(resolve, 300));
        await connected(pc);
        return pc;
    },
    'bundle-max-compat-audio-video': (session) => sendrecv(session, {}, { bundlePolicy: 'max-compat' }),
    'h264-only': async (session) => {
        const pc = newPc();
        const transceiver = pc.addTransceiver(painted(), { direction: 'sendonly' });
        prefer(transceiver, 'video/H264');
        await session.negotiate(pc);
        await connected(pc);
        return pc;
    },
    'recvonly-8-transceivers': (session) => recvonly(session, repeat(['audio', 'video'], 4)),
    'recvonly-8-videos': (session) => recvonly(session, repeat(['video'], 8)),
    'recvonly-mdns-candidates': (session) => recvonly(session, ['audio', 'video']),
    'two-streams-sendrecv': async (session) => {
        const pc = newPc();
        const [audio, video] = await media(['audio', 'video']);
        addAll(pc, [audio, video], 'sendrecv');
        addAll(pc, [audio.clone(), painted()], 'sendrecv');
        await session.negotiate(pc);
        await connected(pc);
        return pc;
    },
    'whip-audio-video-sendonly': async (session) => {
        const pc = newPc();
        addAll(pc, await media(['audio', 'video']), 'sendonly');
        await session.negotiate(pc, { trickle: false });
        await connected(pc);
        return pc;
    },
    'whep-audio-video-recvonly': (session) => recvonly(session, ['audio', 'video']),
    'simulcast-3rids-sendonly': (session) => simulcast(session),
    'simulcast-3rids-one-inactive': (session) => simulcast(session, { inactive: 'f' }),
    'renegotiate-second-video-added': async (session) => {
        const { pc } = await renegotiated(session, (each) => each.addTransceiver(painted(), { direction: 'sendonly' }));
        return pc;
    },
    'renegotiate-second-video-stopped': async (session) => {
        const { pc } = await renegotiated(session, async (each) => {
            const second = each.addTransceiver(painted(), { direction: 'sendonly' });
            await session.negotiate(each);
            second.stop();
        });
        if (!/^m=video 0 /m.test(pc.localDescription.sdp)) throw new Error('no stopped m-line in the offer');
        return pc;
    },
    'simulcast-3rids-sendrecv-datachannel': (session) => simulcast(session, { direction: 'sendrecv', data: true }),
    'datachannel-only': async (session) => (await dataOnly(session, { trickle: false })).pc,
    'datachannel-only-trickle-no-candidates': async (session) => (await dataOnly(session)).pc,
    'datachannels-that-come-and-go': (session) => channelsComeAndGo(session, 40),
    'datachannel-ice-restart': async (session) => {
        const { pc, channel } = await dataOnly(session);
        await session.negotiate(pc, { iceRestart: true });
        await new Promise((resolve) => setTimeout(resolve, 300));
        await connected(pc);
        await opened(channel);
        await opened(pc.createDataChannel('after the restart'));
        return pc;
    },
    'renegotiate-datachannel-added': async (session) => {
        const { pc, extra } = await renegotiated(session, (each) => each.createDataChannel('added'));
        await opened(extra);
        return pc;
    },
    'renegotiate-all-inactive': async (session) => {
        const { pc } = await renegotiated(session, (each) => {
            for (const transceiver of each.getTransceivers()) transceiver.direction = 'inactive';
        });
        return pc;
    },
};

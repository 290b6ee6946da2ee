/** Which codecs and rates are offered. Narrow slots keep offers small: 4.5 kB a video line otherwise (Chromium). */

import { layerEncodings, wantsLayers } from './layers.js';
import type { TrackSource } from './protocol.js';

interface CodecRule {
    mimeType: string;
    /** Text that the codec's fmtp line must hold, in any order. */
    fmtp?: readonly string[];
}

const SLOT_CODECS: Readonly<Record<'audio' | 'video', readonly CodecRule[]>> = {
    audio: [{ mimeType: 'audio/opus' }],
    video: [
        { mimeType: 'video/VP8' },
        { mimeType: 'video/VP9', fmtp: ['profile-id=0'] },
        { mimeType: 'video/H264', fmtp: ['profile-level-id=42e01f', 'packetization-mode=1'] },
        { mimeType: 'video/AV1', fmtp: ['profile=0'] },
        { mimeType: 'video/rtx' },
    ],
};

function matches(codec: RTCRtpCodec, rule: CodecRule): boolean {
    if (codec.mimeType.toLowerCase() !== rule.mimeType.toLowerCase()) return false;
    // A browser that leaves the default profile out means the default.
    const line = codec.sdpFmtpLine;
    return !rule.fmtp || !line || rule.fmtp.every((part) => line.includes(part));
}

/** Picks the codecs of a receive slot from what the browser can do, in our order. */
export function slotCodecs<C extends RTCRtpCodec>(kind: 'audio' | 'video', available: readonly C[]): C[] {
    return SLOT_CODECS[kind].flatMap((rule) => available.filter((codec) => matches(codec, rule)));
}

interface CameraRate {
    minHeight: number;
    maxBitrate: number;
}

/** Largest first. */
const CAMERA_RATES: readonly CameraRate[] = [
    { minHeight: 1000, maxBitrate: 4_000_000 },
    { minHeight: 700, maxBitrate: 2_500_000 },
    { minHeight: 500, maxBitrate: 1_400_000 },
    { minHeight: 0, maxBitrate: 800_000 },
];

export interface PublishOptions {
    /** Bits per second. */
    maxBitrate?: number;
    maxFramerate?: number;
    degradationPreference?: RTCDegradationPreference;
    /** Camera: in layers of several sizes, of which each viewer gets the one that fits. Default true from 640x360 up. */
    simulcast?: boolean;
}

export interface SendParameters {
    encoding: RTCRtpEncodingParameters;
    /** Instead of the one encoding, lowest first; null: the track is sent in one. */
    layers?: RTCRtpEncodingParameters[] | null;
    degradationPreference: RTCDegradationPreference | undefined;
}

const FIXED: Readonly<Record<Exclude<TrackSource, 'camera'>, SendParameters>> = {
    microphone: {
        encoding: { maxBitrate: 40_000, priority: 'high', networkPriority: 'high' },
        degradationPreference: undefined,
    },
    screen_audio: { encoding: { maxBitrate: 96_000 }, degradationPreference: undefined },
    screen: {
        encoding: { maxBitrate: 3_000_000, maxFramerate: 30 },
        degradationPreference: 'maintain-resolution',
    },
};

function cameraParameters(height: number): SendParameters {
    const rate = CAMERA_RATES.find((row) => height >= row.minHeight)!;
    return {
        encoding: { maxBitrate: rate.maxBitrate, maxFramerate: 30 },
        degradationPreference: 'balanced',
    };
}

export function sendParameters(
    source: TrackSource,
    track: MediaStreamTrack | null,
    options: PublishOptions = {},
): SendParameters {
    const base =
        source === 'camera' ? cameraParameters(track?.getSettings().height ?? 720) : FIXED[source];
    const { maxBitrate, maxFramerate, degradationPreference } = options;
    const encoding = {
        ...base.encoding,
        ...(maxBitrate === undefined ? {} : { maxBitrate }),
        ...(maxFramerate === undefined ? {} : { maxFramerate }),
    };
    const size = track?.getSettings() ?? {};
    const inLayers = source === 'camera' && options.simulcast !== false;
    return {
        encoding,
        layers: inLayers && (!track || wantsLayers(size)) ? layerEncodings(encoding, size) : null,
        degradationPreference: degradationPreference ?? base.degradationPreference,
    };
}

/** Which codecs and rates are offered. Narrow slots keep offers small: 4.5 kB a video line otherwise (Chromium). */

import { layerEncodings, wantsLayers } from './layers.js';
import type { TrackSource } from './protocol.js';

interface CodecRule {
    mimeType: string;
    /** Text that the codec's fmtp line must hold, in any order. */
    fmtp?: readonly string[];
    /** A parameter of its own that, when it is there, must have this value; left out it has. */
    unless?: readonly [name: string, value: string];
}

const SLOT_CODECS: Readonly<Record<'audio' | 'video', readonly CodecRule[]>> = {
    audio: [{ mimeType: 'audio/opus' }, { mimeType: 'audio/red' }],
    video: [
        { mimeType: 'video/VP8' },
        { mimeType: 'video/VP9', unless: ['profile-id', '0'] },
        { mimeType: 'video/H264', fmtp: ['profile-level-id=42e01f', 'packetization-mode=1'] },
        { mimeType: 'video/AV1', unless: ['profile', '0'] },
        { mimeType: 'video/rtx' },
    ],
};

function parameter(line: string | undefined, name: string): string | undefined {
    const row = line?.split(';').find((part) => part.trim().startsWith(`${name}=`));
    return row?.trim().slice(name.length + 1);
}

function matches(codec: RTCRtpCodec, rule: CodecRule): boolean {
    if (codec.mimeType.toLowerCase() !== rule.mimeType.toLowerCase()) return false;
    const line = codec.sdpFmtpLine;
    if (rule.unless) return (parameter(line, rule.unless[0]) ?? rule.unless[1]) === rule.unless[1];
    return !rule.fmtp || !line || rule.fmtp.every((part) => line.includes(part));
}

/** Picks the codecs of a receive slot from what the browser can do, in our order. */
export function slotCodecs<C extends RTCRtpCodec>(kind: 'audio' | 'video', available: readonly C[]): C[] {
    return SLOT_CODECS[kind].flatMap((rule) => available.filter((codec) => matches(codec, rule)));
}

/** A codec that a video can be published with, where the room takes it. */
export type VideoCodec = 'vp8' | 'h264' | 'vp9' | 'av1';

/** All that the browser can send, the wished codec first: where the room does not take it, the next one is used. */
export function publishCodecs<C extends RTCRtpCodec>(codec: VideoCodec, available: readonly C[]): C[] {
    const wished = available.filter((each) => isCodec(each, codec));
    return wished.length === 0 ? [] : [...wished, ...available.filter((each) => !wished.includes(each))];
}

function isCodec(codec: RTCRtpCodec, name: string): boolean {
    return codec.mimeType.toLowerCase() === `video/${name}`;
}

const DEPENDENCY_DESCRIPTOR =
    'https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension';

interface ExtensionTransceiver {
    getHeaderExtensionsToNegotiate?(): { uri: string; direction: RTCRtpTransceiverDirection }[];
    setHeaderExtensionsToNegotiate?(extensions: { uri: string; direction: string }[]): void;
}

/** Layers of AV1 are told apart by a header extension that browsers know and do not offer unasked. */
export function offerDescriptor(transceiver: RTCRtpTransceiver): void {
    const each = transceiver as ExtensionTransceiver;
    const extensions = each.getHeaderExtensionsToNegotiate?.() ?? [];
    if (!each.setHeaderExtensionsToNegotiate || !extensions.some(({ uri }) => uri === DEPENDENCY_DESCRIPTOR))
        return;
    each.setHeaderExtensionsToNegotiate(
        extensions.map((extension) =>
            extension.uri === DEPENDENCY_DESCRIPTOR ? { ...extension, direction: 'sendrecv' } : extension,
        ),
    );
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
    /** Video only; before it is published. Default: what the room prefers. */
    codec?: VideoCodec;
    /** Layers inside one stream, such as `L1T3` or `L3T3_KEY`, of a codec that can have them; with `codec`. */
    scalabilityMode?: string;
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
    // One stream with layers inside takes no others beside it; browsers make layers of VP9's encodings unasked.
    const inside = options.scalabilityMode !== undefined || options.codec === 'vp9' || options.codec === 'av1';
    const inLayers = source === 'camera' && options.simulcast !== false && !inside;
    return {
        encoding,
        layers: inLayers && (!track || wantsLayers(size)) ? layerEncodings(encoding, size) : null,
        degradationPreference: degradationPreference ?? base.degradationPreference,
    };
}

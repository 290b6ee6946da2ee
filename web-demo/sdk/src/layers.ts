/** Simulcast of a camera: which encodings are offered, and what each of them carries (RFC 8853). */

/** Lowest first; the order of the offer. */
export const RIDS = ['q', 'h', 'f'] as const;

/** From this size on a camera is published in layers. */
const MIN_WIDTH = 640;
const MIN_HEIGHT = 360;
/** Browsers leave the last encoding out below this height, so the picture itself goes in the one before. */
const MIN_HEIGHT_OF_THREE = 540;

interface LayerRate {
    minHeight: number;
    maxBitrate: number;
}

/** Of the layers below the top one, by their own height. */
const LOWER_RATES: readonly LayerRate[] = [
    { minHeight: 480, maxBitrate: 1_000_000 },
    { minHeight: 300, maxBitrate: 500_000 },
    { minHeight: 200, maxBitrate: 300_000 },
    { minHeight: 0, maxBitrate: 150_000 },
];

export interface PictureSize {
    width?: number | undefined;
    height?: number | undefined;
}

export function wantsLayers({ width = 0, height = 0 }: PictureSize): boolean {
    return width >= MIN_WIDTH || height >= MIN_HEIGHT;
}

/** One row per rid. `top` is what the whole picture would be sent with. */
export function layerEncodings(top: RTCRtpEncodingParameters, size: PictureSize): RTCRtpEncodingParameters[] {
    const height = size.height ?? 720;
    const factors = height >= MIN_HEIGHT_OF_THREE ? [4, 2, 1] : [2, 1, 1];
    const active = height >= MIN_HEIGHT_OF_THREE ? [true, true, true] : [true, true, false];
    const limit = top.maxBitrate ?? Infinity;
    return RIDS.map((rid, i) => {
        const factor = factors[i]!;
        const row = LOWER_RATES.find((each) => height / factor >= each.minHeight)!;
        const maxBitrate = factor === 1 ? limit : Math.min(row.maxBitrate, limit);
        return {
            ...top,
            rid,
            active: active[i]!,
            scaleResolutionDownBy: factor,
            ...(maxBitrate === Infinity ? {} : { maxBitrate }),
        };
    });
}

/** RTP timestamps compare modulo 2^32: true when `a` is `b` or up to half the circle after it. */
export function rtpReached(a: number, b: number): boolean {
    return (a - b) >>> 0 < 0x8000_0000;
}

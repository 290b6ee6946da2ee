/** How many receive pairs to have. */

/** Up to this many others each have a pair of their own. */
export const SMALL_ROOM = 12;
const STEP = 4;

/**
 * Pairs come in steps of 4 and one ahead, so that the next one who comes, or the next screen, costs no offer at that
 * moment. They never shrink: a slot's m-line cannot be taken back.
 */
export function wantedPairs(others: number, screens: number, have: number, maxPairs: number): number {
    const needed = Math.min(others, SMALL_ROOM) + screens + 1;
    const stepped = Math.ceil(needed / STEP) * STEP;
    return Math.max(have, Math.min(maxPairs, stepped));
}

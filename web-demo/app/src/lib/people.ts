/** How people without a picture look. */

export function initials(name: string): string {
    const words = name.trim().split(/\s+/u).filter(Boolean);
    const letters = [words[0], words.length > 1 ? words.at(-1) : undefined].map((word) =>
        word ? ([...word][0] ?? '') : '',
    );
    return letters.join('').toLocaleUpperCase() || '?';
}

/** White text stands at 4.5:1 or more on each of these. */
export const AVATAR_COLOURS = [
    '#4453d6', '#8a3ffc', '#a8326f', '#b4382e', '#9a5200', '#4d6b00', '#1c7f4e', '#0f7880', '#1769b0', '#6b5b53',
] as const;

export function avatarColour(identity: string): string {
    let hash = 0;
    for (const char of identity) hash = (hash * 31 + char.codePointAt(0)!) >>> 0;
    return AVATAR_COLOURS[hash % AVATAR_COLOURS.length]!;
}

export function displayName(participant: { name: string; identity: string }): string {
    return participant.name || participant.identity;
}

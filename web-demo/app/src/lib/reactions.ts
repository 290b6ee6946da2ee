/** Small signs that people give each other while somebody talks. They travel by data channel and leave no trace. */

import type { DataPayload, Room } from '@stoa/client';

export interface Reaction {
    readonly sign: string;
    /** What a screen reader says. */
    readonly name: string;
}

export const REACTIONS: readonly Reaction[] = [
    { sign: '👍', name: 'thumbs up' },
    { sign: '❤️', name: 'heart' },
    { sign: '👏', name: 'applause' },
    { sign: '😂', name: 'laughter' },
    { sign: '🎉', name: 'celebration' },
    { sign: '✋', name: 'raised hand' },
];

const TOPIC = 'reaction';

/** Null: something else. Others choose from the same few signs, so nobody writes on our screen. */
export function readReaction(payload: DataPayload, topic: string): Reaction | null {
    if (topic !== TOPIC) return null;
    return REACTIONS.find((each) => each.sign === payload) ?? null;
}

export function sendReaction(room: Room, reaction: Reaction): Promise<void> {
    return room.localParticipant.publishData(reaction.sign, { topic: TOPIC });
}

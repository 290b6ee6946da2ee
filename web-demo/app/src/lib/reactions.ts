/** Small signs that people give each other while somebody talks. They travel by data channel and leave no trace. */

import type { DataPayload, Room } from '@stoa/client';

export interface Reaction {
    /** As it travels; also the name of its picture. */
    readonly sign: 'thumb' | 'heart' | 'laugh' | 'star' | 'hand';
    /** What a screen reader says. */
    readonly name: string;
    readonly colour: string;
}

export const REACTIONS: readonly Reaction[] = [
    { sign: 'thumb', name: 'thumbs up', colour: '#2f6fd6' },
    { sign: 'heart', name: 'heart', colour: '#c8283c' },
    { sign: 'laugh', name: 'laughter', colour: '#b06a00' },
    { sign: 'star', name: 'bravo', colour: '#7a4fd0' },
    { sign: 'hand', name: 'raised hand', colour: '#1c7d5c' },
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

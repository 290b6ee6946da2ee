/** The tracks of a room as the statistics want them. */
import type { LocalParticipant } from './local-participant.js';
import type { LocalTrack } from './local-track.js';
import type { RemoteParticipant } from './participants.js';
import type { RemoteTrack } from './remote-track.js';
import type { StatsSubject } from './stats.js';

/** Those that the server feeds. */
export function incomingSubjects(remotes: Iterable<RemoteParticipant>): StatsSubject[] {
    return [...remotes].flatMap(({ identity, tracks }) =>
        [...tracks.values()]
            .filter((track) => track.feed !== null)
            .map((track) => ({
                identity,
                source: track.source,
                kind: track.kind,
                media: track.mediaStreamTrack,
                mid: track.feed!.mid,
                layer: layerOf(track),
            })),
    );
}

export function outgoingSubjects(
    { identity, tracks }: LocalParticipant,
    midOf: (track: LocalTrack) => string | null,
): StatsSubject[] {
    return [...tracks.values()].map((track) => ({
        identity,
        source: track.source,
        kind: track.kind,
        media: track.mediaStreamTrack,
        mid: midOf(track),
        layer: null,
    }));
}

/** An encoding without a name is told by its size. */
function layerOf({ layer }: RemoteTrack): StatsSubject['layer'] {
    return layer ? { name: layer.rid || `${layer.width}x${layer.height}`, why: layer.why } : null;
}

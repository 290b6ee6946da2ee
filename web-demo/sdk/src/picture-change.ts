import type { RemoteTrack } from './remote-track.js';
import { rtpReached } from './rtp-clock.js';

/** How the first picture of the track that comes next in a slot is known. */
export interface NextPicture {
    /** RTP timestamp it begins with; null until the server says so: the picture may be here before that. */
    readonly rtp: number | null;
    /** Contributing source of its first packets. */
    readonly csrc: number | null;
}

/** A picture that never comes must not keep the old name for ever. */
const SWITCH_TIMEOUT_MS = 1_000;

/**
 * Calls `done` with the first presented frame of the next picture; at once when nobody is looking and the server has
 * begun to send it. The returned function ends the wait; null: nothing to wait for.
 */
export function whenPictureChanges(shown: RemoteTrack, next: NextPicture, done: () => void): (() => void) | null {
    const { rtp, csrc } = next;
    const video = watchedElement(shown);
    if (!video) {
        if (rtp !== null) done();
        return null;
    }
    const firstNamed = namedSince(shown, csrc);
    const isNext = (frame: VideoFrameCallbackMetadata): boolean => {
        const begin = rtp ?? firstNamed();
        if (begin === null) return false;
        return frame.rtpTimestamp === undefined || rtpReached(frame.rtpTimestamp, begin);
    };
    let handle = 0;
    const finish = () => {
        stop();
        done();
    };
    const timer = rtp === null ? undefined : setTimeout(finish, SWITCH_TIMEOUT_MS);
    const stop = () => {
        clearTimeout(timer);
        video.cancelVideoFrameCallback(handle);
    };
    const watch = () => {
        handle = video.requestVideoFrameCallback((_now, frame) => (isNext(frame) ? finish() : watch()));
    };
    watch();
    return stop;
}

function watchedElement(track: RemoteTrack): HTMLVideoElement | undefined {
    if (typeof document !== 'undefined' && document.hidden) return undefined;
    return track.attachedElements.find(
        (element): element is HTMLVideoElement => 'requestVideoFrameCallback' in element,
    );
}

/** The RTP timestamp of the first frame seen from now on that names `csrc`; what was played before now does not count. */
function namedSince(track: RemoteTrack, csrc: number | null): () => number | null {
    const latest = (): number | null => {
        const sources = track.feed?.receiver.getContributingSources?.() ?? [];
        return sources.find(({ source }) => source === csrc)?.rtpTimestamp ?? null;
    };
    const before = latest();
    let first: number | null = null;
    return () => {
        const now = first ?? latest();
        if (now !== before) first = now;
        return first;
    };
}

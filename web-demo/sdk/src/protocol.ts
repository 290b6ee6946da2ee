/** The messages of `stoa.v1` as they travel (docs/protocol.md). Names stay as on the wire: snake_case. */

export const PROTOCOL = 'stoa.v1';

export type TrackSource = 'microphone' | 'camera' | 'screen' | 'screen_audio';
export type TrackKind = 'audio' | 'video';
export type ConnectionQuality = 'good' | 'fair' | 'poor' | 'lost';
export type TileGroup = 'camera' | 'screen';

export const SOURCE_KIND: Readonly<Record<TrackSource, TrackKind>> = {
    microphone: 'audio',
    camera: 'video',
    screen: 'video',
    screen_audio: 'audio',
};

export interface Grants {
    publish: TrackSource[];
    subscribe: boolean;
    data: boolean;
    admin: boolean;
}

export interface WireSession {
    session: string;
    secret: string;
    seq: number;
    identity: string;
    name: string;
    room: { id: string; name: string };
    grants: Grants;
    server: { name: string; version: string; time_us: number };
    ping_interval_ms: number;
    resume_timeout_ms: number;
    plugins: string[];
    ice_servers: RTCIceServer[];
}

export interface WireResume {
    ice_servers: RTCIceServer[];
    secret: string;
    seq: number;
    time_us: number;
}

export interface WireTrack {
    id: string;
    source: TrackSource;
    kind: TrackKind;
    codec: string;
    muted: boolean;
    width?: number;
    height?: number;
}

export interface WireParticipant {
    id: string;
    identity: string;
    name: string;
    metadata: Record<string, unknown>;
    joined_us: number;
    state: 'connected' | 'reconnecting';
    tracks: WireTrack[];
}

export interface WireSlot {
    pair: number;
    kind: TrackKind;
    mid: string;
    track?: string | null;
    participant?: string | null;
    source?: TrackSource | null;
    rtp?: number | null;
    /** Contributing source of the first packets of this track in this slot. */
    csrc?: number | null;
    /** Null where the track comes in one encoding only, or none is shown yet. */
    layer?: WireLayer | null;
}

/** Which encoding of a track a slot shows, and why not a higher one. */
export interface WireLayer {
    rid: string;
    width: number;
    height: number;
    why: 'best' | 'size' | 'rate' | 'source';
}

export interface WireJoin {
    participant: WireParticipant;
    participants: WireParticipant[];
    locked: boolean;
    view: string;
    slots: WireSlot[];
}

export interface WireOfferTrack {
    mid: string;
    source: TrackSource;
    muted: boolean;
}

export interface WireAnswer {
    sdp: string;
    /** silenced: an admin muted this source before and has not lifted it. */
    tracks: { mid: string; id: string; silenced?: boolean }[];
    slots: WireSlot[];
}

export interface WireViewPair {
    participant: string;
    group: TileGroup;
    width: number;
    height: number;
}

/** Notification -> its parameters. */
export interface Notifications {
    'participant.joined': { participant: WireParticipant };
    'participant.left': { participant: string; reason: string };
    'participant.updated': {
        participant: string;
        name?: string;
        metadata?: Record<string, unknown>;
        state?: 'connected' | 'reconnecting';
    };
    'track.published': { participant: string; track: WireTrack };
    'track.unpublished': { participant: string; track: string };
    'track.muted': { participant: string; track: string; by: 'self' | 'admin' };
    'track.unmuted': { participant: string; track: string; by: 'self' | 'admin' };
    'track.updated': { participant: string; track: string; width: number; height: number };
    'track.unavailable': { participant: string; track: string; reason: string };
    'track.encodings': { track: string; rids: string[] };
    'slots.changed': { slots: WireSlot[] };
    'speakers.changed': { speakers: { participant: string; level: number }[] };
    'quality.changed': { participants: { participant: string; quality: ConnectionQuality }[] };
    'data.refused': { code: string; field?: string; count: number };
    'data.lost': { count: number };
    'media.state': { state: 'up' | 'stale' | 'closed' };
    'room.locked': { locked: boolean; by: string };
    'session.closed': { reason: string };
}

export type NotificationName = keyof Notifications;

import type { DataInfo } from './data-channels.js';
import type { DataPayload } from './data-line.js';
import type { ReconnectAttempt } from './engine.js';
import type { LocalParticipant } from './local-participant.js';
import type { LocalTrack } from './local-track.js';
import type { Participant, RemoteParticipant } from './participants.js';
import type { ConnectionQuality } from './protocol.js';
import type { RemoteTrack } from './remote-track.js';

/** What `Room` tells, by name. */
export interface RoomEvents {
    connected: [];
    /** Something broke; calls go on as far as they can while it is repaired. */
    reconnecting: [];
    reconnectAttempt: [attempt: ReconnectAttempt];
    reconnected: [];
    /** For good. Reasons: `left`, `page_hidden`, `connection_lost`, or the server's (`kicked`, `replaced`, …). */
    disconnected: [reason: string];
    participantConnected: [participant: RemoteParticipant];
    participantDisconnected: [participant: RemoteParticipant, reason: string];
    /** Name, metadata or state changed. */
    participantUpdated: [participant: Participant];
    participantMetadataChanged: [metadata: Readonly<Record<string, unknown>>, participant: Participant];
    trackPublished: [track: RemoteTrack, participant: RemoteParticipant];
    trackUnpublished: [track: RemoteTrack, participant: RemoteParticipant];
    trackSubscribed: [track: RemoteTrack, participant: RemoteParticipant];
    trackUnsubscribed: [track: RemoteTrack, participant: RemoteParticipant];
    /** This browser cannot decode the track. */
    trackUnavailable: [track: RemoteTrack, participant: RemoteParticipant, reason: string];
    trackMuted: [track: RemoteTrack | LocalTrack, participant: Participant, by: 'self' | 'admin'];
    trackUnmuted: [track: RemoteTrack | LocalTrack, participant: Participant, by: 'self' | 'admin'];
    trackDimensionsChanged: [track: RemoteTrack, participant: RemoteParticipant];
    /** The server sends us another encoding of the track, or another reason holds it there: see `track.layer`. */
    trackLayerChanged: [track: RemoteTrack, participant: RemoteParticipant];
    localTrackPublished: [track: LocalTrack, participant: LocalParticipant];
    localTrackUnpublished: [track: LocalTrack, participant: LocalParticipant];
    /** A camera or microphone was pulled out or taken away; its track is muted now. */
    deviceLost: [track: LocalTrack];
    /** Loudest first; empty when all are silent. */
    activeSpeakersChanged: [speakers: Participant[]];
    connectionQualityChanged: [quality: ConnectionQuality, participant: Participant];
    /** A message of `publishData()`: text as it was sent, or bytes. */
    dataReceived: [payload: DataPayload, participant: Participant, info: DataInfo];
    /** The server did not pass on, or slowed down, what we sent: `code` as in docs/tables.md, `count` since the last time. */
    dataRefused: [refusal: { code: string; field?: string; count: number }];
    /** So many messages to us were dropped, because we read too slowly. */
    dataLost: [count: number];
    roomLocked: [locked: boolean, by: string];
    /** False: the browser wants a click before it plays sound; call `startAudio()` from one. */
    audioPlaybackChanged: [canPlay: boolean];
}

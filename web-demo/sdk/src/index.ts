/**
 * @stoa/client - meets in a room of a Stoa server.
 *
 *     const room = new Room();
 *     room.on('trackSubscribed', (track, participant) => track.attach(tileOf(participant.identity)));
 *     await room.connect('https://meet.example.org', token);
 *     await room.localParticipant.setCameraEnabled(true);
 */

export type { PublishOptions } from './codecs.js';
export type { DataInfo, PublishDataOptions } from './data-channels.js';
export type { DataPayload } from './data-line.js';
export {
    createCameraTrack,
    createMicrophoneTrack,
    type CameraOptions,
    type CaptureOptions,
    type MicrophoneOptions,
    type ScreenShareOptions,
} from './devices.js';
export { EchoTest, type EchoTestEvents, type EchoTestOptions } from './echo.js';
export { Emitter, type EventMap, type Listener } from './emitter.js';
export type { ReconnectAttempt } from './engine.js';
export {
    AbortedError,
    ConnectionError,
    DeviceError,
    NegotiationError,
    ServerError,
    StoaError,
    type ClientErrorCode,
    type ErrorCode,
} from './errors.js';
export type { LaneKind } from './lanes.js';
export { LocalParticipant } from './local-participant.js';
export { LocalTrack } from './local-track.js';
export { Participant, RemoteParticipant } from './participants.js';
export type { ConnectionQuality, Grants, TileGroup, TrackKind, TrackSource } from './protocol.js';
export { RemoteTrack } from './remote-track.js';
export {
    Room,
    type ConnectOptions,
    type RoomOptions,
    type RoomState,
    type ViewPair,
} from './room.js';
export type { RoomEvents } from './room-events.js';
export type { RoomStats, TrackStats } from './stats.js';
export type { TokenSource } from './session.js';
export { VERSION } from './version.js';

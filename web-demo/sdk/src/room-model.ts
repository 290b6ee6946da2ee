/** How the server's notifications change what the room knows: one table, one function a name. */

import type { LocalParticipant } from './local-participant.js';
import { RemoteParticipant, type Participant } from './participants.js';
import type { NotificationName, Notifications, WireParticipant } from './protocol.js';
import { RemoteTrack } from './remote-track.js';
import type { RoomEvents } from './room-events.js';
import type { SlotTable } from './slots.js';

export interface RoomModel {
    readonly remotes: Map<string, RemoteParticipant>;
    readonly slots: SlotTable;
    local(): LocalParticipant;
    speakers(): Participant[];
    setSpeakers(speakers: Participant[]): void;
    setLocked(locked: boolean): void;
    emit<K extends keyof RoomEvents>(event: K, ...args: RoomEvents[K]): void;
}

type Handler<N extends NotificationName> = (model: RoomModel, params: Notifications[N]) => void;

function find(model: RoomModel, id: string): Participant | undefined {
    return model.local().id === id ? model.local() : model.remotes.get(id);
}

function addParticipant(model: RoomModel, wire: WireParticipant): void {
    if (wire.id === model.local().id) return;
    const participant = new RemoteParticipant(wire);
    model.remotes.set(wire.id, participant);
    model.emit('participantConnected', participant);
    for (const track of participant.tracks.values()) model.emit('trackPublished', track, participant);
    model.slots.refresh();
}

function removeTrack(model: RoomModel, participant: RemoteParticipant, track: RemoteTrack): void {
    model.slots.release(track);
    participant.tracks.delete(track.id);
    model.emit('trackUnpublished', track, participant);
}

function removeParticipant(model: RoomModel, participant: RemoteParticipant, reason: string): void {
    for (const track of [...participant.tracks.values()]) removeTrack(model, participant, track);
    model.remotes.delete(participant.id);
    model.emit('participantDisconnected', participant, reason);
}

function setMuted(model: RoomModel, params: Notifications['track.muted'], muted: boolean): void {
    const local = model.local();
    if (params.participant === local.id) {
        const own = local.findById(params.track);
        // Only an admin's word changes our own state; our own words come back as they were said.
        if (own && muted && params.by === 'admin' && !own.muted) void local.forceMute(own);
        return;
    }
    const participant = model.remotes.get(params.participant);
    const track = participant?.tracks.get(params.track);
    if (!participant || !track || track.muted === muted) return;
    track.setMuted(muted);
    model.emit(muted ? 'trackMuted' : 'trackUnmuted', track, participant, params.by);
}

function updateParticipant(model: RoomModel, params: Notifications['participant.updated']): void {
    const participant = find(model, params.participant);
    if (!participant) return;
    const { name, metadata, state } = params;
    participant.update({ ...(name === undefined ? {} : { name }), ...(metadata ? { metadata } : {}) });
    if (state && participant instanceof RemoteParticipant) participant.setState(state);
    model.emit('participantUpdated', participant);
    if (metadata) model.emit('participantMetadataChanged', participant.metadata, participant);
}

function updateSpeakers(model: RoomModel, params: Notifications['speakers.changed']): void {
    const speakers: Participant[] = [];
    for (const { participant: id, level } of params.speakers) {
        const participant = find(model, id);
        if (!participant) continue;
        participant.setLevel(level);
        speakers.push(participant);
    }
    for (const before of model.speakers()) if (!speakers.includes(before)) before.setLevel(null);
    model.setSpeakers(speakers);
    model.emit('activeSpeakersChanged', speakers);
}

/** Calls `then` with a remote track that is still known. */
function withTrack(
    model: RoomModel,
    params: { participant: string; track: string },
    then: (participant: RemoteParticipant, track: RemoteTrack) => void,
): void {
    const participant = model.remotes.get(params.participant);
    const track = participant?.tracks.get(params.track);
    if (participant && track) then(participant, track);
}

const HANDLERS: { [N in NotificationName]?: Handler<N> } = {
    'participant.joined': (model, { participant }) => {
        const known = model.remotes.get(participant.id);
        if (known) removeParticipant(model, known, 'replaced');
        addParticipant(model, participant);
    },
    'participant.left': (model, params) => {
        const participant = model.remotes.get(params.participant);
        if (participant) removeParticipant(model, participant, params.reason);
    },
    'participant.updated': updateParticipant,
    'track.published': (model, params) => {
        const participant = model.remotes.get(params.participant);
        if (!participant || participant.tracks.has(params.track.id)) return;
        const track = new RemoteTrack(params.track);
        participant.tracks.set(track.id, track);
        model.emit('trackPublished', track, participant);
        model.slots.refresh();
    },
    'track.unpublished': (model, params) =>
        withTrack(model, params, (participant, track) => removeTrack(model, participant, track)),
    'track.muted': (model, params) => setMuted(model, params, true),
    'track.unmuted': (model, params) => setMuted(model, params, false),
    'track.updated': (model, params) =>
        withTrack(model, params, (participant, track) => {
            track.setSize(params.width, params.height);
            model.emit('trackDimensionsChanged', track, participant);
        }),
    'track.unavailable': (model, params) =>
        withTrack(model, params, (participant, track) => {
            track.setUnavailable(params.reason);
            model.emit('trackUnavailable', track, participant, params.reason);
        }),
    'slots.changed': (model, { slots }) => model.slots.apply(slots),
    'speakers.changed': updateSpeakers,
    'quality.changed': (model, { participants }) => {
        for (const { participant: id, quality } of participants) {
            const participant = find(model, id);
            if (!participant || participant.connectionQuality === quality) continue;
            participant.setQuality(quality);
            model.emit('connectionQualityChanged', quality, participant);
        }
    },
    'data.refused': (model, params) => model.emit('dataRefused', params),
    'data.lost': (model, { count }) => model.emit('dataLost', count),
    'room.locked': (model, { locked, by }) => {
        model.setLocked(locked);
        model.emit('roomLocked', locked, by);
    },
};

/** Names that this version does not know are passed over. */
export function applyNotification<N extends NotificationName>(
    model: RoomModel,
    name: N,
    params: Notifications[N],
): void {
    HANDLERS[name]?.(model, params);
}

/** After a join: those who are new are announced, those who are gone leave, the others stay the same objects. */
export function reconcileParticipants(
    model: RoomModel,
    present: readonly WireParticipant[],
    again: boolean,
): void {
    const ids = new Set(present.map((each) => each.id));
    for (const known of [...model.remotes.values()])
        if (!ids.has(known.id)) removeParticipant(model, known, 'left');
    for (const wire of present) {
        const known = model.remotes.get(wire.id);
        if (known && again) reconcileTracks(model, known, wire);
        else addParticipant(model, wire);
    }
}

function reconcileTracks(model: RoomModel, known: RemoteParticipant, wire: WireParticipant): void {
    const { name, metadata, state } = wire;
    updateParticipant(model, { participant: known.id, name, metadata, state });
    const ids = new Set(wire.tracks.map((track) => track.id));
    for (const track of [...known.tracks.values()])
        if (!ids.has(track.id)) removeTrack(model, known, track);
    for (const track of wire.tracks) {
        const params = { participant: known.id, track };
        if (!known.tracks.has(track.id)) applyNotification(model, 'track.published', params);
        else setMuted(model, { participant: known.id, track: track.id, by: 'self' }, track.muted);
    }
}

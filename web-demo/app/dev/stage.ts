/**
 * Shows the meeting page with painted people and no server, to look at it while designing:
 * `npm run dev`, then /dev/?people=6&screen=1&dark=2&panel=1&state=reconnecting&admin=1
 */
import { Emitter, LocalParticipant, LocalTrack, RemoteParticipant, type Participant, type RoomEvents } from '@stoa/client';
import type { WireParticipant, WireTrack } from '../../sdk/src/protocol.js';
import '../src/ui/meeting-view.js';
import { paintPerson, paintScreen } from './painter.js';

const query = new URLSearchParams(location.search);
const number = (name: string, fallback: number) => Number(query.get(name) ?? fallback);

const NAMES = ['Ada Lovelace', 'Grace Hopper', 'Alan Turing', 'Katherine Johnson', 'Edsger Dijkstra', 'Barbara Liskov',
    'Donald Knuth', 'Radia Perlman', 'Tim Berners-Lee', 'Margaret Hamilton', 'Dennis Ritchie', 'Frances Allen'];

function wireTrack(id: string, source: WireTrack['source'], muted = false): WireTrack {
    const kind = source === 'camera' || source === 'screen' ? 'video' : 'audio';
    return { id, source, kind, codec: kind === 'video' ? 'vp8' : 'opus', muted };
}

function wirePerson(index: number): WireParticipant {
    const camera = index % 5 !== 3;
    return {
        id: `pt_${index}`,
        identity: `person-${index}`,
        name: NAMES[index % NAMES.length]!,
        metadata: {},
        joined_us: 1,
        state: query.has('state') && index === 1 ? 'reconnecting' : 'connected',
        tracks: [
            wireTrack(`tr_m${index}`, 'microphone', index % 3 === 1),
            wireTrack(`tr_c${index}`, 'camera', !camera),
            ...(index === 0 && query.has('screen') ? [wireTrack('tr_s', 'screen')] : []),
        ],
    };
}

function feed(stream: MediaStream) {
    const track = stream.getVideoTracks()[0]!;
    const receiver = null as unknown as RTCRtpReceiver;
    return { mid: '0', kind: 'video' as const, receiver, track, stream, player: null };
}

class PaintedRoom extends Emitter<RoomEvents> {
    readonly remoteParticipants = new Map<string, RemoteParticipant>();
    readonly localParticipant: LocalParticipant;
    readonly name = query.get('room') ?? 'team-monday';
    readonly state = query.get('state') === 'reconnecting' ? 'reconnecting' : 'connected';
    readonly grants = { publish: ['camera', 'microphone', 'screen'], admin: query.has('admin'), subscribe: true, data: true };
    readonly locked = query.has('locked');
    readonly canPlayAudio = !query.has('blocked');
    readonly activeSpeakers: Participant[] = [];

    constructor(people: number) {
        super();
        const publisher = {
            add: async () => undefined,
            remove: async () => undefined,
            sync: async () => this.emit('audioPlaybackChanged', true),
            update: async () => undefined,
            lost: () => undefined,
            data: async () => undefined,
        };
        const self = { id: 'pt_me', identity: 'me', name: query.get('me') ?? 'Sam Rivera', metadata: {} };
        this.localParticipant = new LocalParticipant(self, publisher);
        const camera = new LocalTrack('camera', paintPerson(40).getVideoTracks()[0]!);
        const microphone = new LocalTrack('microphone', silence());
        this.localParticipant.adopt(query.has('off') ? [microphone] : [camera, microphone]);
        for (let index = 0; index < people - 1; index++) this.#add(index);
    }

    #add(index: number): void {
        const person = new RemoteParticipant(wirePerson(index));
        this.remoteParticipants.set(person.id, person);
        const camera = person.getTrack('camera')!;
        if (!camera.muted) camera.bind(feed(paintPerson(index)));
        person.getTrack('screen')?.bind(feed(paintScreen()));
        if (index === number('speaker', 2)) person.setLevel(0.6);
        if (index === 4) person.setQuality('poor');
    }

    disconnect(): void {
        this.emit('disconnected', 'left');
    }
}

function silence(): MediaStreamTrack {
    return new AudioContext().createMediaStreamDestination().stream.getAudioTracks()[0]!;
}

const view = document.createElement('meeting-view');
view.style.height = '100%';
Object.assign(view, { room: new PaintedRoom(number('people', 3)) });
document.body.append(view);
if (query.has('panel')) setTimeout(() => window.dispatchEvent(new KeyboardEvent('keydown', { code: 'KeyP' })), 300);

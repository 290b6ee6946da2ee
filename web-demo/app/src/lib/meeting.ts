import type { LocalTrack, Participant, ReconnectAttempt, RemoteParticipant, Room } from '@stoa/client';
import { StoaError } from '@stoa/client';
import type { ReactiveController, ReactiveControllerHost } from 'lit';
import { LevelMeter } from './meter.js';
import { displayName } from './people.js';
import type { LateTrack } from './preview.js';
import { readReaction, sendReaction, type Reaction } from './reactions.js';
import { explainDevice } from './texts.js';

type Source = 'microphone' | 'camera' | 'screen';
export type NoteIcon = 'mic' | 'micOff' | 'lock' | 'unlock' | 'warn' | 'people' | 'screen';

export interface MeetingHooks {
    note(text: string, icon: NoteIcon): void;
    announce(text: string): void;
    reacted(who: Participant, reaction: Reaction): void;
    ended(reason: string): void;
}

const NAMES: Readonly<Record<Source, string>> = { microphone: 'microphone', camera: 'camera', screen: 'screen' };
/** Speech, not breathing. */
const TALKING = 0.55;
const HINT_EVERY_MS = 15_000;

/** What a meeting page needs to know and do, on top of a connected Room. */
export class Meeting implements ReactiveController {
    readonly room: Room;
    readonly #host: ReactiveControllerHost;
    readonly #hooks: MeetingHooks;
    readonly #off: (() => void)[] = [];
    /** Rises with every change of the room. */
    revision = 0;
    attempt: ReconnectAttempt | null = null;
    /** What each switch was last pressed to, until it is so. */
    readonly #wanted = new Map<Source, boolean>();
    /** Devices that are still opening since before the join. */
    readonly #late = new Set<Source>();
    #meter: LevelMeter | null = null;
    #metered: MediaStreamTrack | null = null;
    #loudTurns = 0;
    #lastHint = -Infinity;
    #spoke: Participant | null = null;

    constructor(host: ReactiveControllerHost, room: Room, hooks: MeetingHooks) {
        this.#host = host;
        this.room = room;
        this.#hooks = hooks;
        host.addController(this);
        this.#listen();
        this.#watchMicrophone();
    }

    hostConnected(): void {}

    hostDisconnected(): void {
        for (const off of this.#off) off();
        this.#late.clear();
        this.#meter?.stop();
    }

    /** Everybody, oneself last, in the order of joining; in a large room those who spoke last come first. */
    get people(): Participant[] {
        return [...this.room.remoteParticipants.values(), this.room.localParticipant];
    }

    /** Who shares a screen now; others before oneself. */
    get sharers(): Participant[] {
        const others = [...this.room.remoteParticipants.values()].filter((each) => each.getTrack('screen'));
        const own = this.room.localParticipant;
        return own.getTrack('screen') ? [...others, own] : others;
    }

    /** Who spoke last, other than oneself. */
    get lastSpeaker(): Participant | null {
        return this.#spoke;
    }

    /** A second press counts even while the first is still being carried out. */
    toggle(source: Source): Promise<void> {
        return this.set(source, !(this.#wanted.get(source) ?? this.#isOn(source)));
    }

    async set(source: Source, on: boolean): Promise<void> {
        // The browser shows one chooser of screens at a time.
        if (source === 'screen' && this.#wanted.has(source)) return;
        this.#late.delete(source);
        this.#wanted.set(source, on);
        this.#changed();
        try {
            await this.#switch(source, on);
        } catch (error) {
            this.#explain(error, source);
        } finally {
            if (this.#wanted.get(source) === on) this.#wanted.delete(source);
            this.#watchMicrophone();
            this.#changed();
        }
    }

    /** A device that was still opening at the join goes on air as soon as it is open, unless its switch is pressed first. */
    async publishLate({ source, track: opening }: LateTrack): Promise<void> {
        this.#late.add(source);
        try {
            const track = await opening;
            if (!this.#late.has(source)) return track.stop();
            await this.room.localParticipant.publishTrack(track).catch((error) => {
                track.stop();
                throw error;
            });
        } catch (error) {
            if (this.#late.has(source)) this.#explain(error, source);
        } finally {
            this.#late.delete(source);
        }
    }

    #isOn(source: Source): boolean {
        const local = this.room.localParticipant;
        if (source === 'microphone') return local.isMicrophoneEnabled;
        return source === 'camera' ? local.isCameraEnabled : local.isScreenShareEnabled;
    }

    /** The client carries wishes for one source out in order. */
    #switch(source: Source, on: boolean): Promise<void> {
        const local = this.room.localParticipant;
        if (source === 'microphone') return local.setMicrophoneEnabled(on);
        return source === 'camera' ? local.setCameraEnabled(on) : local.setScreenShareEnabled(on);
    }

    /** Runs an admin's wish and says why when it is refused. */
    async act(action: () => Promise<void>): Promise<void> {
        try {
            await action();
        } catch (error) {
            this.#hooks.note(`That did not work: ${(error as Error).message}`, 'warn');
        }
    }

    /** Shown here at once, and to the others. */
    async react(reaction: Reaction): Promise<void> {
        this.#hooks.reacted(this.room.localParticipant, reaction);
        await this.act(() => sendReaction(this.room, reaction));
    }

    #changed(): void {
        this.revision += 1;
        this.#host.requestUpdate();
    }

    #explain(error: unknown, source: Source): void {
        if (!(error instanceof StoaError)) return this.#hooks.note(String(error), 'warn');
        // Closing the browser's chooser is an answer, not a fault.
        if (source === 'screen' && error.code === 'permission_denied') return;
        const { title, help } = explainDevice(error, NAMES[source]);
        this.#hooks.note(`${title}. ${help}`, 'warn');
    }

    #listen(): void {
        const { room } = this;
        const changed = () => this.#changed();
        const quiet = [
            'participantUpdated', 'trackPublished', 'trackUnpublished', 'trackSubscribed', 'trackUnsubscribed',
            'trackUnavailable', 'trackUnmuted', 'localTrackPublished', 'localTrackUnpublished',
            'connectionQualityChanged', 'audioPlaybackChanged', 'reconnecting',
        ] as const;
        for (const name of quiet) this.#off.push(room.on(name, changed));
        this.#off.push(
            room.on('participantConnected', (who) => this.#came(who)),
            room.on('participantDisconnected', (who, reason) => this.#went(who, reason)),
            room.on('trackMuted', (track, who, by) => this.#muted(track, who, by)),
            room.on('activeSpeakersChanged', (speakers) => this.#speaking(speakers)),
            room.on('reconnectAttempt', (attempt) => {
                this.attempt = attempt;
                changed();
            }),
            room.on('reconnected', () => {
                this.attempt = null;
                this.#hooks.announce('Connected again');
                changed();
            }),
            room.on('dataReceived', (payload, who, { topic }) => {
                const reaction = readReaction(payload, topic);
                if (!reaction) return;
                this.#hooks.reacted(who, reaction);
                this.#hooks.announce(`${displayName(who)}: ${reaction.name}`);
            }),
            room.on('roomLocked', (locked) => {
                const text = locked ? 'The room is locked' : 'The room is open again';
                this.#hooks.note(text, locked ? 'lock' : 'unlock');
                changed();
            }),
            room.on('deviceLost', (track) => {
                this.#hooks.note(`Your ${track.source} was taken away`, 'warn');
                changed();
            }),
            room.on('disconnected', (reason) => this.#hooks.ended(reason)),
        );
    }

    #came(who: RemoteParticipant): void {
        this.#hooks.announce(`${displayName(who)} joined`);
        this.#changed();
    }

    #went(who: RemoteParticipant, reason: string): void {
        if (this.#spoke === who) this.#spoke = null;
        this.#hooks.announce(`${displayName(who)} ${reason === 'kicked' ? 'was removed' : 'left'}`);
        this.#changed();
    }

    #muted(track: { source: string }, who: Participant, by: 'self' | 'admin'): void {
        if (by === 'admin' && who === this.room.localParticipant)
            this.#hooks.note(`A host switched your ${track.source} off`, 'micOff');
        this.#watchMicrophone();
        this.#changed();
    }

    #speaking(speakers: Participant[]): void {
        this.#spoke = speakers.find((each) => each !== this.room.localParticipant) ?? this.#spoke;
        this.#changed();
    }

    /** The device stays open while muted, so that we can say "you are muted" to those who talk. */
    #watchMicrophone(): void {
        const track: LocalTrack | undefined = this.room.localParticipant.getTrack('microphone');
        const media = track?.muted ? track.mediaStreamTrack : null;
        if (media === this.#metered) return;
        this.#meter?.stop();
        this.#metered = media;
        this.#loudTurns = 0;
        this.#meter = media ? new LevelMeter(media, (level) => this.#onLevel(level), 120) : null;
    }

    #onLevel(level: number): void {
        this.#loudTurns = level > TALKING ? this.#loudTurns + 1 : 0;
        if (this.#loudTurns < 4 || performance.now() - this.#lastHint < HINT_EVERY_MS) return;
        this.#lastHint = performance.now();
        this.#hooks.note('You are muted. Press M to unmute, or hold Space to talk.', 'micOff');
        this.#hooks.announce('You are muted');
    }
}

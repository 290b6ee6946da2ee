import type { Participant, RemoteParticipant, Room } from '@stoa/client';
import { css, html, LitElement, nothing } from 'lit';
import { repeat } from 'lit/directives/repeat.js';
import { Announcer } from '../lib/announcer.js';
import { Meeting } from '../lib/meeting.js';
import { pageOf, type Page } from '../lib/paging.js';
import { displayName } from '../lib/people.js';
import type { LateTrack } from '../lib/preview.js';
import { bestGrid } from '../lib/grid.js';
import { hashOf } from '../lib/route.js';
import { listenForShortcuts } from '../lib/shortcuts.js';
import './connection-banner.js';
import './control-bar.js';
import type { ControlAction } from './control-bar.js';
import { icon, logo } from './icons.js';
import './people-panel.js';
import type { Reaction } from '../lib/reactions.js';
import './reactions.js';
import type { ReactionFloat } from './reactions.js';
import type { PersonAction } from './people-panel.js';
import { shared } from './styles.js';
import './stats-panel.js';
import type { ToastStack } from './toasts.js';
import './toasts.js';
import './video-grid.js';
import './video-tile.js';

const MAX_TILES = 16;

/** The meeting: stage, controls, people. Fires `ended` with the reason when it is over. */
export class MeetingView extends LitElement {
    static override properties = { room: { attribute: false }, late: { attribute: false } };
    declare room: Room;
    /** Devices that were still opening at the join. */
    declare late: LateTrack[];
    #meeting!: Meeting;
    #life = new AbortController();
    #peopleOpen = false;
    #statsOpen = false;
    #reactionsOpen = false;
    #wantedPage = 0;
    /** What the server was last asked to send. */
    #viewKey = 'auto';
    #said = '';
    #pushToTalk = false;
    readonly #announcer = new Announcer((text) => {
        this.#said = text;
        this.requestUpdate();
    });

    static override styles = [
        shared,
        css`
            :host {
                display: grid;
                grid-template: auto minmax(0, 1fr) auto / minmax(0, 1fr);
                height: 100%;
                padding: 0 max(12px, env(safe-area-inset-right)) 0 max(12px, env(safe-area-inset-left));
                position: relative;
            }
            header {
                display: flex;
                align-items: center;
                gap: 10px;
                min-height: 60px;
                min-width: 0;
            }
            h1 {
                margin: 0;
                font-size: 1rem;
                font-weight: 650;
                overflow: hidden;
                text-overflow: ellipsis;
                white-space: nowrap;
            }
            header .space {
                flex: 1;
            }
            .locked {
                display: flex;
                color: var(--text-2);
            }
            header button svg {
                color: var(--text-2);
            }
            main {
                display: flex;
                gap: 12px;
                min-height: 0;
                min-width: 0;
            }
            .stage {
                flex: 1;
                display: flex;
                min-width: 0;
                min-height: 0;
                position: relative;
            }
            .stage > video-grid {
                flex: 1;
            }
            .share {
                flex: 1;
                display: grid;
                gap: 10px;
                grid-template: minmax(0, 1fr) / minmax(0, 1fr) 220px;
                min-width: 0;
                min-height: 0;
            }
            .strip {
                display: grid;
                grid-auto-rows: min-content;
                gap: 10px;
                overflow-y: auto;
                scrollbar-width: thin;
                border-radius: var(--radius);
            }
            .strip video-tile {
                aspect-ratio: 16 / 9;
                min-height: 0;
            }
            people-panel,
            stats-panel {
                width: 340px;
                flex: none;
            }
            .pages {
                position: absolute;
                right: 0;
                bottom: 0;
                display: flex;
                align-items: center;
                gap: 6px;
                padding: 4px;
                border-radius: 999px;
                background: var(--surface);
                box-shadow: var(--shadow);
                font-size: 0.875rem;
            }
            .pages button:disabled {
                opacity: 0.35;
            }
            footer {
                padding: 12px 0 max(14px, env(safe-area-inset-bottom));
            }
            .float {
                position: absolute;
                left: 0;
                right: 0;
                display: grid;
                justify-items: center;
                gap: 8px;
                z-index: 3;
                pointer-events: none;
            }
            .float > * {
                pointer-events: auto;
            }
            .float.top {
                top: 68px;
            }
            .float.bottom {
                bottom: 96px;
            }
            .alone {
                position: absolute;
                left: 50%;
                bottom: 24px;
                transform: translateX(-50%);
                display: flex;
                align-items: center;
                gap: 14px;
                width: max-content;
                max-width: calc(100% - 32px);
                padding: 10px 10px 10px 22px;
                border-radius: 999px;
                background: var(--surface);
                box-shadow: var(--shadow);
                font-size: 0.9375rem;
            }
            @media (max-width: 760px) {
                header {
                    min-height: 54px;
                }
                .share {
                    grid-template: minmax(0, 1fr) 104px / minmax(0, 1fr);
                }
                .strip {
                    grid-auto-flow: column;
                    grid-auto-rows: minmax(0, 1fr);
                    grid-auto-columns: 138px;
                    overflow: auto hidden;
                }
                .strip video-tile {
                    aspect-ratio: auto;
                }
                people-panel,
                stats-panel {
                    position: absolute;
                    z-index: 4;
                    inset: 8px 8px 90px 8px;
                    width: auto;
                    box-shadow: var(--shadow);
                }
                .alone {
                    flex-direction: column;
                    gap: 8px;
                    border-radius: var(--radius);
                    padding: 14px;
                    text-align: center;
                }
                .invite .text {
                    display: none;
                }
                .invite {
                    padding: 0;
                }
            }
            @media (max-height: 480px) {
                header {
                    min-height: 48px;
                }
                footer {
                    padding: 6px 0;
                }
            }
        `,
    ];

    override connectedCallback(): void {
        super.connectedCallback();
        this.#life = new AbortController();
        this.#meeting = new Meeting(this, this.room, {
            note: (text, iconName) => this.#toasts?.show(text, iconName, text.length > 60 ? 6000 : 3500),
            announce: (text) => this.#announcer.announce(text),
            reacted: (who, reaction) => this.#float?.show(reaction, displayName(who)),
            ended: (reason) => this.dispatchEvent(new CustomEvent('ended', { detail: reason })),
        });
        for (const late of this.late) void this.#meeting.publishLate(late);
        listenForShortcuts(
            {
                toggleMicrophone: () => void this.#meeting.toggle('microphone'),
                toggleCamera: () => void this.#meeting.toggle('camera'),
                toggleScreen: () => void this.#meeting.toggle('screen'),
                togglePeople: () => this.#togglePeople(),
                toggleStats: () => this.#toggleStats(),
                toggleReactions: () => this.#toggleReactions(),
                talk: (on) => this.#talk(on),
            },
            this.#life.signal,
        );
    }

    override disconnectedCallback(): void {
        super.disconnectedCallback();
        this.#life.abort();
        this.#announcer.stop();
    }

    get #toasts(): ToastStack | null {
        return this.renderRoot.querySelector('toast-stack');
    }

    get #float(): ReactionFloat | null {
        return this.renderRoot.querySelector('reaction-float');
    }

    override render() {
        const { room } = this;
        const meeting = this.#meeting;
        const local = room.localParticipant;
        const canShare = !!navigator.mediaDevices?.getDisplayMedia && (room.grants?.publish.includes('screen') ?? true);
        return html`
            <header>
                ${logo(30)}
                <h1>${room.name}</h1>
                ${room.locked ? html`<span class="locked" role="img" aria-label="Locked">${icon('lock', 18)}</span>` : nothing}
                <span class="space"></span>
                <button class="quiet invite" aria-label="Copy invitation link" @click=${() => void this.#invite()}>
                    ${icon('link', 20)} <span class="text">Invite</span>
                </button>
            </header>
            <main>
                <section class="stage" aria-label="Stage">
                    ${this.#renderStage()}<reaction-float></reaction-float>
                </section>
                ${this.#peopleOpen
                    ? html`<people-panel
                          .room=${room}
                          .revision=${meeting.revision}
                          @close=${() => this.#togglePeople()}
                          @invite=${() => void this.#invite()}
                          @lock=${() => void meeting.act(() => room.setLocked(!room.locked))}
                          @person=${(event: CustomEvent<PersonAction>) => this.#onPerson(event.detail)}
                      ></people-panel>`
                    : nothing}
                ${this.#statsOpen
                    ? html`<stats-panel .room=${room} @close=${() => this.#toggleStats()}></stats-panel>`
                    : nothing}
            </main>
            <footer>
                <control-bar
                    ?microphone=${local.isMicrophoneEnabled}
                    ?camera=${local.isCameraEnabled}
                    ?screen=${local.isScreenShareEnabled}
                    .canShare=${canShare}
                    .canReact=${room.grants?.data ?? false}
                    ?reactions=${this.#reactionsOpen}
                    ?people=${this.#peopleOpen}
                    ?stats=${this.#statsOpen}
                    .count=${meeting.people.length}
                    @control=${(event: CustomEvent<ControlAction>) => this.#onControl(event.detail)}
                ></control-bar>
            </footer>
            <div class="float top">
                <connection-banner ?active=${room.state === 'reconnecting'} .attempt=${meeting.attempt}></connection-banner>
                ${room.canPlayAudio
                    ? nothing
                    : html`<button class="primary" @click=${() => void room.startAudio()}>
                          ${icon('speaker')} Click to hear the others
                      </button>`}
            </div>
            <div class="float bottom">
                <toast-stack></toast-stack>
                ${this.#reactionsOpen
                    ? html`<reaction-picker @react=${(event: CustomEvent<Reaction>) => this.#react(event.detail)}></reaction-picker>`
                    : nothing}
            </div>
            <div class="sr" role="status" aria-live="polite">${this.#said}</div>
        `;
    }

    #renderStage() {
        const meeting = this.#meeting;
        const { people, revision, sharers } = meeting;
        if (sharers[0]) return this.#renderShare(sharers, people);
        const isAlone = people.length === 1;
        const page = this.#page(people);
        return html`
            <video-grid .people=${this.#seen(people, page)} .revision=${revision}></video-grid>
            ${isAlone
                ? html`<div class="alone">
                      <span>You are the only one here.</span>
                      <button class="primary" @click=${() => void this.#invite()}>${icon('link', 20)} Copy invitation</button>
                  </div>`
                : nothing}
            ${page.count > 1 ? this.#renderPages(page) : nothing}
        `;
    }

    #renderPages(page: Page<Participant>) {
        const turn = (by: number) => {
            this.#wantedPage = page.index + by;
            this.requestUpdate();
        };
        return html`<nav class="pages" aria-label="Pages of people">
            <button class="quiet round" data-page="before" aria-label="Page before" ?disabled=${page.index === 0} @click=${() => turn(-1)}>
                ${icon('back', 20)}
            </button>
            <span aria-live="polite">${page.label}</span>
            <button class="quiet round" data-page="next" aria-label="Next page" ?disabled=${page.index === page.count - 1} @click=${() => turn(1)}>
                ${icon('arrow', 20)}
            </button>
        </nav>`;
    }

    #page(people: Participant[]): Page<Participant> {
        return pageOf(people.filter((each) => each !== this.room.localParticipant), this.#wantedPage);
    }

    /** The server sends what is on the page, and the voices of others. */
    override updated(): void {
        const { view } = this.#meeting.sharers[0] ? { view: 'auto' as const } : this.#page(this.#meeting.people);
        const key = view === 'auto' ? view : view.map((each) => each.id).join(' ');
        if (key === this.#viewKey || this.room.state !== 'connected') return;
        this.#viewKey = key;
        const rows = view === 'auto' ? view : view.map((participant) => ({ participant, group: 'camera' as const, ...this.#tileSize(view.length) }));
        this.room.setView(rows).catch(() => (this.#viewKey = ''));
    }

    #tileSize(tiles: number): { width: number; height: number } {
        const stage = this.renderRoot.querySelector('.stage');
        const { tileWidth, tileHeight } = bestGrid(tiles + 1, stage?.clientWidth ?? 1280, stage?.clientHeight ?? 720, 10);
        return { width: Math.round(tileWidth * devicePixelRatio), height: Math.round(tileHeight * devicePixelRatio) };
    }

    /** In a large room those on the page; on the first one those whom the server sends us. */
    #seen(people: Participant[], page: Page<Participant>): Participant[] {
        if (page.view !== 'auto') return [...page.view, this.room.localParticipant];
        if (people.length <= MAX_TILES) return people;
        const own = this.room.localParticipant;
        const others = people.filter((each) => each !== own) as RemoteParticipant[];
        const fed = (each: RemoteParticipant) => (each.getTrack('camera')?.isSubscribed ? 0 : 1);
        return [...others.sort((a, b) => fed(a) - fed(b)).slice(0, MAX_TILES - 1), own];
    }

    #renderShare(sharers: Participant[], people: Participant[]) {
        const { revision, lastSpeaker } = this.#meeting;
        const main = sharers[0]!;
        // Who talks is seen without scrolling.
        const order = lastSpeaker ? [lastSpeaker, ...people.filter((each) => each !== lastSpeaker)] : people;
        return html`<div class="share">
            <video-tile
                source="screen"
                aria-label="Screen of ${displayName(main)}"
                .participant=${main}
                .revision=${revision}
            ></video-tile>
            <div class="strip" role="list" aria-label="People in the meeting">
                ${repeat(
                    sharers.slice(1),
                    (person) => `${person.id}/screen`,
                    (person) => html`<video-tile role="listitem" source="screen" .participant=${person} .revision=${revision}></video-tile>`,
                )}
                ${repeat(
                    order,
                    (person) => person.id,
                    (person) => html`<video-tile role="listitem" .participant=${person} .revision=${revision}></video-tile>`,
                )}
            </div>
        </div>`;
    }

    #onControl(action: ControlAction): void {
        if (action === 'leave') return this.room.disconnect();
        if (action === 'people') return this.#togglePeople();
        if (action === 'stats') return this.#toggleStats();
        if (action === 'reactions') return this.#toggleReactions();
        void this.#meeting.toggle(action);
    }

    #onPerson({ kind, participant }: PersonAction): void {
        const { room } = this;
        void this.#meeting.act(() =>
            kind === 'mute' ? room.muteParticipant(participant, 'microphone') : room.kick(participant),
        );
    }

    /** One panel at a time: the stage keeps its width. */
    #togglePeople(): void {
        this.#peopleOpen = !this.#peopleOpen;
        this.#statsOpen = false;
        this.requestUpdate();
    }

    #toggleStats(): void {
        this.#statsOpen = !this.#statsOpen;
        this.#peopleOpen = false;
        this.requestUpdate();
    }

    #toggleReactions(): void {
        this.#reactionsOpen = !this.#reactionsOpen && (this.room.grants?.data ?? false);
        this.requestUpdate();
    }

    #react(reaction: Reaction): void {
        this.#toggleReactions();
        void this.#meeting.react(reaction);
    }

    /** Only a microphone that was off is switched off again. */
    #talk(on: boolean): void {
        if (on ? this.room.localParticipant.isMicrophoneEnabled : !this.#pushToTalk) return;
        this.#pushToTalk = on;
        void this.#meeting.set('microphone', on);
    }

    async #invite(): Promise<void> {
        const link = `${location.origin}${location.pathname}${hashOf({ page: 'room', room: this.room.name })}`;
        try {
            await navigator.clipboard.writeText(link);
            this.#toasts?.show('Invitation link copied');
        } catch {
            this.#toasts?.show(link, 'link', 10_000);
        }
    }
}

customElements.define('meeting-view', MeetingView);

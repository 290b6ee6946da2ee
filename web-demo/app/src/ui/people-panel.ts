import type { LocalParticipant, Participant, RemoteParticipant, Room } from '@stoa/client';
import { css, html, LitElement, nothing } from 'lit';
import { repeat } from 'lit/directives/repeat.js';
import { styleMap } from 'lit/directives/style-map.js';
import { avatarColour, displayName, initials } from '../lib/people.js';
import { icon, qualityBars } from './icons.js';
import { avatar, panel, shared } from './styles.js';

export type PersonAction = { kind: 'mute' | 'remove'; participant: Participant };

/** Who is here and how they are; what an admin may do about it. */
export class PeoplePanel extends LitElement {
    static override properties = {
        room: { attribute: false },
        revision: { attribute: false },
    };
    declare room: Room;
    declare revision: number;
    /** Whose actions are shown. */
    #open = '';

    constructor() {
        super();
        this.revision = 0;
    }

    static override styles = [
        shared,
        panel,
        avatar,
        css`
            h2 span {
                color: var(--text-2);
                font-weight: 500;
            }
            .actions {
                padding: 0 14px 12px;
                display: grid;
                gap: 8px;
            }
            .actions button {
                border-radius: var(--radius-s);
            }
            ul {
                list-style: none;
                margin: 0;
                padding: 0 8px 8px;
                overflow-y: auto;
                flex: 1;
            }
            li {
                display: flex;
                align-items: center;
                gap: 12px;
                padding: 6px 6px 6px 10px;
                border-radius: var(--radius-s);
                min-height: 52px;
            }
            li:hover {
                background: var(--surface-2);
            }
            .avatar {
                width: 36px;
                height: 36px;
                font-size: 0.8125rem;
                transition: box-shadow var(--speed);
            }
            .speaking .avatar {
                box-shadow:
                    0 0 0 2px var(--surface),
                    0 0 0 4px var(--ring);
            }
            .who {
                flex: 1;
                min-width: 0;
                line-height: 1.3;
            }
            .name {
                overflow: hidden;
                text-overflow: ellipsis;
                white-space: nowrap;
                font-weight: 550;
            }
            .note {
                font-size: 0.8125rem;
                color: var(--text-2);
            }
            .states {
                display: flex;
                align-items: center;
                gap: 8px;
                color: var(--text-2);
            }
            .states i {
                display: flex;
            }
            .off {
                color: var(--danger-text);
            }
            .bars.good {
                color: var(--good);
            }
            .bars.fair {
                color: var(--warn-text);
            }
            .bars.poor,
            .bars.lost {
                color: var(--danger-text);
            }
            li > button {
                padding: 0;
                width: 44px;
                background: transparent;
            }
            li button:hover:not(:disabled) {
                background: var(--surface-3);
            }
            li:has(.admin) {
                flex-wrap: wrap;
                background: var(--surface-2);
            }
            .admin {
                flex-basis: 100%;
                display: grid;
                grid-template-columns: 1fr 1fr;
                gap: 8px;
                padding-bottom: 6px;
            }
            .admin button {
                background: var(--surface);
                border-radius: var(--radius-s);
                font-size: 0.9375rem;
            }
            .admin .remove {
                color: var(--danger-text);
            }
        `,
    ];

    override render() {
        const { room } = this;
        const people: Participant[] = [room.localParticipant, ...room.remoteParticipants.values()];
        return html`
            <header>
                <h2>People <span>${people.length}</span></h2>
                <button class="quiet round" aria-label="Close the list" @click=${() => this.#tell('close')}>
                    ${icon('close')}
                </button>
            </header>
            <div class="actions">
                <button @click=${() => this.#tell('invite')}>${icon('link', 20)} Copy invitation link</button>
                ${room.grants?.admin
                    ? html`<button aria-pressed=${room.locked} @click=${() => this.#tell('lock')}>
                          ${icon(room.locked ? 'unlock' : 'lock', 20)}
                          ${room.locked ? 'Unlock the room' : 'Lock the room'}
                      </button>`
                    : nothing}
            </div>
            <ul>
                ${repeat(
                    people,
                    (person) => person.id,
                    (person) => this.#renderPerson(person, person === room.localParticipant),
                )}
            </ul>
        `;
    }

    #renderPerson(person: Participant, isSelf: boolean) {
        const microphone = (person as LocalParticipant).getTrack('microphone');
        const camera = (person as LocalParticipant).getTrack('camera');
        const silent = !microphone || microphone.muted;
        const dark = !camera || camera.muted;
        const reconnecting = !isSelf && (person as RemoteParticipant).state === 'reconnecting';
        const sharing = !!(person as LocalParticipant).getTrack('screen');
        const note = reconnecting ? 'Reconnecting…' : sharing ? 'Sharing a screen' : isSelf ? 'You' : '';
        const canAct = !isSelf && !!this.room.grants?.admin;
        return html`<li class=${person.isSpeaking && !silent ? 'speaking' : ''}>
            <div class="avatar" style=${styleMap({ '--avatar': avatarColour(person.identity) })} aria-hidden="true">
                ${initials(displayName(person))}
            </div>
            <div class="who">
                <div class="name">${displayName(person)}</div>
                ${note ? html`<div class="note">${note}</div>` : nothing}
            </div>
            <div class="states">
                <i class=${silent ? 'off' : ''} role="img" aria-label="Microphone ${silent ? 'off' : 'on'}">
                    ${icon(silent ? 'micOff' : 'mic', 18)}
                </i>
                <i class=${dark ? 'off' : ''} role="img" aria-label="Camera ${dark ? 'off' : 'on'}">
                    ${icon(dark ? 'cameraOff' : 'camera', 18)}
                </i>
                ${qualityBars(person.connectionQuality)}
            </div>
            ${canAct ? this.#renderMore(person) : nothing}
            ${canAct && this.#open === person.id ? this.#renderActions(person, silent) : nothing}
        </li>`;
    }

    #renderMore(person: Participant) {
        const name = displayName(person);
        const isOpen = this.#open === person.id;
        return html`<button
            title="Actions for ${name}"
            aria-label="Actions for ${name}"
            aria-expanded=${isOpen}
            @click=${() => this.#toggle(person.id)}
        >
            ${icon('more', 20)}
        </button>`;
    }

    #renderActions(person: Participant, silent: boolean) {
        return html`<div class="admin" role="group" aria-label="Actions for ${displayName(person)}">
            <button ?disabled=${silent} @click=${() => this.#act({ kind: 'mute', participant: person })}>
                ${icon('micOff', 18)} Mute
            </button>
            <button class="remove" @click=${() => this.#act({ kind: 'remove', participant: person })}>
                ${icon('remove', 18)} Remove
            </button>
        </div>`;
    }

    #toggle(id: string): void {
        this.#open = this.#open === id ? '' : id;
        this.requestUpdate();
    }

    #tell(name: 'close' | 'invite' | 'lock'): void {
        this.dispatchEvent(new CustomEvent(name));
    }

    #act(detail: PersonAction): void {
        this.#toggle(detail.participant.id);
        this.dispatchEvent(new CustomEvent<PersonAction>('person', { detail }));
    }
}

customElements.define('people-panel', PeoplePanel);

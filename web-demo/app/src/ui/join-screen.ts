import type { LocalTrack } from '@stoa/client';
import { css, html, LitElement, nothing } from 'lit';
import { styleMap } from 'lit/directives/style-map.js';
import { avatarColour, initials } from '../lib/people.js';
import { loadPreferences, savePreferences } from '../lib/preferences.js';
import { type LateTrack, Preview, type PreviewSource } from '../lib/preview.js';
import { cleanRoomName } from '../lib/route.js';
import { explainDevice } from '../lib/texts.js';
import { icon, logo } from './icons.js';
import { avatar, shared } from './styles.js';

export interface JoinRequest {
    room: string;
    name: string;
    tracks: LocalTrack[];
}

const LABELS: Readonly<Record<PreviewSource, string>> = { camera: 'Camera', microphone: 'Microphone' };

/** Name, room and devices before the meeting. Fires `join` with a JoinRequest, `echo` for the echo test. */
export class JoinScreen extends LitElement {
    static override properties = {
        room: {},
        fixedName: {},
        joining: { type: Boolean },
        problem: { attribute: false },
    };
    /** Given by the address; empty when it is to be typed. */
    declare room: string;
    /** The name in the token, which cannot be changed here. */
    declare fixedName: string;
    declare joining: boolean;
    declare problem: { title: string; help: string } | null;
    readonly #preview = new Preview(this, (level) => this.#showLevel(level));
    #name = loadPreferences().name;

    constructor() {
        super();
        this.room = '';
        this.fixedName = '';
        this.joining = false;
        this.problem = null;
    }

    static override styles = [
        shared,
        avatar,
        css`
            :host {
                display: grid;
                grid-template-rows: auto 1fr auto;
                min-height: 100%;
                padding: 0 24px;
            }
            header {
                display: flex;
                align-items: center;
                gap: 12px;
                min-height: 72px;
                font-size: 1.1875rem;
                font-weight: 680;
                letter-spacing: -0.01em;
            }
            main {
                width: min(1080px, 100%);
                margin: auto;
                padding: 16px 0 40px;
                display: grid;
                grid-template-columns: minmax(0, 1.35fr) minmax(300px, 1fr);
                gap: 56px;
                align-items: center;
            }
            .preview {
                position: relative;
                aspect-ratio: 16 / 10;
                border-radius: 22px;
                overflow: hidden;
                background: radial-gradient(120% 120% at 50% 10%, #3a3f4f 0%, var(--tile) 70%);
                color: var(--tile-text);
                box-shadow: var(--shadow);
                container-type: size;
            }
            video {
                position: absolute;
                inset: 0;
                width: 100%;
                height: 100%;
                object-fit: cover;
                transform: scaleX(-1);
            }
            .middle {
                position: absolute;
                inset: 0 24px 84px;
                display: grid;
                place-content: center;
                justify-items: center;
                text-align: center;
                gap: 6px;
            }
            .middle strong {
                font-size: 1.0625rem;
            }
            .middle p {
                margin: 0;
                max-width: 40ch;
                font-size: 0.9375rem;
                color: #c9ccd6;
            }
            .avatar {
                width: clamp(64px, 30cqmin, 128px);
                aspect-ratio: 1;
                font-size: clamp(22px, 11cqmin, 44px);
                margin-bottom: 8px;
            }
            .switches {
                position: absolute;
                left: 0;
                right: 0;
                bottom: 18px;
                display: flex;
                justify-content: center;
                gap: 14px;
            }
            .switches button {
                background: rgb(20 21 28 / 62%);
                color: #fff;
                backdrop-filter: blur(10px);
                width: 54px;
                height: 54px;
            }
            .switches button:hover {
                background: rgb(44 46 58 / 80%);
            }
            .switches button.off {
                background: var(--danger);
            }
            .switches button.off:hover {
                background: var(--danger-hover);
            }
            .meter {
                position: absolute;
                left: 18px;
                bottom: 34px;
                display: flex;
                gap: 4px;
                align-items: center;
                height: 22px;
            }
            .meter i {
                width: 5px;
                height: calc(6px + 16px * var(--level, 0) * var(--weight, 1));
                border-radius: 3px;
                background: #7be0ab;
                transition: height 80ms linear;
            }
            .meter i:nth-child(1),
            .meter i:nth-child(5) {
                --weight: 0.45;
            }
            .meter i:nth-child(2),
            .meter i:nth-child(4) {
                --weight: 0.75;
            }
            .devices {
                display: grid;
                grid-template-columns: 1fr 1fr;
                gap: 12px;
                margin-top: 16px;
            }
            .devices label {
                display: flex;
                align-items: center;
                gap: 8px;
                min-width: 0;
                position: relative;
            }
            .devices .icon {
                position: absolute;
                left: 14px;
                color: var(--text-2);
                pointer-events: none;
            }
            .devices select {
                padding-left: 42px;
                font-size: 0.875rem;
                min-height: 44px;
                background: transparent;
                border-color: var(--line);
                color: var(--text-2);
            }
            form {
                display: grid;
                gap: 18px;
            }
            h1 {
                margin: 0;
                font-size: clamp(1.75rem, 3.4vw, 2.375rem);
                line-height: 1.12;
                letter-spacing: -0.025em;
                font-weight: 700;
                text-wrap: balance;
                overflow-wrap: anywhere;
            }
            .lead {
                margin: -8px 0 6px;
                color: var(--text-2);
            }
            .field {
                display: grid;
                gap: 6px;
            }
            form button {
                min-height: 52px;
                font-size: 1.0625rem;
            }
            .echo {
                min-height: 44px;
                font-size: 0.9375rem;
            }
            .note,
            .problem {
                display: grid;
                grid-template-columns: auto 1fr;
                gap: 2px 12px;
                padding: 12px 16px;
                border-radius: var(--radius-s);
                font-size: 0.9375rem;
                background: var(--warn-bg);
                color: var(--warn-text);
            }
            .note {
                margin-top: 12px;
            }
            .note .icon,
            .problem .icon {
                grid-row: span 2;
                margin-top: 1px;
            }
            @media (max-width: 860px) {
                :host {
                    padding: 0 16px max(16px, env(safe-area-inset-bottom));
                }
                header {
                    min-height: 60px;
                }
                main {
                    grid-template-columns: minmax(0, 1fr);
                    gap: 24px;
                    max-width: 520px;
                    padding: 0 0 16px;
                }
                .preview {
                    aspect-ratio: auto;
                    height: clamp(220px, 75vw, 44vh);
                    border-radius: 18px;
                }
                .lead {
                    margin-bottom: 0;
                }
            }
        `,
    ];

    override render() {
        return html`
            <header>${logo(34)} Stoa</header>
            <main>
                <section aria-label="Camera and microphone">
                    ${this.#renderPreview()} ${this.#renderDevices()} ${this.#renderMicrophoneProblem()}
                </section>
                ${this.#renderForm()}
            </main>
        `;
    }

    protected override updated(): void {
        const video = this.renderRoot.querySelector('video')!;
        const { track } = this.#preview.devices.camera;
        if (track && !track.attachedElements.includes(video)) track.attach(video);
    }

    #renderPreview() {
        const { camera, microphone } = this.#preview.devices;
        return html`<div class="preview">
            <video muted playsinline ?hidden=${!camera.track} aria-label="Your camera"></video>
            ${camera.track ? nothing : this.#renderMiddle()}
            <div class="meter" aria-hidden="true" ?hidden=${!microphone.track}><i></i><i></i><i></i><i></i><i></i></div>
            <div class="switches">${this.#renderSwitch('microphone')} ${this.#renderSwitch('camera')}</div>
        </div>`;
    }

    #renderMiddle() {
        const { camera } = this.#preview.devices;
        if (camera.error) {
            const { title, help } = explainDevice(camera.error, 'camera');
            return html`<div class="middle" role="alert"><strong>${title}</strong><p>${help}</p></div>`;
        }
        if (camera.opening) return html`<div class="middle"><p>Opening the camera…</p></div>`;
        const name = this.fixedName || this.#name;
        return html`<div class="middle">
            <div class="avatar" style=${styleMap({ '--avatar': avatarColour(name) })} aria-hidden="true">
                ${initials(name)}
            </div>
            <p>Your camera is off</p>
        </div>`;
    }

    #renderSwitch(source: PreviewSource) {
        const device = this.#preview.devices[source];
        const works = device.on && !device.error;
        const [onIcon, offIcon] = source === 'camera' ? (['camera', 'cameraOff'] as const) : (['mic', 'micOff'] as const);
        const label = device.error ? `Try the ${source} again` : `${LABELS[source]} ${works ? 'on' : 'off'}`;
        return html`<button
            type="button"
            class="round ${works ? '' : 'off'}"
            data-switch=${source}
            aria-pressed=${works}
            aria-label=${label}
            title=${label}
            ?disabled=${this.joining}
            @click=${() => void this.#preview.toggle(source)}
        >
            ${icon(works ? onIcon : offIcon, 24)}
        </button>`;
    }

    #renderDevices() {
        const pickers = (['microphone', 'camera'] as const).filter((source) => this.#preview.inputs[source].length > 0);
        if (pickers.length === 0) return nothing;
        return html`<div class="devices">
            ${pickers.map(
                (source) => html`<label>
                    <span class="sr">${LABELS[source]}</span>${icon(source === 'camera' ? 'camera' : 'mic', 18)}
                    <select
                        ?disabled=${this.joining}
                        @change=${(event: Event) =>
                            void this.#preview.choose(source, (event.target as HTMLSelectElement).value)}
                    >
                        ${this.#preview.inputs[source].map(
                            (input) => html`<option
                                value=${input.deviceId}
                                ?selected=${input.deviceId === this.#currentId(source)}
                            >
                                ${input.label}
                            </option>`,
                        )}
                    </select>
                </label>`,
            )}
        </div>`;
    }

    #currentId(source: PreviewSource): string {
        const { track, id } = this.#preview.devices[source];
        return track?.mediaStreamTrack?.getSettings().deviceId ?? id;
    }

    #renderMicrophoneProblem() {
        const { error } = this.#preview.devices.microphone;
        if (!error) return nothing;
        const { title, help } = explainDevice(error, 'microphone');
        return html`<div class="note" role="alert">${icon('micOff', 20)}<strong>${title}</strong><span>${help}</span></div>`;
    }

    #renderForm() {
        const { room, fixedName, problem, joining } = this;
        return html`<form @submit=${(event: SubmitEvent) => this.#onSubmit(event)}>
            <h1>${room ? html`Join ${room}` : 'Meet in a room'}</h1>
            <p class="lead">
                ${room ? 'Check how you look and sound, then step in.' : 'Name a room. Everybody who types the same name meets there.'}
            </p>
            ${problem
                ? html`<div class="problem" role="alert">
                      ${icon('warn', 20)}<strong>${problem.title}</strong><span>${problem.help}</span>
                  </div>`
                : nothing}
            ${room
                ? nothing
                : html`<div class="field">
                      <label for="room">Room</label>
                      <input id="room" name="room" required maxlength="100" autocomplete="off" placeholder="team-monday" />
                  </div>`}
            ${fixedName
                ? html`<p class="lead">You come in as <strong>${fixedName}</strong>.</p>`
                : html`<div class="field">
                      <label for="name">Your name</label>
                      <input
                          id="name"
                          name="name"
                          required
                          maxlength="60"
                          autocomplete="name"
                          placeholder="How others see you"
                          .value=${this.#name}
                          @input=${(event: Event) => this.#onName((event.target as HTMLInputElement).value)}
                      />
                  </div>`}
            <button class="primary" type="submit" ?disabled=${joining}>
                ${joining ? 'Joining…' : html`Join the meeting ${icon('arrow', 20)}`}
            </button>
            <button class="quiet echo" type="button" @click=${() => this.dispatchEvent(new CustomEvent('echo'))}>
                ${icon('echo', 20)} Test your connection first
            </button>
        </form>`;
    }

    #onName(name: string): void {
        this.#name = name;
        if (!this.#preview.devices.camera.track) this.requestUpdate();
    }

    #onSubmit(event: SubmitEvent): void {
        event.preventDefault();
        const data = new FormData(event.target as HTMLFormElement);
        const room = this.room || cleanRoomName(String(data.get('room') ?? ''));
        const name = this.fixedName || this.#name.trim();
        if (!room || !name) return;
        savePreferences({ name: this.#name.trim() });
        const detail: JoinRequest = { room, name, tracks: this.#preview.takeTracks() };
        this.dispatchEvent(new CustomEvent<JoinRequest>('join', { detail }));
    }

    /** What was not open yet at `join`. To be asked once one is in the room. */
    takeLate(): LateTrack[] {
        return this.#preview.takeLate();
    }

    /** Joining did not work and the tracks are stopped: open the devices anew. */
    async recover(): Promise<void> {
        await this.#preview.reopen();
    }

    #showLevel(level: number): void {
        this.style.setProperty('--level', String(level));
    }
}

customElements.define('join-screen', JoinScreen);

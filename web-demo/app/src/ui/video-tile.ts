import type { LocalTrack, Participant, RemoteTrack } from '@stoa/client';
import { LocalParticipant, RemoteParticipant } from '@stoa/client';
import { css, html, LitElement, nothing, type PropertyValues } from 'lit';
import { styleMap } from 'lit/directives/style-map.js';
import { avatarColour, displayName, initials } from '../lib/people.js';
import { icon, qualityBars } from './icons.js';
import { avatar, shared } from './styles.js';

type AnyTrack = LocalTrack | RemoteTrack;

/** One person's camera, or one screen. Draws what the participant object says; the owner re-renders on changes. */
export class VideoTile extends LitElement {
    static override properties = {
        participant: { attribute: false },
        source: {},
        revision: { attribute: false },
    };
    declare participant: Participant;
    declare source: 'camera' | 'screen';
    /** Changes whenever something of the participant may have changed. */
    declare revision: number;
    #shown: AnyTrack | null = null;

    constructor() {
        super();
        this.source = 'camera';
        this.revision = 0;
    }

    static override styles = [
        shared,
        avatar,
        css`
            :host {
                display: block;
                position: relative;
                overflow: hidden;
                border-radius: var(--radius);
                background: var(--tile);
                color: var(--tile-text);
                container-type: size;
            }
            video {
                position: absolute;
                inset: 0;
                width: 100%;
                height: 100%;
                object-fit: cover;
                background: var(--tile);
            }
            video.mirror {
                transform: scaleX(-1);
            }
            :host([source='screen']) video {
                object-fit: contain;
                background: #0b0c10;
            }
            .off {
                position: absolute;
                inset: 0;
                display: grid;
                place-items: center;
                background: radial-gradient(120% 120% at 50% 20%, #343846 0%, var(--tile) 70%);
            }
            .avatar {
                width: clamp(40px, 34cqmin, 132px);
                aspect-ratio: 1;
                font-size: clamp(15px, 13cqmin, 48px);
                box-shadow: 0 0 0 6px rgb(255 255 255 / 6%);
            }
            .ring {
                position: absolute;
                inset: 0;
                border-radius: inherit;
                pointer-events: none;
                box-shadow: inset 0 0 0 0 var(--ring);
                transition: box-shadow var(--speed);
            }
            .ring.on {
                box-shadow:
                    inset 0 0 0 3px var(--ring),
                    inset 0 0 0 5px rgb(0 0 0 / 35%);
            }
            .tag {
                position: absolute;
                left: 10px;
                bottom: 10px;
                max-width: calc(100% - 20px);
                display: flex;
                align-items: center;
                gap: 6px;
                padding: 4px 10px;
                border-radius: 999px;
                font-size: 0.8125rem;
                font-weight: 550;
                line-height: 1.4;
                color: #fff;
                background: rgb(14 15 20 / 72%);
                backdrop-filter: blur(8px);
            }
            .tag span {
                overflow: hidden;
                text-overflow: ellipsis;
                white-space: nowrap;
            }
            .tag .muted {
                color: #ff9a9e;
                display: flex;
            }
            .corner {
                position: absolute;
                right: 10px;
                top: 10px;
                display: flex;
                padding: 5px;
                border-radius: 999px;
                background: rgb(14 15 20 / 72%);
                color: #ffd98a;
            }
            .veil {
                position: absolute;
                inset: 0;
                display: grid;
                place-content: center;
                justify-items: center;
                gap: 10px;
                text-align: center;
                padding: 12px;
                font-size: 0.875rem;
                background: rgb(14 15 20 / 66%);
                backdrop-filter: blur(6px);
            }
            .spinner {
                width: 26px;
                height: 26px;
                border-radius: 50%;
                border: 3px solid rgb(255 255 255 / 28%);
                border-top-color: #fff;
                animation: spin 900ms linear infinite;
            }
            @keyframes spin {
                to {
                    transform: rotate(1turn);
                }
            }
            @media (prefers-reduced-motion: reduce) {
                .spinner {
                    animation-duration: 4s;
                }
            }
            @container (max-width: 180px) {
                .tag {
                    left: 6px;
                    bottom: 6px;
                    padding: 2px 8px;
                    font-size: 0.75rem;
                }
            }
        `,
    ];

    override disconnectedCallback(): void {
        super.disconnectedCallback();
        this.#show(null);
    }

    override connectedCallback(): void {
        super.connectedCallback();
        if (this.hasUpdated) this.requestUpdate();
    }

    protected override updated(_changed: PropertyValues): void {
        this.#show(this.#track());
    }

    #track(): AnyTrack | null {
        const { participant, source } = this;
        if (participant instanceof LocalParticipant || participant instanceof RemoteParticipant)
            return participant.getTrack(source) ?? null;
        return (participant as LocalParticipant).getTrack?.(source) ?? null;
    }

    #show(track: AnyTrack | null): void {
        const video = this.renderRoot.querySelector('video');
        if (!video || this.#shown === track) return;
        this.#shown?.detach(video);
        this.#shown = track;
        track?.attach(video);
    }

    get #isLocal(): boolean {
        return this.participant instanceof LocalParticipant;
    }

    override render() {
        const { participant, source } = this;
        const track = this.#track();
        const microphone = (participant as RemoteParticipant).getTrack('microphone');
        const unavailable = track && 'unavailable' in track ? track.unavailable : null;
        const hasPicture = !!track && !track.muted && !unavailable && isFed(track);
        const silent = !microphone || microphone.muted;
        const name = displayName(participant) + (this.#isLocal ? ' (you)' : '');
        const speaking = source === 'camera' && participant.isSpeaking && !silent;
        return html`
            <video
                class=${this.#isLocal && source === 'camera' ? 'mirror' : ''}
                autoplay
                playsinline
                muted
                ?hidden=${!hasPicture}
            ></video>
            ${hasPicture ? nothing : this.#renderOff()} ${this.#renderVeil(unavailable)}
            <div class="ring ${speaking ? 'on' : ''}"></div>
            <div class="tag" part="tag">
                ${source === 'screen'
                    ? icon('screen', 15)
                    : silent
                      ? html`<i class="muted" role="img" aria-label="Microphone off">${icon('micOff', 15)}</i>`
                      : nothing}
                <span>${source === 'screen' ? `${name}: screen` : name}</span>
            </div>
            ${source === 'camera' && participant.connectionQuality !== 'good'
                ? html`<div class="corner">${qualityBars(participant.connectionQuality)}</div>`
                : nothing}
        `;
    }

    #renderOff() {
        const style = styleMap({ '--avatar': avatarColour(this.participant.identity) });
        return html`<div class="off">
            <div class="avatar" style=${style} aria-hidden="true">${initials(displayName(this.participant))}</div>
        </div>`;
    }

    #renderVeil(unavailable: string | null) {
        const { participant } = this;
        if (participant instanceof RemoteParticipant && participant.state === 'reconnecting')
            return html`<div class="veil"><div class="spinner"></div>Reconnecting…</div>`;
        if (unavailable)
            return html`<div class="veil">${icon('warn')} This browser cannot show this video format.</div>`;
        return nothing;
    }
}

function isFed(track: AnyTrack): boolean {
    return track.mediaStreamTrack !== null;
}

customElements.define('video-tile', VideoTile);

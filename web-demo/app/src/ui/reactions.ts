import { css, html, LitElement } from 'lit';
import { repeat } from 'lit/directives/repeat.js';
import { styleMap } from 'lit/directives/style-map.js';
import { REACTIONS, type Reaction } from '../lib/reactions.js';
import { icon } from './icons.js';
import { shared } from './styles.js';

/** The few signs to choose from. Tells its owner with `react` events. */
export class ReactionPicker extends LitElement {
    static override styles = [
        shared,
        css`
            :host {
                display: flex;
                gap: 8px;
                padding: 8px;
                border-radius: 999px;
                background: var(--surface);
                box-shadow: var(--shadow);
                animation: rise 140ms ease-out;
            }
            button {
                width: 46px;
                height: 46px;
                padding: 0;
                border-radius: 50%;
                background: var(--sign);
                color: #fff;
            }
            button:hover {
                filter: brightness(1.12);
            }
            @keyframes rise {
                from {
                    opacity: 0;
                    transform: translateY(8px);
                }
            }
            @media (prefers-reduced-motion: reduce) {
                :host {
                    animation: none;
                }
            }
        `,
    ];

    override connectedCallback(): void {
        super.connectedCallback();
        this.setAttribute('role', 'toolbar');
        this.setAttribute('aria-label', 'Reactions');
    }

    override render() {
        return REACTIONS.map(
            (each) => html`<button
                title=${each.name}
                aria-label=${each.name}
                style=${styleMap({ '--sign': each.colour })}
                @click=${() => this.dispatchEvent(new CustomEvent<Reaction>('react', { detail: each }))}
            >
                ${icon(each.sign, 24)}
            </button>`,
        );
    }
}

interface Shown {
    key: number;
    reaction: Reaction;
    who: string;
    left: number;
}

const SHOWN_MS = 3500;
const SHOWN_MAX = 12;

/** Signs that rise over the stage, with the name of who gave them. */
export class ReactionFloat extends LitElement {
    #shown: Shown[] = [];
    #next = 0;

    static override styles = [
        shared,
        css`
            :host {
                position: absolute;
                inset: 0;
                overflow: hidden;
                pointer-events: none;
                z-index: 2;
            }
            div {
                position: absolute;
                bottom: 12px;
                display: grid;
                justify-items: center;
                gap: 4px;
                animation: float ${SHOWN_MS}ms ease-out forwards;
            }
            .sign {
                display: grid;
                place-items: center;
                width: 56px;
                height: 56px;
                border-radius: 50%;
                background: var(--sign);
                color: #fff;
                box-shadow: var(--shadow);
            }
            .name {
                max-width: 160px;
                padding: 2px 10px;
                border-radius: 999px;
                background: var(--text);
                color: var(--bg);
                font-size: 0.8125rem;
                font-weight: 550;
                overflow: hidden;
                text-overflow: ellipsis;
                white-space: nowrap;
            }
            @keyframes float {
                from {
                    opacity: 0;
                    transform: translateY(24px);
                }
                12%,
                70% {
                    opacity: 1;
                }
                to {
                    opacity: 0;
                    transform: translateY(-38vh);
                }
            }
            @media (prefers-reduced-motion: reduce) {
                div {
                    animation: none;
                }
            }
        `,
    ];

    show(reaction: Reaction, who: string): void {
        const key = this.#next++;
        // Side by side in turn, so that a few at once do not hide each other.
        const left = 4 + ((key * 13) % 52);
        this.#shown = [...this.#shown.slice(1 - SHOWN_MAX), { key, reaction, who, left }];
        this.requestUpdate();
        setTimeout(() => {
            this.#shown = this.#shown.filter((each) => each.key !== key);
            this.requestUpdate();
        }, SHOWN_MS);
    }

    override render() {
        return repeat(
            this.#shown,
            (each) => each.key,
            (each) => html`<div
                style=${styleMap({ left: `${each.left}%`, '--sign': each.reaction.colour })}
                data-sign=${each.reaction.sign}
                aria-hidden="true"
            >
                <span class="sign">${icon(each.reaction.sign, 30)}</span><span class="name">${each.who}</span>
            </div>`,
        );
    }
}

customElements.define('reaction-picker', ReactionPicker);
customElements.define('reaction-float', ReactionFloat);

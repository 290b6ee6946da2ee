import { css, html, LitElement, nothing } from 'lit';
import { logo } from './icons.js';
import { shared } from './styles.js';

/** One thought in the middle of the page, with what to do next. Fires `again` and `home`. */
export class MessagePage extends LitElement {
    static override properties = { heading: {}, text: {}, again: {} };
    declare heading: string;
    declare text: string;
    /** Label of the first button; none when empty. */
    declare again: string;

    static override styles = [
        shared,
        css`
            :host {
                display: grid;
                place-content: center;
                justify-items: center;
                gap: 12px;
                min-height: 100%;
                padding: 24px;
                text-align: center;
            }
            h1 {
                margin: 12px 0 0;
                font-size: 1.75rem;
                letter-spacing: -0.02em;
            }
            p {
                margin: 0;
                color: var(--text-2);
                max-width: 46ch;
            }
            div {
                display: flex;
                flex-wrap: wrap;
                justify-content: center;
                gap: 12px;
                margin-top: 16px;
            }
        `,
    ];

    override render() {
        return html`
            ${logo(48)}
            <h1 tabindex="-1">${this.heading}</h1>
            <p>${this.text}</p>
            <div>
                ${this.again
                    ? html`<button class="primary" @click=${() => this.#tell('again')}>${this.again}</button>`
                    : nothing}
                <button @click=${() => this.#tell('home')}>Start page</button>
            </div>
        `;
    }

    protected override firstUpdated(): void {
        this.renderRoot.querySelector('h1')?.focus();
    }

    #tell(name: 'again' | 'home'): void {
        this.dispatchEvent(new CustomEvent(name));
    }
}

customElements.define('message-page', MessagePage);

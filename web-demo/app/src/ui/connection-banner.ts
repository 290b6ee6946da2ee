import type { ReconnectAttempt } from '@stoa/client';
import { css, html, LitElement, nothing } from 'lit';
import { shared } from './styles.js';

/** Says that the connection is being repaired, and when the next try comes. */
export class ConnectionBanner extends LitElement {
    static override properties = {
        active: { type: Boolean },
        attempt: { attribute: false },
    };
    declare active: boolean;
    declare attempt: ReconnectAttempt | null;
    #due = 0;
    #timer: ReturnType<typeof setInterval> | undefined;

    constructor() {
        super();
        this.active = false;
        this.attempt = null;
    }

    static override styles = [
        shared,
        css`
            div {
                display: flex;
                align-items: center;
                justify-content: center;
                gap: 10px;
                padding: 8px 16px;
                border-radius: 999px;
                background: var(--warn-bg);
                color: var(--warn-text);
                font-size: 0.9375rem;
                font-weight: 550;
                box-shadow: var(--shadow);
            }
            .dot {
                width: 10px;
                height: 10px;
                padding: 0;
                box-shadow: none;
                border-radius: 50%;
                background: currentColor;
                animation: pulse 1.2s ease-in-out infinite;
            }
            @keyframes pulse {
                50% {
                    opacity: 0.25;
                }
            }
            @media (prefers-reduced-motion: reduce) {
                .dot {
                    animation: none;
                }
            }
            .time {
                font-variant-numeric: tabular-nums;
            }
        `,
    ];

    override willUpdate(changed: Map<PropertyKey, unknown>): void {
        if (changed.has('attempt') && this.attempt) this.#due = performance.now() + this.attempt.delayMs;
        if (!changed.has('active')) return;
        clearInterval(this.#timer);
        if (this.active) this.#timer = setInterval(() => this.requestUpdate(), 500);
    }

    override disconnectedCallback(): void {
        super.disconnectedCallback();
        clearInterval(this.#timer);
    }

    override render() {
        if (!this.active) return nothing;
        const seconds = this.attempt ? Math.ceil((this.#due - performance.now()) / 1000) : 0;
        return html`<div role="status">
            <span class="dot" aria-hidden="true"></span>
            <span>Connection trouble. Reconnecting…</span>
            ${seconds > 0 ? html`<span class="time" aria-hidden="true">next try in ${seconds} s</span>` : nothing}
        </div>`;
    }
}

customElements.define('connection-banner', ConnectionBanner);

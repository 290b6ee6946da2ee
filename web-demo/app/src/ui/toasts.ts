import { css, html, LitElement } from 'lit';
import { repeat } from 'lit/directives/repeat.js';
import { icon, type IconName } from './icons.js';
import { shared } from './styles.js';

interface Toast {
    key: number;
    text: string;
    icon: IconName;
}

/** Short notes that go by themselves. One text is never shown twice at a time. */
export class ToastStack extends LitElement {
    #toasts: Toast[] = [];
    #next = 1;

    static override styles = [
        shared,
        css`
            :host {
                display: grid;
                justify-items: center;
                gap: 8px;
                pointer-events: none;
            }
            div {
                display: flex;
                align-items: center;
                gap: 10px;
                max-width: min(92vw, 460px);
                padding: 10px 18px 10px 14px;
                border-radius: 999px;
                background: var(--text);
                color: var(--bg);
                font-size: 0.9375rem;
                font-weight: 550;
                box-shadow: var(--shadow);
                animation: rise 180ms ease-out;
            }
            @keyframes rise {
                from {
                    opacity: 0;
                    transform: translateY(8px);
                }
            }
            @media (prefers-reduced-motion: reduce) {
                div {
                    animation: none;
                }
            }
        `,
    ];

    show(text: string, iconName: IconName = 'check', ms = 3500): void {
        if (this.#toasts.some((toast) => toast.text === text)) return;
        const toast = { key: this.#next++, text, icon: iconName };
        this.#toasts = [...this.#toasts.slice(-2), toast];
        this.requestUpdate();
        setTimeout(() => {
            this.#toasts = this.#toasts.filter((each) => each !== toast);
            this.requestUpdate();
        }, ms);
    }

    override render() {
        return repeat(
            this.#toasts,
            (toast) => toast.key,
            (toast) => html`<div>${icon(toast.icon, 20)} ${toast.text}</div>`,
        );
    }
}

customElements.define('toast-stack', ToastStack);

import { css, html, LitElement, nothing } from 'lit';
import { icon, type IconName } from './icons.js';
import { shared } from './styles.js';

export type ControlAction = 'microphone' | 'camera' | 'screen' | 'reactions' | 'people' | 'stats' | 'leave';

interface Control {
    action: ControlAction;
    label: string;
    key: string;
    icon: IconName;
    /** aria-pressed; undefined for a plain button. */
    pressed?: boolean;
    look: string;
}

/** The row of switches. Tells its owner with `control` events. */
export class ControlBar extends LitElement {
    static override properties = {
        microphone: { type: Boolean },
        camera: { type: Boolean },
        screen: { type: Boolean },
        canShare: { type: Boolean },
        canReact: { type: Boolean },
        reactions: { type: Boolean },
        people: { type: Boolean },
        stats: { type: Boolean },
        count: { type: Number },
    };
    declare microphone: boolean;
    declare camera: boolean;
    declare screen: boolean;
    declare canShare: boolean;
    declare canReact: boolean;
    declare reactions: boolean;
    declare people: boolean;
    declare stats: boolean;
    declare count: number;

    constructor() {
        super();
        this.microphone = this.camera = this.screen = this.reactions = this.people = this.stats = false;
        this.canShare = this.canReact = true;
        this.count = 0;
    }

    static override styles = [
        shared,
        css`
            :host {
                display: block;
            }
            .bar {
                display: flex;
                align-items: center;
                justify-content: center;
                gap: 10px;
            }
            button {
                position: relative;
                padding: 0;
                width: 52px;
                aspect-ratio: 1;
                border-radius: 50%;
                flex: 0 1 auto;
                background: var(--surface);
                box-shadow: inset 0 0 0 1px var(--line);
            }
            button:hover {
                background: var(--surface-2);
            }
            button.off {
                background: var(--danger);
                color: #fff;
                box-shadow: none;
            }
            button.off:hover {
                background: var(--danger-hover);
            }
            button.on {
                background: var(--accent);
                color: var(--on-accent);
                box-shadow: none;
            }
            button.on:hover {
                background: var(--accent-hover);
            }
            button.leave {
                width: auto;
                height: 52px;
                aspect-ratio: auto;
                flex: none;
                padding: 0 22px;
                border-radius: 999px;
                margin-left: 10px;
                background: var(--danger);
                color: #fff;
                box-shadow: none;
            }
            button.leave:hover {
                background: var(--danger-hover);
            }
            .count {
                position: absolute;
                top: -3px;
                right: -3px;
                min-width: 21px;
                height: 21px;
                padding: 0 5px;
                border-radius: 999px;
                background: var(--text);
                color: var(--bg);
                font-size: 0.75rem;
                font-weight: 650;
                line-height: 21px;
            }
            @media (max-width: 520px) {
                .bar {
                    gap: 6px;
                }
                button.leave {
                    width: 52px;
                    height: auto;
                    aspect-ratio: 1;
                    flex: 0 1 auto;
                    padding: 0;
                    margin-left: 0;
                }
                .leave .text {
                    display: none;
                }
            }
        `,
    ];

    #controls(): Control[] {
        const { microphone, camera, screen, reactions, people, stats } = this;
        const controls: Control[] = [
            { action: 'microphone', key: 'M', pressed: microphone, look: microphone ? '' : 'off', icon: microphone ? 'mic' : 'micOff', label: microphone ? 'Mute' : 'Unmute' },
            { action: 'camera', key: 'V', pressed: camera, look: camera ? '' : 'off', icon: camera ? 'camera' : 'cameraOff', label: camera ? 'Stop the camera' : 'Start the camera' },
            { action: 'screen', key: 'S', pressed: screen, look: screen ? 'on' : '', icon: screen ? 'screenStop' : 'screen', label: screen ? 'Stop sharing' : 'Share a screen' },
            { action: 'reactions', key: 'R', pressed: reactions, look: reactions ? 'on' : '', icon: 'smile', label: 'React' },
            { action: 'people', key: 'P', pressed: people, look: people ? 'on' : '', icon: 'people', label: 'People' },
            { action: 'stats', key: 'I', pressed: stats, look: stats ? 'on' : '', icon: 'stats', label: 'Statistics' },
        ];
        const hidden = { screen: !this.canShare, reactions: !this.canReact } as Partial<Record<ControlAction, boolean>>;
        return controls.filter((each) => !hidden[each.action]);
    }

    override render() {
        return html`<div class="bar" role="toolbar" aria-label="Meeting controls">
            ${this.#controls().map(
                (each) => html`<button
                    class=${each.look}
                    title="${each.label} (${each.key})"
                    aria-label=${each.label}
                    aria-keyshortcuts=${each.key}
                    aria-pressed=${each.pressed ?? nothing}
                    data-action=${each.action}
                    @click=${(event: MouseEvent) => this.#onClick(event, each.action)}
                >
                    ${icon(each.icon)}
                    ${each.action === 'people' ? html`<span class="count" aria-hidden="true">${this.count}</span>` : nothing}
                </button>`,
            )}
            <button class="leave" data-action="leave" aria-label="Leave the meeting" @click=${() => this.#tell('leave')}>
                ${icon('leave')}<span class="text">Leave</span>
            </button>
        </div>`;
    }

    /** After a click by pointer the space bar is for talking again, not for pressing the button once more. */
    #onClick(event: MouseEvent, action: ControlAction): void {
        if (event.detail > 0) (event.currentTarget as HTMLElement).blur();
        this.#tell(action);
    }

    #tell(action: ControlAction): void {
        this.dispatchEvent(new CustomEvent('control', { detail: action }));
    }
}

customElements.define('control-bar', ControlBar);

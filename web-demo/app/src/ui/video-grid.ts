import type { Participant } from '@stoa/client';
import { css, html, LitElement } from 'lit';
import { repeat } from 'lit/directives/repeat.js';
import { styleMap } from 'lit/directives/style-map.js';
import { bestGrid, startColumn } from '../lib/grid.js';
import { shared } from './styles.js';
import './video-tile.js';

const GAP = 10;

/** Equal tiles, as large as the place allows. */
export class VideoGrid extends LitElement {
    static override properties = {
        people: { attribute: false },
        revision: { attribute: false },
    };
    declare people: readonly Participant[];
    declare revision: number;
    #width = 0;
    #height = 0;
    readonly #observer = new ResizeObserver(([entry]) => {
        const { width, height } = entry!.contentRect;
        if (Math.abs(width - this.#width) < 1 && Math.abs(height - this.#height) < 1) return;
        this.#width = width;
        this.#height = height;
        this.requestUpdate();
    });

    constructor() {
        super();
        this.people = [];
        this.revision = 0;
    }

    static override styles = [
        shared,
        css`
            :host {
                display: grid;
                place-items: center;
                min-width: 0;
                min-height: 0;
                overflow: hidden;
            }
            .grid {
                display: grid;
                gap: ${GAP}px;
                justify-content: center;
                align-content: center;
            }
            video-tile {
                min-width: 0;
                animation: enter 220ms ease-out;
            }
            @keyframes enter {
                from {
                    opacity: 0;
                    transform: scale(0.96);
                }
            }
            @media (prefers-reduced-motion: reduce) {
                video-tile {
                    animation: none;
                }
            }
        `,
    ];

    override connectedCallback(): void {
        super.connectedCallback();
        this.#observer.observe(this);
    }

    override disconnectedCallback(): void {
        super.disconnectedCallback();
        this.#observer.disconnect();
    }

    override render() {
        const count = this.people.length;
        if (!this.#width || !count) return html``;
        const grid = bestGrid(count, this.#width, this.#height, GAP);
        // Two half-columns a tile: an odd last row can stand in the middle.
        const half = (grid.tileWidth - GAP) / 2;
        const layout = styleMap({
            gridTemplateColumns: `repeat(${grid.columns * 2}, ${half}px)`,
            gridAutoRows: `${grid.tileHeight}px`,
        });
        return html`<div class="grid" style=${layout} role="list" aria-label="People in the meeting">
            ${repeat(
                this.people,
                (person) => person.id,
                (person, index) => html`<video-tile
                    role="listitem"
                    style=${styleMap({ gridColumn: `${startColumn(index, count, grid)} / span 2` })}
                    .participant=${person}
                    .revision=${this.revision}
                ></video-tile>`,
            )}
        </div>`;
    }
}

customElements.define('video-grid', VideoGrid);

import type { Room, RoomStats, TrackStats } from '@stoa/client';
import { css, html, LitElement, nothing } from 'lit';
import { describePath, percent, rate, time } from '../lib/figures.js';
import { icon, qualityBars } from './icons.js';
import { panel, shared } from './styles.js';

const EVERY_MS = 1000;
const SOURCES: Readonly<Record<TrackStats['source'], string>> = {
    microphone: 'Microphone',
    camera: 'Camera',
    screen: 'Screen',
    screen_audio: 'Screen sound',
};
const WHY: Readonly<Record<string, string>> = {
    best: 'the best there is',
    size: 'as large as shown',
    rate: 'as much as gets through',
    source: 'all that is sent',
    bandwidth: 'held back by the network',
    cpu: 'held back by the processor',
};

/** How the call goes, in figures, once a second. */
export class StatsPanel extends LitElement {
    static override properties = { room: { attribute: false } };
    declare room: Room;
    #stats: RoomStats | null = null;
    #timer: ReturnType<typeof setInterval> | undefined;

    static override styles = [
        shared,
        panel,
        css`
            .scroll {
                overflow-y: auto;
                padding: 0 18px 14px;
                flex: 1;
                font-size: 0.875rem;
                font-variant-numeric: tabular-nums;
            }
            dl {
                display: grid;
                grid-template-columns: auto 1fr;
                gap: 4px 14px;
                margin: 0 0 12px;
            }
            dt {
                color: var(--text-2);
            }
            dd {
                margin: 0;
                text-align: right;
            }
            article {
                border-top: 1px solid var(--line);
                padding: 10px 0;
            }
            h3 {
                margin: 0 0 4px;
                font-size: 0.875rem;
                font-weight: 600;
                overflow: hidden;
                text-overflow: ellipsis;
                white-space: nowrap;
            }
            p {
                margin: 0;
                color: var(--text-2);
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
        `,
    ];

    override connectedCallback(): void {
        super.connectedCallback();
        this.#timer = setInterval(() => void this.#read(), EVERY_MS);
        void this.#read();
    }

    override disconnectedCallback(): void {
        super.disconnectedCallback();
        clearInterval(this.#timer);
    }

    async #read(): Promise<void> {
        this.#stats = await this.room.stats().catch(() => null);
        this.requestUpdate();
    }

    override render() {
        return html`
            <header>
                <h2>Statistics</h2>
                <button
                    class="quiet round"
                    aria-label="Close the statistics"
                    @click=${() => this.dispatchEvent(new CustomEvent('close'))}
                >
                    ${icon('close')}
                </button>
            </header>
            <div class="scroll">${this.#stats ? this.#renderAll(this.#stats) : html`<p>Not connected</p>`}</div>
        `;
    }

    #renderAll(stats: RoomStats) {
        const rows: [string, unknown][] = [
            ['Connection', qualityBars(stats.quality)],
            ['Round trip', time(stats.roundTripMs)],
            ['Coming in', rate(stats.bitrateInBps)],
            ['Going out', rate(stats.bitrateOutBps)],
            ['May go out', rate(stats.availableOutBps)],
            ['Media by', describePath(stats.path)],
            ['Signalling by', stats.signalling === 'http' ? 'HTTP' : 'WebSocket'],
        ];
        return html`<dl>${rows.map(([name, value]) => html`<dt>${name}</dt><dd data-stat=${name}>${value}</dd>`)}</dl>
            ${stats.tracks.map((track) => this.#renderTrack(track))}`;
    }

    #renderTrack(track: TrackStats) {
        const who = track.direction === 'out' ? 'You' : track.identity;
        const picture = track.width && track.height ? `${track.width}×${track.height}, ${Math.round(track.framesPerSecond ?? 0)} fps` : '';
        const why = track.layer?.why ?? (track.limitedBy === 'none' ? null : track.limitedBy);
        const layer = [track.layer?.name ?? track.rid, why ? (WHY[why] ?? why) : null].filter(Boolean).join(', ');
        return html`<article data-track="${track.direction} ${track.identity} ${track.source}">
            <h3>${who} · ${SOURCES[track.source]}${track.codec ? ` · ${track.codec}` : nothing}</h3>
            <p>${rate(track.bitrateBps)}, loss ${percent(track.lossPercent)}, jitter ${time(track.jitterMs)}</p>
            ${picture ? html`<p>${picture}${layer ? ` · ${layer}` : nothing}</p>` : nothing}
        </article>`;
    }
}

customElements.define('stats-panel', StatsPanel);

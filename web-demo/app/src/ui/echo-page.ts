import type { LocalTrack } from '@stoa/client';
import { createCameraTrack, createMicrophoneTrack, EchoTest, StoaError } from '@stoa/client';
import { css, html, LitElement, nothing } from 'lit';
import { explainConnect, explainDevice } from '../lib/texts.js';
import { fetchToken } from '../lib/token.js';
import { icon, logo } from './icons.js';
import { shared } from './styles.js';

type Step = 'idle' | 'starting' | 'waiting' | 'running' | 'failed';

interface Figures {
    roundTripMs: number;
    lossPercent: number;
    size: string;
}

/** Sends camera and microphone to the server and shows what comes back. Fires `home`. */
export class EchoPage extends LitElement {
    static override properties = { token: {} };
    declare token: string | null;
    #step: Step = 'idle';
    #problem: { title: string; help: string } | null = null;
    #tracks: LocalTrack[] = [];
    #echo: EchoTest | null = null;
    #figures: Figures | null = null;
    #timer: ReturnType<typeof setInterval> | undefined;

    static override styles = [
        shared,
        css`
            :host {
                display: grid;
                grid-template-rows: auto 1fr;
                min-height: 100%;
                padding: 0 24px 24px;
            }
            header {
                display: flex;
                align-items: center;
                gap: 12px;
                min-height: 72px;
                font-weight: 680;
                font-size: 1.1875rem;
            }
            header button {
                margin-left: -12px;
            }
            main {
                width: min(980px, 100%);
                margin: auto;
                display: grid;
                gap: 20px;
            }
            h1 {
                margin: 0;
                font-size: 1.75rem;
                letter-spacing: -0.02em;
            }
            p {
                margin: 0;
                color: var(--text-2);
                max-width: 64ch;
            }
            .pair {
                display: grid;
                grid-template-columns: 1fr 1fr;
                gap: 16px;
            }
            figure {
                margin: 0;
                display: grid;
                gap: 8px;
            }
            figcaption {
                font-size: 0.9375rem;
                font-weight: 550;
                color: var(--text-2);
            }
            video {
                width: 100%;
                aspect-ratio: 16 / 10;
                object-fit: cover;
                border-radius: var(--radius);
                background: var(--tile);
            }
            .mirror {
                transform: scaleX(-1);
            }
            dl {
                display: flex;
                flex-wrap: wrap;
                gap: 12px;
                margin: 0;
            }
            dl div {
                flex: 1 1 140px;
                padding: 12px 18px;
                border-radius: var(--radius-s);
                background: var(--surface);
                border: 1px solid var(--line);
            }
            dt {
                font-size: 0.8125rem;
                color: var(--text-2);
            }
            dd {
                margin: 0;
                font-size: 1.25rem;
                font-weight: 650;
                font-variant-numeric: tabular-nums;
            }
            .problem {
                padding: 12px 16px;
                border-radius: var(--radius-s);
                background: var(--warn-bg);
                color: var(--warn-text);
            }
            main > button {
                justify-self: start;
            }
            @media (max-width: 620px) {
                .pair {
                    grid-template-columns: 1fr;
                }
            }
        `,
    ];

    override disconnectedCallback(): void {
        super.disconnectedCallback();
        this.#stop();
    }

    override render() {
        const isOn = this.#step === 'waiting' || this.#step === 'running';
        return html`
            <header>
                <button class="quiet round" aria-label="Back" @click=${() => this.dispatchEvent(new CustomEvent('home'))}>
                    ${icon('back')}
                </button>
                ${logo(34)} Stoa
            </header>
            <main>
                <h1>Test your connection</h1>
                <p>
                    Your picture and voice travel to the server and back. If you see and hear yourself on the right,
                    meetings will work from here. Use headphones: you will hear your own voice.
                </p>
                ${this.#problem
                    ? html`<div class="problem" role="alert">
                          <strong>${this.#problem.title}.</strong> ${this.#problem.help}
                      </div>`
                    : nothing}
                <div class="pair">
                    <figure>
                        <video class="mirror" id="sent" muted playsinline autoplay></video>
                        <figcaption>What you send</figcaption>
                    </figure>
                    <figure>
                        <video id="returned" playsinline autoplay></video>
                        <figcaption aria-live="polite">What comes back${this.#step === 'waiting' ? ': waiting…' : ''}</figcaption>
                    </figure>
                </div>
                ${this.#renderFigures()}
                ${isOn
                    ? html`<button @click=${() => this.#stop()}>Stop the test</button>`
                    : html`<button class="primary" ?disabled=${this.#step === 'starting'} @click=${() => void this.#start()}>
                          ${icon('echo', 20)} ${this.#step === 'starting' ? 'Starting…' : 'Start the test'}
                      </button>`}
            </main>
        `;
    }

    #renderFigures() {
        if (!this.#figures) return nothing;
        const { roundTripMs, lossPercent, size } = this.#figures;
        const row = (name: string, value: string) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`;
        return html`<dl>
            ${row('Round trip', `${Math.round(roundTripMs)} ms`)} ${row('Loss', `${lossPercent.toFixed(1)} %`)}
            ${row('Picture', size)}
        </dl>`;
    }

    #set(step: Step, problem: { title: string; help: string } | null = null): void {
        this.#step = step;
        this.#problem = problem;
        this.requestUpdate();
    }

    async #start(): Promise<void> {
        this.#set('starting');
        try {
            this.#tracks = await Promise.all([createMicrophoneTrack(), createCameraTrack()]);
            this.#tracks[1]!.attach(this.#video('sent'));
            const token = this.token ?? (await fetchToken('echo', 'Echo test'));
            const media = this.#tracks.map((track) => track.mediaStreamTrack!);
            const echo = await EchoTest.start(location.origin, token, media);
            this.#echo = echo;
            echo.on('connected', () => this.#set('running'));
            echo.on('failed', () => this.#fail(new StoaError('connection_lost', 'the echo broke off')));
            this.#video('returned').srcObject = echo.stream;
            this.#timer = setInterval(() => void this.#measure(), 1000);
            if (this.#step === 'starting') this.#set('waiting');
        } catch (error) {
            this.#fail(error);
        }
    }

    #fail(error: unknown): void {
        this.#stop();
        const known = error instanceof StoaError ? error : new StoaError('failed', String(error));
        const device = (error as { device?: string }).device;
        this.#set('failed', device ? explainDevice(known, device) : explainConnect(known.code, known.message));
    }

    #stop(): void {
        clearInterval(this.#timer);
        this.#echo?.stop();
        this.#echo = null;
        for (const track of this.#tracks) {
            track.detach();
            track.stop();
        }
        this.#tracks = [];
        this.#figures = null;
        this.#set('idle');
    }

    #video(id: string): HTMLVideoElement {
        return this.renderRoot.querySelector<HTMLVideoElement>(`#${id}`)!;
    }

    async #measure(): Promise<void> {
        const report = await this.#echo?.peerConnection.getStats();
        if (!report) return;
        let roundTrip = 0;
        let lost = 0;
        let received = 0;
        let size = '–';
        report.forEach((each: Record<string, number | string>) => {
            if (each['type'] === 'candidate-pair' && each['nominated'])
                roundTrip = Number(each['currentRoundTripTime'] ?? 0);
            if (each['type'] !== 'inbound-rtp') return;
            lost += Number(each['packetsLost'] ?? 0);
            received += Number(each['packetsReceived'] ?? 0);
            if (each['frameWidth']) size = `${each['frameWidth']} × ${each['frameHeight']}`;
        });
        const lossPercent = received + lost > 0 ? (100 * Math.max(0, lost)) / (received + lost) : 0;
        this.#figures = { roundTripMs: roundTrip * 1000, lossPercent, size };
        this.requestUpdate();
    }
}

customElements.define('echo-page', EchoPage);

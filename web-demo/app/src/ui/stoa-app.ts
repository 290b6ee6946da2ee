import { Room, StoaError } from '@stoa/client';
import { css, html, LitElement } from 'lit';
import type { LateTrack } from '../lib/preview.js';
import { claimsOf, hashOf, parseHash, type Route } from '../lib/route.js';
import { explainConnect, explainEnd } from '../lib/texts.js';
import { fetchToken } from '../lib/token.js';
import './echo-page.js';
import type { JoinRequest, JoinScreen } from './join-screen.js';
import './join-screen.js';
import './meeting-view.js';
import './message-page.js';

/** Which page is shown, and the way from the join screen into the room. */
export class StoaApp extends LitElement {
    #route: Route = { page: 'home' };
    #token: string | null = null;
    #room: Room | null = null;
    #late: LateTrack[] = [];
    #joining = false;
    #problem: { title: string; help: string } | null = null;
    #endReason: string | null = null;
    readonly #onHash = () => this.#readAddress();

    static override styles = css`
        :host {
            display: block;
            height: 100%;
        }
        .scroll {
            height: 100%;
            overflow: auto;
        }
        .scroll > * {
            min-height: 100%;
        }
    `;

    override connectedCallback(): void {
        super.connectedCallback();
        window.addEventListener('hashchange', this.#onHash);
        this.#readAddress();
    }

    override disconnectedCallback(): void {
        super.disconnectedCallback();
        window.removeEventListener('hashchange', this.#onHash);
    }

    /** A token is taken out of the address at once: the address is what people copy. */
    #readAddress(): void {
        const { route, token } = parseHash(location.hash);
        if (token) {
            this.#token = token;
            history.replaceState(null, '', hashOf(route));
        }
        const moved = hashOf(route) !== hashOf(this.#route);
        this.#route = route;
        if (moved && this.#room) this.#room.disconnect();
        if (moved) {
            this.#endReason = null;
            this.#problem = null;
        }
        this.#title();
        this.requestUpdate();
    }

    #title(): void {
        document.title = this.#route.page === 'room' ? `${this.#route.room} · Stoa` : 'Stoa';
    }

    #go(route: Route): void {
        location.hash = hashOf(route);
    }

    override render() {
        if (this.#room)
            return html`<meeting-view
                .room=${this.#room}
                .late=${this.#late}
                @ended=${(event: CustomEvent<string>) => this.#onEnded(event.detail)}
            ></meeting-view>`;
        if (this.#endReason) return this.#renderEnd(this.#endReason);
        if (this.#route.page === 'echo')
            return html`<div class="scroll">
                <echo-page .token=${this.#token} @home=${() => this.#go({ page: 'home' })}></echo-page>
            </div>`;
        return html`<div class="scroll">
            <join-screen
                .room=${this.#route.page === 'room' ? this.#route.room : ''}
                .fixedName=${(this.#token && claimsOf(this.#token)?.name) || ''}
                ?joining=${this.#joining}
                .problem=${this.#problem}
                @join=${(event: CustomEvent<JoinRequest>) => void this.#join(event.detail)}
                @echo=${() => this.#go({ page: 'echo' })}
            ></join-screen>
        </div>`;
    }

    #renderEnd(reason: string) {
        const { title, help } = explainEnd(reason);
        const canReturn = this.#route.page === 'room' && !['kicked', 'revoked'].includes(reason);
        return html`<message-page
            .heading=${title}
            .text=${help}
            .again=${canReturn ? 'Join again' : ''}
            @again=${() => this.#showJoin()}
            @home=${() => this.#onHome()}
        ></message-page>`;
    }

    async #join({ room: name, name: person, tracks }: JoinRequest): Promise<void> {
        this.#joining = true;
        this.#problem = null;
        this.requestUpdate();
        const room = new Room();
        try {
            const token = this.#token ?? (() => fetchToken(name, person));
            await room.connect(location.origin, token, { tracks });
            this.#late = this.#joinScreen?.takeLate() ?? [];
            this.#enter(room, name);
        } catch (error) {
            const { code, message } = error instanceof StoaError ? error : new StoaError('failed', String(error));
            this.#problem = explainConnect(code, message);
            for (const track of tracks) track.stop();
            void this.#joinScreen?.recover();
        } finally {
            this.#joining = false;
            this.requestUpdate();
        }
    }

    get #joinScreen(): JoinScreen | null {
        return this.renderRoot.querySelector<JoinScreen>('join-screen');
    }

    #enter(room: Room, name: string): void {
        this.#room = room;
        this.#endReason = null;
        this.#route = { page: 'room', room: name };
        history.replaceState(null, '', hashOf(this.#route));
        this.#title();
    }

    #onEnded(reason: string): void {
        this.#room = null;
        this.#endReason = reason;
        this.requestUpdate();
    }

    #showJoin(): void {
        this.#endReason = null;
        this.requestUpdate();
    }

    #onHome(): void {
        this.#endReason = null;
        this.#token = null;
        this.#go({ page: 'home' });
        this.requestUpdate();
    }
}

customElements.define('stoa-app', StoaApp);

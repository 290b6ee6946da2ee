import { html, svg, type SVGTemplateResult, type TemplateResult } from 'lit';

/** Drawn on 24 x 24, in the colour of the text around them. */
const SHAPES = {
    mic: svg`<rect x="9" y="3" width="6" height="11" rx="3"/><path d="M5.5 11.5a6.5 6.5 0 0 0 13 0M12 18v3"/>`,
    micOff: svg`<path d="M15 10V6a3 3 0 0 0-5.8-1.1M9 9v2a3 3 0 0 0 4.7 2.5M5.5 11.5a6.5 6.5 0 0 0 10 5.5M18.5 11.5c0 1-.2 1.9-.6 2.7M12 18v3M4 3l16 18"/>`,
    camera: svg`<rect x="3" y="6.5" width="12.5" height="11" rx="2.5"/><path d="m15.5 10.8 5.5-3v8.4l-5.5-3"/>`,
    cameraOff: svg`<path d="M9.5 6.5H13a2.5 2.5 0 0 1 2.5 2.5v3M15.5 15v.2a2.5 2.5 0 0 1-2.5 2.3H5.5A2.5 2.5 0 0 1 3 15V9a2.5 2.5 0 0 1 1.7-2.4M15.5 10.8l5.5-3v8.4l-2-1.1M3.5 3l17 18"/>`,
    screen: svg`<rect x="3" y="4.5" width="18" height="12.5" rx="2.5"/><path d="M9 20.5h6M12 13.5V8.3m-2.4 2.3L12 8.2l2.4 2.4"/>`,
    screenStop: svg`<rect x="3" y="4.5" width="18" height="12.5" rx="2.5"/><path d="M9 20.5h6m-5-12 4 4.5m0-4.5-4 4.5"/>`,
    leave: svg`<path d="M3.2 14.8c-.9-1.3-.7-3.1.5-4.1 4.7-3.9 11.9-3.9 16.6 0 1.2 1 1.4 2.8.5 4.1l-.5.7c-.4.5-1 .7-1.6.5l-2.8-1a1.4 1.4 0 0 1-.9-1.5l.2-1.6a11 11 0 0 0-6.4 0l.2 1.6c.1.7-.3 1.3-.9 1.5l-2.8 1c-.6.2-1.2 0-1.6-.5z"/>`,
    people: svg`<circle cx="9" cy="8.5" r="3.5"/><path d="M2.5 19.5a6.5 6.5 0 0 1 13 0M16 5.3a3.5 3.5 0 0 1 0 6.4m2 2.6a6.5 6.5 0 0 1 3.5 5.2"/>`,
    link: svg`<path d="M10 14a4.2 4.2 0 0 0 6 0l3-3a4.2 4.2 0 0 0-6-6l-1.2 1.2M14 10a4.2 4.2 0 0 0-6 0l-3 3a4.2 4.2 0 0 0 6 6l1.2-1.2"/>`,
    check: svg`<path d="m5 12.5 4.5 4.5L19 7.5"/>`,
    lock: svg`<rect x="5" y="10.5" width="14" height="10" rx="2.5"/><path d="M8 10.5V7.8a4 4 0 0 1 8 0v2.7"/>`,
    unlock: svg`<rect x="5" y="10.5" width="14" height="10" rx="2.5"/><path d="M8 10.5V7.8a4 4 0 0 1 7.7-1.5"/>`,
    close: svg`<path d="M6 6l12 12M18 6 6 18"/>`,
    more: svg`<circle cx="5.5" cy="12" r=".8"/><circle cx="12" cy="12" r=".8"/><circle cx="18.5" cy="12" r=".8"/>`,
    speaker: svg`<path d="M4 9.5v5h3.5L12 18.5v-13L7.5 9.5zM15.5 9a4.2 4.2 0 0 1 0 6M18 6.5a8 8 0 0 1 0 11"/>`,
    warn: svg`<path d="M12 9v4.5m0 3v.1M10.3 4.5 2.9 17.3A2 2 0 0 0 4.6 20.3h14.8a2 2 0 0 0 1.7-3L13.7 4.5a2 2 0 0 0-3.4 0z"/>`,
    echo: svg`<path d="M4 12h3l2.5-7 5 14 2.5-7h3"/>`,
    arrow: svg`<path d="M5 12h14m-6-6 6 6-6 6"/>`,
    back: svg`<path d="M19 12H5m6-6-6 6 6 6"/>`,
    settings: svg`<path d="M4 7h10m4 0h2M4 17h2m4 0h10"/><circle cx="16" cy="7" r="2.2"/><circle cx="8" cy="17" r="2.2"/>`,
    remove: svg`<circle cx="10" cy="8.5" r="3.5"/><path d="M3.5 19.5a6.5 6.5 0 0 1 11-4.7M16 19h5"/>`,
    stats: svg`<path d="M5 20v-6M12 20V4M19 20V10"/>`,
    smile: svg`<circle cx="12" cy="12" r="9"/><path d="M8 14.2a4.8 4.8 0 0 0 8 0M9 9.3v.2M15 9.3v.2"/>`,
    thumb: svg`<path d="M7.5 11v9H4.8A1.8 1.8 0 0 1 3 18.2v-5.4A1.8 1.8 0 0 1 4.8 11zm0 0 4-8a2.4 2.4 0 0 1 2.4 2.9L13.2 9h5.1a2.2 2.2 0 0 1 2.2 2.6l-1.2 6.6A2.2 2.2 0 0 1 17.1 20H7.5"/>`,
    heart: svg`<path d="M12 20 4.6 12.7a4.8 4.8 0 0 1 6.8-6.8l.6.6.6-.6a4.8 4.8 0 0 1 6.8 6.8z"/>`,
    laugh: svg`<circle cx="12" cy="12" r="9"/><path d="M7.5 13.5h9a4.5 4.5 0 0 1-9 0M8 9.7l1.6-1.2M16 9.7l-1.6-1.2"/>`,
    star: svg`<path d="m12 3.5 2.6 5.4 5.9.8-4.3 4.1 1 5.9-5.2-2.8-5.2 2.8 1-5.9-4.3-4.1 5.9-.8z"/>`,
    hand: svg`<path d="M8.5 12V5.7a1.6 1.6 0 0 1 3.2 0V11m0-6.5a1.6 1.6 0 0 1 3.2 0V11m0-4.3a1.6 1.6 0 0 1 3.2 0v7.6a6.4 6.4 0 0 1-6.4 6.4c-2.3 0-3.6-.9-4.8-2.6l-3-4.6a1.6 1.6 0 0 1 2.6-1.8l2 2.4"/>`,
    pin: svg`<path d="M9 4h6l-.8 6 3.3 3.5h-11L9.8 10zM12 13.5V20"/>`,
} satisfies Record<string, SVGTemplateResult>;

export type IconName = keyof typeof SHAPES;

export function icon(name: IconName, size = 22): TemplateResult {
    return html`<svg
        class="icon"
        width=${size}
        height=${size}
        viewBox="0 0 24 24"
        fill="none"
        stroke="currentColor"
        stroke-width="1.8"
        stroke-linecap="round"
        stroke-linejoin="round"
        aria-hidden="true"
    >
        ${SHAPES[name]}
    </svg>`;
}

export function logo(size = 32): TemplateResult {
    return html`<svg width=${size} height=${size} viewBox="0 0 32 32" aria-hidden="true">
        <rect width="32" height="32" rx="8.5" fill="var(--accent)" />
        <path
            d="M6 12.5 16 7l10 5.5M8 25h16M10.5 15v7M16 15v7M21.5 15v7"
            fill="none"
            stroke="#fff"
            stroke-width="2.4"
            stroke-linecap="round"
            stroke-linejoin="round"
        />
    </svg>`;
}

/** Three bars: how well somebody is connected. */
export function qualityBars(quality: 'good' | 'fair' | 'poor' | 'lost'): TemplateResult {
    const bars = { good: 3, fair: 2, poor: 1, lost: 0 }[quality];
    const bar = (index: number, x: number, y: number) =>
        svg`<rect x=${x} y=${y} width="4" height=${20 - y} rx="1.2" opacity=${index < bars ? 1 : 0.3} />`;
    return html`<svg
        class="bars ${quality}"
        width="18"
        height="18"
        viewBox="0 0 24 24"
        fill="currentColor"
        role="img"
        aria-label="Connection: ${quality}"
    >
        ${bar(0, 3, 14)}${bar(1, 10, 9)}${bar(2, 17, 4)}
    </svg>`;
}

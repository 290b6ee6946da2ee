/** Hints of the browser that the network or the page changed. Does nothing where there is no window. */

export interface NetworkHandlers {
    onChange(): void;
    onVisible(): void;
    onPageHide(): void;
}

interface NetworkInformation extends EventTarget {
    readonly type?: string;
}

export function watchNetwork(signal: AbortSignal, handlers: NetworkHandlers): void {
    if (typeof window === 'undefined') return;
    window.addEventListener('online', () => handlers.onChange(), { signal });
    window.addEventListener('pagehide', () => handlers.onPageHide(), { signal });
    document.addEventListener(
        'visibilitychange',
        () => {
            if (!document.hidden) handlers.onVisible();
        },
        { signal },
    );
    watchConnectionType(signal, handlers);
}

/** `change` also fires for new estimates of speed: only another kind of network counts. */
function watchConnectionType(signal: AbortSignal, handlers: NetworkHandlers): void {
    const info = (navigator as { connection?: NetworkInformation }).connection;
    let type = info?.type;
    info?.addEventListener?.(
        'change',
        () => {
            if (info.type === type) return;
            type = info.type;
            handlers.onChange();
        },
        { signal },
    );
}

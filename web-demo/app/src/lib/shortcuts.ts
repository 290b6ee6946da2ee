/** Keys of the meeting. Nothing happens while somebody types, or with Ctrl, Alt or Meta held. */

export interface ShortcutActions {
    toggleMicrophone(): void;
    toggleCamera(): void;
    toggleScreen(): void;
    togglePeople(): void;
    toggleStats(): void;
    toggleReactions(): void;
    /** Space held: talk while it is down. */
    talk(on: boolean): void;
}

const KEYS: Readonly<Record<string, (actions: ShortcutActions) => void>> = {
    KeyM: (actions) => actions.toggleMicrophone(),
    KeyV: (actions) => actions.toggleCamera(),
    KeyS: (actions) => actions.toggleScreen(),
    KeyP: (actions) => actions.togglePeople(),
    KeyI: (actions) => actions.toggleStats(),
    KeyR: (actions) => actions.toggleReactions(),
};

function deepTarget(event: Event): Element | null {
    return (event.composedPath()[0] as Element | undefined) ?? null;
}

function isTyping(target: Element | null): boolean {
    return !!target?.closest?.('input, textarea, select, [contenteditable]');
}

/** Space and Enter belong to a focused button. */
function usesSpace(target: Element | null): boolean {
    return !!target?.closest?.('button, a, summary, [role="menuitem"]');
}

export function listenForShortcuts(actions: ShortcutActions, signal: AbortSignal): void {
    let talking = false;
    const stopTalking = () => {
        if (talking) actions.talk(false);
        talking = false;
    };
    const onKeyDown = (event: KeyboardEvent) => {
        const target = deepTarget(event);
        if (event.ctrlKey || event.altKey || event.metaKey || isTyping(target)) return;
        if (event.code === 'Space' && !usesSpace(target)) {
            event.preventDefault();
            if (!event.repeat && !talking) {
                talking = true;
                actions.talk(true);
            }
            return;
        }
        if (!event.repeat) KEYS[event.code]?.(actions);
    };
    window.addEventListener('keydown', onKeyDown, { signal });
    window.addEventListener('keyup', (event) => event.code === 'Space' && stopTalking(), { signal });
    window.addEventListener('blur', stopTalking, { signal });
}

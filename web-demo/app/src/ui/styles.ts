import { css } from 'lit';

/** Buttons, fields and small things that all components share. */
export const shared = css`
    :host {
        box-sizing: border-box;
    }
    *,
    *::before,
    *::after {
        box-sizing: inherit;
    }
    [hidden] {
        display: none !important;
    }
    .sr {
        position: absolute;
        width: 1px;
        height: 1px;
        overflow: hidden;
        clip-path: inset(50%);
        white-space: nowrap;
    }
    button,
    .button {
        font: inherit;
        font-weight: 550;
        color: inherit;
        border: 0;
        border-radius: 999px;
        min-height: 44px;
        min-width: 44px;
        padding: 0 18px;
        display: inline-flex;
        align-items: center;
        justify-content: center;
        gap: 8px;
        cursor: pointer;
        background: var(--surface-2);
        text-decoration: none;
        transition:
            background-color var(--speed),
            color var(--speed),
            transform var(--speed);
    }
    button:hover,
    .button:hover {
        background: var(--surface-3);
    }
    button:active {
        transform: scale(0.97);
    }
    button:disabled {
        opacity: 0.55;
        cursor: default;
        transform: none;
    }
    button.primary {
        background: var(--accent);
        color: var(--on-accent);
    }
    button.primary:hover:not(:disabled) {
        background: var(--accent-hover);
    }
    button.danger {
        background: var(--danger);
        color: #fff;
    }
    button.danger:hover {
        background: var(--danger-hover);
    }
    button.quiet {
        background: transparent;
        color: var(--text-2);
    }
    button.quiet:hover {
        background: var(--surface-2);
        color: var(--text);
    }
    button.round {
        padding: 0;
        width: 48px;
        height: 48px;
        border-radius: 50%;
        flex: none;
    }
    :focus-visible {
        outline: 3px solid var(--accent-text);
        outline-offset: 2px;
    }
    label {
        font-size: 0.875rem;
        font-weight: 550;
        color: var(--text-2);
    }
    input,
    select {
        font: inherit;
        color: var(--text);
        background: var(--surface);
        border: 1px solid var(--field-line);
        border-radius: var(--radius-s);
        min-height: 48px;
        padding: 0 14px;
        width: 100%;
    }
    select {
        text-overflow: ellipsis;
    }
    input:focus-visible,
    select:focus-visible {
        outline: 2px solid var(--accent-text);
        outline-offset: 0;
        border-color: transparent;
    }
    a {
        color: var(--accent-text);
    }
    .icon {
        flex: none;
        display: block;
    }
`;

export const avatar = css`
    .avatar {
        display: grid;
        place-items: center;
        border-radius: 50%;
        color: #fff;
        font-weight: 600;
        letter-spacing: 0.01em;
        user-select: none;
        flex: none;
        background: var(--avatar, #4453d6);
    }
`;

/** The frame of what opens beside the call. */
export const panel = css`
    :host {
        display: flex;
        flex-direction: column;
        min-height: 0;
        background: var(--surface);
        border-radius: var(--radius);
        border: 1px solid var(--line);
    }
    header {
        display: flex;
        align-items: center;
        justify-content: space-between;
        padding: 8px 8px 8px 18px;
    }
    h2 {
        margin: 0;
        font-size: 1rem;
        font-weight: 650;
    }
`;

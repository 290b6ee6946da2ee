/** A room that is too large for one stage, page by page: the first is the server's choice, the others are everybody in order. */

/** Others on one stage; the server keeps the other pairs for voices. */
export const PAGE_SIZE = 12;
export const ONE_STAGE = 15;

export interface Page<T> {
    /** Whom to ask for; `auto`: whom the server sends. */
    view: T[] | 'auto';
    index: number;
    count: number;
    label: string;
}

export function pageOf<T>(others: readonly T[], wanted: number): Page<T> {
    if (others.length <= ONE_STAGE) return { view: 'auto', index: 0, count: 1, label: '' };
    const count = 1 + Math.ceil(others.length / PAGE_SIZE);
    const index = Math.min(Math.max(0, wanted), count - 1);
    if (index === 0) return { view: 'auto', index, count, label: 'Who speaks' };
    const first = (index - 1) * PAGE_SIZE;
    const view = others.slice(first, first + PAGE_SIZE);
    return { view, index, count, label: `${first + 1}–${first + view.length} of ${others.length}` };
}

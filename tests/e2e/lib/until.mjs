export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Asks until the answer is truthy and returns it; what an assertion throws meanwhile is told when time is up. */
export async function until(ask, what, { ms = 10_000, every = 100 } = {}) {
    const end = Date.now() + ms;
    let last;
    for (;;) {
        try {
            const value = await ask();
            if (value) return value;
            last = undefined;
        } catch (error) {
            if (error.name !== 'AssertionError' && error.name !== 'NotYet') throw error;
            last = error;
        }
        if (Date.now() > end)
            throw new Error(`not within ${ms} ms: ${what}${last ? `\n${last.message}` : ''}`);
        await sleep(every);
    }
}

/** To be thrown in `until` where the state is not right yet. */
export class NotYet extends Error {
    name = 'NotYet';
}

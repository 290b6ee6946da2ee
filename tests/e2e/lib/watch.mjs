// Assertions on what a page sees and hears.
import assert from 'node:assert/strict';
import { NotYet, until } from './until.mjs';

const TOLERANCE = 40;
export const MAX_AGE_MS = 2500;

function parse(colour) {
    return [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
}

function isColour(spot, colour) {
    return parse(colour).every((value, i) => Math.abs(value - spot[i]) <= TOLERANCE);
}

export function showsPerson(picture, colour) {
    return !!picture && picture.spots.every((spot) => isColour(spot, colour)) && picture.ageMs < MAX_AGE_MS;
}

export const look = (page, who, source = 'camera') =>
    page.evaluate((identity, what) => harness.look(identity, what), who, source);
export const hear = (page, who) => page.evaluate((identity) => harness.hear(identity), who);

/** The tile of `person` shows this person's colour everywhere, and a clock that is right now. */
export async function seesPerson(page, person, options = {}) {
    let picture;
    await until(async () => {
        picture = await look(page, person.identity);
        if (showsPerson(picture, person.colour)) return true;
        const why = await page.evaluate((identity) => harness.explain(identity, 'camera'), person.identity);
        throw new NotYet(`picture: ${JSON.stringify(picture)}, wanted ${person.colour}; ${JSON.stringify(why)}`);
    }, `${options.viewer ?? 'page'} sees ${person.identity}`, options);
    return picture;
}

export async function hearsTone(page, person, options = {}) {
    await until(async () => {
        const heard = await hear(page, person.identity);
        if (heard && Math.abs(heard.hz - person.frequency) <= 12 && heard.db > -60) return true;
        throw new NotYet(`heard ${JSON.stringify(heard)}, wanted ${person.frequency} Hz`);
    }, `${options.viewer ?? 'page'} hears ${person.identity}`, options);
}

export async function hearsNothing(page, person, options = {}) {
    await until(async () => {
        const heard = await hear(page, person.identity);
        if (!heard || heard.db < -90) return true;
        throw new NotYet(`heard ${JSON.stringify(heard)}`);
    }, `${options.viewer ?? 'page'} hears nothing of ${person.identity}`, options);
}

export const events = (page) => page.evaluate(() => harness.events);

/** Waits for an event that begins with these words, at or after index `from`. */
export async function sawEvent(page, wanted, { from = 0, ms = 8000 } = {}) {
    await until(async () => {
        const all = await events(page);
        if (all.slice(from).some((event) => wanted.every((word, i) => event[i] === word))) return true;
        throw new NotYet(`events: ${JSON.stringify(all.slice(from))}`);
    }, `event ${wanted.join(' ')}`, { ms });
}

export const eventCount = (page) => page.evaluate(() => harness.events.length);

export function noFaults(pages) {
    for (const page of pages) assert.deepEqual(page.faults, []);
}

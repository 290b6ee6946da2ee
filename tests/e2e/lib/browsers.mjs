// Debian's browsers, headless, with fake devices and nothing that talks to the outside.
import { accessSync } from 'node:fs';
import puppeteer from 'puppeteer-core';

const CHROMIUM_FLAGS = [
    '--no-sandbox',
    '--use-fake-device-for-media-stream=fps=30',
    '--autoplay-policy=no-user-gesture-required',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
    '--disable-default-apps',
    '--no-first-run',
    '--no-default-browser-check',
    '--metrics-recording-only',
    // Pages in the background must go on publishing and showing.
    '--disable-background-timer-throttling',
    '--disable-backgrounding-occluded-windows',
    '--disable-renderer-backgrounding',
];

const FIREFOX_PREFERENCES = {
    'media.navigator.streams.fake': true,
    'media.navigator.permission.disabled': true,
    'media.peerconnection.ice.obfuscate_host_addresses': false,
    'media.autoplay.default': 0,
    'media.autoplay.blocking_policy': 0,
    'media.navigator.audio.fake_frequency': 1500,
    'app.update.enabled': false,
    'browser.safebrowsing.malware.enabled': false,
    'browser.safebrowsing.phishing.enabled': false,
    'datareporting.policy.dataSubmissionEnabled': false,
    'network.captive-portal-service.enabled': false,
    'network.connectivity-service.enabled': false,
};

function program(variable, path, name) {
    const found = process.env[variable] ?? path;
    try {
        accessSync(found);
    } catch {
        throw new Error(`${found} is missing: apt-get install ${name}, or name the program in ${variable}`);
    }
    return found;
}

/** `grantDevices: false` leaves candidates as mDNS names, as for somebody who only watches. */
export function launchChromium({ loopback = true, grantDevices = true, args = [] } = {}) {
    return puppeteer.launch({
        executablePath: program('CHROMIUM', '/usr/bin/chromium', 'chromium'),
        headless: true,
        // The driver's own time limit must outlast the waits of the tests.
        protocolTimeout: 120_000,
        args: [
            ...CHROMIUM_FLAGS,
            ...(grantDevices ? ['--use-fake-ui-for-media-stream'] : []),
            ...(loopback ? ['--allow-loopback-in-peer-connection'] : []),
            ...args,
        ],
    });
}

export function launchFirefox() {
    return puppeteer.launch({
        browser: 'firefox',
        executablePath: program('FIREFOX', '/usr/bin/firefox-esr', 'firefox-esr'),
        headless: true,
        protocolTimeout: 120_000,
        extraPrefsFirefox: FIREFOX_PREFERENCES,
    });
}

/** A window of its own: pages behind others get no animation frames. */
export async function openWindow(browser) {
    return (await browser.createBrowserContext()).newPage();
}

/** A page of ours: same origin as the server, with `harness` in it. What goes wrong in it is kept in `page.faults`. */
export async function openHarness(browser, url) {
    const page = await openWindow(browser);
    page.faults = [];
    page.on('pageerror', (error) => page.faults.push(String(error.stack ?? error)));
    await page.goto(`${url}/e2e/harness.html`);
    await harnessReady(page);
    return page;
}

export function harnessReady(page) {
    return page.waitForFunction('window.harness !== undefined', { polling: 50 });
}

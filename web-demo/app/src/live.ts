/** The page "go live": camera or screen into a room by WHIP. */

import { Door } from './lib/door.js';
import { byId, ownToken, room, showState, watchHealth } from './lib/stream-page.js';

const preview = byId<HTMLVideoElement>('picture');
const buttons = { camera: byId<HTMLButtonElement>('camera'), screen: byId<HTMLButtonElement>('screen'), stop: byId<HTMLButtonElement>('stop') };
let door: Door | null = null;
let stream: MediaStream | null = null;

function isLive(on: boolean): void {
    buttons.camera.hidden = buttons.screen.hidden = on;
    buttons.stop.hidden = !on;
}

function capture(what: 'camera' | 'screen'): Promise<MediaStream> {
    return what === 'camera'
        ? navigator.mediaDevices.getUserMedia({ audio: true, video: { width: 1280, height: 720 } })
        : navigator.mediaDevices.getDisplayMedia({ audio: true, video: { frameRate: 30 } });
}

/** The camera's light goes out with the stream. */
function release(): void {
    for (const track of stream?.getTracks() ?? []) {
        track.onended = null;
        track.stop();
    }
    stream = null;
    preview.srcObject = null;
    isLive(false);
}

async function start(what: 'camera' | 'screen'): Promise<void> {
    buttons.camera.disabled = buttons.screen.disabled = true;
    try {
        stream = await capture(what);
    } catch {
        showState('ended', `the ${what} is not to be had: allow it for this page, and try again`);
        return;
    } finally {
        buttons.camera.disabled = buttons.screen.disabled = false;
    }
    preview.srcObject = stream;
    // Chromium's own "stop sharing" ends the track.
    for (const track of stream.getTracks()) track.onended = () => void stop();
    isLive(true);
    door = new Door({
        url: `/whip/${encodeURIComponent(room)}`,
        token: (refused) => ownToken('Live', refused),
        prepare: (pc) => {
            for (const track of stream?.getTracks() ?? []) pc.addTransceiver(track, { direction: 'sendonly', streams: [stream!] });
        },
        onState: (state, why) => {
            showState(state, why);
            if (state === 'ended') release();
        },
    });
    await door.open();
}

async function stop(): Promise<void> {
    const open = door;
    door = null;
    release();
    await open?.close();
}

byId('room').textContent = room;
byId<HTMLAnchorElement>('watch').href = `/watch.html?room=${encodeURIComponent(room)}`;
buttons.camera.onclick = () => void start('camera');
buttons.screen.onclick = () => void start('screen');
buttons.stop.onclick = () => void stop();
window.addEventListener('pagehide', () => void door?.close());
isLive(false);
watchHealth(() => door);

/** The page "watch": a room's main picture by WHEP, or ?track= or ?participant= of it. */

import { Door } from './lib/door.js';
import { byId, choice, ownToken, room, showState, watchHealth } from './lib/stream-page.js';

const video = byId<HTMLVideoElement>('picture');
const sound = byId<HTMLButtonElement>('sound');
let door: Door | null = null;

function receive(pc: RTCPeerConnection): void {
    const stream = new MediaStream();
    for (const kind of ['audio', 'video']) pc.addTransceiver(kind, { direction: 'recvonly' });
    pc.ontrack = ({ track }) => {
        stream.addTrack(track);
        // Not before: a page counts as loading while its video waits for something.
        if (video.srcObject !== stream) video.srcObject = stream;
    };
}

function start(): void {
    if (!('RTCPeerConnection' in window)) {
        byId('fallback').hidden = false;
        return;
    }
    door = new Door({
        url: `/whep/${encodeURIComponent(room)}${choice('track') || choice('participant')}`,
        token: (refused) => ownToken('viewer', refused),
        prepare: receive,
        onState: (state, why) => {
            showState(state, why);
            byId('fallback').hidden = state !== 'ended' || !why;
        },
    });
    void door.open();
    watchHealth(() => door);
}

byId('room').textContent = room;
// Sound needs a gesture: the picture begins without it.
sound.onclick = () => {
    video.muted = !video.muted;
    sound.textContent = video.muted ? 'Sound on' : 'Sound off';
};
window.addEventListener('pagehide', () => void door?.close());
start();

/** The browser's own parts that tests replace. */

export function browserSocket(url: string, protocol: string): WebSocket {
    return new WebSocket(url, protocol);
}

export { browserHttpLane } from './http-lane.js';

export function browserPeer(config: RTCConfiguration): RTCPeerConnection {
    return new RTCPeerConnection(config);
}

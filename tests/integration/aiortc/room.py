#!/usr/bin/env python3
"""python3-aiortc in a room of the real stoad, by JSON-RPC alone:  room.py BUILD-FOLDER

Two participants with aiortc, one signalling over HTTP and one over a WebSocket, publish sound and a picture of one colour each, and
see and hear each other.  Beside the media each has a data channel, opened by DCEP or negotiated, and talks to the other and to a
native peer.
"""
import asyncio
import json
import os
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "hostile"))
import rig  # noqa: E402
from rig import Server, check  # noqa: E402
from test_doors import claims, session  # noqa: E402
from test_http_lane import Guest, Stream  # noqa: E402

from aiortc import RTCPeerConnection, RTCSessionDescription  # noqa: E402
from aiortc.mediastreams import AudioStreamTrack, MediaStreamError, VideoStreamTrack  # noqa: E402
from av import VideoFrame  # noqa: E402

WIDTH, HEIGHT, NEAR = 320, 240, 14
TOPIC, RELIABLE, NATIVE_COUNT = "chat", 60, 20


class Painted(VideoStreamTrack):
    """One colour, as Y, U, V."""

    def __init__(self, colour):
        super().__init__()
        self.colour = colour

    async def recv(self):
        pts, time_base = await self.next_timestamp()
        frame = VideoFrame(WIDTH, HEIGHT, "yuv420p")
        for plane, value in zip(frame.planes, self.colour):
            plane.update(bytes([value]) * plane.buffer_size)
        frame.pts, frame.time_base = pts, time_base
        return frame


def middle(frame):
    """The colour in the middle of a picture."""
    frame = frame.reformat(format="yuv420p")
    return [bytes(p)[(p.height // 2) * p.line_size + p.width // 2] for p in frame.planes]


class Member:
    """A participant: `call` is how it signals."""

    def __init__(self, name, colour, call):
        self.name, self.colour, self.call, self.pc = name, colour, call, RTCPeerConnection()
        self.frames, self.seen = {"audio": 0, "video": 0}, None
        self.pc.on("track", lambda track: asyncio.ensure_future(self.read(track)))
        self.pc._sctpLegacySdp = False  # as RFC 8841 has it
        self.channel, self.got = None, []

    def open_channel(self, *what, **how):
        self.channel = self.pc.createDataChannel(*what, **how)
        self.channel.on("message", self.got.append)

    async def read(self, track):
        try:
            while True:
                frame = await track.recv()
                self.frames[track.kind] += 1
                if track.kind == "video":
                    self.seen = middle(frame)
        except MediaStreamError:
            pass

    async def publish(self):
        sending = [self.pc.addTransceiver(track, "sendonly") for track in (AudioStreamTrack(), Painted(self.colour))]
        for kind in ("audio", "video"):
            self.pc.addTransceiver(kind, "recvonly")
        await self.pc.setLocalDescription(await self.pc.createOffer())
        tracks = [{"mid": sender.mid, "source": source} for sender, source in zip(sending, ("microphone", "camera"))]
        answer = await asyncio.to_thread(self.call, "conference.offer", {"sdp": self.pc.localDescription.sdp, "tracks": tracks})
        check(isinstance(answer, dict), self.name, "is refused:", answer)
        check([row["mid"] for row in answer["tracks"]] == [row["mid"] for row in tracks], answer["tracks"])
        check([(row["pair"], row["kind"]) for row in answer["slots"]] == [(0, "audio"), (0, "video")], answer["slots"])
        await self.pc.setRemoteDescription(RTCSessionDescription(answer["sdp"], "answer"))

    def sees(self, other):
        near = self.seen and all(abs(a - b) <= NEAR for a, b in zip(self.seen, other.colour))
        return near and self.frames["video"] > 20 and self.frames["audio"] > 50


async def until(what, fn, seconds=60):
    deadline = time.monotonic() + seconds
    while not fn():
        check(time.monotonic() < deadline, "not within", seconds, "s:", what())
        await asyncio.sleep(0.05)


class Native:
    """One that shares no code with aiortc: says NATIVE_COUNT texts on the same topic, and prints what it hears."""

    def __init__(self, server):
        token = server.sign(claims("nat", publish=True, subscribe=True, data=True))
        self.process = subprocess.Popen(
            [os.path.join(rig.BUILD, "bin", "stoa-native-peer"), "--port", str(server.port), "--token", token, "--pairs", "2",
             "--data", "--data-text", "--data-topic", TOPIC, "--data-rate", "10", "--data-count", str(NATIVE_COUNT), "--data-log",
             "--duration-ms", "8000"], stdout=subprocess.PIPE, text=True)

    def heard(self):
        """(line, payload) of every message, as it ended."""
        out, _ = self.process.communicate(timeout=120)
        check(self.process.returncode == 0, "the native peer ended with", self.process.returncode, out[-2000:])
        lines = [json.loads(line) for line in out.splitlines()]
        return [(told["line"], told["payload"]) for told in lines if told["event"] == "data"]


async def talk(server, ann, bob):
    """ann has a channel of her own, opened by DCEP: bare messages. bob has the one that all know."""
    await until(lambda: f"the channels open: {ann.channel.readyState} {bob.channel.readyState}",
                lambda: ann.channel.readyState == bob.channel.readyState == "open")
    bob.channel.send("")  # bob reads 60 from now on
    native = Native(server)
    said = time.monotonic()
    while len(ann.got) < NATIVE_COUNT or len(bob.got) < NATIVE_COUNT:
        check(time.monotonic() - said < 60, "the native peer was heard", len(ann.got), len(bob.got))
        await asyncio.sleep(0.05)
    ann.channel.send("from ann")
    bob.channel.send(json.dumps({"topic": TOPIC}) + "\nfrom bob")
    heard = await asyncio.to_thread(native.heard)
    check([payload for _, payload in heard] == ["from ann", "from bob"], heard)
    check([line["topic"] for line, _ in heard] == [TOPIC, TOPIC] and heard[1][0]["from"] == bob.id, heard)
    check(all(text.startswith("native ") for text in ann.got[:NATIVE_COUNT]), ann.got[:3])
    check(ann.got[NATIVE_COUNT:] == ["from bob"], ann.got[NATIVE_COUNT:])
    line, payload = bob.got[-1].split("\n", 1)
    check(payload == "from ann" and json.loads(line)["topic"] == TOPIC, bob.got[-1])


async def meet(server):
    guest = Guest(server, "ann", subscribe=True, publish=True, data=True)
    stream = Stream(server, guest.bearer, 0)
    ws = session(server, "bob", subscribe=True, publish=True, data=True)
    ann, bob = Member("ann", (90, 240, 110), guest.call), Member("bob", (140, 54, 34), ws.call)
    bob.id, members = ws.me, [ann, bob]
    ann.open_channel(TOPIC)
    bob.open_channel("reliable", negotiated=True, id=RELIABLE)
    for member in members:
        await member.publish()
    await until(lambda: f"each sees the other: {[(m.name, m.seen, m.frames) for m in members]}",
                lambda: ann.sees(bob) and bob.sees(ann))
    told = await asyncio.to_thread(stream.numbered, 4)
    check(told[0][1] == "participant.joined" and any(method == "slots.changed" for _, method, _ in told), told)
    await talk(server, ann, bob)
    fed = {kind: n for kind, n in ann.frames.items()}
    await until(lambda: f"it goes on: {ann.frames}", lambda: all(ann.frames[k] > n + 20 for k, n in fed.items()))
    check(ws.call("conference.mute", {"track": bob_track(guest, ws), "muted": True}) == {}, "mute")
    for member in members:
        await member.pc.close()
    check(guest.call("session.close") == {}, "ann goes")
    stream.close()
    ws.call("session.close")


def bob_track(guest, ws):
    """bob's camera, as somebody who comes later is told."""
    late = session(guest.server, "cat", subscribe=True, join=False)
    people = late.call("conference.join")["participants"]
    late.call("session.close")
    bob = next(p for p in people if p["identity"] == "bob")
    check(bob["id"] == ws.me and {t["source"] for t in bob["tracks"]} == {"microphone", "camera"}, bob)
    return next(t["id"] for t in bob["tracks"] if t["source"] == "camera")


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    rig.BUILD = os.path.abspath(sys.argv[1])
    sys.exit(0 if rig.judge("two with aiortc, over HTTP and a WebSocket", Server(), lambda server: asyncio.run(meet(server))) else 1)


main()

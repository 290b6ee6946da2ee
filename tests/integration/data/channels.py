#!/usr/bin/env python3
"""Data channels over the real stoad, by python3-aiortc:  channels.py BUILD-FOLDER [test…]

Each participant signals over a WebSocket and has a peer with an application m-line and nothing else.
"""
import asyncio
import json
import os
import sys
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "hostile"))
import rig  # noqa: E402
from rig import Server, check  # noqa: E402
from test_doors import session  # noqa: E402

from aiortc import RTCPeerConnection, RTCSessionDescription  # noqa: E402

RELIABLE, LOSSY = 60, 61


async def until(what, fn, seconds=10):
    deadline = time.monotonic() + seconds
    while not fn():
        check(time.monotonic() < deadline, "not within", seconds, "s:", what() if callable(what) else what)
        await asyncio.sleep(0.02)


class Member:
    """A participant with data channels: ours, or those of its own labels."""

    def __init__(self, server, name, labels=None, join=True, **grants):
        self.name, self.pc, self.got, self.bare = name, RTCPeerConnection(), [], []
        self.ws = session(server, name, join=join, **dict({"data": True}, **grants))
        self.pc._sctpLegacySdp = False
        self.me = getattr(self.ws, "me", None)
        self.channels = {}
        if labels is None:
            self.channels[RELIABLE] = self.pc.createDataChannel("reliable", negotiated=True, id=RELIABLE)
            self.channels[LOSSY] = self.pc.createDataChannel("lossy", negotiated=True, id=LOSSY, ordered=False,
                                                             maxRetransmits=0)
            for channel in self.channels.values():
                channel.on("message", lambda message, id=channel.id: self.read(id, message))
        for label in labels or ():
            self.channels[label] = channel = self.pc.createDataChannel(label)
            channel.on("message", lambda message, label=label: self.bare.append((label, message)))

    def read(self, id, message):
        """(channel, line, payload)"""
        feed = "\n" if isinstance(message, str) else b"\n"
        line, payload = message.split(feed, 1)
        self.got.append((id, json.loads(line), payload))

    async def offer(self):
        await self.pc.setLocalDescription(await self.pc.createOffer())
        self.answer = await asyncio.to_thread(self.ws.call, "conference.offer",
                                              {"sdp": self.pc.localDescription.sdp, "tracks": []})
        check(isinstance(self.answer, dict), self.name, "is refused:", self.answer)
        await self.pc.setRemoteDescription(RTCSessionDescription(self.answer["sdp"], "answer"))

    async def open(self):
        await self.offer()
        await until(lambda: f"{self.name}'s channels open", lambda: all(c.readyState == "open" for c in self.channels.values()))
        if RELIABLE in self.channels:
            self.channels[RELIABLE].send("")
        return self

    def say(self, payload, channel=RELIABLE, **line):
        line = json.dumps(line) + "\n"
        self.channels[channel].send(line + payload if isinstance(payload, str) else line.encode() + payload)

    async def told(self, method, code=None, seconds=10):
        """The parameters of the next notification of that name, and code."""
        deadline = time.monotonic() + seconds
        while True:
            await asyncio.to_thread(self.ws.call, "session.ping")
            for message in self.ws.told:
                if message["method"] == method and code in (None, message["params"].get("code")):
                    self.ws.told.remove(message)
                    return message["params"]
            check(time.monotonic() < deadline, self.name, "was not told", method, code, self.ws.told[-5:])
            await asyncio.sleep(0.1)

    async def close(self):
        await self.pc.close()
        self.ws.call("session.close")


async def members(server, *names, **grants):
    return await asyncio.gather(*(Member(server, name, **grants).open() for name in names))


async def ready(*people):
    """Everybody's hello has come: each hears a message of the first."""
    first, others = people[0], people[1:]
    deadline = time.monotonic() + 10
    while not all(any(line.get("topic") == "ready" for _, line, _ in m.got) for m in others):
        check(time.monotonic() < deadline, "everybody is ready")
        first.say("", topic="ready")
        await asyncio.sleep(0.1)
    await asyncio.sleep(0.3)
    for m in people:
        m.got.clear()


async def test_a_message_goes_to_everybody_else_or_to_those_named(server):
    ann, bob, cat = await members(server, "ann", "bob", "cat")
    await ready(ann, bob, cat)
    ann.say("hello", topic="chat")
    ann.say(b"\x00\n\xff", channel=LOSSY)
    ann.say("for bob", to=[bob.me], topic="")
    for m, want in ((bob, 3), (cat, 2)):
        await until(lambda: f"{m.name} got {m.got}", lambda: len(m.got) >= want)
    await asyncio.sleep(0.2)
    frames = [(RELIABLE, {"topic": "chat", "from": ann.me}, "hello"), (LOSSY, {"from": ann.me}, b"\x00\n\xff")]
    private = (RELIABLE, {"topic": "", "from": ann.me, "direct": True}, "for bob")
    check(sorted(map(str, bob.got)) == sorted(map(str, [*frames, private])), bob.got)
    check(sorted(map(str, cat.got)) == sorted(map(str, frames)), cat.got)
    check(ann.got == [], "ann hears herself:", ann.got)
    for m in (ann, bob, cat):
        await m.close()


TESTS = {name[5:]: fn for name, fn in list(globals().items()) if name.startswith("test_")}


def run(name, fn):
    server = Server(getattr(fn, "limits", None))
    start = time.monotonic()
    try:
        asyncio.run(fn(server))
        rig.wait_for("nobody is left", server.silent, 10)
        rig.wait_for("no association is left", lambda: server.open()["sctp_associations"] == 0, 5)
        status = server.stop()
        check(status == 0, "the server ended with", status)
    except Exception:
        traceback.print_exc()
        print(server.log()[-3000:])
        print(f"  FAILED  {name}")
        return False
    finally:
        server.stop()
    print(f"  ok      {name} ({time.monotonic() - start:.1f} s)", flush=True)
    return True


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    rig.BUILD = os.path.abspath(sys.argv[1])
    results = [run(name, TESTS[name]) for name in sys.argv[2:] or TESTS]
    print(f"{sum(results)} passed, {len(results) - sum(results)} failed")
    sys.exit(0 if all(results) else 1)


main()

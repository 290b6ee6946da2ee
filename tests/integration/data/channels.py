#!/usr/bin/env python3
"""Data channels over the real stoad, by python3-aiortc:  channels.py BUILD-FOLDER [test…]

Each participant signals over a WebSocket and has a peer with an application m-line and nothing else.
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

from aiortc import RTCPeerConnection, RTCSessionDescription  # noqa: E402

RELIABLE, LOSSY = 60, 61


async def until(what, fn, seconds=60):
    deadline = time.monotonic() + seconds
    while not fn():
        check(time.monotonic() < deadline, "not within", seconds, "s:", what() if callable(what) else what)
        await asyncio.sleep(0.02)


class Member:
    """A participant with data channels: ours, or those of its own labels."""

    def __init__(self, server, name, labels=None, join=True, **grants):
        self.name, self.pc, self.got, self.bare = name, RTCPeerConnection(), [], []
        self.ws = session(server, name, join=join, **dict({"data": True}, **grants))
        self.pc._sctpLegacySdp = name != "bob"  # an older form of the m-line, and the one of today
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

    async def outside(self):
        """The error of an offer before joining."""
        await self.pc.setLocalDescription(await self.pc.createOffer())
        answer = await asyncio.to_thread(self.ws.call, "conference.offer", {"sdp": self.pc.localDescription.sdp, "tracks": []})
        await self.close()
        return answer

    def say(self, payload, channel=RELIABLE, **line):
        line = json.dumps(line) + "\n"
        self.channels[channel].send(line + payload if isinstance(payload, str) else line.encode() + payload)

    async def told(self, method, code=None, seconds=60):
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
    """Everybody's hello has come: each hears a message of the first, and then its last one."""
    first, others = people[0], people[1:]

    def heard(topic):
        return all(any(line.get("topic") == topic for _, line, _ in m.got) for m in others)
    deadline = time.monotonic() + 60
    while not heard("ready"):
        check(time.monotonic() < deadline, "everybody is ready")
        first.say("", topic="ready")
        await asyncio.sleep(0.1)
    first.say("", topic="last")
    await until("everybody is ready", lambda: heard("last"))
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


async def test_channels_of_their_own_carry_bare_payloads(server):
    ann, old, other = await asyncio.gather(Member(server, "ann").open(), Member(server, "old", labels=["chat", ""]).open(),
                                           Member(server, "other", labels=["chat"]).open())
    ann.say("to herself", to=[ann.me])
    await until("ann reads", lambda: ann.got)
    ann.got.clear()
    ann.say("for those who chat", topic="chat")
    ann.say("no topic")
    ann.say("nobody has that", topic="cha")
    await until(lambda: f"old got {old.bare}", lambda: len(old.bare) == 2)
    await until(lambda: f"other got {other.bare}", lambda: len(other.bare) == 1)
    old.channels["chat"].send(b"from old")
    await until(lambda: f"ann got {ann.got}", lambda: len(ann.got) == 1)
    await until(lambda: f"other got {other.bare}", lambda: len(other.bare) == 2)
    check(old.bare == [("chat", "for those who chat"), ("", "no topic")], old.bare)
    check(other.bare == [("chat", "for those who chat"), ("chat", b"from old")], other.bare)
    check(ann.got == [(RELIABLE, {"topic": "chat", "from": old.me}, b"from old")], ann.got)
    old.channels["chat"].close()
    await until("the channel closes", lambda: old.channels["chat"].readyState == "closed")
    ann.say("gone", topic="chat")
    await until(lambda: f"other got {other.bare}", lambda: len(other.bare) == 3)
    check(len(old.bare) == 2, old.bare)
    for label in range(20):  # one is open: 15 more are taken, the others are closed by the server
        old.channels[f"more {label}"] = old.pc.createDataChannel(f"more {label}")
    await until(lambda: f"{[c.readyState for c in old.channels.values()]}",
                lambda: [sum(c.readyState == state for c in old.channels.values()) for state in ("closed", "open")] == [6, 16])
    for m in (ann, old, other):
        await m.close()


async def test_without_the_grant_the_m_line_is_rejected(server):
    ann = Member(server, "ann", data=False, subscribe=True)
    sdp = (await asyncio.to_thread(offer_of, ann))["sdp"]
    check("m=application 0 " in sdp, sdp)
    check(server.open()["sctp_associations"] == 0, "no association")
    await ann.close()


def offer_of(member):
    offer = asyncio.run(make_offer())
    answer = member.ws.call("conference.offer", {"sdp": offer, "tracks": []})
    check(isinstance(answer, dict), answer)
    return answer


async def make_offer():
    """Of a peer with sound and channels: one that has nothing left is refused."""
    pc = RTCPeerConnection()
    pc._sctpLegacySdp = False
    pc.addTransceiver("audio", "recvonly")
    pc.createDataChannel("x", negotiated=True, id=RELIABLE)
    await pc.setLocalDescription(await pc.createOffer())
    sdp = pc.localDescription.sdp
    await pc.close()
    return sdp


REFUSED = (
    # payload, line, code, field; bytes: as they are
    (b"no line", None, "invalid_param", "line"),
    (b"[]\nx", None, "invalid_param", "line"),
    ("x", {"topic": "t" * 129}, "invalid_param", "topic"),
    ("x", {"to": []}, "invalid_param", "to"),
    ("x", {"to": ["pt_nobody"]}, "not_found", "to"),
    (b"x" * 61441, {}, "too_large", "data_message_bytes"),
)


async def test_what_is_wrong_is_said(server):
    ann, bob = await members(server, "ann", "bob")
    await ready(ann, bob)
    for payload, line, code, field in REFUSED:
        if line is None:
            ann.channels[RELIABLE].send(payload)
        else:
            ann.say(payload, **line)
        told = await ann.told("data.refused", code)
        check(told["field"] == field and told["count"] == 1, told, "for", line)
        await asyncio.sleep(1.05)  # one of a kind a second
    ann.say("x", to=["pt_nobody", bob.me])
    check((await ann.told("data.refused", "not_found"))["field"] == "to", "not_found")
    ann.say(b"x" * 61440)
    await until(lambda: f"{bob.got}", lambda: len(bob.got) == 2)
    check([len(payload) for _, _, payload in bob.got] == [1, 61440], "sizes")
    eve = await Member(server, "eve", join=False, subscribe=False).outside()
    check(eve == "not_joined", "an offer of somebody outside:", eve)
    for m in (ann, bob):
        await m.close()


async def test_over_the_message_rate_they_are_dropped_and_counted(server):
    ann, bob = await members(server, "ann", "bob")
    await ready(ann, bob)
    for i in range(100):
        ann.say(str(i))
    count = 0
    while count + len(bob.got) < 100:
        count += (await ann.told("data.refused", "rate_limited"))["count"]
        await asyncio.sleep(0.2)
    check(20 <= len(bob.got) <= 60 and count + len(bob.got) == 100, len(bob.got), "came,", count, "dropped")
    check(server.metrics()['stoa_drops_total{reason="data_messages"}'] == count, "counted")
    for m in (ann, bob):
        await m.close()


test_over_the_message_rate_they_are_dropped_and_counted.limits = {"data_messages_per_second": 10, "data_messages_burst": 30}


async def test_a_room_on_two_workers(server):
    people = await members(server, *(f"p{i}" for i in range(4)))
    await ready(*people)
    for m in people:
        m.say(m.name)
    await until(lambda: str([m.got for m in people]), lambda: all(len(m.got) == 3 for m in people))
    for m in people:
        check({line["from"] for _, line, _ in m.got} == {o.me for o in people if o is not m}, m.got)
        await m.close()


test_a_room_on_two_workers.limits = {"worker_room_peers": 1}
test_a_room_on_two_workers.env = {"STOA_MEDIA_WORKERS": "2"}


async def test_nothing_is_left_behind(server):
    async def come_and_go(i):
        people = await members(server, *(f"p{i}-{k}" for k in range(4)))
        people[0].say("hello")
        await people[0].close()             # shut down, and a goodbye
        people[1].ws.call("session.close")  # the server ends it
        people[2].ws.call("conference.leave")
        people[3].ws.sock.close()           # its lane is cut: gone when it does not come back
        for m in people[1:]:
            await m.pc.close()
    await come_and_go(0)
    await asyncio.to_thread(rig.wait_for, "nobody is left", server.silent, 20)
    fds, threads = await asyncio.to_thread(rig.lowest, server.fds), server.threads()
    for i in range(1, 6):
        await come_and_go(i)
    await asyncio.to_thread(rig.wait_for, "nobody is left", server.silent, 20)
    await until(lambda: f"fds, threads: {server.fds()} {server.threads()}, before: {fds} {threads}",
                lambda: server.fds() <= fds and server.threads() == threads)


test_nothing_is_left_behind.limits = {"session_detached_ms": 1000}


class Flood:
    """A process of its own that offers 50 MB/s on the reliable channel, to `to`."""

    RATE, SIZE, BUFFERED = 50_000_000, 61_000, 4 << 20

    def __init__(self, server, to, seconds):
        token = server.sign(claims("flood", data=True))
        self.process = subprocess.Popen([sys.executable, "-B", __file__, "--flood", str(server.port), token, to, str(seconds)],
                                        stdout=subprocess.PIPE, text=True)

    def ended(self):
        """{"offered", "taken", "refused"}: bytes that were offered, and handed to the stack; what it was told."""
        out, _ = self.process.communicate(timeout=120)
        return json.loads(out)

    @classmethod
    async def run(cls, port, token, to, seconds):
        class At:
            pass
        at = At()
        at.port, at.sign = int(port), lambda claims: token
        m = await Member(at, "flood").open()
        offered = taken = 0
        start = time.monotonic()
        while (now := time.monotonic() - start) < float(seconds):
            while offered < now * cls.RATE:
                offered += cls.SIZE
                if m.channels[RELIABLE].bufferedAmount < cls.BUFFERED:
                    m.say(b"f" * cls.SIZE, topic="flood", to=[to])
                    taken += cls.SIZE
            await asyncio.sleep(0.01)
        refused = await m.told("data.refused", "rate_limited")
        print(json.dumps({"offered": offered, "taken": taken, "refused": refused}), flush=True)
        os._exit(0)  # as a browser that is killed


async def lateness(late):
    """How late this process itself wakes, every 10 ms, until it is cancelled: what comes then has waited here, not at the server."""
    while True:
        at = time.monotonic() + 0.01
        await asyncio.sleep(0.01)
        late.append(time.monotonic() - at)


def p95(values):
    return sorted(values)[len(values) * 95 // 100]


async def test_a_flood_and_a_stalled_reader_cost_the_others_nothing(server):
    """One offers 50 MB/s, one reads nothing: what the others say comes within 50 ms, but for what this process is late itself."""
    seconds, each, healthy = 10, 0.1, 20
    stalled, chatty, *readers = await members(server, "stalled", "chatty", *(f"r{i}" for i in range(healthy)))
    await ready(chatty, stalled, *readers)
    stalled.pc.sctp._receive_data_chunk = Window(stalled.pc.sctp).chunk
    before, most, late = server.rss_kib(), 0, []
    for m in readers:
        m.read = None
        m.channels[RELIABLE].remove_all_listeners("message")
        m.channels[RELIABLE].on("message", lambda message: late.append(time.monotonic() - float(message.split("\n")[1])))
    flood, own = Flood(server, stalled.me, seconds), []
    probe = asyncio.ensure_future(lateness(own))
    sent, start = 0, time.monotonic()
    while time.monotonic() - start < seconds + 2:
        chatty.say(str(time.monotonic()))
        sent += 1
        most = max(most, server.rss_kib())
        await asyncio.sleep(each)
    probe.cancel()
    result = await asyncio.to_thread(flood.ended)
    await until(lambda: f"{len(late)} of {sent * healthy}", lambda: len(late) == sent * healthy)
    late.sort()
    lost = (await stalled.told("data.lost"))["count"]
    lost += sum(m["params"]["count"] for m in stalled.ws.told if m["method"] == "data.lost")
    dropped = server.metrics()['stoa_drops_total{reason="data_rate"}']
    print(f"  {len(late)} messages to {healthy} readers: p50 {late[len(late) // 2] * 1000:.1f} ms, "
          f"p95 {p95(late) * 1000:.1f} ms, worst {late[-1] * 1000:.1f} ms; this process itself: p95 {p95(own) * 1000:.1f} ms")
    print(f"  flood: offered {result['offered'] / seconds / 1e6:.1f} MB/s, taken {result['taken'] / seconds / 1e6:.2f} MB/s, "
          f"told {result['refused']}, {dropped:.0f} packets dropped; stalled: told of {lost} lost messages")
    print(f"  resident: {before} KiB before, {most} KiB at most: {most - before:+d}")
    check(p95(late) < 0.05 + 2 * p95(own), "p95 of the healthy", p95(late), "of this process itself", p95(own))  # sends late, reads late
    check(result["offered"] / seconds > 45e6, "offered")
    check(result["taken"] / seconds < 2.5e6, "the limit cuts it")
    check(result["refused"]["field"] == "data_bytes_per_second", result)
    check(lost > 0, "the stalled one is told")
    if server.rss_kib():
        check(most - before < 32 * 1024, "memory is bounded")
    for m in (stalled, chatty, *readers):
        await m.close()


test_a_flood_and_a_stalled_reader_cost_the_others_nothing.limits = {"session_detached_ms": 1000}


class Window:
    """The receiving half of an association whose user reads nothing: its window closes, and stays closed."""

    def __init__(self, sctp):
        self.sctp = sctp

    async def chunk(self, chunk):
        self.sctp._sack_needed = True
        if self.sctp._advertised_rwnd >= len(chunk.user_data) and not self.sctp._mark_received(chunk.tsn):
            self.sctp._advertised_rwnd -= len(chunk.user_data)


TESTS = {name[5:]: fn for name, fn in list(globals().items()) if name.startswith("test_")}


def run(name, fn):
    def test(server):
        asyncio.run(fn(server))
        rig.wait_for("no association is left", lambda: server.open()["sctp_associations"] == 0, 20)
    return rig.judge(name, Server(getattr(fn, "limits", None), **getattr(fn, "env", {})), test)


def main():
    if sys.argv[1:2] == ["--flood"]:
        asyncio.run(Flood.run(*sys.argv[2:]))
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    rig.BUILD = os.path.abspath(sys.argv[1])
    results = [run(name, TESTS[name]) for name in sys.argv[2:] or TESTS]
    print(f"{sum(results)} passed, {len(results) - sum(results)} failed")
    sys.exit(0 if all(results) else 1)


main()

"""WebSockets that behave badly: sizes, fragments, garbage, silence, storms, and what is left of them."""
import fcntl
import json
import os
import random
import signal
import socket
import struct
import threading
import time

from rig import Closed, Server, Ws, check, wait_for
from test_doors import session

FEW = {"session_detached_ms": 1000}


class Pinger:
    """A guest who wants an answer again and again; the longest wait in seconds."""

    def __init__(self, ws):
        self.ws, self.stop, self.worst, self.count, self.why = ws, threading.Event(), 0, 0, None
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        try:
            while not self.stop.is_set():
                start = time.monotonic()
                check(isinstance(self.ws.call("session.ping"), dict), "no answer to a ping")
                self.worst = max(self.worst, time.monotonic() - start)
                self.count += 1
                time.sleep(0.03)
        except Exception as error:
            self.why = error

    def finish(self, seconds):
        self.stop.set()
        self.thread.join()
        check(not self.why, "a guest nearby:", self.why)
        print(f"          nearby waited {self.worst * 1000:.0f} ms at most", flush=True)
        check(self.count > 3 and self.worst < seconds, "a guest nearby waited", round(self.worst, 2), "s")


def test_garbage_is_answered(server):
    """Each kind of broken JSON-RPC gets an error, in UTF-8, and the session lives."""
    ws = session(server, "ann", subscribe=True, publish=True)
    call = '{"jsonrpc":"2.0","id":%s,"method":"session.ping"}'
    ping = '{"jsonrpc":"2.0","id":1,"method":"session.ping","params":%s}'
    rows = [("", "parse_error"), (" ", "parse_error"), ("{", "parse_error"), ("nul", "parse_error"),
            ("[" * 100000, "parse_error"), ('{"a":' * 17 + "1" + "}" * 17, "parse_error"), ("{}" * 2, "parse_error"),
            (call % "1" + "x", "parse_error"), (call % '1,"id":2', "parse_error"), (call % "01", "parse_error"),
            (call % "1e999", "parse_error"), (call % ("9" * 30), "parse_error"), (call % '"\\ud800"', "parse_error"),
            (call % '"\\u0000"', "parse_error"), ("null", "invalid_request"), ("7", "invalid_request"), ('"x"', "invalid_request"),
            ("[%s]" % (call % 1), "invalid_request"), (call % "null", "invalid_request"), (call % "1.5", "invalid_request"),
            (call % "1.0", "invalid_request"), (call % "true", "invalid_request"), (call % "{}", "invalid_request"),
            (call % "[1]", "invalid_request"), (call % ('"%s"' % ("x" * 65)), "invalid_request"), (ping % "[]", "invalid_param"),
            (ping % "null", "invalid_param"), (ping % '{"%s":1}' % ("ü" * 200), "invalid_param"),
            ('{"jsonrpc":"2.0","id":1,"method":"session.ping","%s":1}' % ("é" * 100), "invalid_request"),
            ('{"jsonrpc":"2.0","id":1,"method":"%s"}' % ("x" * 64), "method_not_found"),
            (ping % ('{"a":[' + "{}," * 100000 + "1]}"), "parse_error"),
            (json.dumps({"jsonrpc": "2.0", "id": 1, "method": "conference.offer", "params": {"sdp": "\x01\U0001F600" * 9000}}),
             "invalid_sdp"),
            (json.dumps({"jsonrpc": "2.0", "id": 1, "method": "conference.update", "params": {"metadata": {"a": "x" * 5000}}}),
             "invalid_param")]
    for text, want in rows:
        ws.send(text)
        got = ws.read()
        check(got.get("error", {}).get("data", {}).get("code") == want, text[:60], "is answered", got)
        check(len(json.dumps(got)) < 1000, "a long answer to", text[:60])
        time.sleep(0.025)
    for id in ("-9223372036854775808", '"é\\u2028\\""', "0", '""'):
        ws.send(call % id)
        check(ws.read()["id"] == json.loads(id), "id", id)
    check(ws.call("session.ping"), "still there")


def test_frames(server):
    """Frames that no client sends close the socket with the code that fits; none of them costs memory."""
    opened = session(server, "ann", subscribe=True)
    rows = [("too large before it is known", [Ws.frame(b"x" * 65537)], 1009), ("binary", [Ws.frame(b"{}", 2)], 1003),
            ("not UTF-8", [Ws.frame(b'"\xff"')], 1007), ("a surrogate", [Ws.frame(b'"\xed\xa0\x80"')], 1007),
            ("NUL", [Ws.frame(b"\0")], 1007),
            ("a size of 2^62", [b"\x81\xff" + struct.pack(">Q", 1 << 62) + bytes(104)], (1009, None)),
            ("a size of 2^63", [b"\x81\xff" + struct.pack(">Q", 1 << 63) + bytes(104)], (1009, 1002, None)),
            ("not masked", [b"\x81\x02{}"], (1002, 1007, None)), ("reserved bits", [b"\xf1\x82" + bytes(4) + b"{}"], (1002, None)),
            ("a continuation of nothing", [Ws.frame(b"{}", 0)], (1002, None)), ("an unknown opcode", [Ws.frame(b"{}", 3)], (1002, None)),
            ("a ping of 126 bytes", [Ws.frame(b"x" * 126, 9)], (1002, None)), ("65 fragments", [Ws.frame(b"x", 1, False)] +
             [Ws.frame(b"x", 0, False)] * 64, 1009), ("empty fragments", [Ws.frame(b"", 1, False)] + [Ws.frame(b"", 0, False)] * 500, 1009)]
    for name, frames, want in rows:
        ws = Ws(server)
        try:
            ws.sock.sendall(b"".join(frames))
            code = ws.ended()
        except ConnectionError:
            code = None
        check(code in (want if isinstance(want, tuple) else (want, None)), name, "closes with", code)
    opened.send(b"x" * 524289)
    check(opened.ended() in (1009, None), "too large")
    base = server.rss_kib()
    sockets = [Ws(server) for _ in range(20)]
    one = Ws.frame(b"x", 0, False) * 131000
    for ws in sockets:
        try:
            ws.sock.sendall(Ws.frame(b"x", 1, False) + one)
        except OSError:
            pass
    check(server.rss_kib() - base < 20000, "fragments cost", server.rss_kib() - base, "KiB")
    check(session(server, "bob").call("session.ping"), "others")


def test_storms_stop_nobody(server):
    """One guest sends values by the megabyte, garbage and calls as fast as it can; another one pings."""
    storms = [Ws.frame(('{"jsonrpc":"2.0","id":1,"method":"session.ping","params":{"a":[' + "{}," * 174000 + "1]}}").encode()),
              Ws.frame(b"{"), Ws.frame(b'{"jsonrpc":"2.0","id":1,"method":"session.ping"}'),
              Ws.frame(b'{"jsonrpc":"2.0","method":"conference.view","params":{}}'), Ws.frame(b"", 9)]
    nearby = Pinger(session(server, "nearby"))
    base = server.rss_kib()
    codes = []
    for i, frame in enumerate(storms):
        ws = session(server, f"storm{i}", subscribe=True)
        ws.sock.settimeout(1)
        stopped = i < 3  # the others may go on as long as they like
        until = time.monotonic() + (20 if stopped else 1.5)
        chunk = frame * max(1, 65536 // len(frame))
        try:
            while time.monotonic() < until:
                ws.sock.sendall(chunk)
        except OSError:
            pass  # closed, or not read any more
        codes += [ws.ended(20)] if stopped else []
    nearby.finish(1.0)
    check(server.rss_kib() - base < 40000, "storms cost", server.rss_kib() - base, "KiB")
    check(all(code in (4029, None) for code in codes), "closed with", codes)
    check(server.log_bytes() < 100000, "the log grew to", server.log_bytes())


def test_slow_reader_loses_only_its_own(server):
    """40 guests, one of them reads nothing, one changes its metadata all the time: bounded for everybody else."""
    guests = [session(server, f"g{i}", subscribe=True) for i in range(40)]
    slow = Ws(server, rcvbuf=4096)
    slow.join(server.sign({"sub": "slow", "exp": int(time.time()) + 600, "stoa": {"room": "demo", "subscribe": True}}))
    flap = session(server, "flap", subscribe=True)
    base = server.rss_kib()
    before = [g.bytes_in for g in guests]
    start, sent = time.monotonic(), 0
    while time.monotonic() - start < 4 or sent <= 200:
        flap.post("conference.update", {"metadata": {"n": sent, "pad": "x" * 4000}})
        sent += 1
        time.sleep(0.01)
    good = guests[0].call("session.ping")
    check(good, "another guest")
    updates = [m for m in guests[0].told if m["method"] == "participant.updated"]
    check([m["params"]["seq"] for m in updates] == list(range(updates[0]["params"]["seq"], updates[-1]["params"]["seq"] + 1)), "gaps")
    check(10 <= len(updates) <= 40 + 10 * (time.monotonic() - start), len(updates), "of", sent, "updates were told to everybody")
    check(server.rss_kib() - base < 30000, "cost", server.rss_kib() - base, "KiB")


def test_coming_and_going_is_limited(server):
    """One token opens, joins and leaves as fast as it can: the room hears of it a few times only."""
    watcher = session(server, "watcher")
    token, tries, codes = server.token("revolving"), 0, set()
    start = time.monotonic()
    while time.monotonic() - start < 2 or tries <= 100:
        ws = Ws(server)
        tries += 1
        try:
            if isinstance(ws.call("session.open", {"token": token}), dict):
                ws.post("conference.join")
            ws.post("session.close")
            codes.add(ws.ended())
        except Closed as closed:
            codes.add(closed.code)
        ws.close()
    check(watcher.call("session.ping"), "the watcher")
    joins = [m for m in watcher.told if m["method"] == "participant.joined"]
    check(4029 in codes, "tries", tries, codes)
    check(10 <= len(joins) <= 24 + 2 * (time.monotonic() - start), len(joins), "joins told of", tries)


def test_strangers_who_say_nothing(server):
    """200 sockets without a word, half of them without a handshake: they go in time, and a guest comes in meanwhile."""
    base = server.fds()
    idle = [Ws(server) for _ in range(150)]
    raw = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(50)]
    for s in raw:
        s.sendall(b"GET / HTTP/1.1\r\nHo")
    guest = session(server, "guest")
    check(server.fds() > base + 190, "the guest came in when the strangers had gone", server.fds(), base)
    for ws in idle:
        check(ws.ended() in (4008, None), "an idle stranger")
    wait_for("their descriptors", lambda: server.fds() <= base + 2, 20)
    check(guest.call("session.ping"), "the guest")
    for s in raw:
        s.close()


test_strangers_who_say_nothing.limits = dict(FEW, session_opening_ms=3000, http_request_ms=3000)


def test_two_thousand_sessions(server):
    """Opened and closed, opened and dropped, joined and dropped, opened by one identity: nothing stays."""
    tokens = [server.sign({"sub": f"g{i}", "exp": int(time.time()) + 600, "stoa": {"room": "demo"}}) for i in range(200)]
    session(server, "warm").close()
    wait_for("silence", server.silent, 20)
    fds, threads = server.fds(), server.threads()
    for i in range(450):  # the first ones fill pools and the allocator's caches
        ws = Ws(server)
        ws.open(tokens[i % 200])
        ws.close()
    wait_for("silence", server.silent, 20)
    rss = server.rss_kib()
    for i in range(1550):
        ws = Ws(server)
        kind = i % 4
        if kind == 0:
            ws.post("session.open", {"token": tokens[i % 200]})  # gone before the answer
        else:
            ws.open(tokens[i % 200])
        if kind == 1:
            ws.call("conference.join")
        if kind == 2:
            ws.call("session.close")
            ws.ended()
        ws.close()
    wait_for("silence", server.silent, 20)
    wait_for("descriptors", lambda: server.fds() <= fds, 20)
    check(server.threads() == threads, "threads", threads, server.threads())
    check(server.rss_kib() - rss < 3000, "resident", rss, server.rss_kib())


test_two_thousand_sessions.limits = dict(FEW, connections=400, peers=400)  # pools that the first 450 fill
test_two_thousand_sessions.env = {"level": "warn"}


def test_rooms_with_random_names(server):
    """1,200 rooms, one after the other and then at once: the limit holds, and none stays in memory."""
    tokens = [server.sign({"sub": "x", "exp": int(time.time()) + 600, "stoa": {"room": "r%032x" % random.getrandbits(128)}})
              for _ in range(120)]
    held, refused = [], 0
    for token in tokens:
        ws = Ws(server)
        try:
            opened = ws.call("session.open", {"token": token})
            held.append(ws) if isinstance(opened, dict) else None
            refused += not isinstance(opened, dict)
        except Closed:
            refused += 1
    check(server.open()["rooms"] == 100 and refused == 20, "rooms", server.open()["rooms"], "refused", refused)
    for ws in held:
        ws.close()
    wait_for("silence", server.silent, 20)


test_rooms_with_random_names.limits = dict(FEW, rooms=100)


def test_memory_mark(server):
    """Above the mark the next one is turned away, to come again."""
    def turned_away():
        ws = Ws(server)
        if ws.call("session.open", {"token": server.token("ann")}) != "unavailable":
            ws.close()
            return False
        check(ws.ended() == 1013, "closed with another code")
        return True
    wait_for("the mark is noticed", turned_away, 20)


test_memory_mark.limits = {"memory_high_mib": 1}


def test_sigterm_in_a_storm_of_joins(server):
    """The end comes while guests stream in: in time, in order, and each is told."""
    stop, closed, told, stay = threading.Event(), [], [], []

    def storm(n):
        i = 0
        while not stop.is_set():
            i += 1
            try:
                ws = Ws(server)
                ws.join(server.sign({"sub": f"s{n}-{i}", "exp": int(time.time()) + 600, "stoa": {"room": f"r{i % 7}"}}))
                if stop.is_set():
                    return
                if n < 3 and i > 20:  # stays to the end
                    stay.append(n)
                    while True:
                        message = ws.read()
                        told.append(message["params"].get("reason")) if message.get("method") == "session.closed" else None
            except Closed as end:
                closed.append(end.code)
            except (OSError, AssertionError, ValueError):
                pass

    threads = [threading.Thread(target=storm, args=(n,)) for n in range(6)]
    for t in threads:
        t.start()
    wait_for("some stay, others come and go", lambda: len(stay) >= 3, 60)
    start = time.monotonic()
    server.process.send_signal(signal.SIGTERM)
    status = server.process.wait(60)
    took = time.monotonic() - start
    stop.set()
    for t in threads:
        t.join()
    check(status == 0, "ended with", status)
    check(took < 7, "took", took)
    check("shutdown" in told and 1012 in closed, "told", told, closed)


test_sigterm_in_a_storm_of_joins.limits = {"drain_ms": 2000}


def test_a_frozen_server_goes_on(server):
    """Stopped for three seconds as by a debugger or a full machine, it does not take its own threads for dead."""
    guest = session(server, "guest")
    server.process.send_signal(signal.SIGSTOP)
    time.sleep(3)
    server.process.send_signal(signal.SIGCONT)
    time.sleep(1.2)
    server.alive()
    check(guest.call("session.ping"), "the guest")


test_a_frozen_server_goes_on.limits = {"worker_silent_ms": 2000}


def test_nobody_reads_the_log(server):
    """A pager or a stopped terminal behind standard error: lines are lost, guests are not."""
    server.stop()
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
    deaf = Server(log=writer)
    try:
        for i in range(60):
            session(deaf, f"g{i}").close()
        check(deaf.stop() == 0, "the end")
    finally:
        deaf.process.kill()
        os.close(reader)
        os.close(writer)


def test_the_shortest_watchdog_is_quiet(server):
    time.sleep(2)
    server.alive()


test_the_shortest_watchdog_is_quiet.limits = {"worker_silent_ms": 500}

"""Datagrams of strangers while real peers talk: no answer, no harm, no growth."""
import hashlib
import hmac
import json
import os
import random
import re
import signal
import socket
import struct
import subprocess
import tempfile
import time
import zlib

import rig
from rig import check, wait_for
from test_doors import SDP, session

QUICK = {"session_detached_ms": 1000, "peer_stale_ms": 1000}
HELLO = bytes.fromhex("16fefd0000000000000000003a0100002e000000000000002efefd") + bytes(32) + \
    bytes.fromhex("0000000200000100")  # a ClientHello whose only cipher is the null cipher


class Peers:
    """One stoa-native-peer process."""

    def __init__(self, server, count, seconds, *args, identity="native-"):
        self.count = count
        self.out, self.err = tempfile.NamedTemporaryFile("w+"), tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(
            [os.path.join(rig.BUILD, "bin", "stoa-native-peer"), "--port", str(server.port), "--room", "demo",
             "--peers", str(count), "--duration-ms", str(int(seconds * 1000)), "--identity", identity, *args],
            stdout=self.out, stderr=self.err)

    def lines(self):
        with open(self.out.name) as out:  # by an offset of its own: where self.out stands the peers write
            return [json.loads(line) for line in out if line.endswith("}\n")]

    def finish(self):
        """The last statistics of each."""
        self.process.wait(120)
        lines = self.lines()
        check(self.process.returncode == 0, "peers ended with", self.process.returncode,
              [line for line in lines if line["event"] == "error"])
        last = [[l for l in lines if l["event"] == "stats" and l["peer"] == i] for i in range(self.count)]
        check(all(last), "a peer gave no statistics")
        for stats in (rows[-1] for rows in last):
            media = stats["media"]
            check(stats["state"] == "up" and media["handshakes"] == 1, "peer", stats["peer"], stats["state"])
            check(media["bad_srtp"] == 0 and media["unknown_ssrc"] == 0, "odd packets", media["bad_srtp"], media["unknown_ssrc"])
        return [rows[-1] for rows in last]


def fed(stats):
    return [rx for rx in stats["media"]["rx"] if rx["packets"] > 0]


def strangers(count):
    """Sockets on loopback addresses of their own."""
    sockets = []
    for i in range(count):
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.bind((f"127.0.0.{2 + i}", 0))
        s.setblocking(False)
        sockets.append(s)
    return sockets


def send(s, data, port):
    try:
        return s.sendto(data, ("127.0.0.1", port))
    except OSError:  # full, or a port without a worker
        return 0


def answers(sockets):
    """What came back, in bytes."""
    total = 0
    for s in sockets:
        try:
            while True:
                total += len(s.recv(4096))
        except OSError:
            pass
    return total


def ports(server):
    """One per worker: those that announce themselves in /metrics are as many as cores."""
    return range(server.media, server.media + (os.cpu_count() or 1))


def drops(server):
    return {name: value for name, value in server.metrics().items() if name.startswith("stoa_drops_total")}


def stun(user=None, password=None, kind=1, more=b""):
    """A Binding request (RFC 8489) with USERNAME, MESSAGE-INTEGRITY and FINGERPRINT when a password is given."""
    def attr(type, value):
        return struct.pack(">HH", type, len(value)) + value + bytes(-len(value) % 4)

    body = (attr(6, user) if user else b"") + more
    id = os.urandom(12)

    def head(size):
        return struct.pack(">HHI", kind, size, 0x2112A442) + id

    if password is not None:
        body += attr(8, hmac.new(password, head(len(body) + 24) + body, hashlib.sha1).digest())
        body += attr(0x8028, struct.pack(">I", zlib.crc32(head(len(body) + 8) + body) ^ 0x5354554E))
    return head(len(body)) + body


def junk(rng):
    """One datagram of 0..2,000 bytes: noise, or the head of a STUN, DTLS, RTP or RTCP packet cut anywhere."""
    size = rng.choice((0, 1, 2, 3, 4, 8, 11, 12, 13, 20, 28, rng.randrange(100), rng.randrange(1500), rng.randrange(2001)))
    noise = rng.randbytes(size)
    heads = (b"", stun(b"abcd:efgh", b"x" * 22), HELLO, b"\x17\xfe\xfd" + noise[:10], b"\x80\x60" + noise[:10],
             b"\x90\xe0" + noise[:10] + b"\xbe\xde\xff\xff", b"\x80\xc8\x00\x06" + noise[:24], b"\x81\xcd\xff\xff" + noise[:20],
             b"\xbf\xcb\x00\x00", b"\x00\x01\xff\xff\x21\x12\xa4\x42", stun(kind=0x101))
    return (rng.choice(heads) + noise)[:rng.randrange(2001) if rng.random() < 0.3 else 2000]


def test_junk_during_a_call(server):
    """3 strangers send 5,000 datagrams a second of everything: the call goes on, and nothing comes back or piles up."""
    rng = random.Random(7)
    packets = [junk(rng) for _ in range(4000)]
    peers = Peers(server, 2, 9, "--pairs", "1", "--publish", "microphone,camera", "--fps", "10")
    wait_for("both are up", lambda: server.open()["peers"] == 2 and server.open()["tracks"] == 4, 60)
    time.sleep(1.5)
    sockets, before, base, log = strangers(3), drops(server), server.rss_kib(), server.log_bytes()
    sent, start = 0, time.monotonic()
    while time.monotonic() - start < 4:
        for _ in range(100):
            send(sockets[sent % 3], packets[sent % len(packets)], ports(server)[sent % len(ports(server))])
            sent += 1
        time.sleep(max(0, start + sent / 5000 - time.monotonic()))
    after = drops(server)
    back = answers(sockets)
    grown = server.rss_kib() - base
    stats = peers.finish()
    check(sent > 10000, "the spray did not run:", sent)
    check(back == 0, back, "bytes came back")
    check(sum(after.values()) - sum(before.values()) > sent * 0.8, "counted", sum(after.values()) - sum(before.values()), "of", sent)
    check(sum(after[k] > before.get(k, 0) for k in after) >= 6, "kinds of drops", [k for k in after if after[k] > before.get(k, 0)])
    check(grown < 4000, "resident grew by", grown)
    check(server.log_bytes() - log < 20000, "the log grew by", server.log_bytes() - log)
    for row in stats:
        check(len(fed(row)) == 2, "streams", len(fed(row)))
        # the kernel may drop some of the call's on a machine that is this busy
        check(all(rx["lost"] <= 0.02 * rx["packets"] for rx in fed(row)), "lost", [(rx["lost"], rx["packets"]) for rx in fed(row)])


def test_hellos_during_joins(server):
    """ClientHellos of strangers before, during and after 20 handshakes: all 20 connect."""
    sockets = strangers(3)
    peers = Peers(server, 20, 5, "--pairs", "1", "--publish", "microphone", "--silent", "--stagger-ms", "60")
    sent = 0
    while peers.process.poll() is None:
        for port in ports(server):
            for s in sockets:
                sent += send(s, HELLO, port) > 0
        time.sleep(0.003)
    up = [row["up_ms"] for row in peers.finish()]
    check(sent > 2000, "sent", sent)
    check(answers(sockets) == 0, "a stranger was answered")
    print(f"          up within {max(up)} ms", flush=True)
    check(max(up) < 3000, "slowest", sorted(up)[-3:])


def test_injected_media_goes_nowhere(server):
    """RTP and RTCP with the right SSRCs, from a third socket: counted, not relayed, not answered, nobody moves."""
    peers = Peers(server, 2, 6, "--pairs", "1", "--publish", "microphone,camera", "--stats-ms", "200")
    wait_for("media flows", lambda: [l for l in peers.lines() if l["event"] == "stats" and len(fed(l)) == 2], 60)
    stats = [l for l in peers.lines() if l["event"] == "stats"]
    ssrcs = {rx["ssrc"] for l in stats for rx in l["media"]["rx"]} | {tx["ssrc"] for l in stats for tx in l["media"]["tx"]}
    check(len(ssrcs) >= 8, "SSRCs", ssrcs)
    sockets, before = strangers(1), drops(server)
    sent = 0
    for i in range(100):
        for ssrc in ssrcs:
            for data in (struct.pack(">BBHII", 0x80, 96, i, i * 3000, ssrc) + b"x" * 200,
                         struct.pack(">BBHI", 0x80, 203, 1, ssrc), struct.pack(">BBHIIIIII", 0x80, 200, 6, ssrc, 1, 2, 3, 4, 5)):
                sent += sum(send(sockets[0], data, port) > 0 for port in ports(server))
        time.sleep(0.005)
    name = 'stoa_drops_total{reason="udp_unknown_source"}'
    wait_for("all are counted", lambda: drops(server)[name] - before[name] >= sent * 0.98, 20)
    for row in peers.finish():
        check(len(fed(row)) == 2, "streams", len(fed(row)))
        check(all(rx["backward_ts"] == 0 and rx["duplicates"] == 0 for rx in fed(row)), "strange packets", fed(row))
        check(all(rx["idle_ms"] < 1000 for rx in fed(row)), "it ended", fed(row))
    check(answers(sockets) == 0, "a stranger was answered")


def test_stun_answers_only_who_knows_the_password(server):
    """Right name, wrong password: silence.  Right ones: an answer, hence the test can fail.  Never more bytes out than in."""
    ann = session(server, "ann", publish=True, subscribe=True)
    answer = ann.call("conference.offer", {"sdp": SDP % "sendonly", "tracks": [{"mid": "0", "source": "microphone"}]})["sdp"]
    ufrag, pwd = (re.search(rf"a=ice-{k}:(\S+)", answer).group(1).encode() for k in ("ufrag", "pwd"))
    port = int(re.search(r"a=candidate:\S+ \d udp \d+ \S+ (\d+)", answer).group(1))
    nominate = struct.pack(">HHI", 0x24, 4, 1 << 24) + struct.pack(">HHQ", 0x802A, 8, 1)
    nominate += struct.pack(">HH", 0x25, 0)
    user, sockets = ufrag + b":abcd", strangers(1)
    wrong = [stun(user, b"x" * len(pwd), more=nominate), stun(user, b"", more=nominate), stun(user, pwd[:-1], more=nominate),
             stun(user, more=nominate), stun(b"zzzz:abcd", pwd, more=nominate), stun(b"abcd:" + ufrag, pwd, more=nominate),
             stun(ufrag, pwd, more=nominate), stun(None, pwd, more=nominate), stun(user, pwd, kind=0x11, more=nominate),
             stun(user, pwd, kind=3, more=nominate), stun(user, pwd, more=nominate)[:-1], stun()]
    for data in wrong * 20:
        send(sockets[0], data, port)
    time.sleep(0.3)
    check(answers(sockets) == 0, "a stranger was answered")
    right = stun(user, pwd, more=nominate)
    send(sockets[0], right, port)
    back = wait_for("an answer", lambda: answers(sockets), 20)
    check(0 < back <= len(right), "the right password is answered by", back, "bytes to", len(right))
    send(sockets[0], HELLO, port)  # now validated: it may begin a handshake, and fails without effect on others
    check(session(server, "bob").call("session.ping"), "the server")


def test_killed_clients_leave_nothing(server):
    """50 peers join, publish and are killed, five processes one after the other: all gone behind the deadlines."""
    full = []
    for i in range(5):
        peers = Peers(server, 10, 30, "--pairs", "2", "--publish", "microphone,camera", "--fps", "5", "--width", "160",
                      "--height", "90", "--kbps", "60", identity=f"k{i}-")
        wait_for("all are up", lambda: server.open()["peers"] == 10 and server.open()["tracks"] == 20, 60)
        time.sleep(0.5)
        full.append(server.rss_kib())
        peers.process.send_signal(signal.SIGKILL)
        peers.process.wait()
        wait_for("silence", server.silent, 20)
        fds = server.fds() if i == 0 else fds
    check(server.open()["slots"] == 0, "slots", server.open())
    wait_for("the descriptors of the first round", lambda: server.fds() <= fds, 20)
    # each ten cost what ten cost: nothing is kept, and memory that was used once costs no more than fresh
    check(max(full + [server.rss_kib()]) < full[0] + 4000, "resident", full, server.rss_kib())


test_killed_clients_leave_nothing.limits = QUICK

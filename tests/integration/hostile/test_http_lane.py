"""Signalling over HTTP: calls by POST, notifications by server-sent events, and those who misuse either."""
import http.client
import json
import socket
import threading
import time

from rig import Ws, check, wait_for
from test_doors import claims, session

SHORT = {"session_detached_ms": 3000}


def post(server, body, authorization=None, content_type="application/json", **headers):
    """(status, parsed body)"""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    fields = {k.replace("_", "-"): v for k, v in headers.items()}
    if content_type:
        fields["Content-Type"] = content_type
    if authorization:
        fields["Authorization"] = "Bearer " + authorization
    try:
        connection.request("POST", "/v1/rpc", body if isinstance(body, (str, bytes)) else json.dumps(body), fields)
        answer = connection.getresponse()
        text = answer.read().decode()
        return answer.status, json.loads(text) if text else None
    finally:
        connection.close()


def message(method, params=None, id=1):
    return {"jsonrpc": "2.0", "id": id, "method": method, "params": params or {}}


class Guest:
    """A session over HTTP alone."""

    def __init__(self, server, identity, join=True, **grants):
        self.server = server
        status, answer = post(server, message("session.open"), server.sign(claims(identity, **grants)))
        check(status == 200 and "result" in answer, status, answer)
        self.opened = answer["result"]
        self.bearer = self.opened["bearer"]
        self.me = self.call("conference.join")["participant"]["id"] if join else None

    def call(self, method, params=None):
        status, answer = post(self.server, message(method, params), self.bearer)
        check(status == 200, method, "is answered with", status, answer)
        return answer["result"] if "result" in answer else answer["error"]["data"]["code"]


class Stream:
    """GET /v1/events, read event by event."""

    def __init__(self, server, bearer, after=None, rcvbuf=None):
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        if rcvbuf:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, rcvbuf)
        self.sock.settimeout(60)
        self.sock.connect(("127.0.0.1", server.port))
        head = [f"GET /v1/events HTTP/1.1\r\nHost: 127.0.0.1:{server.port}"]
        head += [f"Authorization: Bearer {bearer}"] if bearer else []
        head += [f"Last-Event-ID: {after}"] if after is not None else []
        self.sock.sendall(("\r\n".join(head) + "\r\n\r\n").encode())
        self.buffer = b""
        self.status = None

    def until(self, mark):
        """What comes before the mark; None when the connection ends first."""
        while mark not in self.buffer:
            data = self.sock.recv(65536)
            if not data:
                return None
            self.buffer += data
        text, self.buffer = self.buffer.split(mark, 1)
        return text.decode()

    def head(self):
        head = self.until(b"\r\n\r\n")
        check(head, "no answer")
        self.status = int(head.split()[1])
        self.headers = head.lower()
        return self.status

    def next(self):
        """The next event's fields; None at the end."""
        if self.status is None:
            check(self.head() == 200, "no stream but", self.status)
        while True:
            text = self.until(b"\n\n")
            if text is None:
                return None
            fields = dict(line.split(": ", 1) for line in text.split("\n") if line and line[0] != ":")
            if fields:
                fields["data"] = json.loads(fields["data"])
                return fields

    def numbered(self, count):
        """So many events that have a number: (number, method, params)."""
        rows = []
        while len(rows) < count:
            event = self.next()
            check(event, "the stream ended behind", rows)
            if "id" in event:
                rows.append((int(event["id"]), event["data"]["method"], event["data"]["params"]))
        return rows

    def ended(self):
        """Reads on to the end; the last event."""
        last = None
        try:
            while event := self.next():
                last = event
        except ConnectionError:
            pass
        return last

    def close(self):
        self.sock.close()


def stir(ws, numbers):
    for n in numbers:
        check(ws.call("conference.update", {"metadata": {"n": n}}) == {}, "update", n)
        time.sleep(0.3)  # its rate


def test_http_lane(server):
    """A session without a WebSocket: the same methods, and each notification once and in order over broken streams."""
    ann = Guest(server, "ann", subscribe=True, publish=True)
    stream = Stream(server, ann.bearer)
    bob = session(server, "bob", subscribe=True, publish=True)
    first = stream.numbered(1)
    check(first[0][1] == "participant.joined" and first[0][2]["participant"]["identity"] == "bob", first)
    check("text/event-stream" in stream.headers and "no-store" in stream.headers, stream.headers)
    told = []
    for round in range(4):
        stir(bob, range(3 * round, 3 * round + 3))
        if round % 2:  # cut while events are on the way
            rows = stream.numbered(1)
            told += rows
        stream.close()
        after = told[-1][0] if told else first[0][0]
        stream = Stream(server, ann.bearer, after)
    told += stream.numbered(12 - len(told))
    numbers = [n for n, _, _ in told]
    check(numbers == list(range(numbers[0], numbers[0] + 12)) and numbers[0] == first[0][0] + 1, numbers)
    check([p["metadata"]["n"] for _, _, p in told] == list(range(12)), told)
    check(all(p["seq"] == n for n, _, p in told), "the numbers are those of the notifications")
    again = Stream(server, ann.bearer, numbers[-1])
    check(stream.ended()["data"]["code"] == 4013, "another stream takes its place")
    check(ann.call("session.ping")["time_us"] > 0, "a call between")
    check(post(server, {"jsonrpc": "2.0", "method": "session.ping"}, ann.bearer) == (202, None), "a notification")
    check(ann.call("session.close") == {}, "closed")
    check(again.ended()["data"]["code"] == 1000, "the stream ends with its session")
    check(post(server, message("session.ping"), ann.bearer)[0] == 410, "it is over")
    bob.call("session.close")
    wait_for("nobody left", server.silent, 20)


def test_http_lane_from_websocket(server):
    """A session goes from a WebSocket to HTTP and back by its secret; what one was told the other does not repeat."""
    ann = session(server, "ann", subscribe=True)
    resume = dict(session=ann.opened["session"], secret=ann.opened["secret"], seq=0)
    bob = session(server, "bob", subscribe=True)
    status, answer = post(server, message("session.resume", resume))
    check(status == 200 and answer["result"]["bearer"].startswith(resume["session"]), answer)
    check(ann.ended() == 4013, "the WebSocket goes")
    bearer, secret = answer["result"]["bearer"], answer["result"]["secret"]
    stream = Stream(server, bearer, 0)
    check([n for n, _, _ in stream.numbered(1)] == [1], "from the start")
    back = Ws(server)
    resumed = back.call("session.resume", dict(resume, secret=secret, seq=1))
    check(isinstance(resumed, dict) and "bearer" not in resumed, resumed)
    check(stream.ended()["data"]["code"] == 4013, "the stream goes")
    check(post(server, message("session.ping"), bearer)[0] == 401, "what HTTP carried is worth nothing now")
    stir(bob, [7])
    told = back.read()
    check(told["params"]["seq"] == 2 and told["params"]["metadata"] == {"n": 7}, told)


def test_http_lane_doors(server):
    """Whoever is nobody, somebody else, or says nonsense is told so, and nothing changes."""
    ann, bob = Guest(server, "ann", subscribe=True), Guest(server, "bob", subscribe=True)
    ping = message("session.ping")
    other = ann.bearer.split(".")[0] + "." + bob.bearer.split(".")[1]
    unknown = "ps_" + "a" * 26 + "." + bob.bearer.split(".")[1]
    big = message("conference.update", {"metadata": {"a": "x" * 600000}})
    rows = [("somebody else's key", ping, dict(authorization=other), 401), ("no such session", ping, dict(authorization=unknown), 410),
            ("no key", ping, dict(authorization=ann.bearer.split(".")[0]), 401), ("a long key", ping, dict(authorization=ann.bearer + "AA"), 401),
            ("no type", ping, dict(authorization=ann.bearer, content_type=None), 415),
            ("a form", ping, dict(authorization=ann.bearer, content_type="text/plain"), 415),
            ("nothing", "", dict(authorization=ann.bearer), 400), ("a foreign page", ping, dict(authorization=ann.bearer, Origin="https://evil.example"), 403),
            ("too large for anybody", b"x" * (1 << 20) + b"xx", dict(authorization=ann.bearer), 413),
            ("too large for a stranger", json.dumps(message("session.open", {"token": "x" * 70000})), {}, 413)]
    for name, body, how, want in rows:
        status, answer = post(server, body, **how)
        check(status == want and answer["status"] == want, name, status, answer)
    errors = [("not JSON", "{", ann.bearer, "parse_error"), ("a batch", "[]", ann.bearer, "invalid_request"),
              ("too large a text", big, ann.bearer, "too_large"), ("no method", message("no.such"), ann.bearer, "method_not_found"),
              ("open twice", message("session.open", {"token": "x"}), ann.bearer, "conflict"),
              ("no token", message("session.open"), None, "invalid_param"), ("a stranger", ping, None, "unauthenticated"),
              ("a bad token", message("session.open"), server.sign(claims("eve"), secret=b"x" * 32), "unauthenticated"),
              ("not its secret", message("session.resume", dict(session=ann.opened["session"], secret="A" * 22, seq=0)), None, "unauthenticated")]
    for name, body, authorization, want in errors:
        status, answer = post(server, body, authorization)
        check(status == 200 and answer["error"]["data"]["code"] == want, name, status, answer)
    for name, bearer, after, want in [("nobody", None, None, 401), ("a token", server.sign(claims("eve")), None, 401), ("a mix", other, None, 401),
                                      ("no such session", unknown, None, 410), ("no number", ann.bearer, "x", 400),
                                      ("a long number", ann.bearer, "9" * 21, 400)]:
        check(Stream(server, bearer, after).head() == want, "a stream for", name)
    check(ann.call("session.ping") != "gone" and bob.call("session.ping") != "gone", "both are still there")
    check(Stream(server, ann.bearer, 99).head() == 410, "what was never told")
    check(post(server, ping, ann.bearer)[0] == 410, "such a session is over, as on a WebSocket")
    check(bob.call("session.ping") != "gone", "bob's is not")


def test_http_lane_slow_reader(server):
    """A stream that nobody reads ends; its session's place, the memory and the others' pace are not touched."""
    ann = Guest(server, "ann", subscribe=True)
    stream = Stream(server, ann.bearer, 0, rcvbuf=2048)
    check(stream.head() == 200, "a stream")
    others = [session(server, f"bob{i}", subscribe=True) for i in range(8)]
    before, worst = server.rss_kib(), 0
    slow = lambda: sum(v for k, v in server.metrics().items() if "slow" in k)
    start = slow()
    for i in range(600):
        for ws in others:
            at = time.monotonic()
            ws.call("conference.update", {"metadata": {"i": i, "a": "x" * 3900}})
            worst = max(worst, time.monotonic() - at)
            ws.told.clear()
        if i % 10 == 0 and slow() > start:
            break
    check(slow() > start, "nobody noticed the slow reader")
    print(f"          others waited {worst * 1000:.0f} ms at most", flush=True)
    check(worst < 1, "the others waited", worst)
    check(server.rss_kib() - before < 64 * 1024, "memory grew by", server.rss_kib() - before, "KiB")


test_http_lane_slow_reader.limits = {"ws_send_queue_bytes": 1048576, "rpc_per_second": 1000, "rpc_burst": 4000}


def test_http_lane_many(server):
    """Hundreds of streams of one session, opened at once: one of them lives, the others end; calls go on meanwhile."""
    ann = Guest(server, "ann", subscribe=True)
    fds = server.fds()
    streams = [Stream(server, ann.bearer, 0) for _ in range(300)]
    answers = []
    callers = [threading.Thread(target=lambda: answers.append(ann.call("session.ping"))) for _ in range(20)]
    for thread in callers:
        thread.start()
    for thread in callers:
        thread.join()
    check(len(answers) == 20 and all(isinstance(a, dict) or a == "rate_limited" for a in answers), answers)
    wait_for("one lane", lambda: server.open().get("lanes") == 1, 20)
    for stream in streams:
        stream.close()
    wait_for("no lane", lambda: server.open().get("lanes") == 0, 20)
    wait_for("the sockets are gone", lambda: server.fds() <= fds + 2, 20)
    check(isinstance(ann.call("session.ping"), dict), "the session waits for a stream")


test_http_lane_many.limits = {"network_unauthenticated": 1000}


def test_http_lane_deadlines(server):
    """A session whose stream never opens, or never comes back, ends in time; a request that stops halfway too."""
    Guest(server, "ann", subscribe=True)
    bob = Guest(server, "bob", subscribe=True)
    stream = Stream(server, bob.bearer, 0)
    check(stream.head() == 200, "a stream")
    wait_for("only bob", lambda: server.open().get("sessions") == 1, 20)
    stream.close()
    wait_for("nobody", server.silent, 20)
    check(post(server, message("session.ping"), bob.bearer)[0] == 410, "gone")


test_http_lane_deadlines.limits = SHORT

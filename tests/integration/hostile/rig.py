"""What the hostile tests stand on: the real server on free ports, and raw sockets that say anything.

Nothing here is polite: the WebSocket sends what it is told, frame by frame.  Python's own library only.
"""
import base64
import hashlib
import hmac
import json
import os
import re
import socket
import struct
import subprocess
import sys
import tempfile
import time
import traceback
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "common"))
from ports import free_ports  # noqa: E402

BUILD = ""
FINDING = re.compile(r"(ERROR|WARNING): \w+Sanitizer|runtime error:")


def check(condition, *what):
    if not condition:
        raise AssertionError(" ".join(str(w) for w in what))


def wait_for(what, fn, seconds):
    """The first true value of fn(); fails after so many seconds."""
    deadline = time.monotonic() + seconds
    while True:
        value = fn()
        if value:
            return value
        check(time.monotonic() < deadline, "not within", seconds, "s:", what)
        time.sleep(0.05)


def lowest(read):
    """Over a second: the connection that asked for metrics may not be closed yet."""
    values = []
    for _ in range(10):
        values.append(read())
        time.sleep(0.1)
    return min(values)


def judge(name, server, test):
    """Runs test(server), and says in one line how it went: in case it failed, why, and then what led to it."""
    start, why, trace = time.monotonic(), None, ""
    try:
        test(server)
        wait_for("nobody is left", server.silent, 20)
    except Exception as error:
        why, trace = f"{type(error).__name__} {error}", traceback.format_exc()
    status = server.stop()
    if not why and status != 0:
        why = f"the server ended with {status}"
    if why:
        print(f"  FAILED  {name}: {why[:600]}\n{server.last_words()}\n{trace}", flush=True)
        return False
    print(f"  ok      {name} ({time.monotonic() - start:.1f} s)", flush=True)
    return True


class Server:
    """The real stoad in a folder of its own.  limits={"peer_ice_ms": 1000} shortens a deadline."""

    def __init__(self, limits=None, level="info", log=None, **env):
        self.folder = tempfile.TemporaryDirectory(prefix="stoa-hostile-")
        self.port, self.media, self.dev_key = free_ports(1), free_ports(8), None
        self.log_path = os.path.join(self.folder.name, "log")
        values = dict(os.environ, STOA_HTTP_PORT=str(self.port), STOA_MEDIA_PORT_BASE=str(self.media),
                      STOA_DATA_DIR=os.path.join(self.folder.name, "data"), STOA_LOG_LEVEL=level, **env)
        values.update({"STOA_LIMITS_" + k.upper(): str(v) for k, v in (limits or {}).items()})
        with open(self.log_path, "w") as file:
            self.process = subprocess.Popen([os.path.join(BUILD, "bin", "stoad")], env=values, stdout=file,
                                            stderr=file if log is None else log)
        wait_for("the server is ready", self.ready, 60)

    def ready(self):
        check(self.process.poll() is None, "the server ended:", self.log()[-500:])
        try:
            return self.get("/readyz")
        except OSError:
            return None

    def get(self, path):
        return urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=60).read().decode()

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
        try:
            return self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()

    def alive(self):
        check(self.process.poll() is None, "the server ended with", self.process.poll())

    # ---- what it uses

    def rss_kib(self):
        if os.environ.get("STOA_IGNORE_RSS"):  # under a sanitizer, whose own memory is most of it
            return 0
        with open(f"/proc/{self.process.pid}/status") as f:
            return int(re.search(r"VmRSS:\s+(\d+)", f.read()).group(1))

    def fds(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def threads(self):
        return len(os.listdir(f"/proc/{self.process.pid}/task"))

    def log_bytes(self):
        return os.path.getsize(self.log_path)

    def log(self):
        with open(self.log_path, errors="replace") as f:
            return f.read()

    def last_words(self):
        """What a sanitizer found, else the last lines, indented."""
        lines = self.log().splitlines()
        found = next((i for i, line in enumerate(lines) if FINDING.search(line)), None)
        return "\n".join("    | " + line for line in (lines[-20:] if found is None else lines[found:found + 60]))

    def metrics(self):
        """{"stoa_open{what=\"lanes\"}": 3.0, …}"""
        rows = (line.rsplit(" ", 1) for line in self.get("/metrics").splitlines() if line[:1] not in ("", "#"))
        return {name: float(value) for name, value in rows}

    def open(self):
        """The gauges stoa_open by kind."""
        return {re.search(r'"(.*)"', name).group(1): value for name, value in self.metrics().items()
                if name.startswith("stoa_open{")}

    def silent(self):
        """Nobody is there any more."""
        gauges = self.open()
        return all(gauges.get(k, 0) == 0 for k in ("sessions", "rooms", "participants", "tracks", "lanes", "peers"))

    # ---- tokens

    def token(self, identity, room="demo", **more):
        body = json.dumps(dict(room=room, identity=identity, name=identity, **more)).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/v1/dev/token", body, {
            "Content-Type": "application/json", "Origin": f"http://127.0.0.1:{self.port}"})
        return json.loads(urllib.request.urlopen(request, timeout=60).read())["token"]

    def sign(self, payload, header=None, kid=None, secret=None):
        """A token that says anything, signed with the development key: payload and header as they are when bytes."""
        if not self.dev_key:
            with open(os.path.join(self.folder.name, "data", "dev.key")) as f:
                self.dev_key = f.read().split()
        kid = kid or self.dev_key[0]
        header = header if header is not None else {"alg": "HS256", "kid": kid, "typ": "JWT"}
        parts = [base64url(p if isinstance(p, bytes) else json.dumps(p).encode()) for p in (header, payload)]
        secret = secret or unbase64(self.dev_key[1])
        parts.append(base64url(hmac.new(secret, ".".join(parts).encode(), hashlib.sha256).digest()))
        return ".".join(parts)


def base64url(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def unbase64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Closed(Exception):
    """The server closed the WebSocket; code is None when it sent no close frame."""

    def __init__(self, code, reason=""):
        super().__init__(f"closed with {code} {reason}")
        self.code, self.reason = code, reason


class Ws:
    """A WebSocket with no manners of its own."""

    def __init__(self, server, rcvbuf=None, timeout=60):
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        if rcvbuf:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, rcvbuf)
        self.sock.settimeout(timeout)
        self.sock.connect(("127.0.0.1", server.port))
        self.sock.sendall((f"GET /v1/rtc HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nUpgrade: websocket\r\n"
                           "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: stoa.v1\r\n"
                           "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n").encode())
        self.buffer = b""
        while b"\r\n\r\n" not in self.buffer:
            self.fill()
        head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        check(head.startswith(b"HTTP/1.1 101"), head[:100])
        self.id = 0
        self.told = []  # notifications that came while an answer was awaited
        self.bytes_in = 0

    def fill(self):
        data = self.sock.recv(65536)
        if not data:
            raise Closed(None)
        self.buffer += data

    @staticmethod
    def frame(payload, opcode=1, fin=True):
        size = len(payload)
        length = bytes([0x80 | size]) if size < 126 else \
            b"\xfe" + struct.pack(">H", size) if size < 65536 else b"\xff" + struct.pack(">Q", size)
        return bytes([(0x80 if fin else 0) | opcode]) + length + bytes(4) + payload  # a mask of zeros

    def send(self, payload, opcode=1, fin=True):
        self.sock.sendall(self.frame(payload.encode() if isinstance(payload, str) else payload, opcode, fin))

    def need(self, n):
        while len(self.buffer) < n:
            self.fill()

    def read(self):
        """The next text message, parsed.  Closed when it is over."""
        while True:
            self.need(2)
            opcode, size, at = self.buffer[0] & 15, self.buffer[1] & 127, 2
            if size == 126:
                self.need(4)
                size, at = struct.unpack(">H", self.buffer[2:4])[0], 4
            elif size == 127:
                self.need(10)
                size, at = struct.unpack(">Q", self.buffer[2:10])[0], 10
            self.need(at + size)
            data, self.buffer = self.buffer[at:at + size], self.buffer[at + size:]
            self.bytes_in += at + size
            if opcode == 8:
                raise Closed(struct.unpack(">H", data[:2])[0] if size >= 2 else None, data[2:].decode(errors="replace"))
            if opcode == 9:
                self.send(data, 10)
            if opcode == 1:
                return json.loads(data.decode())  # what is not UTF-8 fails here

    def post(self, method, params=None, **more):
        self.id += 1
        message = dict(jsonrpc="2.0", id=self.id, method=method, **more)
        if params is not None:
            message["params"] = params
        self.send(json.dumps(message))
        return self.id

    def answer(self, id):
        while True:
            message = self.read()
            if "id" in message and message["id"] == id:
                return message
            self.told.append(message)

    def call(self, method, params=None):
        """The result, or the error's code as a string."""
        message = self.answer(self.post(method, params))
        return message["result"] if "result" in message else message["error"]["data"]["code"]

    def open(self, token):
        opened = self.call("session.open", {"token": token})
        check(isinstance(opened, dict), "not opened:", opened)
        return opened

    def join(self, token):
        self.open(token)
        return self.call("conference.join")

    def ended(self, seconds=60):
        """Reads until the server closes; the close code."""
        self.sock.settimeout(seconds)
        try:
            while True:
                self.read()
        except Closed as closed:
            return closed.code
        except ConnectionError:
            return None

    def close(self):
        self.sock.close()

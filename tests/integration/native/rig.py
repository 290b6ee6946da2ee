"""What the calls stand on: the real server on free ports, and processes of native peers.

Nothing but Python's own library is needed.
"""
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "common"))
from ports import free_ports  # noqa: E402

READY_S = 120  # under valgrind, on a slow machine
COLOURS = [(90, 240), (240, 110), (54, 34), (16, 146), (202, 222), (166, 16), (128, 128), (40, 200)]
BUILD = SERVER_BUILD = ""
FINDING = re.compile(r"(ERROR|WARNING): \w+Sanitizer|runtime error:|^==\d+== ")


def check(condition, *what):
    if not condition:
        raise AssertionError(" ".join(str(w) for w in what))


class Server:
    def __init__(self, settings=None):
        self.folder = tempfile.TemporaryDirectory(prefix="stoa-native-")
        self.port = free_ports(1)
        self.media = free_ports(8)
        self.log = open(os.path.join(self.folder.name, "log"), "w+")
        env = dict(os.environ, STOA_HTTP_PORT=str(self.port), STOA_MEDIA_PORT_BASE=str(self.media),
                   STOA_DATA_DIR=os.path.join(self.folder.name, "data"), STOA_LOG_LEVEL="debug", **(settings or {}))
        command = os.environ.get("STOA_SERVER_WRAP", "").split() + [os.path.join(SERVER_BUILD, "bin", "stoad")]
        self.process = subprocess.Popen(command, env=env, stdout=self.log, stderr=self.log)
        self.await_ready()

    def await_ready(self):
        deadline = time.monotonic() + READY_S
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=10).read()
                return
            except OSError:
                time.sleep(0.05)
        status = self.stop()
        raise AssertionError(f"the server does not come up, it ended with {status}\n{self.words()}")

    def metric(self, name):
        """The sum over its labels; name may hold a label itself."""
        text = urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=60).read().decode()
        return sum(float(line.split()[-1]) for line in text.splitlines() if line.startswith(name))

    def stop(self):
        """Its exit status: a sanitizer's findings show there too."""
        self.process.terminate()
        try:
            status = self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = self.process.wait()
        return status

    def words(self):
        """What a sanitizer found, else the last lines, indented."""
        self.log.flush()
        self.log.seek(0)
        lines = self.log.read().splitlines()
        found = next((i for i, line in enumerate(lines) if FINDING.search(line)), None)
        lines = lines[-30:] if found is None else lines[found:found + 120]
        return "\n".join("    | " + line for line in lines)


class Peers:
    """One stoa-native-peer process."""

    def __init__(self, server, count, seconds, *args, identity="native-"):
        command = [os.path.join(BUILD, "bin", "stoa-native-peer"), "--port", str(server.port), "--room", "demo",
                   "--peers", str(count), "--duration-ms", str(int(seconds * 1000)), "--identity", identity]
        self.count, self.lines = count, []
        # files, not pipes: a full pipe would stop the peers while another process is waited for
        self.out, self.err = tempfile.NamedTemporaryFile("w+"), tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(command + list(args), stdout=self.out, stderr=self.err)

    def await_event(self, event, count=1):
        """Until so many lines say so."""
        deadline = time.monotonic() + READY_S
        while len(self.named(event)) < count:
            check(self.process.poll() is None and time.monotonic() < deadline, "the peers did not say", event, "in time")
            time.sleep(0.05)
            self.lines = self.read_lines()

    def read_lines(self):
        with open(self.out.name) as out:  # by an offset of its own: where self.out stands the peers write
            return [json.loads(line) for line in out if line.endswith("}\n")]

    def finish(self):
        self.process.wait(300)
        self.lines, err = self.read_lines(), self.err.seek(0) or self.err.read()
        errors = [line for line in self.lines if line["event"] == "error"]
        check(self.process.returncode == 0, "peers ended with", self.process.returncode, errors, err[-2000:])
        self.history = [[l for l in self.lines if l["event"] == "stats" and l["peer"] == i] for i in range(self.count)]
        check(all(self.history), "a peer gave no statistics")
        self.last = [h[-1] for h in self.history]
        for stats in self.last:
            media = stats["media"]
            check(stats["state"] == "up", "peer", stats["peer"], "is", stats["state"])
            check(stats["seq_gaps"] == 0 and stats["seq_repeats"] == 0, "notifications were lost or repeated", stats)
            check(media["bad_srtp"] == 0 and media["unknown_ssrc"] == 0, "odd packets", media)
        return self

    def named(self, event):
        return [line for line in self.lines if line["event"] == event]


def fed(stats):
    return [rx for rx in stats["media"]["rx"] if rx["packets"] > 0]


def held_back_ms(*groups):
    """How long these processes of peers themselves stood still, at most and together: no fault of the server's."""
    return sum(max(stats["late_ms"] for stats in peers.last) for peers in groups)


def usual_age_ms(history, rx):
    """The median of what the last eight statistics say of that stream: one packet may have waited for the processor."""
    return statistics.median(row["sr"]["age_ms"] for stats in history[-8:] for row in stats["media"]["rx"]
                             if row["ssrc"] == rx["ssrc"] and row["sr"]["count"] > 0)


def near(yuv, index, tolerance=14):
    return all(abs(a - b) <= tolerance for a, b in zip(yuv[1:], COLOURS[index]))

#!/usr/bin/env python3
"""stoa-load and a real stoad:  test_load.py STOAD STOA-LOAD

Each row is one run of stoa-load: its options, the exit status, words that standard error must hold, and what its JSON must say.
"""
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "common"))
from ports import free_ports  # noqa: E402

ROWS = [
    # name, options, exit status, words on standard error, checks of the JSON
    ("1 to 10", ["--subscribers", "10", "--seconds", "3"], 0, "",
     {"lost": 0, "reordered": 0, "duplicates": 0, "streams": 10, "streams_expected": 10, "join_ms.failed": 0, "join_ms.count": 10,
      "packets_in_server": (200, 500), "packets_delivered": (2000, 5000), "packets_expected": (2000, 5000), "generator.bad": 0, "generator.rx_lost": 0,
      "generator.opened": (100, 1000), "delay_us.count": (100, 1000), "delay_us.p50": (1, 1e6), "join_ms.key_frame.p50": (0.1, 20000),
      "server.threads": (4, 64), "server.cpu_us_per_packet": (0.1, 1e5), "server.rss_kib": (1000, 1e7),
      "srtp_profile": "AEAD_AES_128_GCM"}),
    ("every packet opened", ["--subscribers", "3", "--verify", "all", "--srtp", "cm"], 0, "",
     {"lost": 0, "generator.bad": 0, "packets_delivered": (400, 1000), "generator.opened": (400, 1000),
      "srtp_profile": "AES128_CM_SHA1_80"}),
    ("real media and sound", ["--subscribers", "2", "--source", "vp8", "--video-kbps", "500", "--audio", "--srtp", "gcm256"], 0, "",
     {"lost": 0, "streams": 4, "generator.bad": 0, "join_ms.failed": 0, "delay_us.count": (1, 1e6), "join_ms.key_frame.p50": (0.1, 20000),
      "srtp_profile": "AEAD_AES_256_GCM"}),
    ("real H264", ["--subscribers", "2", "--source", "h264", "--video-kbps", "500"], 0, "",
     {"lost": 0, "streams": 2, "generator.bad": 0, "delay_us.count": (1, 1e6), "join_ms.key_frame.p50": (0.1, 20000)}),
    ("H264", ["--subscribers", "2", "--codec", "h264"], 0, "",
     {"lost": 0, "streams": 2, "generator.bad": 0, "join_ms.key_frame.p50": (0.1, 20000)}),
    ("repair", ["--subscribers", "3", "--lose", "10", "--nack"], 0, "",
     {"lost_ratio": (0, 0.03), "nacked": (20, 1000), "recovered": (20, 1000), "generator.bad": 0}),
    ("two rooms", ["--rooms", "2", "--subscribers", "2"], 0, "", {"lost": 0, "streams": 4, "packets_in_server": (200, 1000)}),
    ("meeting", ["--meeting", "4"], 0, "", {"lost": 0, "streams": 24, "streams_expected": 24, "join_ms.count": 4}),
    ("join storm", ["--subscribers", "2", "--join-storm", "10"], 0, "",
     {"lost": 0, "streams": 12, "join_ms.count": 10, "join_ms.failed": 0, "storm.server_cpu_us": (1, 1e8)}),
    ("WHEP", ["--whep", "--subscribers", "5", "--join-storm", "3"], 0, "",
     {"lost": 0, "streams": 8, "streams_expected": 8, "join_ms.count": 3, "join_ms.failed": 0, "scenario.whep": True, "scenario.whip": False,
      "packets_delivered": (800, 4000), "generator.bad": 0, "join_ms.key_frame.p50": (0.1, 20000)}),
    ("WHIP, to a room", ["--whip", "--subscribers", "2", "--audio", "--source", "h264", "--video-kbps", "500"], 0, "",
     {"lost": 0, "streams": 4, "generator.bad": 0, "delay_us.count": (1, 1e6), "scenario.whip": True}),
    ("WHIP and WHEP", ["--whip", "--whep", "--subscribers", "3", "--audio", "--rooms", "2"], 0, "", {"lost": 0, "streams": 12, "generator.bad": 0}),
    ("a main picture of two", ["--whep", "--publishers", "2", "--subscribers", "2"], 0, "", {"lost": 0, "streams": 2, "streams_expected": 2}),
    ("a stream key", ["--whip", "--whep", "--subscribers", "2", "--stream-key", "KEY"], 0, "", {"lost": 0, "streams": 2}),
    ("a key that is none", ["--whip", "--stream-key", "sk_nobody"], 1, "/whip/: 401", None),
    ("no WHEP token", ["--whep", "--token", "e30.e30.e30"], 1, "session.open", None),
    ("a meeting by WHEP", ["--whep", "--meeting", "3"], 2, "--whep", None),
    ("a key for many", ["--whip", "--publishers", "2", "--stream-key", "KEY"], 2, "--stream-key", None),
    ("wrong token", ["--token", "e30.e30.e30"], 1, "session.open", None),
    ("wrong key", ["--key", "nobody:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"], 1, "session.open", None),
    ("no key", ["--data", "no/such/folder"], 1, "no development key in no/such/folder", None),
    ("no server", ["--stoa", "127.0.0.1:1"], 1, "Connection refused", None),
    ("not a Janus", ["--janus", "HTTP"], 1, "WebSocket", None),
    ("no process", ["--server-pid", "999999999"], 1, "--server-pid: no such process", None),
    ("odd option", ["--subscribers", "many"], 2, "--subscribers", None),
    ("odd SRTP", ["--srtp", "none"], 2, "--srtp", None),
]


def check(condition, *what):
    if not condition:
        raise AssertionError(" ".join(str(w) for w in what))


class Server:
    def __init__(self, stoad, folder):
        self.data = os.path.join(folder, "data")
        self.port = free_ports(1)
        self.log = open(os.path.join(folder, "log"), "w+")
        env = dict(os.environ, STOA_HTTP_PORT=str(self.port), STOA_MEDIA_PORT_BASE=str(free_ports(8)), STOA_DATA_DIR=self.data)
        self.process = subprocess.Popen([stoad], env=env, stdout=self.log, stderr=self.log)
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=10).read()
                self.stream_key = self.make_stream_key(os.path.join(os.path.dirname(stoad), "stoactl"))
                return
            except OSError:
                time.sleep(0.05)
        self.stop()
        raise AssertionError("the server does not come up\n" + self.words())

    def make_stream_key(self, stoactl):
        env = dict(os.environ, STOA_DATA_DIR=self.data, STOA_URL=f"http://127.0.0.1:{self.port}")
        done = subprocess.run([stoactl, "streamkey", "create", "--room", "load"], env=env, capture_output=True, text=True, check=True)
        return re.search(r"key +(\S+)", done.stdout)[1]

    def sessions(self):
        """How many are open, when a moment has passed."""
        deadline = time.monotonic() + 30
        while True:
            text = urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=60).read().decode()
            count = sum(int(line.split()[1]) for line in text.splitlines() if line.startswith('stoa_open{kind="sessions"}'))
            if count == 0 or time.monotonic() > deadline:
                return count
            time.sleep(0.05)

    def stop(self):
        self.process.terminate()
        try:
            return self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()

    def words(self):
        self.log.seek(0)
        return "\n".join("    | " + line for line in self.log.read().splitlines()[-30:])


def look_up(figures, path):
    for name in path.split("."):
        check(isinstance(figures, dict) and name in figures, "no", path, "in the JSON")
        figures = figures[name]
    return figures


def run_row(load, server, folder, row):
    name, options, status, words, checks = row
    path = os.path.join(folder, "figures.json")
    if os.path.exists(path):
        os.unlink(path)
    names = {"HTTP": f"127.0.0.1:{server.port}", "KEY": server.stream_key}
    options = [names.get(o, o) for o in options]
    # later options win, so a row can replace what all have
    command = [load, "--stoa", f"127.0.0.1:{server.port}", "--data", server.data, "--server-pid", str(server.process.pid),
               "--seconds", "2", "--warmup", "1", "--json", path, *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    check(done.returncode == status, "exit status", done.returncode, done.stderr)
    check(words in done.stderr, "standard error:", done.stderr)
    left = server.sessions()
    check(left == 0, left, "sessions are left behind")
    if checks is None:
        check(not os.path.exists(path), "figures of a failed run")
        return
    check("forward delay" in done.stdout, "no table:", done.stdout)
    with open(path) as file:
        figures = json.load(file)
    for key, wanted in checks.items():
        got = look_up(figures, key)
        good = wanted[0] <= got <= wanted[1] if isinstance(wanted, tuple) else got == wanted
        check(good, key, "is", got, "and not", wanted, "\n", done.stdout)


def main():
    stoad, load = sys.argv[1:]
    failed = 0
    with tempfile.TemporaryDirectory(prefix="stoa-load-") as folder:
        server = Server(stoad, folder)
        for row in ROWS:
            try:
                run_row(load, server, folder, row)
                print("ok     ", row[0], flush=True)
            except AssertionError as error:
                failed += 1
                print("FAILED ", row[0], error, flush=True)
        status = server.stop()
        if failed or status:
            print(f"the server ended with {status}\n{server.words()}")
    sys.exit(1 if failed or status else 0)


main()

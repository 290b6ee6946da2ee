"""One slot: a fresh server, one run of stoa-load against it, its figures; beside it what the machine did meanwhile."""
import json
import os
import re
import subprocess
import sys
import tempfile
import time

import servers

FLOOD_RATE = 50000
CALIBRATE = """
import hashlib, os, time
data = b"x" * 1048576
hashlib.sha256(data).digest()
start = time.process_time()
for _ in range(60):
    hashlib.sha256(data).digest()
    for _ in range(2000):
        os.getppid()
print(time.process_time() - start)
"""
TRACE_S = 3
TOTAL = re.compile(r"^\s*100\.00\s+[\d.]+\s+\d+\s+(\d+)\s+(?:\d+\s+)?total$", re.M)


def cpus():
    """(the server's, the generator's)"""
    have = sorted(os.sched_getaffinity(0))
    return have[0], have[1 % len(have)]


def pinned(command, cpu, timeout):
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout,
                          preexec_fn=lambda: os.sched_setaffinity(0, {cpu}), check=False)


def calibrate():
    """Seconds of CPU that the same work takes now, on the server's CPU."""
    return float(pinned([sys.executable, "-c", CALIBRATE], cpus()[0], 60).stdout)


def figure(figures, path):
    for name in path.split("."):
        if not isinstance(figures, dict) or figures.get(name) is None:
            return None
        figures = figures[name]
    return figures


class Runner:
    def __init__(self, build, seconds):
        self.build, self.seconds = build, seconds

    def tool(self, name):
        return os.path.join(self.build, "bin", name)

    def run(self, kind, scenario, more=(), trace=False):
        """The figures of stoa-load.  servers.Died: no figures, and why."""
        seconds = scenario.seconds or self.seconds
        with tempfile.TemporaryDirectory(prefix="stoa-duel-") as folder:
            calibration = calibrate()
            server = kind(self.build, folder, cpus()[0])
            flood = tracer = None
            try:
                if scenario.flood:
                    flood = subprocess.Popen([self.tool("bench-flood"), str(server.media), str(FLOOD_RATE), "120"], stdout=subprocess.DEVNULL,
                                             preexec_fn=lambda: os.sched_setaffinity(0, {cpus()[1]}))
                path = os.path.join(folder, "figures.json")
                command = [self.tool("stoa-load"), *server.options(), "--server-pid", str(server.pid), "--ramp", "100", "--warmup", "1",
                           "--seconds", str(seconds), "--quiet", "--json", path, *scenario.options, *more]
                if trace:
                    tracer = Tracer(server.pid, folder, scenario)
                done = pinned(command, cpus()[1], 240)
                if not server.alive():
                    raise servers.Died(f"{kind.name} died in {scenario.name}")
                if done.returncode != 0:
                    raise servers.Died(f"{kind.name}, {scenario.name}: {done.stderr.strip()[-400:]}")
                with open(path, encoding="utf-8") as file:
                    figures = json.load(file)
                figures["calibration"] = calibration
                if tracer:
                    figures["syscalls"] = tracer.per_packet(figures["packets_per_s"])
                return figures
            finally:
                if flood:
                    flood.terminate()
                    flood.wait()
                server.stop()

    def floor(self, scenario):
        seconds = scenario.seconds or self.seconds
        done = pinned([self.tool("bench-floor"), *scenario.floor, "--cpu", str(cpus()[0]), "--feeder-cpu", str(cpus()[1]),
                       "--seconds", str(max(2, seconds // 2))], sorted(os.sched_getaffinity(0))[0], 120)
        return json.loads(done.stdout)


class Tracer:
    """Counts a running server's system calls for a while, when everybody has joined."""

    def __init__(self, pid, folder, scenario):
        self.out = os.path.join(folder, "strace.out")
        wait = 4 + int(scenario.options[1]) / 100
        self.process = subprocess.Popen(["sh", "-c", f"sleep {wait}; exec timeout -s INT {TRACE_S} strace -q -f -c -o {self.out} -p {pid}"],
                                        stderr=subprocess.DEVNULL)

    def per_packet(self, packets_per_s):
        self.process.wait()
        time.sleep(0.1)
        try:
            with open(self.out, encoding="utf-8") as file:
                found = TOTAL.search(file.read())
        except OSError:
            return None
        return int(found[1]) / (packets_per_s * TRACE_S) if found else None

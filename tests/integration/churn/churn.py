#!/usr/bin/env python3
"""What comings and goings leave behind in the real stoad:  churn.py BUILD-FOLDER [CYCLES]

CYCLES (10,000) participants join, publish and leave, each with a token, an identity and a handshake of its own; every fifth vanishes
in mid-handshake.  They come in batches, and between two of them, when nobody is there, the server's memory is read: the slope of
the least-squares line through the second half is what one cycle leaves behind.  Python's own library only.
"""
import json
import os
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "hostile"))
import rig  # noqa: E402
from rig import Server, check, lowest, wait_for  # noqa: E402

AT_ONCE = 12
KILL_PERCENT = 20
SLOPE_BYTES = 10
# Below this many cycles the pools and caches of malloc still fill: their step must not count as a slope.
FULL = 5000
SHORT_BYTES = 2000
HEAP_NOISE_BYTES = 8192
LIMITS = {"session_detached_ms": 1000, "network_unauthenticated": 1000}


def slope(rows):
    """Of the least-squares line through (x, y)."""
    n = len(rows)
    mean_x, mean_y = sum(x for x, _ in rows) / n, sum(y for _, y in rows) / n
    over = sum((x - mean_x) * (y - mean_y) for x, y in rows)
    return over / sum((x - mean_x) ** 2 for x, _ in rows)


def settled_heap(server):
    """What is in use when nothing changes any more."""
    values = []

    def settled():
        time.sleep(0.6)
        values.append(server.metrics()["stoa_heap_bytes"])
        return len(values) > 1 and abs(values[-1] - values[-2]) < HEAP_NOISE_BYTES
    wait_for("the heap is at rest", settled, 60)
    return values[-1]


def run_batch(server, first, count, folder):
    path = os.path.join(folder, "tokens")
    now = int(time.time())
    with open(path, "w") as file:
        for i in range(first, first + count):
            grants = {"room": f"room-{i % 4}", "publish": True, "subscribe": True}
            file.write(server.sign({"sub": f"churn-{i}", "exp": now + 600, "stoa": grants}) + "\n")
    done = subprocess.run([os.path.join(rig.BUILD, "bin", "stoa-native-peer"), "--port", str(server.port), "--tokens", path,
                           "--peers", str(min(AT_ONCE, count)), "--pairs", "2", "--publish", "microphone,camera", "--cycles", str(count),
                           "--kill-percent", str(KILL_PERCENT), "--hold-ms", "60"], capture_output=True, text=True, timeout=300)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    told = [line for line in lines if line["event"] == "churn"]
    errors = [line for line in lines if line["event"] == "error"]
    check(told and told[0]["done"] == count, "the batch ended with", done.returncode, errors[:3], done.stderr[-500:])
    # a busy machine breaks off a few handshakes more, which is no harm here
    check(told[0]["failed"] <= count / 10, told[0], errors[:3])
    return told[0]["killed"]


def come_and_go(server, cycles):
    batch = max(1, cycles // (50 if cycles >= FULL else 6))
    rows, killed, start = [], 0, time.monotonic()
    settled_heap(server)
    fds, threads = lowest(server.fds), server.threads()
    with tempfile.TemporaryDirectory(prefix="stoa-churn-") as folder:
        for first in range(0, cycles, batch):
            count = min(batch, cycles - first)
            killed += run_batch(server, first, count, folder)
            wait_for("nobody is there", server.silent, 20)
            rows.append((first + count, settled_heap(server), server.rss_kib()))
    server.alive()
    half = [(x, y) for x, y, _ in rows if x > cycles / 2]
    per_cycle = slope(half)
    print(f"cycles {cycles}, killed in mid-handshake {killed}, {time.monotonic() - start:.0f} s")
    for x, y, rss in rows[:: max(1, len(rows) // 10)] + rows[-1:]:
        print(f"  after {x:6d}: in use {y / 1024:9.1f} KiB, resident {rss} KiB")
    print(f"in use per cycle over the last {len(half)} of {len(rows)} samples: {per_cycle:.1f} bytes")
    print(f"descriptors {fds} -> {server.fds()}, threads {threads} -> {server.threads()}", flush=True)
    check(killed > cycles * KILL_PERCENT / 100 * 0.6, "too few were killed:", killed)
    check(per_cycle < (SLOPE_BYTES if cycles >= FULL else SHORT_BYTES), "memory grows by", per_cycle, "bytes per cycle")
    wait_for("the descriptors are those of the start", lambda: server.fds() <= fds, 20)
    check(server.threads() == threads, "threads", threads, "->", server.threads())


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    rig.BUILD = os.path.abspath(sys.argv[1])
    cycles = int(sys.argv[2]) if len(sys.argv) > 2 else 10000
    good = rig.judge(f"{cycles} come and go", Server(LIMITS, level="warn"), lambda server: come_and_go(server, cycles))
    sys.exit(0 if good else 1)


main()

"""Runs the replay under callgrind and under strace, and gives figures per forwarded packet."""
import json
import os
import re
import subprocess
import tempfile

import callgrind

# memcpy and its like choose their code by the CPU; the counts must not
PLAIN_CPU = "glibc.cpu.hwcaps=-AVX,-AVX2,-AVX512F,-AVX512VL,-AVX_Fast_Unaligned_Load,-ERMS,-FSRM,-BMI1,-BMI2,-LZCNT,-MOVBE,-RTM"
ROW = re.compile(r"^\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s+(?:\d+\s+)?(\w+)$")


def run(command, env=None):
    done = subprocess.run(command, capture_output=True, text=True, env=dict(os.environ, **(env or {})), timeout=600)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)}: exit {done.returncode}\n{done.stderr[-2000:]}")
    return done


def instructions(replay, scenario, folder):
    """({share: instructions per forwarded packet}, the same by function)"""
    out = os.path.join(folder, "callgrind.out")
    told = run(["valgrind", "-q", "--tool=callgrind", "--toggle-collect=replay_turn", f"--callgrind-out-file={out}", replay, scenario],
               {"GLIBC_TUNABLES": PLAIN_CPU})
    forwarded = json.loads(told.stdout)["forwarded"]
    shares, functions = callgrind.read(out, os.path.basename(replay))
    if not shares["ours"]:
        raise SystemExit("callgrind saw nothing of replay_turn()")
    return ({share: shares[share] / forwarded for share in ("ours", "libc", "crypto", "other")},
            {f"{share}: {name}": cost / forwarded for (share, name), cost in functions.items()})


def traced(replay, scenario, length, folder):
    out = os.path.join(folder, "strace.out")
    told = json.loads(run(["strace", "-f", "-c", "-o", out, replay, scenario, str(length)]).stdout)
    calls = {}
    with open(out, encoding="utf-8") as file:
        for line in file:
            found = ROW.match(line)
            if found and found[2] != "total":
                calls[found[2]] = int(found[1])
    calls["write"] = calls.get("write", 0) - told["sends"]  # those of the clients
    return told["forwarded"], calls


def syscalls(replay, scenario, folder):
    """{name: calls per forwarded packet}: a run of length 3 less one of length 1, so without start and joins."""
    few, before = traced(replay, scenario, 1, folder)
    many, after = traced(replay, scenario, 3, folder)
    per = {name: (after[name] - before.get(name, 0)) / (many - few) for name in after}
    return {name: value for name, value in per.items() if value > 0.00005}


def can_trace():
    try:
        return subprocess.run(["strace", "-c", "-o", os.devnull, "true"], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def scenarios(replay):
    return run([replay]).stdout.split()


def folder():
    return tempfile.TemporaryDirectory(prefix="stoa-replay-")

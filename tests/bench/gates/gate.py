#!/usr/bin/env python3
"""What a forwarded packet costs, counted and compared with what is committed:  gate.py REPLAY [--update] [--functions N]

Instructions of our code and of libc's, and system calls: more than 1 % above baseline.json fails.  Cryptography is printed
beside: its instructions depend on the CPU.  --update writes baseline.json anew; --functions prints the N most expensive.
"""
import argparse
import concurrent.futures
import json
import os
import sys

import count

BASELINE = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "baseline.json")
MARGIN = 1.01
GATED = ("ours", "libc", "syscalls")
SHOWN = ("ours", "libc", "crypto", "other", "syscalls")


def measure_one(replay, scenario, tracing):
    with count.folder() as folder:
        shares, by_function = count.instructions(replay, scenario, folder)
        row = {name: round(value, 1) for name, value in shares.items()}
        if tracing:
            calls = count.syscalls(replay, scenario, folder)
            row["syscalls"] = round(sum(calls.values()), 5)
            row["calls"] = {name: round(value, 5) for name, value in sorted(calls.items())}
    return row, by_function


def measure(replay, tracing, functions):
    scenarios = count.scenarios(replay)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        found = list(pool.map(lambda scenario: measure_one(replay, scenario, tracing), scenarios))
    for scenario, (_, by_function) in zip(scenarios, found):
        dearest = sorted(by_function.items(), key=lambda item: -item[1])[:functions]
        for name, value in dearest:
            print(f"{scenario:10} {value:9.1f}  {name}")
    return {scenario: row for scenario, (row, _) in zip(scenarios, found)}


def judge(old, new):
    """Prints old and new; returns the names of what became dearer."""
    worse = []
    print(f"{'scenario':10} {'per forwarded packet':22} {'before':>10} {'now':>10} {'ratio':>7}")
    for scenario, row in new.items():
        for name in SHOWN:
            if name not in row:
                continue
            before, now = old.get(scenario, {}).get(name), row[name]
            text = "" if not before else f"{now / before:7.3f}"
            verdict = "not gated" if name not in GATED else "ok"
            if name in GATED and (before is None or now > before * MARGIN):
                verdict = "no baseline" if before is None else "DEARER"
                worse.append(f"{scenario} {name}")
            elif name in GATED and before and now < before / MARGIN:
                verdict = "cheaper: write it down with --update"
            print(f"{scenario:10} {name:22} {before if before is not None else '-':>10} {now:>10} {text:>7}  {verdict}")
    return worse


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("replay")
    parser.add_argument("--update", action="store_true")
    parser.add_argument("--functions", type=int, default=0)
    options = parser.parse_args()
    old = {}
    if os.path.exists(BASELINE):
        with open(BASELINE, encoding="utf-8") as file:
            old = json.load(file)
    tracing = count.can_trace()
    if not tracing:
        print("no ptrace here: system calls are not counted")
    new = measure(options.replay, tracing, options.functions)
    worse = judge(old, new)
    if options.update:
        if not tracing:
            sys.exit("a baseline needs the system calls too")
        with open(BASELINE, "w", encoding="utf-8") as file:
            json.dump(new, file, indent=2)
            file.write("\n")
        return
    if worse:
        sys.exit("error: dearer than baseline.json: " + ", ".join(worse))


main()

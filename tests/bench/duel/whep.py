#!/usr/bin/env python3
"""Viewers by WHEP beside subscribers of a room:  whep.py --build DIR [--viewers 200] [--pairs 8] [--seconds 12] [--whip]

The same camera, packets and SRTP profile to as many viewers, who come by POST /whep/… or by the room's WebSocket: what a packet
costs the server should not depend on the door.  Fresh server each time, in pairs whose order changes (docs/bench.md).
Ends with 1 when packets were lost or when the whole interval of the ratio is further than the goal from 1.
"""
import argparse
import json
import sys

import goals
import servers
import stats
from slot import Runner, figure

GOAL = 0.10
FIGURES = (("CPU per packet", goals.CPU), ("user CPU per packet", goals.USER), ("join, DTLS done, p50 ms", "join_ms.dtls.p50"),
           ("join, key frame, p50 ms", "join_ms.key_frame.p50"), ("forward delay p99, us", "delay_us.p99"),
           ("memory at the end, KiB", "server.rss_kib"))


def scenarios(options):
    common = ["--subscribers", str(options.viewers), "--srtp", "gcm"] + (["--whip"] if options.whip else [])
    return (goals.Scenario("room", common), goals.Scenario("whep", common + ["--whep"]))


def why_invalid(figures):
    if figures["lost_ratio"] > goals.LOST_MOST:
        return f"{figures['lost_ratio']:.2%} lost"
    if figures["generator"]["rx_lost"]:
        return "the generator dropped packets"
    if figures["generator"]["cpu_share"] > goals.GENERATOR_MOST:
        return f"the generator used {figures['generator']['cpu_share']:.0%} of its core"
    return None


def pair(runner, rows, number):
    """{"room": figures, "whep": figures}"""
    return {row.name: runner.run(servers.Stoa, row) for row in (rows if number % 2 == 0 else reversed(rows))}


def measure(options):
    runner, rows, kept, tries = Runner(options.build, options.seconds), scenarios(options), [], 0
    while len(kept) < options.pairs and tries < 2 * options.pairs:
        got = pair(runner, rows, tries)
        tries += 1
        times = [figures["calibration"] for figures in got.values()]
        reasons = {f"{name}: {why}" for name, figures in got.items() if (why := why_invalid(figures))}
        if max(times) > min(times) * (1 + goals.DRIFT_MOST):
            reasons.add(f"the machine drifted by {max(times) / min(times) - 1:.0%}")
        costs = {name: figure(figures, goals.CPU) for name, figures in got.items()}
        kept += [] if reasons else [got]
        print(f"{len(kept)}/{options.pairs}: room {costs['room']:.2f}, WHEP {costs['whep']:.2f} us per packet, ratio "
              f"{costs['whep'] / costs['room']:.3f}{', discarded: ' + '; '.join(sorted(reasons)) if reasons else ''}", flush=True)
    return kept


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", required=True)
    parser.add_argument("--viewers", type=int, default=200)
    parser.add_argument("--pairs", type=int, default=8)
    parser.add_argument("--seconds", type=int, default=12)
    parser.add_argument("--whip", action="store_true", help="the camera comes by WHIP, in both")
    parser.add_argument("--json", help="the figures of all pairs, to this file")
    options = parser.parse_args()
    try:
        pairs = measure(options)
    except servers.Died as error:
        sys.exit(f"error: {error}")
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(pairs, file, indent=1)
    if not pairs:
        sys.exit("error: no pair that counts")
    print(f"\n{'median of ' + str(len(pairs)) + ' pairs':<28}{'room':>12}{'WHEP':>12}{'ratio':>9}  90 % interval")
    for words, path in FIGURES:
        room, whep = ([figure(p[name], path) for p in pairs] for name in ("room", "whep"))
        ratios = [b / a for a, b in zip(room, whep) if a and b is not None]
        low, high = stats.interval(ratios) or (None, None)
        spread = f"{low:.3f} .. {high:.3f}" if low is not None else "-"
        print(f"{words:<28}{stats.median(room):>12.2f}{stats.median(whep):>12.2f}{stats.median(ratios) or 0:>9.3f}  {spread}")
        if path == goals.CPU:
            far = low is not None and (low > 1 + GOAL or high < 1 - GOAL)
            near = abs(stats.median(ratios) - 1) <= GOAL
    verdict = "reached" if near else "missed" if far else "not certain"
    print(f"\nwithin {GOAL:.0%} of a room's: {verdict}")
    sys.exit(1 if far else 0)


main()

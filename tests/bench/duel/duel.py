#!/usr/bin/env python3
"""Stoa and Janus side by side:  duel.py --build DIR --out DIR [--full] [--only NAME…] [--pairs N] [--seconds S]

Writes results.json, table.txt and two plots.  Goals that are missed are said so and are no failure; a server that dies and
packets that Stoa loses are.  docs/bench.md says how it measures.
"""
import argparse
import json
import os
import sys
import time

import goals
import plot
import servers
import stats
from capacity import capacity
from judge import judge, own, pairs_of
from slot import Runner, figure
from table import table

SHORT_S, SHORT_SLOT_S, FULL_SLOT_S = 360, 6, 12


def say(words):
    print(time.strftime("%H:%M:%S"), words, flush=True)


class Duel:
    def __init__(self, options):
        self.options = options
        self.runner = Runner(options.build, options.seconds or (FULL_SLOT_S if options.full else SHORT_SLOT_S))
        self.end = time.monotonic() + (1e9 if options.full or options.only else SHORT_S)
        self.results = {"scenarios": {}, "notes": [], "failures": []}

    def fail(self, words):
        say(f"FAILED: {words}")
        self.results["failures"].append(words)

    def slot(self, kind, scenario):
        try:
            return self.runner.run(kind, scenario)
        except servers.Died as error:
            if kind is servers.Stoa:
                self.fail(str(error))
            else:
                say(str(error))
                self.results["notes"].append(str(error))
        return None

    def pair(self, scenario, number):
        """Both servers, the order changing from pair to pair, and the floor; None: one had no result."""
        order = [servers.Stoa] + ([servers.Janus] if scenario.janus else [])
        pair = {}
        for kind in order if number % 2 == 0 else reversed(order):
            pair[kind.name] = self.slot(kind, scenario)
            if not pair[kind.name]:
                return None
        if scenario.floor:
            pair["floor"] = {"server": self.runner.floor(scenario)}
            pair["floor"].update(pair["floor"]["server"])
        return pair

    def scenario(self, scenario, wanted):
        kept, drifted, missing, tries = [], 0, 0, 0
        while len(kept) < wanted and tries < wanted * 2 and missing < 2 and time.monotonic() < self.end:
            pair = self.pair(scenario, tries)
            tries += 1
            if not pair:
                missing += 1
                continue
            times = [pair[who]["calibration"] for who in ("stoa", "janus") if pair.get(who)]
            if max(times) > min(times) * (1 + goals.DRIFT_MOST):
                drifted += 1
                say(f"{scenario.name}: the machine drifted by {max(times) / min(times) - 1:.0%}, pair discarded")
                continue
            kept.append(pair)
            costs = [f"{who} {figure(pair[who], goals.CPU):.2f}" for who in ("stoa", "janus", "floor") if figure(pair.get(who), goals.CPU)]
            say(f"{scenario.name} {len(kept)}/{wanted}: {', '.join(costs)} us per packet")
        self.results["scenarios"][scenario.name] = {"pairs": kept, "drifted": drifted, "options": scenario.options,
                                                    "invalid": self.validity(scenario, kept)}

    def validity(self, scenario, pairs):
        lost = stats.median(own(pairs, "lost_ratio"))
        dropped = sum(own(pairs, "generator.rx_lost"))
        share = max([s for who in ("stoa", "janus") for s in own(pairs, "generator.cpu_share", who)], default=0)
        if lost is not None and lost > goals.LOST_MOST and not scenario.flood and not dropped:
            self.fail(f"{scenario.name}: Stoa lost {lost:.2%}")
        theirs = stats.median(own(pairs, "lost_ratio", "janus"))
        if share > goals.GENERATOR_MOST:
            return f"the generator used {share:.0%} of its core"
        if dropped:
            return "the generator dropped packets"
        if theirs is not None and theirs > goals.LOST_MOST:
            return f"Janus lost {theirs:.2%}"
        return None

    def run(self):
        for scenario in goals.SCENARIOS:
            wanted = self.options.pairs or (scenario.full if self.options.full else scenario.short)
            if self.options.only and scenario.name not in self.options.only:
                continue
            if wanted and time.monotonic() < self.end:
                self.scenario(scenario, wanted)
            elif wanted:
                self.results["notes"].append(f"{scenario.name}: out of time")
        if self.options.full:
            self.extras()

    def extras(self):
        first = goals.SCENARIOS[0]
        try:
            self.results["traced"] = {kind.name: self.runner.run(kind, first, trace=True) for kind in (servers.Stoa, servers.Janus)}
        except servers.Died as error:
            self.fail(f"traced: {error}")
        self.results["capacity"] = capacity(self.runner, say)

    def plots(self):
        cpu, delay = {}, {}
        for name in self.results["scenarios"]:
            if not (name.startswith("fan-") and name.endswith("-gcm")):
                continue
            pairs = pairs_of(self.results, name)
            for who in ("stoa", "janus", "floor"):
                cost = stats.median(own(pairs, goals.CPU, who))
                if cost is not None:
                    cpu.setdefault(who, []).append((int(name.split("-")[1]), cost))
                rate = stats.median(own(pairs, "packets_per_s", who))
                for part in ("p50", "p99"):
                    value = stats.median(own(pairs, f"delay_us.{part}", who))
                    if value is not None and rate is not None:
                        delay.setdefault(f"{who} {part}", []).append((rate, value))
        out = self.options.out
        plot.plot(os.path.join(out, "cpu.svg"), "CPU per forwarded packet, 1100 bytes, GCM", "subscribers", "us", cpu)
        plot.plot(os.path.join(out, "delay.svg"), "forward delay", "packets/s delivered", "us", delay, log_y=True)

    def write(self):
        lines = judge(self.results)
        self.results["goals"] = lines
        with open(os.path.join(self.options.out, "results.json"), "w", encoding="utf-8") as file:
            json.dump(self.results, file, indent=1)
        words = table(self.results, lines)
        with open(os.path.join(self.options.out, "table.txt"), "w", encoding="utf-8") as file:
            file.write(words)
        self.plots()
        print(words)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--only", nargs="+")
    parser.add_argument("--pairs", type=int)
    parser.add_argument("--seconds", type=int)
    options = parser.parse_args()
    os.makedirs(options.out, exist_ok=True)
    duel = Duel(options)
    duel.run()
    duel.write()
    if duel.results["failures"]:
        sys.exit("error: " + "; ".join(duel.results["failures"]))


main()

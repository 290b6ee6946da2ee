"""From what was measured to one line per goal."""
import json
import os

import goals
import stats
from slot import figure

HERE = os.path.dirname(os.path.abspath(__file__))


def pairs_of(results, scenario):
    return results["scenarios"].get(scenario, {}).get("pairs", [])


def by_pair(pairs, path, over):
    found = []
    for pair in pairs:
        above, below = figure(pair.get("stoa"), path), figure(pair.get(over), path)
        if above is not None and below:
            found.append(above / below)
    return found


def own(pairs, path, who="stoa"):
    return [v for v in (figure(pair.get(who), path) for pair in pairs) if v is not None]


def growth(results, names, path):
    few, many = (stats.median(own(pairs_of(results, name), path)) for name in names)
    return [many / few] if few and many else []


def slope(results, names, path, who="stoa"):
    few, many = (stats.median(own(pairs_of(results, name), path, who)) for name in names)
    counts = [int(name.rsplit("-", 1)[1]) for name in names]
    return [(many - few) / (counts[1] - counts[0])] if few and many else []


def replay(name, path):
    with open(os.path.join(HERE, "..", "baseline.json"), encoding="utf-8") as file:
        return [json.load(file)[name][path]]


def values_of(results, kind, scenario, path):
    if kind in ("ratio", "floor"):
        return by_pair(pairs_of(results, scenario), path, "janus" if kind == "ratio" else "floor")
    if kind == "own":
        return own(pairs_of(results, scenario), path)
    if kind == "growth":
        return growth(results, scenario, path)
    if kind == "slope":
        return slope(results, scenario, path)
    if kind == "replay":
        return replay(scenario, path)
    if kind == "traced":
        return own([results.get("traced", {})], path)
    value = results.get("capacity", {}).get(path)
    return [] if value is None else [value]


def verdict(kind, value, goal, stretch):
    if value is None:
        return "not measured"

    def reached(mark):
        return mark is not None and (value >= mark if kind in goals.MORE_IS_BETTER else value <= mark)
    if reached(stretch):
        return "stretch"
    return "reached" if reached(goal) else "missed"


def invalid(results, scenario):
    for name in (scenario if isinstance(scenario, tuple) else (scenario,)):
        why = results["scenarios"].get(name, {}).get("invalid")
        if why:
            return why
    return None


def judge(results):
    lines = []
    for text, kind, scenario, path, goal, stretch in goals.GOALS:
        values = values_of(results, kind, scenario, path)
        value = stats.median(values)
        said = verdict(kind, value, goal, stretch)
        why = invalid(results, scenario)
        lines.append({"goal": text, "kind": kind, "scenario": scenario, "wanted": goal, "stretch": stretch, "value": value,
                      "interval": stats.interval(values), "pairs": len(values),
                      "verdict": f"invalid: {why}" if why and value is not None else said})
    return lines

"""The results to read."""
import stats
from judge import own, pairs_of


def short(value):
    if value is None:
        return "-"
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def table(results, lines):
    out = [f"{'goal':48} {'wanted':>7} {'stretch':>7} {'result':>8} {'90 % interval':>15} {'pairs':>5}  verdict"]
    for line in lines:
        spread = " .. ".join(short(v) for v in line["interval"]) if line["interval"] else "-"
        out.append(f"{line['goal']:48} {short(line['wanted']):>7} {short(line['stretch']):>7} {short(line['value']):>8} {spread:>15} "
                   f"{line['pairs']:>5}  {line['verdict']}")
    out.append("")
    out.append(f"{'us per packet (of it system), medians':30} {'stoa':>16} {'janus':>16} {'floor':>16}   p50/p99 us: stoa, janus   SRTP")
    for name in results["scenarios"]:
        out.append(costs(results, name))
    capacity = results.get("capacity")
    if capacity:
        out.append(f"subscribers of 1 Mbit/s on one core: Stoa {capacity['stoa']}{' (the generator ends there)' if capacity['bound'] else ''}, "
                   f"Janus {capacity['janus']}")
    out += [f"note: {note}" for note in results["notes"]]
    return "\n".join(out) + "\n"


def costs(results, name):
    pairs, cells = pairs_of(results, name), []
    for who, prefix in (("stoa", "server."), ("janus", "server."), ("floor", "")):
        all_ = stats.median(own(pairs, prefix + "cpu_us_per_packet", who))
        system = stats.median(own(pairs, prefix + "cpu_system_us_per_packet", who))
        cells.append("-" if all_ is None else f"{all_:.2f} ({system:.2f})")
    delays = [f"{short(stats.median(own(pairs, 'delay_us.p50', who)))}/{short(stats.median(own(pairs, 'delay_us.p99', who)))}"
              for who in ("stoa", "janus")]
    profile = {p["stoa"].get("srtp_profile") for p in pairs if p.get("stoa")} | {p["janus"].get("srtp_profile") for p in pairs if p.get("janus")}
    return f"{name:30} {cells[0]:>16} {cells[1]:>16} {cells[2]:>16}   {', '.join(delays):24}   {' and '.join(sorted(map(str, profile)))}"

"""What is measured, and what it should come to: two tables.

A scenario is a run of stoa-load against each server.  A goal is one figure out of scenarios; "ratio" is Stoa's to Janus',
pair by pair, "own" is Stoa's alone, in the figure's unit.
"""
import collections

# options: of stoa-load, the same for both servers; floor: options of bench-floor, or None; short, full: pairs in that form
Scenario = collections.namedtuple("Scenario", "name options floor short full seconds flood janus", defaults=(None, 0, 8, None, False, True))


def fan(subscribers, srtp, *more):
    return ["--subscribers", str(subscribers), "--srtp", srtp, *more]


def beside(subscribers, srtp, rate=110):
    return ["--destinations", str(subscribers), "--srtp", srtp, "--packet-rate", str(rate), "--packet-bytes", "1100"]


RICH_RATE = 2500000 / 8 / 1100

# in the order in which they run: a short form that is out of time leaves out the last ones
SCENARIOS = [
    Scenario("fan-100-gcm", fan(100, "gcm"), beside(100, "gcm"), short=4),
    Scenario("rich-100-gcm", fan(100, "gcm", "--video-kbps", "2500"), beside(100, "gcm", RICH_RATE), short=3),
    Scenario("fan-100-cm", fan(100, "cm"), beside(100, "cm"), short=3),
    Scenario("room-20", ["--meeting", "20", "--srtp", "gcm"], short=2),
    Scenario("join-alone", ["--subscribers", "1", "--join-storm", "1"], short=1, seconds=2),
    Scenario("storm", ["--subscribers", "20", "--join-storm", "100"], short=1),
    Scenario("flood", fan(50, "gcm"), short=1, full=3, flood=True, janus=False),
    Scenario("fan-200-gcm", fan(200, "gcm"), beside(200, "gcm"), short=1),
    Scenario("fan-25-gcm", fan(25, "gcm"), beside(25, "gcm"), short=1),
    Scenario("fan-200-cm", fan(200, "cm"), beside(200, "cm")),
    Scenario("rich-100-cm", fan(100, "cm", "--video-kbps", "2500"), beside(100, "cm", RICH_RATE)),
    Scenario("fan-50-gcm", fan(50, "gcm"), beside(50, "gcm"), full=4),
    Scenario("fan-400-gcm", fan(400, "gcm"), beside(400, "gcm"), full=4),
    Scenario("memory-50", fan(50, "gcm"), full=2, seconds=8),
    Scenario("memory-250", fan(250, "gcm"), full=2, seconds=8),
]

CPU, USER = "server.cpu_us_per_packet", "server.cpu_user_us_per_packet"

# text, kind, scenario (two for growth and slope), figure, goal, stretch (None: there is none)
GOALS = [
    ("CPU per packet, 1 to 100, GCM", "ratio", "fan-100-gcm", CPU, 0.15, 0.10),
    ("CPU per packet, 1 to 200, GCM", "ratio", "fan-200-gcm", CPU, 0.15, 0.10),
    ("CPU per packet, 1 to 100, CM", "ratio", "fan-100-cm", CPU, 0.15, 0.10),
    ("CPU per packet, 1 to 200, CM", "ratio", "fan-200-cm", CPU, 0.15, 0.10),
    ("CPU per packet, 2.5 Mbit/s, GCM", "ratio", "rich-100-gcm", CPU, 0.12, 0.08),
    ("CPU per packet, 2.5 Mbit/s, CM", "ratio", "rich-100-cm", CPU, 0.12, 0.08),
    ("user CPU per packet, 1 to 100, GCM", "ratio", "fan-100-gcm", USER, 0.12, 0.06),
    ("CPU per packet, room of 20", "ratio", "room-20", CPU, 0.20, 0.12),
    ("CPU per packet, 200 to 100 subscribers", "growth", ("fan-100-gcm", "fan-200-gcm"), CPU, 1.15, 1.0),
    ("CPU per packet to the floor's, GCM", "floor", "fan-100-gcm", CPU, 1.4, 1.2),
    ("CPU per packet to the floor's, 2.5 Mbit/s", "floor", "rich-100-gcm", CPU, 1.4, 1.2),
    ("CPU per packet to the floor's, CM", "floor", "fan-100-cm", CPU, 1.4, 1.2),
    ("system calls per packet, replayed", "replay", "fan-gcm", "syscalls", 0.1, 0.03),
    ("system calls per packet, live", "traced", "fan-100-gcm", "syscalls", 0.1, 0.03),
    ("forward delay p99, 1 to 100, us", "own", "fan-100-gcm", "delay_us.p99", 1000, 500),
    ("forward delay p99 in a storm of 100, us", "own", "storm", "storm.delay_us.p99", 3000, None),
    ("CPU per join in a storm of 100", "ratio", "storm", "storm.server_cpu_us", 0.35, 0.25),
    ("join alone, DTLS done, ms", "own", "join-alone", "join_ms.dtls.p50", 15, 8),
    ("join alone, first media, ms", "own", "join-alone", "join_ms.first_packet.p50", 30, 15),
    ("memory per subscriber, media only, KiB", "slope", ("memory-50", "memory-250"), "server.rss_kib", 25, None),
    ("loss under 50,000 junk packets/s", "own", "flood", "lost_ratio", 0.01, None),
    ("subscribers of 1 Mbit/s on one core, to Janus'", "capacity", "capacity", "ratio", 5, None),
    ("subscribers of 1 Mbit/s on one core", "capacity", "capacity", "stoa", None, 2000),
]
MORE_IS_BETTER = {"capacity"}

LOST_MOST = 0.005       # of a scenario without flood: more fails the run
GENERATOR_MOST = 0.5    # of a core: more makes the row invalid
DRIFT_MOST = 0.10       # of the calibration between the two slots of a pair: more, and the pair is repeated

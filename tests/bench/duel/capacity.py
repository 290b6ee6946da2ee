"""How many subscribers of a 1 Mbit/s stream one core serves with less than 0.5 % loss: up in steps until it does not."""
import goals
import servers
from goals import Scenario

FIRST, FACTOR, MOST = 100, 1.35, 4000


def ramp(runner, kind, say):
    """(the most that went well, whether the generator and not the server ended it)"""
    best, count = 0, FIRST
    while count <= MOST:
        scenario = Scenario("capacity", ["--subscribers", str(count), "--video-kbps", "1000", "--srtp", "gcm"], seconds=5)
        try:
            figures = runner.run(kind, scenario)
        except servers.Died as error:
            say(f"capacity: {error}")
            return best, False
        share = figures["generator"]["cpu_share"]
        say(f"capacity, {kind.name}, {count}: {figures['lost_ratio']:.4%} lost, generator {share:.0%}")
        if share > goals.GENERATOR_MOST or figures["generator"]["rx_lost"] > 0:
            return best, True
        if figures["lost_ratio"] >= goals.LOST_MOST:
            return best, False
        best, count = count, int(count * FACTOR)
    return best, True


def capacity(runner, say):
    stoa, bound = ramp(runner, servers.Stoa, say)
    janus, janus_bound = ramp(runner, servers.Janus, say)
    return {"stoa": stoa, "janus": janus, "bound": bound, "janus_bound": janus_bound,
            "ratio": stoa / janus if janus and not janus_bound else None}

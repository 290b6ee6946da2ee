"""Whole calls: who sees and hears whom, what is told, and what a restart, a cut socket and loss leave of it."""
import time

from rig import Peers, check, fed, near, usual_age_ms

EPHEMERAL = ("speakers.changed", "quality.changed")


def test_everyone_sees_everyone(server):
    """Three peers, each in its own pair of slots: by the colour of the decoded picture, not by what is signalled."""
    peers = Peers(server, 3, 8, "--pairs", "3", "--publish", "microphone,camera", "--decode").finish()
    index = {stats["participant"]: stats["peer"] for stats in peers.last}
    for stats, history in zip(peers.last, peers.history):
        rows = fed(stats)
        check(len(rows) == 4, "streams at peer", stats["peer"], len(rows))
        for rx in rows:
            check(rx["lost"] == 0 and rx["duplicates"] == 0 and rx["backward_ts"] == 0, "sequence", rx)
            check(rx["sr"]["count"] >= 3 and abs(usual_age_ms(history, rx)) < 500, "sender report", rx)
            mates = [o for o in rows if o["participant"] == rx["participant"]]
            streams = {o["msid"].split()[0] for o in mates}
            check(len(mates) == 2 and len(streams) == 1, "pair of", rx["participant"], mates)
            if rx["kind"] == "video":
                picture = rx["picture"]
                check(picture["decoded"] > 60 and picture["broken"] == 0, "pictures", picture)
                check(near(picture["yuv"], index[rx["participant"]]), "wrong picture", rx)
        check(stats["offers"] == 1 and stats["media"]["handshakes"] == 1, "offers", stats["offers"])
        check(stats["media"]["twcc"] > 20, "transport-wide feedback", stats["media"]["twcc"])


def test_every_srtp_profile(server):
    for profile in ("SRTP_AEAD_AES_128_GCM", "SRTP_AEAD_AES_256_GCM", "SRTP_AES128_CM_SHA1_80"):
        peers = Peers(server, 2, 4, "--pairs", "1", "--publish", "microphone,camera", "--srtp", profile).finish()
        for stats in peers.last:
            check(len(fed(stats)) == 2, profile, stats)
            check(all(rx["sr"]["count"] > 0 for rx in fed(stats)), profile, "no sender report opened")


def test_reports_tell_the_delay(server):
    """Video held back 250 ms by its sender: the reports, rebuilt by the server, must still say when it was captured."""
    peers = Peers(server, 2, 8, "--pairs", "1", "--publish", "microphone,camera", "--video-delay-ms", "250").finish()
    for stats, history in zip(peers.last, peers.history):
        age = {rx["kind"]: usual_age_ms(history, rx) for rx in fed(stats)}
        check(170 < age["video"] - age["audio"] < 330, "skew", age)


def test_loss_is_repaired(server):
    """A tenth of the video is lost on the way up, and a tenth of what is left on the way down: RTX brings all of it."""
    peers = Peers(server, 2, 10, "--pairs", "1", "--publish", "microphone,camera", "--fps", "25", "--kbps", "800",
                  "--width", "640", "--height", "360", "--drop-out-percent", "10", "--drop-in-percent", "10").finish()
    for stats in peers.last:
        camera = next(tx for tx in stats["media"]["tx"] if tx["source"] == "camera")
        video = next(rx for rx in fed(stats) if rx["kind"] == "video")
        check(camera["dropped"] >= 10 and stats["media"]["dropped"] >= 10, "nothing was lost", camera, stats["media"])
        check(camera["resent"] >= camera["dropped"] * 0.9, "the server did not ask for what was lost", camera)
        check(video["recovered"] >= stats["media"]["dropped"] * 0.8, "the server did not send again", video)
        check(video["lost"] <= video["packets"] * 0.01, "lost in the end", video)


def test_ice_restart_keeps_dtls_and_media(server):
    peers = Peers(server, 2, 8, "--pairs", "1", "--publish", "microphone,camera", "--ice-restart-ms", "4000").finish()
    for stats in peers.last:
        check(stats["restarts"] == 1 and stats["offers"] == 2, "offers", stats["offers"])
        check(stats["media"]["handshakes"] == 1, "a second DTLS handshake")
        for rx in fed(stats):
            check(rx["worst_gap_ms"] < 2000 and rx["idle_ms"] < 1000 and rx["lost"] == 0, "media", rx)


def test_socket_cut_resumes(server):
    """4 s without the WebSocket: media goes on, what happened meanwhile is told once, nobody offers again."""
    stay = Peers(server, 2, 12, "--pairs", "3", "--publish", "microphone,camera",
                 "--cut-ms", "3000", "--cut-for-ms", "4000", "--stats-ms", "1000")
    stay.await_event("cut", 2)
    late = Peers(server, 1, 6, "--pairs", "3", "--publish", "microphone", identity="late-")
    late.finish()
    stay.finish()
    check(len(stay.named("resumed")) == 2, "resumes", stay.named("resumed"))
    check(all(r["to"] > r["from"] for r in stay.named("resumed")), "nothing was missed", stay.named("resumed"))
    joins = sum(stats["events"].get("participant.joined", 0) for stats in stay.last)
    check(joins == 3, "joins that were told", joins)
    for stats, history in zip(stay.last, stay.history):
        check(stats["offers"] == 1 and stats["media"]["handshakes"] == 1, "negotiated again")
        ssrc = next(rx["ssrc"] for rx in fed(stats) if rx["kind"] == "video")
        counts = [next(rx["packets"] for rx in h["media"]["rx"] if rx["ssrc"] == ssrc) for h in history if h["up_ms"] >= 0]
        grown = [b - a for a, b in zip(counts[2:-1], counts[3:-1])]
        check(len(grown) > 5 and all(g > 0 for g in grown), "a second without video", counts)


def durable(stats):
    return sum(n for method, n in stats["events"].items() if method not in EPHEMERAL)


def test_joins_cost_the_others_no_negotiation(server):
    """20 peers join a room in which 4 asked for 4 pairs each."""
    first = Peers(server, 4, 18, "--pairs", "4", "--publish", "microphone,camera", "--fps", "5", "--width", "160",
                  "--height", "90", "--kbps", "60")
    first.await_event("up", 4)
    time.sleep(2)  # statistics of a room at rest
    crowd = Peers(server, 20, 10, "--pairs", "4", "--publish", "microphone,camera", "--fps", "5", "--width", "160",
                  "--height", "90", "--kbps", "60", "--stagger-ms", "150", identity="crowd-")
    crowd.finish()
    first.finish()
    for history in first.history:
        after = history[-1]
        early = after["events"]["participant.joined"] - 20  # of the first four, those that came after this one
        check(0 <= early <= 3, "joins seen", early + 20)
        before = next(h for h in reversed(history) if h["events"].get("participant.joined", 0) <= early)
        joined = after["events"]["participant.joined"] - before["events"].get("participant.joined", 0)
        check(joined == 20, "joins since the statistics that were taken before them", joined)
        for field in ("offers", "offer_bytes", "answer_bytes"):
            check(before[field] == after[field] and before["offers"] == 1, field, before[field], after[field])
        # joined, two tracks, one size; then the leaving and what the slots show
        check((durable(after) - durable(before)) / joined <= 10, "events per join", after["events"], before["events"])
        ssrcs = [[rx["ssrc"] for rx in h["media"]["rx"]] for h in (before, after)]
        check(ssrcs[0] == ssrcs[1] and len(ssrcs[0]) == 8, "SSRCs of the slots", ssrcs)


def test_a_room_over_two_workers(server):
    """Six on two workers, all to all: reports agree, an ICE restart and a cut socket change nothing; two come, leave
    and come back."""
    media = ("--publish", "microphone,camera", "--decode", "--fps", "10", "--width", "160", "--height", "90", "--kbps", "80")
    six = Peers(server, 6, 19, "--pairs", "7", *media, "--stagger-ms", "200", "--ice-restart-ms", "5000",
                "--cut-ms", "8000", "--cut-for-ms", "2500")
    time.sleep(3.5)
    for _ in range(2):
        late = Peers(server, 2, 5, "--pairs", "7", *media, identity="late-").finish()
        for stats in late.last:
            check(len([rx for rx in fed(stats) if rx["participant"]]) == 14, "a newcomer's streams", len(fed(stats)))
            check(all(rx["picture"]["decoded"] > 20 for rx in fed(stats) if rx["kind"] == "video"), "newcomer", fed(stats))
    relayed = server.metric('stoa_relay_packets_total{direction="in"}')
    check(relayed > 2000, "packets from one worker to the other", relayed)
    six.finish()
    check(server.metric("stoa_faults_total") == 0, "faults")
    for reason in ("forward_ring", "relay_behind"):
        check(server.metric(f'stoa_drops_total{{reason="{reason}"}}') == 0, "lost between the workers", reason)
    index = {stats["participant"]: stats["peer"] for stats in six.last}
    ages = {}
    for stats, history in zip(six.last, six.history):
        check(stats["restarts"] == 1 and stats["offers"] == 2 and stats["media"]["handshakes"] == 1, "negotiated", stats["offers"])
        rows = [rx for rx in fed(stats) if rx["participant"] in index]
        check(len(rows) == 10, "streams at peer", stats["peer"], len(rows))
        for rx in rows:
            # eight peers that decode may keep a small machine from reading its sockets in time
            check(rx["lost"] <= rx["packets"] // 100, "lost", rx, server.metric('stoa_drops_total{reason="udp_'))
            check(rx["duplicates"] == 0 and rx["backward_ts"] == 0, "sequence", rx)
            check(rx["worst_gap_ms"] < 3000 and rx["idle_ms"] < 1000, "media", rx)
            ages.setdefault((rx["participant"], rx["kind"]), []).append(usual_age_ms(history, rx))
            if rx["kind"] == "video":
                check(rx["picture"]["broken"] == 0 and near(rx["picture"]["yuv"], index[rx["participant"]]), "picture", rx)
    for (participant, kind), of_one in ages.items():
        check(max(of_one) - min(of_one) < 100, "reports about", participant, kind, of_one)
    check(len(six.named("resumed")) == 6, "resumes", six.named("resumed"))


test_a_room_over_two_workers.settings = {"STOA_MEDIA_WORKERS": "2", "STOA_LIMITS_WORKER_ROOM_PEERS": "2"}


def test_redundant_audio(server):
    """Each frame with the one before it to who offers RED, the newest alone to who does not."""
    taker = Peers(server, 1, 9, "--pairs", "1", "--red", "--decode", identity="taker-")
    other = Peers(server, 1, 9, "--pairs", "1", "--decode", identity="other-")
    time.sleep(1)
    Peers(server, 1, 7, "--pairs", "1", "--publish", "microphone", "--red", identity="speaker-").finish()
    red, plain = (next(rx for rx in fed(peers.finish().last[0]) if rx["kind"] == "audio") for peers in (taker, other))
    for rx in (red, plain):
        audio = rx["audio"]
        check(audio["wrong"] == 0 and audio["primary"] > 200, "frames", rx)
        check(abs(rx["tone"]["hz"] - 300) < 5 and rx["tone"]["decoded"] == audio["primary"], "tone", rx)
    check(red["audio"]["plain"] == 0 and red["audio"]["redundant"] >= 0.95 * red["audio"]["red"], "with redundancy", red)
    check(plain["audio"]["red"] == 0, "without redundancy", plain)


test_redundant_audio.settings = {"STOA_MEDIA_CODECS": "red,opus,vp8"}

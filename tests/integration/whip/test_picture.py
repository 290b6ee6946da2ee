"""The first picture: of a publisher that makes a key frame in ten seconds and ignores requests for one, and of codecs that a viewer lacks."""
import asyncio
import json

from doors import SDP, check, problem, wait_for
from test_clients import LONG_S, Watcher, gst, in_loop
from test_rules import AUDIO, VIDEO, offer

H264 = ("video", 96, "H264/90000\r\na=fmtp:96 packetization-mode=1;profile-level-id=42e01f")
RARE_S = 10        # between two key frames of the publishers "rare"
FIRST_MS = 300     # from the end of DTLS to the first decoded picture
HELD_MS = 1000     # a still stands longer


async def finish(process):
    out, err = await asyncio.to_thread(process.communicate, timeout=LONG_S)
    check(process.returncode == 0, err[-600:])
    return json.loads(out)


async def stop(*processes):
    for process in processes:
        process.terminate()
    for process in processes:
        await asyncio.to_thread(process.wait, timeout=LONG_S)


def first_picture(codec):
    """Who comes between two key frames sees the last one at once, and goes live with the next; nothing broken in between."""
    @in_loop
    async def test(s):
        publisher = gst("publish", s.url + "/whip/live", s.token(), 2 * LONG_S, codec + "-rare")
        eve = s.token("eve", grants="subscribe")
        viewers = [gst("held", s.url + "/whep/live", eve, RARE_S + 6, codec) for _ in range(3)]
        try:
            for viewer in viewers:
                check(await asyncio.to_thread(viewer.stdout.readline) == "ready\n", "a viewer is not ready")
            # one that is there already says when a key frame has come
            early = await Watcher(s, eve).start()
            await early.sees(more=3)
            for viewer in viewers:
                await asyncio.sleep(1.5)
                viewer.stdin.write("now\n")
                viewer.stdin.flush()
            found = await asyncio.gather(*(finish(v) for v in viewers))
            await early.pc.close()
        finally:
            await stop(publisher, *viewers)
        firsts = sorted(ms for got in found for ms in got["times_ms"][:1])
        print("          first pictures after", firsts, "ms", flush=True)
        for got in found:
            gaps = [b - a for a, b in zip(got["times_ms"], got["times_ms"][1:])]
            check(got["state"] == "connected" and len(gaps) > 20, got)
            # a busy machine may hold a picture back, but not for as long as the still stood
            check(gaps[0] > HELD_MS and max(gaps[1:]) < max(HELD_MS, gaps[0] / 2), "a still, then live", got)
        check(firsts[1] <= FIRST_MS, "the first picture came after", firsts, "ms")
    test.__doc__ = first_picture.__doc__
    return test


test_first_picture_vp8 = first_picture("vp8")
test_first_picture_h264 = first_picture("h264")


# ---- codecs

@in_loop
async def test_codec_missing(s):
    """422 names the codec of the picture; who waited for it is let go; who has it, or wants sound only, sees or hears it."""
    eve = s.token("eve", grants="subscribe")
    publisher = gst("publish", s.url + "/whip/live", s.token(), LONG_S, "h264")
    try:
        await asyncio.to_thread(wait_for, "the publisher is there", lambda: s.open()["tracks"] == 2, LONG_S)
        viewer = gst("watch", s.url + "/whep/live", eve, 8, "h264")
        got = await finish(viewer)
        check(got["video"] > 10, got)
        answer = s.http("POST", "/whep/live", eve, offer(AUDIO, VIDEO, direction="recvonly"), SDP)
        document = problem(answer, 422, "unsupported")
        check("H264" in document["detail"] and document["field"] == "sdp" and answer[1]["Location"] is None, document)
        for mlines in ((AUDIO, H264), (AUDIO,), (H264,)):
            check(s.http("POST", "/whep/live", eve, offer(*mlines, direction="recvonly"), SDP)[0] == 201, mlines)
    finally:
        await stop(publisher)


@in_loop
async def test_codec_comes_later(s):
    """A viewer that waits in an empty room for what turns out to be of a codec it lacks is let go: it may ask again and learn why."""
    eve = s.token("eve", grants="subscribe")
    viewer = gst("watch", s.url + "/whep/live", eve, 2 * LONG_S, "vp8")
    await asyncio.to_thread(wait_for, "the viewer is there", lambda: s.open()["sessions"] == 1, LONG_S)
    publisher = gst("publish", s.url + "/whip/live", s.token(), 2 * LONG_S, "h264")
    try:
        await asyncio.to_thread(wait_for, "the viewer is let go", lambda: s.open()["sessions"] == 1 and s.open()["tracks"] == 2, LONG_S)
        viewer.terminate()
        got = await finish(viewer)
        check(got["video"] == 0 and got["gone"], got)
    finally:
        await stop(publisher)


def test_accept(s):
    """What a player says it accepts changes nothing: 406 would mean an offer of the server's own (draft-ietf-wish-whep-04, 4.2)."""
    token = s.token()
    for accept in ("application/sdp", "*/*", "text/html", "application/json;q=0.5", "", "nonsense"):
        status, headers, _ = s.http("POST", "/whep/live", token, offer(AUDIO, VIDEO, direction="recvonly"), SDP, Accept=accept)
        check(status == 201 and headers["Content-Type"] == SDP, accept, status)

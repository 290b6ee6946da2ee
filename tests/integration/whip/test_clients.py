"""Software that nobody here wrote, through both doors: aiortc, GStreamer's webrtcbin, Debian's simple-whip-client."""
import asyncio
import json
import os
import subprocess
import time

from aiortc import RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack, MediaStreamError, VideoStreamTrack

from doors import FRAG, SDP, check, wait_for

HERE = os.path.dirname(os.path.abspath(__file__))


# ---- aiortc

class Watcher:
    """A WHEP viewer that counts the frames that its decoders made."""

    def __init__(self, server, token, path="/whep/live"):
        self.server, self.token, self.path, self.pc = server, token, path, RTCPeerConnection()
        self.frames, self.last = {"audio": 0, "video": 0}, {"audio": 0.0, "video": 0.0}
        for kind in ("audio", "video"):
            self.pc.addTransceiver(kind, "recvonly")
        self.pc.on("track", lambda track: asyncio.ensure_future(self.read(track)))

    async def read(self, track):
        try:
            while True:
                await track.recv()
                self.frames[track.kind] += 1
                self.last[track.kind] = time.monotonic()
        except MediaStreamError:
            pass

    async def start(self):
        self.location = await post(self.server, self.pc, self.path, self.token)
        return self

    async def sees(self, more=10, seconds=60):
        """That many more frames of each kind come."""
        want = {kind: n + more for kind, n in self.frames.items()}
        await until("pictures and sound", lambda: all(self.frames[k] >= n for k, n in want.items()), seconds)


async def until(what, fn, seconds):
    deadline = time.monotonic() + seconds
    while not fn():
        check(time.monotonic() < deadline, "not within", seconds, "s:", what)
        await asyncio.sleep(0.05)


async def post(server, pc, path, token):
    await pc.setLocalDescription(await pc.createOffer())
    answer = await asyncio.to_thread(server.http, "POST", path, token, pc.localDescription.sdp, SDP)
    check(answer[0] == 201, path, answer[0], answer[2])
    await pc.setRemoteDescription(RTCSessionDescription(answer[2], "answer"))
    return answer[1]["Location"]


async def publisher(server, token, path="/whip/live"):
    pc = RTCPeerConnection()
    pc.addTransceiver(AudioStreamTrack(), "sendonly")
    pc.addTransceiver(VideoStreamTrack(), "sendonly")
    return pc, await post(server, pc, path, token)


def in_loop(fn):
    def run(server):
        asyncio.run(asyncio.wait_for(fn(server), 300))
    run.__doc__ = fn.__doc__
    return run


@in_loop
async def test_aiortc(s):
    """Publishes and watches; three viewers see it; the end of the stream leaves them waiting."""
    token, eve = s.token(), s.token("eve", grants="subscribe")
    pc, location = await publisher(s, token)
    viewers = [await Watcher(s, eve).start() for _ in range(3)]
    await asyncio.gather(*(v.sees() for v in viewers))
    check(s.http("DELETE", location, token)[0] == 200)
    await until("the stream is over", lambda: s.open()["tracks"] == 0, 8)
    check(s.open()["sessions"] == 3 and all(v.pc.connectionState == "connected" for v in viewers), s.open())
    for v in viewers:
        check(s.http("DELETE", v.location, eve)[0] == 200)
        await v.pc.close()
    await pc.close()
    await until("all is gone", lambda: s.open()["sessions"] == s.open()["rooms"] == 0, 8)


@in_loop
async def test_comes_back(s):
    """A publisher that vanishes and returns within ten seconds goes on: same participant and track, for the same viewer."""
    token = s.token()
    watcher = s.token("eve", grants="subscribe")
    pc, _ = await publisher(s, token)
    viewer = await Watcher(s, watcher).start()
    await viewer.sees()
    joined = s.log().count(": joined ")
    again = s.http("POST", "/whip/live", token, pc.localDescription.sdp, SDP)
    check(again[0] == 409 and again[1]["Retry-After"] == "2", again[0], again[2])
    silence(pc)
    await asyncio.sleep(2.6)
    check(viewer.pc.connectionState == "connected")
    back, location = await publisher(s, token)
    await viewer.sees()
    check(s.log().count(": joined ") == joined and s.open()["participants"] == 1, "the same participant", s.open())
    check(s.http("DELETE", location, token)[0] == 200)
    await viewer.pc.close()
    await back.close()


def silence(pc):
    """It stops without a word: no close_notify, no DELETE, no checks."""
    for transceiver in pc.getTransceivers():
        transceiver.sender.transport.transport._connection.close = _nothing
        transceiver.sender.transport._send_rtp = _drop
        transceiver.sender.transport.transport._send = _drop
        transceiver.sender.transport.transport._connection.send = _drop
        transceiver.sender.transport.transport._connection._check_list_done = True
        for task in ("_query_consent_handle", "_query_consent_task"):
            handle = getattr(transceiver.sender.transport.transport._connection, task, None)
            if handle:
                handle.cancel()


@in_loop
async def test_consent_expires(s):
    """Consent that nobody renews ends a session, also when a new start of ICE that nobody follows came before (RFC 7675, 5.1)."""
    eve = s.token("eve", grants="subscribe")
    quiet, restarted, alive = [await Watcher(s, eve).start() for _ in range(3)]
    await until("they are connected", lambda: all(v.pc.connectionState == "connected" for v in (quiet, restarted, alive)), 60)
    silence(quiet.pc)
    silence(restarted.pc)
    fragment = "a=ice-ufrag:efgh\r\na=ice-pwd:zzzzzzzzzzzzzzzzzzzzzz\r\n"
    check(s.http("PATCH", restarted.location, eve, fragment, FRAG, If_Match="*")[0] == 200)
    check(s.open()["sessions"] == 3)
    await until("two are gone", lambda: s.open()["sessions"] == 1, 25)
    check(s.http("DELETE", alive.location, eve)[0] == 200, "whose consent is fresh stays")
    await alive.pc.close()


# aiortc renews its consent each 4 to 6 s
test_consent_expires.server = {"limits": {"peer_consent_ms": 12000}}


async def _drop(*_):
    pass


async def _nothing():
    pass


@in_loop
async def test_comes_before(s):
    """A viewer of an empty room sees the stream that begins."""
    viewer = await Watcher(s, s.token("eve", grants="subscribe")).start()
    pc, _ = await publisher(s, s.token())
    await viewer.sees()
    await viewer.pc.close()
    await pc.close()


@in_loop
async def test_choice(s):
    """?participant= and ?track= choose; without them the first one stays the main picture."""
    eve = s.token("eve", grants="subscribe")
    publishers = [await publisher(s, s.token(name)) for name in ("one", "two")]
    viewers = [await Watcher(s, eve, "/whep/live" + query).start() for query in ("", *choices(s))]
    await asyncio.gather(*(v.sees() for v in viewers))
    check(s.http("DELETE", publishers[1][1], s.token("two"))[0] == 200)
    await asyncio.sleep(1)
    frozen = [v.frames["video"] for v in viewers[1:]]
    await viewers[0].sees()
    check([v.frames["video"] for v in viewers[1:]] == frozen, "what they chose is over")
    for pc, _ in publishers:
        await pc.close()
    for v in viewers:
        await v.pc.close()


def choices(s):
    """Queries that choose what the participant "two" publishes, by its ids, which the log of the room names."""
    participant = [line for line in s.log().splitlines() if ": joined " in line and "identity=two" in line][0]
    return ["?participant=" + participant.split("participant=")[1].split()[0]]


@in_loop
async def test_without_conference(s):
    """The plugin needs no other: WHIP to WHEP with the conference left out."""
    pc, _ = await publisher(s, s.token())
    viewer = await Watcher(s, s.token("eve", grants="subscribe")).start()
    await viewer.sees()
    await viewer.pc.close()
    await pc.close()


test_without_conference.server = {"plugins": "broadcast"}


# ---- GStreamer

LONG_S = 120  # the first GStreamer of a machine looks at all its plugins

def gst(role, url, token, seconds, codec):
    return subprocess.Popen(["/usr/bin/python3", "-B", os.path.join(HERE, "gst.py"), role, url, token, str(seconds), codec],
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def webrtcbin(s, codec, profile=None):
    publish = gst("publish", s.url + "/whip/live", s.token(), LONG_S, codec)
    try:
        wait_for("the publisher is there", lambda: s.open()["tracks"] == 2, LONG_S)
        watch = gst("watch", s.url + "/whep/live", s.token("eve", grants="subscribe"), 8, codec)
        out, err = watch.communicate(timeout=LONG_S)
        check(watch.returncode == 0, err[-600:])
        got = json.loads(out)
        check(got["state"] == "connected" and got["video"] > 20 and got["audio"] > 100 and got["size"] == [320, 240], got)
        check(got["profile"] == profile, "profile", got["profile"])
    finally:
        publish.terminate()
        out, err = publish.communicate(timeout=LONG_S)
    check(json.loads(out)["state"] == "connected", out, err[-600:])


def test_webrtcbin_vp8(s):
    """GStreamer publishes and watches."""
    webrtcbin(s, "vp8")


def test_webrtcbin_h264(s):
    webrtcbin(s, "h264", "constrained-baseline")


def test_webrtcbin_h264_high(s):
    """Its SPS says high, and both offers do."""
    webrtcbin(s, "h264-high", "high")


# ---- Debian's simple-whip-client

def whip_client(s, video, payload):
    audio = "audiotestsrc is-live=true ! audioconvert ! opusenc ! rtpopuspay pt=100 ssrc=1 ! queue ! " \
            "application/x-rtp,media=audio,encoding-name=OPUS,payload=100"
    stub = os.path.join(s.folder.name, "libgupnp-igd-1.0.so.4")
    subprocess.run(["cc", "-shared", "-fPIC", "-Wl,-soname,libgupnp-igd-1.0.so.4", "-o", stub, os.path.join(HERE, "no_upnp.c")], check=True)
    client = subprocess.Popen(["whip-client", "-u", s.url + "/whip/live", "-t", s.token(), "-A", audio, "-V", video + payload, "-o"],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              env=dict(os.environ, LD_LIBRARY_PATH=s.folder.name))

    async def watch():
        await until("its tracks", lambda: s.open()["tracks"] == 2, LONG_S)
        viewer = await Watcher(s, s.token("eve", grants="subscribe")).start()
        await viewer.sees()
        await viewer.pc.close()
    try:
        asyncio.run(asyncio.wait_for(watch(), 300))
    except BaseException:
        client.kill()
        print("\n".join("    . " + line for line in client.communicate()[0].splitlines()[-25:]), flush=True)
        raise
    client.terminate()
    out = client.communicate(timeout=60)[0]
    check("ERR" not in out, out[-800:])


def test_simple_whip_client_vp8(s):
    """Trickles by PATCH, ends by DELETE."""
    whip_client(s, "videotestsrc is-live=true ! video/x-raw,width=320,height=240,framerate=15/1 ! vp8enc deadline=1 keyframe-max-dist=60 ! ",
                "rtpvp8pay pt=96 ssrc=2 ! queue ! application/x-rtp,media=video,encoding-name=VP8,payload=96")


def test_simple_whip_client_h264(s):
    whip_client(s, "videotestsrc is-live=true ! video/x-raw,width=320,height=240,framerate=15/1 ! x264enc tune=zerolatency "
                   "speed-preset=ultrafast key-int-max=30 ! video/x-h264,profile=constrained-baseline ! ",
                "rtph264pay pt=96 ssrc=2 config-interval=-1 ! queue ! application/x-rtp,media=video,encoding-name=H264,payload=96")

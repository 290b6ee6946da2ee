"""A WHIP or WHEP client of GStreamer's webrtcbin:  gst.py publish|watch|held URL TOKEN SECONDS [CODEC]

CODEC: vp8, h264, h264-high; to publish also vp8-rare and h264-rare, with a key frame in ten seconds and no ear for requests.
Held, it prints "ready" and watches when something comes on its standard input.  It ends after so many SECONDS or by SIGTERM, and prints one line of JSON: the connection's state, how many frames of each kind came out of the decoders, the first pictures' times
since the end of DTLS, their size, and whether the server had dropped the session before its DELETE.
"""
import json
import signal
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstWebRTC", "1.0")
gi.require_version("GstSdp", "1.0")
from gi.repository import GLib, Gst, GstSdp, GstWebRTC  # noqa: E402

RAW = "videotestsrc is-live=true ! video/x-raw,format=I420,width=320,height=240,framerate=15/1 ! "
VP8 = RAW + "vp8enc name=encoder deadline=1 keyframe-max-dist=150 ! rtpvp8pay pt=96 picture-id-mode=15-bit ! " \
            "application/x-rtp,media=video,encoding-name=VP8,payload=96 ! bin.sink_0 "


def h264(profile, speed, distance):
    return RAW + f"x264enc name=encoder tune=zerolatency speed-preset={speed} key-int-max={distance} ! video/x-h264,profile={profile} ! " \
                 "rtph264pay pt=96 config-interval=-1 aggregate-mode=zero-latency ! " \
                 "application/x-rtp,media=video,encoding-name=H264,payload=96 ! bin.sink_0 "


PUBLISH = {
    "vp8": VP8,
    "vp8-rare": VP8,
    "h264": h264("constrained-baseline", "ultrafast", 30),
    "h264-rare": h264("constrained-baseline", "ultrafast", 150),
    "h264-high": h264("high", "veryfast", 30),  # ultrafast leaves out what makes it high
}
SOUND = "audiotestsrc is-live=true ! opusenc ! rtpopuspay pt=97 ! application/x-rtp,media=audio,encoding-name=OPUS,payload=97 ! bin.sink_1"
RECEIVE = {
    "vp8": "application/x-rtp,media=video,encoding-name=VP8,payload=96,clock-rate=90000",
    "h264": "application/x-rtp,media=video,encoding-name=H264,payload=96,clock-rate=90000,packetization-mode=(string)1,"
            "profile-level-id=(string)42e01f",
    "h264-high": "application/x-rtp,media=video,encoding-name=H264,payload=96,clock-rate=90000,packetization-mode=(string)1,"
                 "profile-level-id=(string)64001f",
}
HEARD = "application/x-rtp,media=audio,encoding-name=OPUS,payload=97,clock-rate=48000,encoding-params=(string)2"

TIMES = 100
DECODERS = {"VP8": "rtpvp8depay ! vp8dec", "H264": "rtph264depay ! h264parse name=parser ! avdec_h264", "OPUS": "rtpopusdepay ! opusdec"}


class Client:
    def __init__(self, role, url, token, codec):
        self.held, role = role == "held", "watch" if role == "held" else role
        self.url, self.token, self.role, self.location = url, token, role, None
        self.frames = {"audio": 0, "video": 0}
        self.connected, self.times, self.size, self.profile = None, [], None, None
        if role == "watch":  # parse_launch makes no pipeline of a single element
            self.pipe, self.bin = Gst.Pipeline.new(), Gst.ElementFactory.make("webrtcbin")
            self.bin.set_property("bundle-policy", GstWebRTC.WebRTCBundlePolicy.MAX_BUNDLE)
            self.bin.set_property("latency", 20)  # its jitter buffer would hold the first picture back
            self.pipe.add(self.bin)
        else:
            self.pipe = Gst.parse_launch("webrtcbin name=bin bundle-policy=max-bundle " + PUBLISH[codec] + SOUND)
            self.bin = self.pipe.get_by_name("bin")
            if codec.endswith("-rare"):
                pad = self.pipe.get_by_name("encoder").get_static_pad("src")
                pad.add_probe(Gst.PadProbeType.EVENT_UPSTREAM, self.ignore_requests)
        # loaded before anything is timed
        self.loaded = [Gst.parse_bin_from_description(chain, False) for chain in DECODERS.values()]
        self.loop = GLib.MainLoop()
        if role == "watch":
            for caps in (RECEIVE[codec], HEARD):
                self.bin.emit("add-transceiver", GstWebRTC.WebRTCRTPTransceiverDirection.RECVONLY, Gst.Caps.from_string(caps))
            self.bin.connect("pad-added", self.on_pad)
        else:
            for i in range(2):
                self.bin.emit("get-transceiver", i).set_property("direction", GstWebRTC.WebRTCRTPTransceiverDirection.SENDONLY)
        self.bin.connect("notify::ice-gathering-state", self.on_gathered)
        self.bin.connect("notify::connection-state", self.on_state)

    @staticmethod
    def ignore_requests(_, info):
        name = info.get_event().get_structure().get_name() if info.get_event().get_structure() else ""
        return Gst.PadProbeReturn.DROP if name == "GstForceKeyUnit" else Gst.PadProbeReturn.OK

    def on_state(self, *_):
        if self.bin.get_property("connection-state") == GstWebRTC.WebRTCPeerConnectionState.CONNECTED:
            self.connected = self.connected or time.monotonic()

    def on_pad(self, _, pad):
        if pad.direction != Gst.PadDirection.SRC:
            return
        caps = pad.get_current_caps().get_structure(0)
        kind, encoding = caps.get_string("media"), caps.get_string("encoding-name")
        chain = Gst.parse_bin_from_description(f"queue ! {DECODERS[encoding]} ! fakesink name=end sync=false async=false", True)
        end = chain.get_by_name("end").get_static_pad("sink")
        end.add_probe(Gst.PadProbeType.BUFFER, lambda pad, _: self.count(kind, pad))
        parser = chain.get_by_name("parser")
        if parser:
            parser.get_static_pad("src").add_probe(Gst.PadProbeType.BUFFER, self.on_parsed)
        self.pipe.add(chain)
        chain.sync_state_with_parent()
        pad.link(chain.get_static_pad("sink"))

    def on_parsed(self, pad, _):
        self.profile = pad.get_current_caps().get_structure(0).get_string("profile")
        return Gst.PadProbeReturn.REMOVE

    def count(self, kind, pad):
        self.frames[kind] += 1
        if kind == "video" and len(self.times) < TIMES:
            now = time.monotonic()
            self.times.append(round(1000 * (now - (self.connected or now))))
            caps = pad.get_current_caps().get_structure(0)
            self.size = [caps.get_value("width"), caps.get_value("height")]
        return Gst.PadProbeReturn.OK

    def offer(self):
        promise = Gst.Promise.new()
        self.bin.emit("create-offer", None, promise)
        promise.wait()
        reply = promise.get_reply()  # owns the description
        self.bin.emit("set-local-description", reply.get_value("offer"), Gst.Promise.new())

    def on_gathered(self, *_):
        if self.bin.get_property("ice-gathering-state") == GstWebRTC.WebRTCICEGatheringState.COMPLETE and not self.location:
            GLib.idle_add(self.hold if self.held else self.post)

    def hold(self):
        print("ready", flush=True)
        GLib.io_add_watch(sys.stdin.fileno(), GLib.PRIORITY_DEFAULT, GLib.IO_IN, lambda *_: self.begin() and False)

    def begin(self):
        self.end_in(self.seconds)
        self.post()

    def end_in(self, seconds):
        GLib.timeout_add(int(seconds * 1000), self.loop.quit)

    def request(self, method, url, body=None):
        headers = {"Authorization": "Bearer " + self.token, "Content-Type": "application/sdp"}
        return urllib.request.urlopen(urllib.request.Request(url, data=body, method=method, headers=headers), timeout=60)

    def post(self):
        if self.location:
            return
        sdp = self.bin.get_property("local-description").sdp.as_text()
        with self.request("POST", self.url, sdp.encode()) as answer:
            self.location = urllib.parse.urljoin(self.url, answer.headers["Location"])
            _, message = GstSdp.SDPMessage.new_from_text(answer.read().decode())
        description = GstWebRTC.WebRTCSessionDescription.new(GstWebRTC.WebRTCSDPType.ANSWER, message)
        self.bin.emit("set-remote-description", description, Gst.Promise.new())

    def run(self, seconds):
        self.pipe.set_state(Gst.State.PLAYING)
        GLib.timeout_add(300, lambda: self.offer() and False)
        self.seconds = seconds
        if not self.held:
            self.end_in(seconds)
        GLib.unix_signal_add(GLib.PRIORITY_DEFAULT, signal.SIGTERM, self.loop.quit)
        self.loop.run()
        state = self.bin.get_property("connection-state").value_nick
        gone = self.location is not None and not self.delete()
        self.pipe.set_state(Gst.State.NULL)
        print(json.dumps({"state": state, **self.frames, "times_ms": self.times, "size": self.size, "profile": self.profile, "gone": gone}), flush=True)

    def delete(self):
        try:
            self.request("DELETE", self.location).close()
            return True
        except urllib.error.HTTPError as error:
            if error.code != 404:
                raise
            return False


Gst.init(None)
Client(sys.argv[1], sys.argv[2], sys.argv[3], (sys.argv + ["vp8"])[5] if len(sys.argv) > 5 else "vp8").run(float(sys.argv[4]))

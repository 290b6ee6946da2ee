"""A WHIP or WHEP client of GStreamer's webrtcbin:  gst.py publish|watch URL TOKEN SECONDS [vp8|h264]

Prints one line of JSON: the connection's state and how many frames of each kind came out of the decoders.
"""
import json
import sys
import urllib.parse
import urllib.request

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstWebRTC", "1.0")
gi.require_version("GstSdp", "1.0")
from gi.repository import GLib, Gst, GstSdp, GstWebRTC  # noqa: E402

PUBLISH = {
    "vp8": "videotestsrc is-live=true ! video/x-raw,width=320,height=240,framerate=15/1 ! vp8enc deadline=1 keyframe-max-dist=150 ! "
           "rtpvp8pay pt=96 picture-id-mode=15-bit ! application/x-rtp,media=video,encoding-name=VP8,payload=96 ! bin.sink_0 ",
    "h264": "videotestsrc is-live=true ! video/x-raw,width=320,height=240,framerate=15/1 ! x264enc tune=zerolatency speed-preset=ultrafast "
            "key-int-max=30 ! video/x-h264,profile=constrained-baseline ! rtph264pay pt=96 config-interval=-1 aggregate-mode=zero-latency ! "
            "application/x-rtp,media=video,encoding-name=H264,payload=96 ! bin.sink_0 ",
}
SOUND = "audiotestsrc is-live=true ! opusenc ! rtpopuspay pt=97 ! application/x-rtp,media=audio,encoding-name=OPUS,payload=97 ! bin.sink_1"
RECEIVE = {
    "vp8": "application/x-rtp,media=video,encoding-name=VP8,payload=96,clock-rate=90000",
    "h264": "application/x-rtp,media=video,encoding-name=H264,payload=96,clock-rate=90000,packetization-mode=(string)1,"
            "profile-level-id=(string)42e01f",
}
HEARD = "application/x-rtp,media=audio,encoding-name=OPUS,payload=97,clock-rate=48000,encoding-params=(string)2"

DECODERS = {"VP8": "rtpvp8depay ! vp8dec", "H264": "rtph264depay ! h264parse ! avdec_h264", "OPUS": "rtpopusdepay ! opusdec"}


class Client:
    def __init__(self, role, url, token, codec):
        self.url, self.token, self.role, self.location = url, token, role, None
        self.frames = {"audio": 0, "video": 0}
        if role == "watch":  # parse_launch makes no pipeline of a single element
            self.pipe, self.bin = Gst.Pipeline.new(), Gst.ElementFactory.make("webrtcbin")
            self.bin.set_property("bundle-policy", GstWebRTC.WebRTCBundlePolicy.MAX_BUNDLE)
            self.pipe.add(self.bin)
        else:
            self.pipe = Gst.parse_launch("webrtcbin name=bin bundle-policy=max-bundle " + PUBLISH[codec] + SOUND)
            self.bin = self.pipe.get_by_name("bin")
        self.loop = GLib.MainLoop()
        if role == "watch":
            for caps in (RECEIVE[codec], HEARD):
                self.bin.emit("add-transceiver", GstWebRTC.WebRTCRTPTransceiverDirection.RECVONLY, Gst.Caps.from_string(caps))
            self.bin.connect("pad-added", self.on_pad)
        else:
            for i in range(2):
                self.bin.emit("get-transceiver", i).set_property("direction", GstWebRTC.WebRTCRTPTransceiverDirection.SENDONLY)
        self.bin.connect("notify::ice-gathering-state", self.on_gathered)

    def on_pad(self, _, pad):
        if pad.direction != Gst.PadDirection.SRC:
            return
        caps = pad.get_current_caps().get_structure(0)
        kind, encoding = caps.get_string("media"), caps.get_string("encoding-name")
        chain = Gst.parse_bin_from_description(f"queue ! {DECODERS[encoding]} ! fakesink name=end sync=false async=false", True)
        end = chain.get_by_name("end").get_static_pad("sink")
        end.add_probe(Gst.PadProbeType.BUFFER, lambda *_: self.count(kind))
        self.pipe.add(chain)
        chain.sync_state_with_parent()
        pad.link(chain.get_static_pad("sink"))

    def count(self, kind):
        self.frames[kind] += 1
        return Gst.PadProbeReturn.OK

    def offer(self):
        promise = Gst.Promise.new()
        self.bin.emit("create-offer", None, promise)
        promise.wait()
        reply = promise.get_reply()  # owns the description
        self.bin.emit("set-local-description", reply.get_value("offer"), Gst.Promise.new())

    def on_gathered(self, *_):
        if self.bin.get_property("ice-gathering-state") == GstWebRTC.WebRTCICEGatheringState.COMPLETE and not self.location:
            GLib.idle_add(self.post)

    def request(self, method, url, body=None):
        headers = {"Authorization": "Bearer " + self.token, "Content-Type": "application/sdp"}
        return urllib.request.urlopen(urllib.request.Request(url, data=body, method=method, headers=headers), timeout=10)

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
        GLib.timeout_add(int(seconds * 1000), self.loop.quit)
        self.loop.run()
        state = self.bin.get_property("connection-state").value_nick
        if self.location:
            self.request("DELETE", self.location).close()
        self.pipe.set_state(Gst.State.NULL)
        print(json.dumps({"state": state, **self.frames}), flush=True)


Gst.init(None)
Client(sys.argv[1], sys.argv[2], sys.argv[3], (sys.argv + ["vp8"])[5] if len(sys.argv) > 5 else "vp8").run(float(sys.argv[4]))

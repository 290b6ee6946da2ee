"""One camera at several sizes: simulcast encodings and the spatial layers of VP9, as they are shown."""
import time

from rig import Peers, check, fed, held_back_ms, near


def watch_three_layers(server, loss=()):
    """A camera in three encodings, shown small, then medium, then large, each 5 s; the other encodings stop."""
    camera = Peers(server, 1, 20, "--pairs", "1", "--publish", "microphone,camera", "--simulcast", "--width", "640",
                   "--height", "360", "--fps", "20", "--kbps", "800", "--stats-ms", "500", *loss, identity="camera-")
    time.sleep(1)
    viewer = Peers(server, 1, 17, "--pairs", "1", "--decode", "--views", "160x90,320x180,640x360", "--view-ms", "5000",
                   "--stats-ms", "500", "--events", identity="viewer-").finish()
    camera.finish()
    return camera, viewer


def sizes_shown(viewer):
    """Width of the newest picture, every half second, without repetitions."""
    widths = []
    for stats in viewer.history[0]:
        for rx in fed(stats):
            if rx["kind"] == "video" and rx["picture"]["width"] and rx["picture"]["width"] not in widths[-1:]:
                widths.append(rx["picture"]["width"])
    return widths


def check_three_layers(camera, viewer):
    check(sizes_shown(viewer)[-3:] == [160, 320, 640], "pictures", sizes_shown(viewer))
    video = next(rx for rx in fed(viewer.last[0]) if rx["kind"] == "video")
    check(video["picture"]["broken"] == 0 and video["picture"]["decoded"] > 200, "pictures", video)
    check(video["worst_gap_ms"] < 1000 + held_back_ms(camera, viewer), "it froze", video)
    told = [s["layer"] for line in viewer.named("notification") if line["method"] == "slots.changed"
            for s in line["params"]["slots"] if s["layer"]]
    check([t["rid"] for t in told if t["why"] in ("size", "best")][-1:] == ["f"], "layers told", told)
    check({"q", "h", "f"} == {t["rid"] for t in told} and told[-1]["height"] == 360, "layers told", told)
    # while the small one is shown the other two are not sent
    still = 0
    for before, after in zip(camera.history[0], camera.history[0][1:]):
        grown = {a["rid"]: a["packets"] - b["packets"] for a, b in zip(after["media"]["tx"], before["media"]["tx"]) if a["rid"]}
        still += grown["q"] > 0 and grown["h"] == 0 and grown["f"] == 0
    check(still >= 4, "half seconds in which only the small encoding was sent:", still)


def test_three_layers(server):
    camera, viewer = watch_three_layers(server)
    check_three_layers(camera, viewer)


def test_three_layers_over_two_workers(server):
    """The same from another worker, with a tenth of the video lost on the way up: repaired by repaired-rid."""
    camera, viewer = watch_three_layers(server, ("--drop-out-percent", "10"))
    check_three_layers(camera, viewer)
    check(server.metric('stoa_relay_packets_total{direction="in"}') > 200, "the relay")
    video = [tx for tx in camera.last[0]["media"]["tx"] if tx["rid"]]
    check(sum(tx["resent"] for tx in video) >= 0.8 * sum(tx["dropped"] for tx in video) > 5, "RTX", video)


test_three_layers_over_two_workers.settings = {"STOA_MEDIA_WORKERS": "2", "STOA_LIMITS_WORKER_ROOM_PEERS": "1"}


def vp9(*more, **names):
    return Peers(*more[:3], "--pairs", "1", "--codec", "vp9", "--stats-ms", "500", *more[3:], **names)


def vp9_camera(server, seconds, *more):
    return vp9(server, 1, seconds, "--publish", "camera", "--width", "640", "--height", "360", "--fps", "15", "--kbps", "800",
               *more, identity="camera-")


def camera_of(stats):
    return next(rx for rx in fed(stats) if rx["kind"] == "video")


def check_layer_frames(video):
    """Whole layer frames only, pictures one after another, each with its end marked and decoded."""
    layers, picture = video["layers"], video["picture"]
    check(all(layers[fault] == 0 for fault in ("cut", "jumps", "unmarked", "bad")), "layer frames", layers)
    check(picture["broken"] == 0 and picture["decoded"] > 60 and near(picture["yuv"], 0), "pictures", video)
    check(layers["structures"] == video["key_frames"] > 0, "structures", layers, video["key_frames"])


def test_vp9_layers_by_size(server):
    """Three spatial layers in one stream, over two workers: all to who shows it large, the lowest to who shows it small."""
    large = vp9(server, 1, 11, "--decode", "--views", "640x360", identity="large-")
    small = vp9(server, 1, 11, "--decode", "--views", "160x90", identity="small-")
    time.sleep(1)
    camera = vp9_camera(server, 9).finish()
    sent = camera.last[0]["media"]["tx"][0]
    check(sent["frames"] > 90 and sent["packets"] > 5 * sent["frames"], "the camera", sent)
    check(server.metric('stoa_relay_packets_total{direction="in"}') > 200, "the relay")
    for viewer, layer, width in ((large.finish(), 2, 640), (small.finish(), 0, 160)):
        video = camera_of(viewer.last[0])
        check_layer_frames(video)
        check(video["picture"]["width"] == width, "pictures", video)
        early = next(camera_of(h) for h in viewer.history[0] if fed(h) and camera_of(h)["layers"]["frames"][layer] >= 45)
        grown = [b - a for a, b in zip(early["layers"]["frames"], video["layers"]["frames"])]
        check(grown[layer] > 30 and not any(grown[layer + 1:]), "frames by layer, once it was settled", layer, grown)


def test_vp9_layers_in_turn(server):
    """Shown small, then medium, then large, then small: a key picture brings each, and nothing breaks."""
    camera = vp9_camera(server, 20)
    time.sleep(1)
    viewer = vp9(server, 1, 17, "--decode", "--views", "160x90,320x180,640x360,160x90", "--view-ms", "4000",
                 identity="viewer-").finish()
    camera.finish()
    video = camera_of(viewer.last[0])
    check_layer_frames(video)
    check(sizes_shown(viewer)[-4:] == [160, 320, 640, 160], "pictures", sizes_shown(viewer))
    check(video["worst_gap_ms"] < 1000 + held_back_ms(camera, viewer), "it froze", video)


def test_vp9_loss_is_repaired(server):
    """A tenth is lost on the way up, layers that the viewer does not get among it, and a tenth on the way down."""
    viewer = vp9(server, 1, 11, "--views", "640x360", "--drop-in-percent", "10", identity="viewer-")
    time.sleep(1)
    camera = vp9_camera(server, 9, "--drop-out-percent", "10").finish().last[0]["media"]["tx"][0]
    stats = viewer.finish().last[0]
    video, dropped = camera_of(stats), stats["media"]["dropped"]
    check(camera["dropped"] >= 10 and dropped >= 10, "nothing was lost", camera, stats["media"])
    check(camera["resent"] >= camera["dropped"] * 0.9, "the server did not ask for what was lost", camera)
    check(video["recovered"] >= dropped * 0.8 and video["lost"] <= video["packets"] * 0.01, "lost in the end", video, dropped)
    check(video["layers"]["bad"] == 0 and video["layers"]["unmarked"] == 0, "layer frames", video["layers"])


test_vp9_layers_by_size.settings = {"STOA_MEDIA_CODECS": "opus,vp9", "STOA_MEDIA_WORKERS": "2", "STOA_LIMITS_WORKER_ROOM_PEERS": "1"}
test_vp9_layers_in_turn.settings = test_vp9_loss_is_repaired.settings = {"STOA_MEDIA_CODECS": "opus,vp9"}

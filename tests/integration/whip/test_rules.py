"""The rules of RFC 9725 and of the WHEP draft, one by one, and what bad input gets.  docs/whip.md names these tests."""
import json
import os
import re
import time

from doors import FRAG, SDP, check, problem, wait_for

FINGERPRINT = ":".join(["AB"] * 32)
AUDIO = ("audio", 111, "opus/48000/2")
VIDEO = ("video", 96, "VP8/90000")


def offer(*mlines, direction="sendonly", setup="actpass", ufrag="abcd", pwd="0123456789abcdefghijkl"):
    """A session description as a client that never sends a packet would write it."""
    lines = ["v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "t=0 0",
             "a=group:BUNDLE " + " ".join(str(i) for i in range(len(mlines)))]
    for i, (kind, pt, codec) in enumerate(mlines):
        lines += [f"m={kind} 9 UDP/TLS/RTP/SAVPF {pt}", "c=IN IP4 0.0.0.0", f"a=mid:{i}", f"a={direction}", "a=rtcp-mux",
                  "a=rtcp-mux-only", f"a=setup:{setup}", f"a=ice-ufrag:{ufrag}", f"a=ice-pwd:{pwd}",
                  f"a=fingerprint:sha-256 {FINGERPRINT}", f"a=rtpmap:{pt} {codec}"]
    return "\r\n".join(lines) + "\r\n"


def fragment(ufrag="abcd", pwd="0123456789abcdefghijkl", candidate="1 1 udp 2130706431 192.0.2.9 5000 typ host"):
    return (f"a=group:BUNDLE 0 1\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=ice-ufrag:{ufrag}\r\na=ice-pwd:{pwd}\r\n"
            f"a=candidate:{candidate}\r\na=end-of-candidates\r\n")


BOTH = offer(AUDIO, VIDEO)
WATCH = offer(AUDIO, VIDEO, direction="recvonly")


def publish(s, token=None, sdp=BOTH, path="/whip/live"):
    answer = s.http("POST", path, token or s.token(), sdp, SDP)
    check(answer[0] == 201, answer[0], answer[2])
    return answer[1]["Location"], answer[1]["ETag"], answer[2], answer[1]


# ---- WHIP

def test_post(s):
    """201, the answer, an unguessable URL and a strong entity tag."""
    places = set()
    for i in range(3):
        location, etag, sdp, headers = publish(s, s.token(f"cam{i}"))
        check(headers["Content-Type"] == SDP, headers["Content-Type"])
        check(re.fullmatch(r"/whip/ps_[a-z0-9]{26}\.[0-9a-f]{32}", location), location)
        check(re.fullmatch(r'"[0-9a-f]{32}"', etag), etag)
        check(sdp.count("a=recvonly") == 2 and "a=setup:passive" in sdp and "a=ice-lite" in sdp, sdp)
        check(sdp.count("a=rtcp-mux-only\r\n") == 2 and sdp.count("a=rtcp-mux\r\n") == 2 and "a=group:BUNDLE 0 1" in sdp, sdp)
        check("a=candidate:" in sdp and "a=end-of-candidates" in sdp, "the server does not trickle")
        check(headers["Link"] is None, headers["Link"])
        places.add(location.split(".")[1])
    check(len(places) == 3)


def test_ice_servers(s):
    links = publish(s)[3].get_all("Link")
    check(links == ['<stun:stun.example.org>; rel="ice-server"',
                    '<turn:turn.example.org?transport=udp>; rel="ice-server"; username="joe"; credential="secret"; '
                    'credential-type="password"'], links)
    answer = s.http("OPTIONS", "/whip/live")
    check(answer[1]["Link"] is None, "not before somebody has shown a token")


test_ice_servers.server = {"env": {"STOA_BROADCAST_ICE_SERVERS": "stun:stun.example.org, turn:turn.example.org?transport=udp",
                                   "STOA_BROADCAST_ICE_USERNAME": "joe", "STOA_BROADCAST_ICE_CREDENTIAL": "secret"}}


def test_room_names(s):
    """A room is named in the path as anywhere else, escaped."""
    for room, path in (("two words", "two%20words"), ("a/b", "a/b"), ("a/b", "a%2Fb"), ("caf\u00e9", "caf%C3%A9"), ("x?y", "x%3Fy")):
        token = s.token("cam", room)
        location = publish(s, token, path="/whip/" + path)[0]
        check(s.http("DELETE", location, token)[0] == 200, room)
    problem(s.http("POST", "/whip/live/", s.token(), BOTH, SDP), 403, "forbidden")
    problem(s.http("POST", "/whip", s.token(), BOTH, SDP), 404, "not_found")


def test_setup(s):
    """actpass and active make us passive, passive makes us active; holdconn is nothing."""
    for i, (setup, answered) in enumerate((("actpass", "passive"), ("active", "passive"), ("passive", "active"))):
        sdp = publish(s, s.token(f"cam{i}"), offer(AUDIO, VIDEO, setup=setup))[2]
        check(sdp.count(f"a=setup:{answered}") == 2, setup, sdp)
    problem(s.http("POST", "/whip/live", s.token("cam9"), offer(AUDIO, setup="holdconn"), SDP), 422, "invalid_sdp")


def test_bad_offers(s):
    """Each is refused as a whole, with a problem document, and nothing is left behind."""
    before = s.open()
    rows = [
        ("a type of another kind", BOTH, "text/plain", 415, "unsupported_media_type"),
        ("no type", BOTH, "", 415, "unsupported_media_type"),
        ("JSON", "{}", "application/json", 415, "unsupported_media_type"),
        ("nothing", "", SDP, 422, "invalid_sdp"),
        ("no description", "hello", SDP, 422, "invalid_sdp"),
        ("cut off", BOTH[:len(BOTH) // 2 - 3], SDP, 422, None),
        ("not UTF-8", b"\xff\xfe" * 40, SDP, 422, "invalid_sdp"),
        ("no m-line", offer(), SDP, 422, "invalid_sdp"),
        ("receives", WATCH, SDP, 422, "invalid_sdp"),
        ("inactive", offer(AUDIO, direction="inactive"), SDP, 422, "invalid_sdp"),
        ("two videos", offer(VIDEO, ("video", 97, "VP8/90000")), SDP, 422, "unsupported"),
        ("a codec that is not spoken here", offer(AUDIO, ("video", 96, "VP7/90000")), SDP, 422, "unsupported"),
        ("a data channel", offer(AUDIO) + "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:9\r\n", SDP, 422, "unsupported"),
        ("a stopped m-line", BOTH.replace("m=video 9", "m=video 0"), SDP, 422, "unsupported"),
        ("no fingerprint", BOTH.replace("fingerprint", "footprint"), SDP, 422, "invalid_sdp"),
        ("no credentials", BOTH.replace("ice-", "ace-"), SDP, 422, "invalid_sdp"),
        ("ICE-lite as we are", BOTH.replace("t=0 0", "t=0 0\r\na=ice-lite"), SDP, 422, "invalid_sdp"),
        ("larger than a description", "a" * 600000, SDP, 413, "too_large"),
        ("larger than a body", "a" * 1100000, SDP, 413, "too_large"),
    ]
    for i, (what, body, kind, status, code) in enumerate(rows):
        answer = s.http("POST", "/whip/live", s.token(f"cam{i}"), body or b"", kind or "x/" if not kind else kind)
        check(answer[0] == status, what, answer[0], answer[2][:200])
        check(answer[1]["Content-Type"] == "application/problem+json" and answer[1]["Location"] is None, what, answer[1])
        if code:
            problem(answer, status, code)
    wait_for("nothing is left", lambda: s.open()["sessions"] == before["sessions"] and s.open()["peers"] == before["peers"], 8)
    check(s.open()["participants"] == 0 and s.open()["rooms"] == 0, s.open())


def test_tokens(s):
    """Every door asks for a token, and for the right one."""
    location, etag, _, _ = publish(s)
    watcher, other = s.token("eve", grants="subscribe"), s.token("mallory")
    elsewhere, late = s.token("cam", room="elsewhere"), s.token("cam", ttl="1s")
    time.sleep(1.2)
    for method, path, kind in (("POST", "/whip/live", SDP), ("POST", "/whep/live", SDP), ("PATCH", location, FRAG),
                               ("DELETE", location, None)):
        body = {SDP: BOTH, FRAG: fragment()}.get(kind)
        more = {"If_Match": etag} if kind == FRAG else {}
        for token in (None, "nonsense", "a.b.c", s.token()[:-4] + "AAAA"):
            answer = s.http(method, path, token, body, kind, **more)
            problem(answer, 401, "unauthenticated")
            check(answer[1]["WWW-Authenticate"] == "Bearer", method, path, dict(answer[1]))
        if method != "POST":
            for token in (watcher, other, elsewhere):
                problem(s.http(method, path, token, body, kind, **more), 403, "forbidden")
    problem(s.http("POST", "/whip/live", watcher, BOTH, SDP), 403, "forbidden")
    problem(s.http("POST", "/whip/live", elsewhere, BOTH, SDP), 403, "forbidden")
    problem(s.http("POST", "/whep/live", s.token("x", grants="publish"), WATCH, SDP), 403, "forbidden")
    problem(s.http("POST", "/whip/live", s.token("x", grants="microphone"), BOTH, SDP), 403, "forbidden")
    wait_for("the token is over", lambda: s.http("POST", "/whip/live", late, BOTH, SDP)[0] == 401 or time.sleep(1), 150)


def test_patch(s):
    """Trickle: 204 without an entity tag.  428, 412, 415, 400, 404 for the rest; the session goes on."""
    token = s.token()
    location, etag, _, _ = publish(s, token)

    def patch(body=fragment(), kind=FRAG, path=location, **headers):
        return s.http("PATCH", path, token, body, kind, **headers)
    answer = patch(If_Match=etag)
    check(answer[0] == 204 and answer[2] == "" and answer[1]["ETag"] is None, answer[0], dict(answer[1]))
    check(patch(If_Match='"other", ' + etag)[0] == 204)
    check(patch(fragment(candidate="nonsense"), If_Match=etag)[0] == 204, "what cannot be used is dropped silently")
    check(patch(fragment(candidate="1 1 udp 1 name.local 9 typ host"), If_Match=etag)[0] == 204)
    check(patch("a=candidate:1 1 udp 1 192.0.2.7 9 typ host\r\n", If_Match=etag)[0] == 204, "without credentials")
    problem(patch(), 428, "precondition_required")
    problem(patch(If_Match='"other"'), 412, "precondition")
    problem(patch(If_Match="W/" + etag), 412, "precondition")
    answer = patch(kind=SDP, If_Match=etag)
    problem(answer, 415, "unsupported_media_type")
    check(answer[1]["Accept-Patch"] == FRAG, dict(answer[1]))
    problem(patch("hello", If_Match=etag), 400, "invalid_param")
    problem(patch("", If_Match=etag), 400, "invalid_param")
    problem(patch(fragment(ufrag="ab"), If_Match=etag), 400, "invalid_param")
    problem(patch("a=ice-ufrag:abcd\r\n", If_Match=etag), 400, "invalid_param")
    problem(patch("a=x:1\r\n" * 2000, If_Match=etag), 400, "invalid_param")
    for path in ("/whip/live", location[:-1] + ("0" if location[-1] != "0" else "1"), location.replace("whip", "whep"),
                 location[:-1], "/whip/ps_" + "0" * 26 + "." + "0" * 32):
        problem(patch(path=path, If_Match=etag), 404, "not_found")
    check(s.open()["peers"] == 1)


def ice_attributes(sdp):
    return sorted(line for line in sdp.splitlines() if line.startswith(("a=ice-lite", "a=ice-options", "a=ice-pacing")))


def test_restart(s):
    """If-Match: *, or the tag there is, with new credentials: 200, ours, a new entity tag; the old one is worth nothing any more."""
    token = s.token()
    location, etag, sdp, _ = publish(s, token, BOTH.replace("t=0 0", "t=0 0\r\na=ice-options:trickle"))
    for i, wildcard in enumerate(("*", '"*"', None)):
        frag, wildcard = fragment(f"newu{i}", "n" * 22), wildcard or etag
        status, headers, text = s.http("PATCH", location, token, frag, FRAG, If_Match=wildcard)
        check(status == 200 and headers["Content-Type"] == FRAG, status, text)
        ufrag, pwd = re.search("a=ice-ufrag:(.+)\r", text)[1], re.search("a=ice-pwd:(.+)\r", text)[1]
        check(ufrag not in sdp and pwd not in sdp and "a=candidate:" in text, text)
        check(ice_attributes(text) == ice_attributes(sdp) != [], "the attributes of ICE are those of the answer", text)
        check(headers["ETag"] and headers["ETag"] != etag, headers["ETag"])
        problem(s.http("PATCH", location, token, frag, FRAG, If_Match=etag), 412, "precondition")
        etag = headers["ETag"]
        check(s.http("PATCH", location, token, frag, FRAG, If_Match=etag)[0] == 204)
        check(s.http("PATCH", location, token, frag, FRAG, If_Match="*")[0] == 204, "the same credentials again")
    problem(s.http("PATCH", location, token, "rubbish", FRAG, If_Match="*"), 400, "invalid_param")
    check(s.http("PATCH", location, token, fragment("newu2", "n" * 22), FRAG, If_Match=etag)[0] == 204, "it goes on")


def test_storm(s):
    """A storm of PATCHes costs its own session, one of POSTs its own token, by 429."""
    token = s.token()
    location, etag, _, _ = publish(s, token)
    seen = {}
    for i in range(60):
        answer = s.http("PATCH", location, token, fragment(f"u{i:04}", "n" * 22), FRAG, If_Match="*")
        seen.setdefault(answer[0], answer)
    check(set(seen) == {200, 429}, {k: v[2] for k, v in seen.items()})
    problem(seen[429], 429, "rate_limited")
    check(int(seen[429][1]["Retry-After"]) >= 1)
    publish(s, s.token("another"))
    token, seen = s.token("hasty"), {}
    for _ in range(60):
        answer = s.http("POST", "/whip/live", token, BOTH, SDP)
        seen.setdefault(answer[0], answer)
        if answer[0] == 201:
            check(s.http("DELETE", answer[1]["Location"], token)[0] == 200)
    check(set(seen) == {201, 429}, {k: v[2] for k, v in seen.items()})
    problem(seen[429], 429, "rate_limited")
    publish(s, s.token("another one"))


def test_delete(s):
    """DELETE ends it at once, whatever its If-Match says; twice is 404."""
    token = s.token()
    location, _, _, _ = publish(s, token)
    check(s.open()["participants"] == 1 and s.open()["sessions"] == 1, s.open())
    answer = s.http("DELETE", location, token, If_Match='"nonsense"')
    check(answer[0] == 200, answer[0])
    problem(s.http("DELETE", location, token), 404, "not_found")
    problem(s.http("GET", location), 404, "not_found")
    wait_for("it is gone", lambda: s.open()["sessions"] == s.open()["peers"] == s.open()["rooms"] == 0, 8)


def test_get_and_options(s):
    """GET has nothing to show; OPTIONS tells what is taken; other methods are 405."""
    location, _, _, _ = publish(s)
    for path in ("/whip/live", "/whep/live", location):
        answer = s.http("GET", path)
        check(answer[0] == 204 and answer[2] == "", path, answer[0])
        answer = s.http("OPTIONS", path)
        check(answer[0] == 204 and answer[1]["Accept-Post"] == SDP and answer[1]["Accept-Patch"] == FRAG, dict(answer[1]))
        for method in ("PUT",):
            answer = s.http(method, path, s.token(), "x", "text/plain")
            problem(answer, 405, "method_not_allowed")
            check(set(answer[1]["Allow"].split(", ")) == {"GET", "HEAD", "POST", "PATCH", "DELETE", "OPTIONS"}, answer[1]["Allow"])
    answer = s.http("HEAD", "/whep/live")
    check(answer[0] == 200 and answer[1]["Content-Type"] == SDP, answer[0], dict(answer[1]))


def test_cors(s):
    """A page of an allowed origin may do everything and read what it needs; another one nothing."""
    token, good, bad = s.token(), "https://studio.example", "https://evil.example"
    asks = {"Access_Control_Request_Method": "POST", "Access_Control_Request_Headers": "authorization,content-type"}
    answer = s.http("OPTIONS", "/whip/live", Origin=good, **asks)
    check(answer[0] == 204 and answer[1]["Access-Control-Allow-Origin"] == good, dict(answer[1]))
    check({"POST", "PATCH", "DELETE"} <= set(answer[1]["Access-Control-Allow-Methods"].split(", ")), dict(answer[1]))
    allowed = {h.strip() for h in answer[1]["Access-Control-Allow-Headers"].split(",")}
    check({"authorization", "content-type", "if-match"} <= allowed, allowed)
    answer = s.http("POST", "/whip/live", token, BOTH, SDP, Origin=good)
    check(answer[0] == 201 and answer[1]["Access-Control-Allow-Origin"] == good, dict(answer[1]))
    check({"ETag", "Location", "Link"} <= {h.strip() for h in answer[1]["Access-Control-Expose-Headers"].split(",")})
    answer = s.http("OPTIONS", "/whip/live", Origin=bad, **asks)
    check(answer[1]["Access-Control-Allow-Origin"] is None and answer[1]["Access-Control-Allow-Methods"] is None)


test_cors.server = {"env": {"STOA_HTTP_ORIGINS": "https://studio.example"}}


def test_second_publisher(s):
    """409 while the first one connects or sends; it may come back when it was silent for two seconds, at a new URL."""
    token = s.token()
    first, etag, _, _ = publish(s, token)
    answer = s.http("POST", "/whip/live", token, BOTH, SDP)
    problem(answer, 409, "conflict")
    check(int(answer[1]["Retry-After"]) == 2)
    time.sleep(2.2)
    second, _, _, _ = publish(s, s.token())
    check(second != first and s.open()["sessions"] == 1 and s.open()["participants"] == 1, first, second, s.open())
    problem(s.http("PATCH", first, token, fragment(), FRAG, If_Match=etag), 404, "not_found")
    problem(s.http("DELETE", first, token), 404, "not_found")
    time.sleep(2.2)
    problem(s.http("POST", "/whip/live", token, "rubbish", SDP), 422, "invalid_sdp")
    check(s.http("DELETE", second, token)[0] == 200, "a bad offer does not end what waits")


def test_nobody_comes(s):
    """A session whose client never sends a packet ends with its peer; a publisher's place waits ten seconds more."""
    publish(s)
    check(s.http("POST", "/whep/live", s.token("eve"), WATCH, SDP)[0] == 201)
    wait_for("the viewer is gone", lambda: s.open()["sessions"] == 1, 4)
    wait_for("all is gone", lambda: s.open()["sessions"] == s.open()["peers"] == s.open()["rooms"] == 0, 14)


test_nobody_comes.server = {"limits": {"peer_ice_ms": 1000}}


def test_no_room_for_more(s):
    """503 and Retry-After when there is no room for more."""
    publish(s)
    answer = s.http("POST", "/whip/live", s.token("two"), BOTH, SDP)
    problem(answer, 503, "unavailable")
    check(int(answer[1]["Retry-After"]) >= 1)


test_no_room_for_more.server = {"limits": {"peers": 1}}


# ---- stream keys

def test_stream_keys(s):
    """An encoder's key publishes and does nothing else; revoked, it ends what streams with it; nobody finds it on the disk."""
    made = s.ctl("streamkey", "create", "--room", "live", "--name", "Studio")
    name, key = re.search(r"id +(\S+)", made)[1], re.search(r"key +(\S+)", made)[1]
    check(re.fullmatch(r"sk_[a-z0-9]{26}\.[\w-]{43}", key), key)
    other = re.search(r"key +(\S+)", s.ctl("streamkey", "create", "--room", "else"))[1]
    listed = s.ctl("streamkey", "list", "--room", "live")
    check(name in listed and "Studio" in listed and key.split(".")[1] not in listed and "else" not in listed, listed)
    check("else" in s.ctl("streamkey", "list"))
    location, etag, _, _ = publish(s, key)
    check(s.http("PATCH", location, key, fragment(), FRAG, If_Match=etag)[0] == 204)
    problem(s.http("PATCH", location, other, fragment(), FRAG, If_Match=etag), 403, "forbidden")
    problem(s.http("POST", "/whip/else", key, BOTH, SDP), 403, "forbidden")
    problem(s.http("POST", "/whep/live", key, WATCH, SDP), 403, "forbidden")
    problem(s.http("GET", "/admin/v1/streamkeys", key), 403, "forbidden")
    for wrong in (key[:-1] + ("A" if key[-1] != "A" else "B"), name, name + ".", key + "A", "sk_"):
        problem(s.http("POST", "/whip/live", wrong, BOTH, SDP), 401, "unauthenticated")
    s.ctl("streamkey", "revoke", name)
    wait_for("its stream is over", lambda: s.open()["sessions"] == 0, 15)
    problem(s.http("POST", "/whip/live", key, BOTH, SDP), 401, "unauthenticated")
    check(name not in s.ctl("streamkey", "list"))
    publish(s, other, path="/whip/else")
    for path, _, files in os.walk(s.folder.name):
        for file in files:
            with open(os.path.join(path, file), "rb") as f:
                check(key.split(".")[1].encode() not in f.read(), "the secret stands in", file)


def test_stream_key_routes(s):
    """/admin/v1/streamkeys wants the grant admin, and a token for a room sees that room only."""
    admin, small, anybody = s.token("boss", grants="admin"), s.token("boss", "other", grants="admin"), s.token()
    path, kind = "/admin/v1/streamkeys", "application/json"
    problem(s.http("POST", path, anybody, '{"room":"live"}', kind), 403, "forbidden")
    problem(s.http("GET", path), 401, "unauthenticated")
    answer = s.http("POST", path, admin, '{"room":"live","name":"x"}', kind)
    made = json.loads(answer[2])
    check(answer[0] == 201 and made["room"] == "live" and made["key"].startswith(made["id"] + "."), answer[2])
    problem(s.http("POST", path, small, '{"room":"live"}', kind), 403, "forbidden")
    for body in ("", "x", "[]", "{}", '{"room":""}', '{"room":"live","more":1}', '{"room":7}', '{"room":"a","room":"b"}', "[" * 50):
        check(s.http("POST", path, admin, body, kind)[0] == 400, body)
    problem(s.http("POST", path, admin, '{"room":"live"}', "text/plain"), 415, "unsupported_media_type")
    check(json.loads(s.http("GET", path, small)[2]) == {"streamkeys": []})
    check([k["id"] for k in json.loads(s.http("GET", path, admin)[2])["streamkeys"]] == [made["id"]])
    for token, where in ((small, made["id"]), (admin, "sk_nothing"), (admin, made["id"] + "x")):
        problem(s.http("DELETE", f"{path}/{where}", token), 404, "not_found")
    check(s.http("DELETE", f"{path}/{made['id']}", admin)[0] == 204)
    problem(s.http("DELETE", f"{path}/{made['id']}", admin), 404, "not_found")


# ---- WHEP

def test_watch(s):
    """201 with sendonly m-lines; the choice must exist; a viewer is no participant."""
    token = s.token()
    publish(s, token)
    eve = s.token("eve", grants="subscribe")
    places = set()
    for _ in range(3):  # one token, many viewers
        status, headers, sdp = s.http("POST", "/whep/live", eve, WATCH, SDP)
        check(status == 201 and sdp.count("a=sendonly") == 2 and sdp.count("a=ssrc:") >= 2, status, sdp)
        check(headers["Location"].startswith("/whep/ps_") and headers["ETag"], dict(headers))
        places.add(headers["Location"])
    check(len(places) == 3 and s.open()["participants"] == 1 and s.open()["sessions"] == 4, s.open())
    for query in ("track=tr_nothing", "participant=pt_nothing", "x=y&participant=pt_nothing", "x=y&track=%74r_nothing", "track=", "track=" + 40 * "a"):
        problem(s.http("POST", "/whep/live?" + query, eve, WATCH, SDP), 404, "not_found")
    problem(s.http("POST", "/whep/live", eve, BOTH, SDP), 422, "invalid_sdp")
    for place in places:
        check(s.http("DELETE", place, eve)[0] == 200)
    wait_for("they are gone", lambda: s.open()["sessions"] == 1, 8)


def test_empty_room(s):
    """Who comes before the publisher waits for it."""
    check(s.http("POST", "/whep/live", s.token("eve", grants="subscribe"), WATCH, SDP)[0] == 201)


def test_too_many_viewers(s):
    eve = s.token("eve", grants="subscribe")
    check(s.http("POST", "/whep/live", eve, WATCH, SDP)[0] == 201)
    problem(s.http("POST", "/whep/live", eve, WATCH, SDP), 403, "quota")


test_too_many_viewers.server = {"limits": {"room_viewers": 1}}


def test_nothing_leaks(s):
    """Hundreds of sessions later there is what was there before."""
    def round_trip():
        for n in range(20):
            location = publish(s, s.token(f"cam{n}"))[0]
            check(s.http("DELETE", location, s.token(f"cam{n}"))[0] == 200)
    round_trip()
    fds, rss = s.fds(), s.rss_kib()
    for _ in range(3):
        round_trip()
    wait_for("all is gone", lambda: s.open()["sessions"] == s.open()["peers"] == s.open()["tracks"] == 0, 8)
    wait_for("the descriptors of the first round", lambda: s.fds() <= fds, 20)
    check(s.rss_kib() - rss < 4096, "memory", rss, s.rss_kib())

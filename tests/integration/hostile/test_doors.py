"""Tokens, grants, foreign ids: who may do what, on the real server."""
import time

from rig import Closed, Ws, check

SDP = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n" \
      "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\na=%s\r\na=rtcp-mux\r\n" \
      "a=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuvwx\r\na=setup:actpass\r\n" \
      "a=fingerprint:sha-256 " + ":".join(["AB"] * 32) + "\r\na=rtpmap:111 opus/48000/2\r\n"


def claims(identity="ann", room="demo", **grants):
    now = int(time.time())
    return {"sub": identity, "exp": now + 600, "stoa": dict({"room": room}, **grants)}


def session(server, identity, room="demo", join=True, **grants):
    ws = Ws(server)
    ws.token = server.sign(claims(identity, room, **grants))
    ws.opened = ws.open(ws.token)
    if join:
        ws.me = ws.call("conference.join")["participant"]["id"]
    return ws


def publish(ws, source="microphone"):
    return ws.call("conference.offer", {"sdp": SDP % "sendonly", "tracks": [{"mid": "0", "source": source}]})


def refused(server, token):
    """The error's code and the close code of an open that must fail."""
    ws = Ws(server)
    try:
        code = ws.call("session.open", {"token": token})
        return code, ws.ended()
    except Closed as closed:
        return None, closed.code


def test_bad_tokens(server):
    good = claims(publish=True, subscribe=True)
    now = int(time.time())

    def but(**changes):
        return server.sign({k: v for k, v in dict(good, **changes).items() if v is not None})

    head, body, sign = server.sign(good).split(".")
    kid = server.dev_key[0]
    text = server.sign(b'{"sub":"ann","sub":"bob","exp":%d,"stoa":{"room":"demo"}}' % (now + 600))
    bad = {
        "empty": ".", "no dots": "abc", "no signature": f"{head}.{body}.", "two parts": f"{head}.{body}",
        "four parts": f"{head}.{body}.{sign}.{sign}", "cut": server.sign(good)[:-1], "padding": f"{head}.{body}.{sign}=",
        "another body": f"{head}.{server.sign(claims('eve')).split('.')[1]}.{sign}",
        "alg none": server.sign(good, {"alg": "none", "kid": kid}), "alg HS512": server.sign(good, {"alg": "HS512", "kid": kid}),
        "alg hs256": server.sign(good, {"alg": "hs256", "kid": kid}), "alg a list": server.sign(good, {"alg": ["HS256"], "kid": kid}),
        "crit": server.sign(good, {"alg": "HS256", "kid": kid, "crit": ["exp"]}),
        "b64": server.sign(good, {"alg": "HS256", "kid": kid, "b64": False}),
        "no kid": server.sign(good, {"alg": "HS256"}), "kid of nobody": server.sign(good, kid="x"),
        "kid a path": server.sign(good, kid="../dev.key"), "empty secret": server.sign(good, secret=b"\0"),
        "not JSON": server.sign(b"{"), "a list": server.sign([good]), "duplicate members": text,
        "NUL": server.sign(b'{"sub":"ann\\u0000","exp":%d,"stoa":{"room":"demo"}}' % (now + 600)),
        "deep": server.sign(b'{"a":' * 40 + b"1" + b"}" * 40), "expired": but(exp=now - 3600), "no exp": but(exp=None),
        "exp a string": but(exp=str(now + 600)), "exp 1e300": server.sign(b'{"sub":"a","exp":1e300,"stoa":{"room":"d"}}'),
        "exp negative": but(exp=-1), "not yet": but(nbf=now + 3600), "issued later": but(iat=now + 3600),
        "another audience": but(aud="else"), "audiences": but(aud=["else", "more"]), "another issuer": but(iss="else"),
        "no identity": but(sub=None), "identity empty": but(sub=""), "identity a number": but(sub=7),
        "identity with a line break": but(sub="a\nb"), "identity too long": but(sub="x" * 129),
        "no grants": but(stoa=None), "grants a string": but(stoa="demo"), "room a list": but(stoa={"room": ["demo"]}),
        "no room": but(stoa={}), "room too long": but(stoa={"room": "x" * 129}), "a grant of 1": but(stoa={"room": "d", "admin": 1}),
        "a source of nobody": but(stoa={"room": "d", "publish": ["*"]}), "jti a number": but(jti=1),
        "admin without a room": but(stoa={"admin": True}),
    }
    for name, token in bad.items():
        code, close = refused(server, token)
        want = ("forbidden", 4003) if name == "admin without a room" else ("unauthenticated", 4001)
        check((code, close) == want, name, "is answered", code, close)
    code, close = refused(server, "x" * 4097)
    check(code == "invalid_param" and close, "too long:", code, close)
    session(server, "ann").close()
    log = server.log()
    check(sign not in log and server.dev_key[1] not in log, "a token or the key is in the log")


def test_grants_and_foreign_ids(server):
    """Each method with each kind of token: what is not granted is forbidden, and strangers' ids name nothing."""
    ann = session(server, "ann", publish=True, subscribe=True)
    viewer = session(server, "viewer", subscribe=True)
    talker = session(server, "talker", publish=["microphone"])
    nobody = session(server, "nobody")
    outside = session(server, "outside", room="other", publish=True, subscribe=True, admin=True)
    track = publish(ann)["tracks"][0]["id"]
    admin_calls = (("conference.mute_participant", {"participant": ann.me, "source": "microphone"}),
                   ("conference.kick", {"participant": ann.me}), ("conference.lock", {"locked": True}))
    view = {"pairs": [{"participant": ann.me, "group": "camera", "width": 1, "height": 1}]}
    offer = {"sdp": SDP % "sendonly", "tracks": [{"mid": "0", "source": "camera"}]}
    screen = {"sdp": SDP % "sendonly", "tracks": [{"mid": "0", "source": "screen_audio"}]}
    rows = [(ws, method, params, "forbidden") for ws in (ann, viewer, talker, nobody) for method, params in admin_calls]
    rows += [(talker, "conference.view", view, "forbidden"), (nobody, "conference.view", view, "forbidden"),
             (nobody, "conference.offer", offer, "forbidden"), (talker, "conference.offer", screen, "forbidden"),
             (viewer, "conference.offer", screen, "forbidden"), (nobody, "echo.start", {"sdp": SDP % "sendrecv"}, "forbidden"),
             (talker, "conference.offer", offer, "invalid_param"),  # a microphone's m-line is no camera
             (viewer, "conference.mute", {"track": track, "muted": True}, "not_found"),
             (outside, "conference.mute", {"track": track, "muted": True}, "not_found"),
             (outside, "conference.mute_participant", admin_calls[0][1], "not_found"),
             (outside, "conference.kick", {"participant": ann.me}, "not_found"),
             (outside, "conference.kick", {"participant": outside.me}, "conflict"),
             (outside, "conference.view", view, {}),  # passed over
             (ann, "conference.kick", {"participant": "pt_x", "identity": "root"}, "forbidden"),
             (ann, "conference.update", {"name": "x", "identity": "root"}, "invalid_param"),
             (ann, "conference.join", {"metadata": {}, "participant": viewer.me}, "invalid_param"),
             (ann, "conference.join", None, "already_joined"), (ann, "session.open", {"token": ann.token}, "conflict"),
             (ann, "echo.start", {"sdp": SDP % "sendrecv"}, "conflict"), (ann, "nothing.here", None, "method_not_found")]
    for ws, method, params, want in rows:
        got = ws.call(method, params)
        check(got == want, method, params, "is answered", got, "not", want)
        time.sleep(0.025)
    lurker = session(server, "lurker", join=False, publish=True, subscribe=True, admin=True)
    for method, params in admin_calls + (("conference.offer", offer), ("conference.view", view), ("conference.leave", None)):
        check(lurker.call(method, params) == "not_joined", method, "without joining")
    check(not lurker.told, "who has not joined is told", lurker.told)
    lurker.close()
    for ws in (viewer, talker, nobody):  # nothing of it had an effect
        check(not [m for m in ws.told if m["method"] in ("track.muted", "room.locked", "participant.left")], ws.told)
    check(not outside.told, "another room heard", outside.told)
    stranger = Ws(server)
    check(stranger.call("conference.join") == "unauthenticated" and stranger.ended() == 4001, "without a session")


def test_names_cannot_deceive(server):
    """A guest may call itself what it likes, but by the rule that binds tokens: nothing that turns or hides text."""
    ann, bob = session(server, "ann"), session(server, "bob")
    for name in ("a\nb", "\u202eadmin", "ad\u200bmin", "\ufeffadmin", "admin ", "\u00a0admin", "\x7f", "\u2028", "\u0085", "x" * 129):
        check(ann.call("conference.update", {"name": name}) == "invalid_param", "taken:", name.encode())
        time.sleep(0.1)
    check(ann.call("conference.update", {"name": "Re\u0301ne\u0301"}) == {}, "refused")
    bob.call("session.ping")
    check([m["params"].get("name") for m in bob.told] == ["R\u00e9n\u00e9"], bob.told)


def test_kick_and_lock_last(server):
    admin = session(server, "admin", publish=True, subscribe=True, admin=True)
    bob = session(server, "bob", publish=True, subscribe=True)
    payload = claims("carl", subscribe=True)
    carl = Ws(server)
    carl.opened = carl.open(server.sign(dict(payload, jti="one")))
    carl.me = carl.call("conference.join")["participant"]["id"]
    check(admin.call("conference.kick", {"participant": bob.me}) == {}, "kick")
    check(bob.ended() == 4014, "kicked")
    check(refused(server, bob.token) == ("unauthenticated", 4001), "the same token opens again")
    again = Ws(server)
    resume = {"session": bob.opened["session"], "secret": bob.opened["secret"], "seq": 0}
    check(again.call("session.resume", resume) == "gone", "a kicked session resumes")
    check(admin.call("conference.kick", {"participant": carl.me}) == {}, "kick")
    check(carl.ended() == 4014, "kicked")
    other = server.sign(dict(payload, jti="one", exp=payload["exp"] + 1))
    check(refused(server, other) == ("unauthenticated", 4001), "another token of that jti opens")
    check(admin.call("conference.kick", {"participant": bob.me}) == "not_found", "kicked twice")
    check(admin.call("conference.lock", {"locked": True}) == {}, "lock")
    dora = session(server, "dora", join=False, publish=True, subscribe=True)
    check(dora.call("conference.join") == "locked", "joins a locked room")
    check(publish(dora) == "not_joined", "publishes into a locked room")
    boss = session(server, "boss", subscribe=True, admin=True)
    admin.call("session.close")
    boss.call("session.close")
    dora.call("session.close")
    late = session(server, "late", join=False)
    check(late.call("conference.join") == "locked", "the lock is gone with the last who was there")


def test_resume_cannot_be_stolen(server):
    ann = session(server, "ann", publish=True, subscribe=True)
    opened = ann.opened

    def resume(secret, seq=0, id=opened["session"]):
        ws = Ws(server)
        ws.got = ws.call("session.resume", {"session": id, "secret": secret, "seq": seq})
        return ws

    for i in range(150):
        guess = resume("A" * 20 + "ABCDEFGHIJ"[i % 10] + "A")
        check(guess.got == "unauthenticated" and guess.ended() == 4001, "a guess is answered", guess.got)
    check(ann.call("session.ping"), "guesses hurt the owner")
    check(resume(opened["secret"], id="ps_" + "0" * 26).got == "gone", "a session of nobody")
    racers = [Ws(server) for _ in range(8)]
    for ws in racers:
        ws.post("session.resume", {"session": opened["session"], "secret": opened["secret"], "seq": 0})
    won = []
    for ws in racers:
        answer = ws.answer(1)
        won += [ws] if "result" in answer else []
    check(len(won) == 1, "one secret resumed", len(won), "sockets")
    check(ann.ended() == 4013, "the old socket")
    check(resume(opened["secret"]).got == "unauthenticated", "a used secret")
    won[0].post("session.close")
    won[0].send('{"jsonrpc":"2.0","id":9,"method":"conference.join"}')  # behind the end
    check(won[0].ended() == 1000, "closed")
    check(server.open()["sessions"] == 0 and server.open()["participants"] == 0, "the end", server.open())


def test_dev_door(server):
    """The door of the demo takes nothing from another page, name or form."""
    import http.client
    own = {"Host": f"127.0.0.1:{server.port}", "Origin": f"http://127.0.0.1:{server.port}", "Content-Type": "application/json"}
    body = '{"room":"demo","identity":"eve"}'
    rows = [({}, body, 200), ({"Host": "evil.example"}, body, 403), ({"Origin": "http://evil.example"}, body, 403),
            ({"Origin": None}, body, 403), ({"Origin": "null"}, body, 403), ({"Content-Type": "text/plain"}, body, 415),
            ({"X-Forwarded-For": "127.0.0.1"}, body, 403), ({"Forwarded": "for=127.0.0.1"}, body, 403),
            ({"Host": f"127.0.0.1.evil.example:{server.port}", "Origin": f"http://127.0.0.1.evil.example:{server.port}"}, body, 403),
            ({}, "[" * 3000, 400), ({}, '{"room":"demo"}', 400), ({}, '{"room":"a\\nb","identity":"x"}', 400),
            ({}, '{"room":"a","room":"b","identity":"x"}', 400), ({}, " " * 5000, 413)]
    for change, text, want in rows:
        c = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
        headers = {k: v for k, v in dict(own, **change).items() if v is not None}
        c.putrequest("POST", "/v1/dev/token", skip_host=True, skip_accept_encoding=True)
        for k, v in dict(headers, **{"Content-Length": str(len(text))}).items():
            c.putheader(k, v)
        c.endheaders(text.encode())
        got = c.getresponse().status
        check(got == want, change, text[:40], "is answered", got, "not", want)
        c.close()

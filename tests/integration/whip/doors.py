"""What the WHIP and WHEP tests stand on: the real server, and an HTTP client that says what it is told."""
import json
import os
import sys
import urllib.error
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "hostile"))
import rig as base  # noqa: E402
from rig import check, wait_for  # noqa: E402,F401

SDP = "application/sdp"
FRAG = "application/trickle-ice-sdpfrag"


class Server(base.Server):
    """stoad with the broadcast plugin; plugins="broadcast" leaves all others out."""

    def __init__(self, plugins="conference,broadcast", limits=None, level="info", env=None):
        # most clients here never send a packet: a slow machine must not lose them in the middle of a test
        super().__init__(limits=dict({"peer_ice_ms": 60000}, **(limits or {})), level=level, STOA_PLUGINS_LOAD=plugins, **(env or {}))
        self.url = f"http://127.0.0.1:{self.port}"

    def token(self, identity="cam", room="live", grants="publish,subscribe", ttl="1h"):
        return self.ctl("token", "--room", room, "--identity", identity, "--grant", grants, "--ttl", ttl).strip()

    def ctl(self, *args):
        """What stoactl prints."""
        env = dict(os.environ, STOA_DATA_DIR=os.path.join(self.folder.name, "data"), STOA_URL=self.url)
        run = base.subprocess.run([os.path.join(base.BUILD, "bin", "stoactl"), *args], capture_output=True, text=True, env=env)
        check(run.returncode == 0, args, run.stderr)
        return run.stdout

    def http(self, method, path, token=None, body=None, kind=None, **headers):
        """(status, headers, text) of one request."""
        names = {k.replace("_", "-"): v for k, v in headers.items()}
        if token:
            names["Authorization"] = "Bearer " + token
        if kind:
            names["Content-Type"] = kind
        url = path if path.startswith("http") else self.url + path
        data = body.encode() if isinstance(body, str) else body
        request = urllib.request.Request(url, data=data, method=method, headers=names)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, answer.headers, answer.read().decode()
        except urllib.error.HTTPError as e:
            return e.code, e.headers, e.read().decode()


def problem(answer, status, code):
    """The answer is a problem document of that status and code; returns it."""
    check(answer[0] == status, "status", answer[0], "wanted", status, answer[2][:300])
    check(answer[1]["Content-Type"] == "application/problem+json", answer[1]["Content-Type"])
    document = json.loads(answer[2])
    check(document["status"] == status and document["code"] == code, document)
    return document

"""What DELETE and a new start of ICE mean on the wire: connectivity checks (RFC 8445, 7.2.2) that are answered or are not."""
import binascii
import hashlib
import hmac
import os
import re
import socket
import struct

from doors import FRAG, check, wait_for
from test_rules import fragment, publish

OURS = ("abcd", "0123456789abcdefghijkl")  # of test_rules.offer()
COOKIE = 0x2112A442
USERNAME, INTEGRITY, PRIORITY, USE_CANDIDATE, CONTROLLING, FINGERPRINT = 0x0006, 0x0008, 0x0024, 0x0025, 0x802A, 0x8028
SUCCESS = 0x0101


def attribute(kind, value):
    return struct.pack("!HH", kind, len(value)) + value + b"\0" * (-len(value) % 4)


def binding_request(username, password):
    body = attribute(USERNAME, username.encode()) + attribute(PRIORITY, struct.pack("!I", 1 << 24)) + \
        attribute(CONTROLLING, os.urandom(8)) + attribute(USE_CANDIDATE, b"")
    transaction = os.urandom(12)

    def message(length):
        return struct.pack("!HHI", 1, length, COOKIE) + transaction + body
    body += attribute(INTEGRITY, hmac.new(password.encode(), message(len(body) + 24), hashlib.sha1).digest())
    body += attribute(FINGERPRINT, struct.pack("!I", binascii.crc32(message(len(body) + 8)) ^ 0x5354554E))
    return message(len(body)), transaction


class Checker:
    """The ICE agent of the test's client: one socket."""

    def __init__(self, sdp):
        found = re.search(r"a=candidate:\S+ 1 udp \d+ (\d+\.\d+\.\d+\.\d+) (\d+) typ host", sdp, re.I)
        self.server = (found[1], int(found[2]))
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.settimeout(0.3)

    def answered(self, sdp, ours=OURS, tries=10):
        """Does a check with the server's credentials of that description get a success?"""
        ufrag, pwd = re.search("a=ice-ufrag:(.+)\r", sdp)[1], re.search("a=ice-pwd:(.+)\r", sdp)[1]
        for _ in range(tries):
            request, transaction = binding_request(f"{ufrag}:{ours[0]}", pwd)
            self.socket.sendto(request, self.server)
            try:
                while True:
                    answer = self.socket.recv(2048)
                    if answer[8:20] == transaction:
                        return struct.unpack("!H", answer[:2])[0] == SUCCESS
            except TimeoutError:
                continue
        return False


def test_consent_ends(s):
    """DELETE takes consent back at once (RFC 7675, 5.2): checks that were answered are no more, of a publisher and of a viewer."""
    token = s.token()
    location, _, sdp, _ = publish(s, token)
    checker = Checker(sdp)
    check(checker.answered(sdp), "checks are answered")
    check(s.http("DELETE", location, token)[0] == 200)
    wait_for("nothing is left", lambda: s.open()["peers"] == 0, 8)
    check(not checker.answered(sdp, tries=3), "nobody is there any more")


def test_restart_checks(s):
    """After a new start of ICE checks with the new credentials are answered; a start that fails leaves the old ones in force."""
    token = s.token()
    location, etag, sdp, _ = publish(s, token)
    checker = Checker(sdp)
    check(checker.answered(sdp))
    check(s.http("PATCH", location, token, "a=ice-ufrag:zz\r\na=ice-pwd:short\r\n", FRAG, If_Match="*")[0] == 400)
    check(s.http("PATCH", location, token, fragment("newu", "n" * 22), FRAG, If_Match='"other"')[0] == 412)
    check(checker.answered(sdp), "the ICE session that was there")
    status, _, text = s.http("PATCH", location, token, fragment("newu", "n" * 22), FRAG, If_Match=etag)
    check(status == 200, status, text)
    check(checker.answered(text, ("newu", "n" * 22)), "the new one")
    check(s.open()["peers"] == 1)

"""How packets come: past strangers, over TCP, through a TURN server."""
import socket
import threading
import time

from rig import Peers, Server, check, fed, free_ports
from turn import Turn

HELLO = bytes.fromhex("16fefd0000000000000000003a0100002e000000000000002efefd") + bytes(32) + \
    bytes.fromhex("0000000200000100")  # a ClientHello whose only cipher is the null cipher


def test_strangers_change_nothing(server):
    """Hellos, forged checks, RTP and RTCP from elsewhere at every media port while peers join: no answer, no harm."""
    junk = [HELLO, bytes(20), bytes.fromhex("000100002112a442") + bytes(12), bytes.fromhex("80600001") + bytes(60),
            bytes.fromhex("80c80006") + bytes(44), b"\xff" * 1400, b"\x16", b"\x00\x01"]
    sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(3)]
    for i, s in enumerate(sockets):
        s.bind((f"127.0.0.{2 + i}", 0))
        s.setblocking(False)
    stop = threading.Event()
    sent = [0]

    def spray():
        while not stop.is_set():
            for s in sockets:
                for data in junk:
                    for port in range(server.media, server.media + 4):
                        try:
                            s.sendto(data, ("127.0.0.1", port))
                            sent[0] += 1
                        except OSError:
                            pass  # no worker on this port
            time.sleep(0.02)

    thread = threading.Thread(target=spray)
    thread.start()
    try:
        peers = Peers(server, 6, 6, "--pairs", "5", "--publish", "microphone", "--stagger-ms", "100").finish()
    finally:
        stop.set()
        thread.join()
    check(sent[0] > 1000, "the spray did not run", sent)
    for s in sockets:
        try:
            data = s.recv(2048)
            raise AssertionError(f"a stranger was answered: {data[:16].hex()}")
        except BlockingIOError:
            pass
        s.close()
    for stats in peers.last:
        check(len(fed(stats)) == 5 and stats["up_ms"] < 4000, "peer", stats["peer"], len(fed(stats)), stats["up_ms"])
        check(all(rx["lost"] == 0 for rx in fed(stats)), "lost packets", stats["media"]["rx"])


def judge_two(peers, server, kind):
    """Both see and hear each other, over that kind of pair, and nothing was lost on the way."""
    for stats in peers.last:
        check(stats["pair"].endswith(kind), "pair", stats["pair"])
        rows = fed(stats)
        check(len(rows) == 2, "streams at peer", stats["peer"], len(rows))
        for rx in rows:
            check(rx["lost"] == 0 and rx["duplicates"] == 0, "sequence", rx)
            if rx["kind"] == "video":
                check(rx["picture"]["decoded"] > 40 and rx["picture"]["broken"] == 0, "pictures", rx["picture"])


def test_ice_over_tcp(server):
    """RFC 6544: peers without any UDP see and hear each other; strangers' connections go; a normal peer beside."""
    strangers = [socket.create_connection(("127.0.0.1", server.media)) for _ in range(3)]
    strangers[0].sendall(bytes.fromhex("0004deadbeef") * 3)  # frames that are no check
    strangers[1].sendall(bytes.fromhex("ffff") + bytes(100))  # longer than any frame may be
    peers = Peers(server, 2, 8, "--pairs", "2", "--publish", "microphone,camera", "--decode", "--ice", "tcp")
    peers.finish()
    judge_two(peers, server, " tcp")
    check(server.metric('stoa_media_tcp_total{event="trusted"}') >= 2, "connections")
    check(server.metric('stoa_media_tcp_total{event="frames_out"}') > 500, "frames")
    check(server.metric('stoa_drops_total{reason="tcp_stranger"}') == 3, "strangers stayed")
    check(server.metric('stoa_drops_total{reason="tcp_frame"}') == 1, "frame of 64 KiB")
    check(server.metric('stoa_drops_total{reason="tcp_queue"}') == 0, "queue")
    for s in strangers:
        s.settimeout(2)
        check(s.recv(100) == b"", "a stranger was answered")


def test_tcp_can_be_switched_off(server):
    try:
        socket.create_connection(("127.0.0.1", server.media), 1)
        raise AssertionError("somebody listens")
    except ConnectionRefusedError:
        pass


test_tcp_can_be_switched_off.settings = {"STOA_MEDIA_TCP": "false"}


def own_address():
    """An address of this machine that is not on the loopback, where libnice opens no sockets; "" when there is none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        try:
            s.connect(("192.0.2.1", 9))  # sends nothing
            return s.getsockname()[0]
        except OSError:
            return ""


def through_turn(transport, tcp_only):
    port, address = free_ports(1), own_address()
    check(address, "this machine has no address but the loopback")
    turn = Turn(port, address, tcp_only)
    server = None
    try:
        server = Server({"STOA_TURN_URLS": f"stun:{address}:{port},turn:{address}:{port}?transport={transport}",
                         "STOA_TURN_SECRET_FILE": turn.secret_file, "STOA_MEDIA_ANNOUNCE": address})
        peers = Peers(server, 2, 8, "--pairs", "2", "--publish", "microphone,camera", "--decode", "--ice", "relay")
        peers.finish()
        judge_two(peers, server, " udp relay")
        check("check_stun_auth: Cannot find credentials" not in turn.words(), "credentials were refused")
    except Exception as error:
        raise AssertionError(f"{error}\n{turn.words()[-2500:]}")
    finally:
        turn.stop()
        check(server is None or server.stop() == 0, "the server's end")


def test_turn(_server):
    """A call through a real coturn, by the credentials that the server hands out."""
    through_turn("udp", False)


def test_turn_over_tcp(_server):
    through_turn("tcp", True)

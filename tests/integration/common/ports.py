"""Ports for servers under test, which nobody else takes between their choice and their use.

They lie below those that the kernel gives to clients: a server's port must not become the source of somebody's connection, least of
all of the one that asks whether the server is there yet.  Each block stays reserved until this process ends, so tests side by side
never share one.
"""
import random
import socket

FIRST, LAST, BLOCK = 20000, 32000, 16
reserved = []


def bound(port, kinds=(socket.SOCK_DGRAM, socket.SOCK_STREAM)):
    """Sockets on that port of all addresses; OSError when one is taken."""
    sockets = []
    try:
        for kind in kinds:
            sockets.append(socket.socket(socket.AF_INET, kind))
            sockets[-1].bind(("0.0.0.0", port))
    except OSError:
        for s in sockets:
            s.close()
        raise
    return sockets


def free_ports(count):
    """The first of count neighbouring ports that are free for UDP and TCP."""
    assert count < BLOCK
    blocks = list(range(FIRST, LAST, BLOCK))
    random.shuffle(blocks)
    for base in blocks:
        try:
            mark = bound(base + BLOCK - 1)  # the block's last port is held, and says that the others are ours
        except OSError:
            continue
        try:
            for port in range(base, base + count):
                for s in bound(port):
                    s.close()
        except OSError:
            for s in mark:
                s.close()
            continue
        reserved.extend(mark)
        return base
    raise OSError(f"no {count} neighbouring ports are free between {FIRST} and {LAST}")

#!/usr/bin/env python3
"""WHIP (RFC 9725) and WHEP, by real HTTP against the real stoad:  whip.py BUILD-FOLDER [test...]"""
import os
import sys
import time
import traceback

import doors
import test_clients
import test_ice
import test_picture
import test_rules

MODULES = (test_rules, test_ice, test_clients, test_picture)


def run(name, fn):
    start = time.monotonic()
    why, server = None, None
    try:
        server = doors.Server(**getattr(fn, "server", {}))
        fn(server)
    except Exception as error:
        at = traceback.extract_tb(error.__traceback__)
        why = f"{type(error).__name__} {error} ({', '.join(f'{os.path.basename(f.filename)}:{f.lineno}' for f in at[1:-1])})"
    status = server.stop() if server else None
    if not why and status != 0:
        why = f"the server ended with {status}"
    if why:
        print(f"  FAILED  {name}: {why[:800]}")
        if server:
            print(server.last_words(), flush=True)
        return False
    print(f"  ok      {name} ({time.monotonic() - start:.1f} s)", flush=True)
    return True


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    doors.base.BUILD = os.path.abspath(sys.argv[1])
    known = {name[5:]: fn for m in MODULES for name, fn in vars(m).items() if name.startswith("test_")}
    names = sys.argv[2:] or list(known)
    failed = [name for name in names if not run(name, known[name])]
    print(f"{len(names) - len(failed)} passed, {len(failed)} failed", flush=True)
    os._exit(1 if failed else 0)  # aiortc's decoders are threads that may wait for a frame for ever


main()

#!/usr/bin/env python3
"""What strangers and bad guests may do to the real stoad:  hostile.py BUILD-FOLDER [test...]

Each test starts a server of its own on free ports.  Nothing but Python's own library is needed.
"""
import os
import sys
import time
import traceback

import rig
import test_doors
import test_http_lane
import test_media
import test_sockets


def tests():
    found = {}
    for module in (test_doors, test_sockets, test_http_lane, test_media):
        for name, fn in vars(module).items():
            if name.startswith("test_"):
                found[name[5:]] = fn
    return found


def run(name, fn):
    start = time.monotonic()
    why, server = None, None
    try:
        server = rig.Server(getattr(fn, "limits", None), **getattr(fn, "env", {}))
        fn(server)
    except Exception as error:
        at = traceback.extract_tb(error.__traceback__)
        why = f"{type(error).__name__ if not isinstance(error, AssertionError) else ''} {error} " \
              f"({', '.join(f'{os.path.basename(f.filename)}:{f.lineno}' for f in at[1:-1])})"
    status = server.stop() if server else None
    if not why and status != 0:
        why = f"the server ended with {status}"
    if why:
        print(f"  FAILED  {name}: {why[:600]}")
        if server:
            print(server.last_words(), flush=True)
        return False
    print(f"  ok      {name} ({time.monotonic() - start:.1f} s)", flush=True)
    return True


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    rig.BUILD = os.path.abspath(sys.argv[1])
    for program in ("stoad", "stoa-native-peer"):
        if not os.path.exists(os.path.join(rig.BUILD, "bin", program)):
            sys.exit(f"{program} is missing in {rig.BUILD}/bin: build it first")
    known = tests()
    names = sys.argv[2:] or list(known)
    failed = [name for name in names if not run(name, known[name])]
    print(f"{len(names) - len(failed)} passed, {len(failed)} failed")
    sys.exit(1 if failed else 0)


main()

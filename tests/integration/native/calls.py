#!/usr/bin/env python3
"""Calls between native peers over the real stoad:  calls.py BUILD-FOLDER [-jN] [test...]

Each test starts its own server on free ports with an empty data folder, lets stoa-native-peer join a room, and
judges by the JSON lines that the peers print.  Nothing but Python's own library is needed.  -jN runs N at once.
STOA_SERVER_BUILD names another build folder for stoad alone (one with a sanitizer), STOA_SERVER_WRAP a program to
run it under (valgrind with its options); what they find ends the server with a status, which fails the test.
"""
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import rig
import test_calls
import test_data
import test_layers
import test_paths

MODULES = (test_calls, test_layers, test_paths, test_data)


def tests():
    return {name[5:]: fn for module in MODULES for name, fn in vars(module).items() if name.startswith("test_")}


def run(name, test):
    start = time.monotonic()
    server, failure, words = None, None, ""
    try:
        server = rig.Server(getattr(test, "settings", None))
        test(server)
    except Exception as error:  # every failure is shown with the server's last words
        failure = str(error) or repr(error)
    if server:
        status = server.stop()
        if status != 0:
            failure = f"{failure or 'all went well'}, and the server ended with {status}"
        words = server.words()
    seconds = time.monotonic() - start
    print(f"  FAILED  {name} ({seconds:.1f} s): {failure}\n{words}" if failure else f"  ok      {name} ({seconds:.1f} s)", flush=True)
    return failure is None


def main():
    args = [a for a in sys.argv[1:] if not a.startswith("-j")]
    if not args:
        sys.exit(__doc__)
    at_once = max([int(a[2:]) for a in sys.argv[1:] if a.startswith("-j")], default=1)
    rig.BUILD = os.path.abspath(args[0])
    rig.SERVER_BUILD = os.path.abspath(os.environ.get("STOA_SERVER_BUILD") or rig.BUILD)
    for folder, program in ((rig.SERVER_BUILD, "stoad"), (rig.BUILD, "stoa-native-peer")):
        if not os.path.exists(os.path.join(folder, "bin", program)):
            sys.exit(f"{program} is missing in {folder}/bin: build it first")
    known = tests()
    names = args[1:] or list(known)
    unknown = set(names) - set(known)
    if unknown:
        sys.exit(f"no such test: {' '.join(sorted(unknown))}; there are: {' '.join(known)}")
    with ThreadPoolExecutor(at_once) as pool:
        results = list(pool.map(lambda name: run(name, known[name]), names))
    print(f"{sum(results)} passed, {len(results) - sum(results)} failed")
    sys.exit(0 if all(results) else 1)


main()

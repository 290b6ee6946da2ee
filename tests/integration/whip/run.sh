#!/bin/sh
# WHIP and WHEP against the real server and real clients:  run.sh BUILD-FOLDER [test…]
# Debian's python3: python3-aiortc and python3-gi are its packages.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
exec /usr/bin/python3 -B "$here/whip.py" "$@"

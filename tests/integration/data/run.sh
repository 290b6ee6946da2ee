#!/bin/sh
# Data channels of the real server, by Debian's aiortc:  run.sh BUILD-FOLDER [test…]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
exec /usr/bin/python3 -B "$here/channels.py" "$@"

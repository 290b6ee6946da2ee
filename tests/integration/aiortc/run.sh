#!/bin/sh
# Debian's aiortc as a participant of a room on the real server:  run.sh BUILD-FOLDER
set -eu
here=$(cd "$(dirname "$0")" && pwd)
exec /usr/bin/python3 -B "$here/room.py" "$@"

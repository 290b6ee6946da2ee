#!/bin/sh
# Calls between native peers over the real server:  run.sh BUILD-FOLDER [test…]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
exec python3 "$here/calls.py" "$@"

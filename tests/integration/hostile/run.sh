#!/bin/sh
# Strangers and bad guests against the real server:  run.sh BUILD-FOLDER [test…]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
exec python3 -B "$here/hostile.py" "$@"

#!/bin/sh
# People who come, publish and go, again and again:  run.sh BUILD-FOLDER [CYCLES]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
exec python3 -B "$here/churn.py" "$@"

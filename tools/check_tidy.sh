#!/usr/bin/env bash
# clang-tidy by the allow-list of .clang-tidy:  check_tidy.sh BUILD-FOLDER [path-prefix…]
# The build folder must have compile_commands.json of clang (preset "clang").  Without prefixes: all but
# the tests, whose asserts do not look to the analyser as if they ended anything.  The analyser gives up on a
# function after fewer steps than it would by itself (that costs a third), but for STOA_CHECK_FULL.
set -euo pipefail
cd "$(dirname "$0")/.."
build=${1:?usage: check_tidy.sh BUILD-FOLDER [path-prefix…]}
shift
[ -f "$build/compile_commands.json" ] || { echo "no $build/compile_commands.json: cmake --preset clang"; exit 1; }
command -v clang-tidy >/dev/null || { echo "clang-tidy is missing: apt-get install clang-tidy"; exit 1; }

steps=$([ -n "${STOA_CHECK_FULL:-}" ] && echo 225000 || echo 80000)
analyser=(--extra-arg=-Xclang --extra-arg=-analyzer-config --extra-arg=-Xclang "--extra-arg=max-nodes=$steps")

# tracked files that the build compiles; a source built twice (module and static) is looked at once
python3 - "$build/compile_commands.json" "$@" <<'PY' | xargs -0 -n 4 -P "$(nproc)" clang-tidy --quiet -p "$build" "${analyser[@]}"
import json, os, subprocess, sys
tracked = set(subprocess.run(["git", "ls-files", "-z", "*.c"], check=True, capture_output=True, text=True).stdout.split("\0"))
built = {os.path.relpath(os.path.join(e["directory"], e["file"])) for e in json.load(open(sys.argv[1]))}
prefixes = tuple(sys.argv[2:]) or ("sfu/", "signaling/", "chat/", "plugins/", "recorder/", "tools/")
files = sorted(f for f in built & tracked if f.startswith(prefixes))
if not files:
    sys.exit("no file to check")
sys.stdout.write("\0".join(files) + "\0")
PY

#!/usr/bin/env bash
# Every tracked C file is as clang-format leaves it.  --fix formats them.
set -euo pipefail
cd "$(dirname "$0")/.."
command -v clang-format >/dev/null || { echo "clang-format is missing: apt-get install clang-format"; exit 1; }
if [ "${1:-}" = --fix ]; then
    git ls-files -z '*.c' '*.h' | xargs -0 clang-format -i
else
    git ls-files -z '*.c' '*.h' | xargs -0 -n 32 -P "$(nproc)" clang-format --dry-run -Werror
fi

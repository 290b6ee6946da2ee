#!/bin/sh
# Installs the headers, builds the plugin outside the tree with them, uses it, and finds it in the reference.
# usage: run.sh <build folder> <test program> <stoad or ""> <C compiler>
set -eu
build=$1 program=$2 stoad=$3 compiler=$4
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cmake --install "$build" --component plugin-dev --prefix "$work/prefix" > "$work/log" || { cat "$work/log"; exit 1; }
cp -r "$here/outside" "$work/source" # no path of the tree is left to find anything by
PKG_CONFIG_PATH=$(dirname "$(find "$work/prefix" -name stoa-plugin.pc)")
export PKG_CONFIG_PATH
{ cmake -S "$work/source" -B "$work/build" -DCMAKE_C_COMPILER="$compiler" && cmake --build "$work/build"; } \
    > "$work/log" 2>&1 || { cat "$work/log"; exit 1; }
module=$work/build/greeter.so

if nm -D --undefined-only "$module" | grep -E ' (sfu|sig|chat|rec|plg)_'; then
    echo "the plugin links a symbol of stoad"; exit 1
fi
"$program" "$module"
if [ -n "$stoad" ]; then
    "$stoad" --reference --plugin "$module" > "$work/reference.md"
    grep -q '^### `greeter.hello`' "$work/reference.md"
    grep -q '/v1/greeter' "$work/reference.md"
    grep -q '^### `conference.join`' "$work/reference.md"
    echo "stoad --reference shows the plugin"
fi

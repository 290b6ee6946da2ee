#!/usr/bin/env bash
# tests/integration/edge/test_stoactl.sh STOACTL - the command line on a data folder of its own.
set -u
ctl=$1
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
failed=0

# expect CODE PATTERN ARGS...: the exit code, and a pattern in what is printed
expect() {
    local code=$1 pattern=$2 out got
    shift 2
    out=$("$ctl" "$@" 2>&1)
    got=$?
    if [ "$got" != "$code" ] || ! grep -qE -- "$pattern" <<<"$out"; then
        echo "stoactl $*: exit $got instead of $code, or no /$pattern/ in: $out"
        failed=1
    fi
}

expect 2 'usage: stoactl COMMAND'
expect 2 "no command 'frob'" frob
expect 0 '^stoactl [0-9]' --version
expect 0 'usage: stoactl COMMAND' --help
expect 0 'usage: stoactl token' token --help
expect 0 'usage: stoactl token' help token
expect 0 'usage: stoactl key' key --help
expect 1 'no directory there' token --room r --identity i --data "$dir/none"
expect 1 'no directory there' key list --data "$dir/none"
expect 0 '^kid +key_[0-9a-z]{26}$' key create --data "$dir/data"
expect 0 '^secret +[A-Za-z0-9_-]{43}$' key create --data "$dir/data"
expect 0 '^ey[^.]+\.[^.]+\.[A-Za-z0-9_-]{43}$' token --room r --identity i --data "$dir/data"
expect 0 '^ey' token --identity i --grant admin --data "$dir/data"
expect 2 'room is missing' token --identity i --data "$dir/data"
expect 2 'identity is missing' token --room r --data "$dir/data"
expect 2 "'telescope' is no grant" token --room r --identity i --grant camera,telescope,data
expect 2 "ttl: '31d'" token --room r --identity i --ttl 31d
expect 2 "ttl: '0'" token --room r --identity i --ttl 0
expect 2 "ttl: '1w'" token --room r --identity i --ttl 1w
expect 2 'value is missing' token --room
expect 2 'bad option' token --frob
expect 2 "what is 'x'" token --room r --identity i x
expect 1 'cannot be used' token --room $'a\nb' --identity i --data "$dir/data"
expect 1 "no key 'key_x'" token --room r --identity i --key key_x --data "$dir/data"
expect 1 "no key 'key_x'" key disable key_x --data "$dir/data"
expect 2 'takes 1 argument' key disable --data "$dir/data"
expect 2 'create, list or disable' key --data "$dir/data"
expect 2 "no such thing as 'key frob'" key frob --data "$dir/data"
for kid in $("$ctl" key list --data "$dir/data" | cut -d' ' -f1); do
    expect 0 '^$' key disable "$kid" --data "$dir/data"
    expect 1 'no key' token --room r --identity i --key "$kid" --data "$dir/data"
done
expect 0 'disabled 20' key list --data "$dir/data"
expect 1 'no key that can be used' token --room r --identity i --data "$dir/data"
echo "dev_01hzy3v7k2f3g4h5j6k7m8n9p0 AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8" >"$dir/data/dev.key"
chmod 600 "$dir/data/dev.key"
expect 0 '^ey' token --room r --identity i --data "$dir/data"
STOA_DATA_DIR=$dir/data expect 0 '^ey' token --room r --identity i
[ "$(stat -c %a "$dir/data" "$dir/data/directory.db" | tr '\n' ' ')" = "700 600 " ] || failed=1
exit $failed

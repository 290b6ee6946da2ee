# tools/check/lib.sh - what the parts of ./check share: set-up, counting, times.
. tools/packages.sh

out=build/check
mkdir -p "$out"
: >"$out/counts"
: >"$out/times"
jobs=$(nproc)

# count PASSED FAILED SKIPPED
count() { echo "$1 $2 $3" >>"$out/counts"; }

# must NAME command…: one test that is a command; its output is shown when it fails.
must() {
    local name=$1 log; shift
    log="$out/$(tr -c 'A-Za-z0-9_\n' _ <<<"$name").log"
    if "$@" >"$log" 2>&1; then
        echo "  ok      $name"; count 1 0 0
    else
        echo "  FAILED  $name (exit $?), end of $log:"; tail -n 40 "$log" | sed 's/^/    /'; count 0 1 0
        return 1
    fi
}

# configured PRESET [options…]: configures build/PRESET with the tests.
configured() {
    local preset=$1; shift
    cmake --preset "$preset" -DSTOA_TESTS=ON "$@" >"$out/configure-$preset.log" 2>&1 ||
        { tail -n 30 "$out/configure-$preset.log"; return 1; }
}

# built PRESET [target…]
built() {
    local preset=$1 target args=(); shift
    for target in "$@"; do args+=(--target "$target"); done
    cmake --build "build/$preset" "${args[@]}" -- -k 0 --quiet
}

# run_ctest PRESET LABELS: every program counts as the cmocka tests inside it.
run_ctest() {
    local preset=$1 labels=$2 log="$out/ctest-$1-${2//|/-}.log" passed failed programs
    ctest --test-dir "build/$preset" -L "$labels" -j "$jobs" --output-on-failure -V >"$log" 2>&1
    programs=$(sed -n 's/^.*tests failed out of \([0-9]*\)$/\1/p' "$log")
    failed=$(sed -n 's/^.*, \([0-9]*\) tests failed out of .*$/\1/p' "$log")
    passed=$(sed -n 's/^.*\[  PASSED  \] \([0-9]*\) test(s).*$/\1/p' "$log" | awk '{s += $1} END {print s + 0}')
    if [ -z "$programs" ] || [ "$programs" = 0 ]; then
        echo "  FAILED  ctest ran nothing: $log"; count 0 1 0; return 1
    fi
    echo "  $preset $labels: $programs programs, $passed tests passed, ${failed:-0} programs failed"
    [ "${failed:-0}" = 0 ] || { grep -E '^ *[0-9]+ - .*\(' "$log"; grep -E '\[  FAILED  \]|ERROR: |WARNING: ThreadSanitizer|runtime error' "$log" | head -n 40; }
    count "$passed" "${failed:-0}" 0
}

prepare() {
    # shellcheck disable=SC2086
    install_packages $PACKAGES_BUILD $PACKAGES_TEST && install_node
}

run_part() {
    local part=$1 start=$SECONDS
    echo "== $part"
    # shellcheck disable=SC1090
    . "tools/check/$part.sh"
    echo "$part $((SECONDS - start))" >>"$out/times"
    echo "== $part: $((SECONDS - start)) s"
}

report() {
    echo
    awk '{printf "%-12s %5d s\n", $1, $2; s += $2} END {printf "%-12s %5d s\n", "total", s}' "$out/times"
    awk '{p += $1; f += $2; s += $3} END {printf "%d passed, %d failed, %d skipped\n", p, f, s; exit f > 0 || p == 0}' "$out/counts"
}

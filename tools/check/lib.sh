# tools/check/lib.sh - what the parts of ./check share: set-up, builds, running, counting, times.
. tools/packages.sh

out=build/check
mkdir -p "$out"
: >"$out/counts"
: >"$out/times"
cores=$(nproc)

# a clone elsewhere finds the objects of this one
export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1
# what a sanitizer finds ends the program
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_stack_use_after_return=1:strict_string_checks=1}
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1}
export TSAN_OPTIONS=${TSAN_OPTIONS:-halt_on_error=1:second_deadlock_stack=1}

# count PASSED FAILED SKIPPED
count() { echo "$1 $2 $3" >>"$out/counts"; }

# why_of LOG: what a sanitizer, valgrind or a compiler found first, else the end.
why_of() {
    local finding='(ERROR|WARNING): [A-Za-z]+(Sanitizer|Fuzzer)|runtime error:|^==[0-9]+== '
    if grep -qE "$finding" "$1"; then
        grep -E -m 1 -A 40 "$finding" "$1"
    else
        grep -nE 'error:|FAILED:|undefined reference' "$1" | head -n 20
        echo ...
        tail -n 30 "$1"
    fi | cut -c 1-400 | sed 's/^/    /'
}

# must NAME command…: one test that is a command; its output is shown when it fails.
must() {
    local name=$1 log start=$SECONDS status; shift
    log="$out/$(tr -c 'A-Za-z0-9_\n' _ <<<"$name").log"
    "$@" >"$log" 2>&1 </dev/null
    status=$?
    if [ $status = 0 ]; then
        echo "  ok      $name ($((SECONDS - start)) s)"; count 1 0 0
        return 0
    fi
    echo "  FAILED  $name (exit $status, $((SECONDS - start)) s), $log:"
    why_of "$log"
    count 0 1 0
    return 1
}

# side_by_side: runs the lines of its standard input, as many at once as there are cores; what each prints stays together.
side_by_side() {
    local line
    while IFS= read -r line; do
        while [ "$(jobs -rp | wc -l)" -ge "$cores" ]; do wait -n; done
        (told=$(eval "$line"); printf '%s\n' "$told") </dev/null &
    done
    wait
}

# configured PRESET [options…]: configures build/PRESET with the tests.
configured() {
    local preset=$1; shift
    cmake --preset "$preset" -DSTOA_TESTS=ON "$@"
}

# built PRESET [target…]
built() {
    local preset=$1 target args=(); shift
    for target in "$@"; do args+=(--target "$target"); done
    cmake --build "build/$preset" "${args[@]}" -- -k 0 --quiet
}

# ready PRESET [target…]: configured and built, each a test of its own.
ready() { must "configure $1" configured "$1" && must "build $1" built "$@"; }

# tests_of PRESET LABELS: the names of these tests; those of units and sims are their programs too.
tests_of() { ctest --test-dir "build/$1" -N -L "$2" | sed -n 's/^ *Test *#[0-9]*: //p'; }

# run_ctest PRESET LABELS: every program counts as the cmocka tests inside it.
run_ctest() {
    local log="$out/ctest-$1-${2//|/-}" start=$SECONDS
    rm -f "$log.xml"
    ctest --test-dir "build/$1" -L "$2" -j "$cores" --output-junit "$PWD/$log.xml" --test-output-size-passed 1000000 \
        --test-output-size-failed 1000000 >"$log.log" 2>&1 </dev/null
    python3 tools/check/ctest_report.py "$1 $2" "$log.xml" "$out/counts" || tail -n 20 "$log.log"
    echo "          ($((SECONDS - start)) s)"
}

# run_calls NAME command…: a runner that prints a line "ok" or "FAILED" per test (tests/integration/*/run.sh).
run_calls() {
    local name=$1 log="$out/calls-$1.log" passed failed start=$SECONDS status; shift
    # nobody watches the clock of a slow server
    STOA_LIMITS_WORKER_SILENT_MS=20000 "$@" >"$log" 2>&1 </dev/null
    status=$?
    grep -E '^ *ok ' "$log" | sed "s/ok      /ok      $name: /"
    passed=$(grep -cE '^ *ok ' "$log"); failed=$(grep -cE '^ *FAILED ' "$log")
    if [ "$status" != 0 ] || [ "$passed" = 0 ]; then
        [ "$failed" != 0 ] || failed=1
        echo "  FAILED  $name: $failed (exit $status), $log:"
        grep -vE '^ *ok ' "$log" | head -n 200 | sed 's/^/    /'
    fi
    echo "          ($((SECONDS - start)) s)"
    count "$passed" "$failed" 0
}

prepare() {
    # shellcheck disable=SC2086
    install_packages $PACKAGES_BUILD $PACKAGES_TEST && install_node
}

# A shell of its own: a part that breaks is a failure, not the end of the check.
run_part() {
    local part=$1 start=$SECONDS
    echo "== $part"
    # shellcheck disable=SC1090
    (. "tools/check/$part.sh"; exit 0) || { echo "  FAILED  $part ended early (exit $?)"; count 0 1 0; }
    echo "$part $((SECONDS - start))" >>"$out/times"
    echo "== $part: $((SECONDS - start)) s"
}

report() {
    echo
    awk '{printf "%-12s %5d s\n", $1, $2; s += $2} END {printf "%-12s %5d s\n", "total", s}' "$out/times"
    awk '{p += $1; f += $2; s += $3} END {printf "%d passed, %d failed, %d skipped\n", p, f, s; exit f > 0 || p == 0}' "$out/counts"
}

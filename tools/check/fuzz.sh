# Replays the regressions, then runs every target for a bounded time.
seconds=${STOA_FUZZ_SECONDS:-$([ -n "${STOA_CHECK_FULL:-}" ] && echo 300 || echo 12)}
subjects=$(basename -a tests/fuzz/fuzz_*.c | sed 's/^fuzz_\(.*\)\.c$/\1/')

fuzz() {
    mkdir -p "build/fuzz/corpus/$1"
    must "fuzz $1" "build/fuzz/bin/fuzz_$1" -max_total_time="$seconds" -timeout=30 -rss_limit_mb=2048 -print_final_stats=1 \
        -artifact_prefix="build/fuzz/$1-" "build/fuzz/corpus/$1" "tests/fuzz/seeds/$1" \
        $([ -d "tests/fuzz/regressions/$1" ] && echo "tests/fuzz/regressions/$1")
}

# shellcheck disable=SC2046
if ready fuzz $(sed 's/^/fuzz_/' <<<"$subjects"); then
    sed 's/^/fuzz /' <<<"$subjects" | side_by_side
fi

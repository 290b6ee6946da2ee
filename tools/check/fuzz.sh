# Replays the regressions, then runs every target for a bounded time.
seconds=${STOA_FUZZ_SECONDS:-$([ -n "${STOA_CHECK_FULL:-}" ] && echo 300 || echo 12)}
if must "configure fuzz" configured fuzz && must "build fuzz" built fuzz; then
    for target in build/fuzz/bin/fuzz_*; do
        subject=$(basename "$target"); subject=${subject#fuzz_}
        mkdir -p "build/fuzz/corpus/$subject"
        must "fuzz $subject" "$target" -max_total_time="$seconds" -timeout=5 -rss_limit_mb=2048 -print_final_stats=1 \
            -artifact_prefix="build/fuzz/$subject-" "build/fuzz/corpus/$subject" "tests/fuzz/seeds/$subject" \
            $([ -d "tests/fuzz/regressions/$subject" ] && echo "tests/fuzz/regressions/$subject")
    done
fi

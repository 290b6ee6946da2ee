# What a forwarded packet costs.  Plain: only the gates, which count instructions and system calls and are exact.  As
# ./check bench, and in the full check: also the side by side with Janus, which measures time and so never fails for it.

# shellcheck disable=SC2086
if must "packages of the bench" install_packages $PACKAGES_BENCH_GATES && ready release bench-replay; then
    must "instructions and system calls per packet" python3 tests/bench/gates/gate.py build/release/bin/bench-replay
    sed -n '/^scenario/,$p' "$out/instructions_and_system_calls_per_packet.log"
fi
if [ -n "${STOA_CHECK_FULL:-}" ] || [ "${parts[*]}" = bench ]; then
    # shellcheck disable=SC2086
    if must "Janus" install_packages $PACKAGES_BENCH && ready release stoa-server stoa-load bench-floor bench-flood; then
        must "side by side" python3 tests/bench/duel/duel.py --build build/release --out "$out/bench" ${STOA_CHECK_FULL:+--full}
        cat "$out/bench/table.txt"
    fi
fi

# The real edge with raw sockets, a plugin built outside the tree, the real server with native peers and with bad guests:
# all of it against a server under ASan and UBSan, parts as it is installed, under TSan and under valgrind.

memcheck="valgrind -q --error-exitcode=99 --leak-check=no --fair-sched=yes --suppressions=tests/support/valgrind.supp"
if [ -n "${STOA_CHECK_FULL:-}" ]; then
    churn_cycles=10000
    tsan_calls=() memcheck_calls=(everyone_sees_everyone every_srtp_profile ice_restart_keeps_dtls_and_media socket_cut_resumes)
else
    churn_cycles=500
    tsan_calls=(joins_cost_the_others_no_negotiation socket_cut_resumes strangers_change_nothing) memcheck_calls=(everyone_sees_everyone)
fi
# data channels under a sanitizer: all but what waits for limits and what measures
data_calls=(a_message_goes_to_everybody_else_or_to_those_named channels_of_their_own_carry_bare_payloads a_room_on_two_workers nothing_is_left_behind)
# calls between native peers of the release build: native SERVER-BUILD [call…]
native() { STOA_SERVER_BUILD=$1 tests/integration/native/run.sh build/release "-j$cores" "${@:2}"; }

# Bad guests: all of them under ASan; those that weigh the server's memory, which ASan multiplies, on the release too.
mapfile -t weighing < <(awk '/^def test_/ {sub(/\(.*/, "", $2); sub(/^test_/, "", $2); name = $2} /rss_kib\(/ {print name}' \
    tests/integration/hostile/test_*.py | sort -u)

if ready release; then
    run_ctest release integration
    run_calls hostile tests/integration/hostile/run.sh build/release "${weighing[@]:?nothing weighs}"
    run_calls churn tests/integration/churn/run.sh build/release "$churn_cycles"
    run_calls aiortc tests/integration/aiortc/run.sh build/release
    run_calls data tests/integration/data/run.sh build/release
    run_calls flood native build/release data_flood_and_a_stalled_reader
    if ready asan; then
        run_ctest asan integration
        STOA_IGNORE_RSS=1 run_calls asan native build/asan
        STOA_IGNORE_RSS=1 run_calls hostile-asan tests/integration/hostile/run.sh build/asan
        run_calls data-asan tests/integration/data/run.sh build/asan "${data_calls[@]}"
        STOA_IGNORE_RSS=1 run_calls whip-asan tests/integration/whip/run.sh build/asan
    fi
    if ready tsan stoa-server integration_edge; then
        must "edge under tsan" build/tsan/bin/integration_edge
        run_calls tsan native build/tsan "${tsan_calls[@]}"
        run_calls data-tsan tests/integration/data/run.sh build/tsan "${data_calls[@]}"
    fi
    STOA_SERVER_WRAP=$memcheck run_calls valgrind native build/release "${memcheck_calls[@]}"
fi

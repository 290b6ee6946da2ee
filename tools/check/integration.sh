# The real edge with raw sockets, a plugin built outside the tree, the real server with native peers (under ASan and UBSan) and with bad
# guests; a few programs under valgrind, which sees what was never initialised.

# counted LOG command…: a test program that prints "  ok      name" and "  FAILED  name: why".
counted() {
    local log=$out/$1 passed failed; shift
    "$@" >"$log" 2>&1
    grep -E '^ *(ok|FAILED) ' "$log"
    passed=$(grep -cE '^ *ok ' "$log"); failed=$(grep -cE '^ *FAILED ' "$log")
    [ "$passed" -gt 0 ] || failed=$((failed + 1))
    [ "$failed" = 0 ] || tail -n 60 "$log"
    count "$passed" "$failed" 0
}

if must "configure release" configured release && must "build release" built release && must "configure asan" configured asan &&
    must "build asan" built asan; then
    run_ctest release integration
    must "edge under ASan" build/asan/bin/integration_edge
    counted native.log env STOA_SERVER_BUILD="$PWD/build/asan" STOA_LIMITS_WORKER_SILENT_MS=20000 tests/integration/native/run.sh build/release
    counted hostile.log tests/integration/hostile/run.sh build/release
    for program in proto_test_rtp proto_test_rtcp proto_test_sdp proto_test_hdrext media_test_forwarder media_test_history core_test_router_slot; do
        must "valgrind $program" valgrind -q --error-exitcode=99 --leak-check=no --suppressions=tests/support/valgrind.supp \
            "build/release/bin/unit_$program"
    done
fi

# The real edge with raw sockets, a plugin built outside the tree, the real server with native peers.
if must "configure release" configured release && must "build release" built release; then
    must "web build" build_web web-demo
    run_ctest release integration
    log=$out/native.log
    tests/integration/native/run.sh build/release >"$log" 2>&1
    grep -E '^ *(ok|FAILED) ' "$log"
    passed=$(grep -cE '^ *ok ' "$log"); failed=$(grep -cE '^ *FAILED ' "$log")
    [ "$passed" -gt 0 ] || failed=$((failed + 1))
    [ "$failed" = 0 ] || tail -n 40 "$log"
    count "$passed" "$failed" 0
fi

# The real server with native peers, the real edge with raw sockets, a plugin built outside the tree.
if must "configure release" configured release && must "build release" built release; then
    must "web build" build_web web-demo
    for test in tests/integration/*/run.sh; do
        must "integration $(basename "$(dirname "$test")")" "$test" build/release
    done
fi

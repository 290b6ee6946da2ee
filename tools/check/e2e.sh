# Real browsers against the real server.
if must "configure release" configured release && must "build release" built release && must "web build" build_web web-demo; then
    (cd tests/e2e && { [ node_modules/.package-lock.json -nt package-lock.json ] || npm ci --no-audit --no-fund --loglevel=error; }) >"$out/e2e-npm.log" 2>&1
    log="$out/e2e.log"
    (cd tests/e2e && STOA_BUILD="$PWD/../../build/release" node --test --test-concurrency=1 --test-reporter=tap .) >"$log" 2>&1
    grep -E '^(not )?ok ' "$log" | sed 's/^/  /'
    p=$(sed -n 's/^# pass \([0-9]*\)$/\1/p' "$log" | tail -1); f=$(sed -n 's/^# fail \([0-9]*\)$/\1/p' "$log" | tail -1)
    s=$(sed -n 's/^# skipped \([0-9]*\)$/\1/p' "$log" | tail -1)
    if [ "${p:-0}" = 0 ]; then f=$((${f:-0} + 1)); tail -n 40 "$log"; fi
    [ "${f:-0}" = 0 ] || grep -vE '^(ok|#)' "$log" | tail -n 120
    count "${p:-0}" "${f:-0}" "${s:-0}"
fi

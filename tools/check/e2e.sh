# Real browsers against the real server.
if must "configure release" configured release && must "build release" built release stoa-server stoa-native-peer stoa-impair && must "web build" build_web web-demo; then
    log="$out/web.log"
    (cd web-demo && npm test) >"$log" 2>&1
    read -r p f < <(awk '/^(#|ℹ) pass /{p += $3} /^(#|ℹ) fail /{f += $3} END {print p + 0, f + 0}' "$log")
    [ "$p" -gt 0 ] || f=$((f + 1))
    echo "  SDK and app without a browser: $p passed, $f failed"
    [ "$f" = 0 ] || tail -n 60 "$log"
    count "$p" "$f" 0

    (cd tests/e2e && install_npm) >"$out/e2e-npm.log" 2>&1 || tail -n 20 "$out/e2e-npm.log"
    log="$out/e2e.log"
    (cd tests/e2e && node run.mjs) >"$log" 2>&1
    grep -E '^(ok  |FAIL) ' "$log" | sed 's/^/  /'
    read -r p f s < <(sed -n 's/^\([0-9]*\) passed, \([0-9]*\) failed, \([0-9]*\) skipped$/\1 \2 \3/p' "$log" | tail -n 1)
    [ "${p:-0}" -gt 0 ] || f=$((${f:-0} + 1))
    [ "${f:-0}" = 0 ] || grep -vE '^ok  ' "$log" | tail -n 200
    count "${p:-0}" "${f:-0}" "${s:-0}"
fi

# Unit tests: under ASan and UBSan; those with threads under TSan; under valgrind, which sees uninitialised memory.

# What moves bytes; three of them make keys or repeat themselves for a quarter of a minute each: only in the long form.
memcheck_programs() {
    if [ -n "${STOA_CHECK_FULL:-}" ]; then
        tests_of release "unit|sim"
    else
        tests_of release "unit|sim" | grep -E '^(unit_(core|media|plugins|proto|transport)_|sim_test_loss$)' |
            grep -vE 'test_(dtls_openssl|link|control_memory)$'
    fi
}

# memcheck PROGRAM
memcheck() {
    # the tests' own malloc passes on to glibc's, which is the one to watch; the time is for what hangs
    timeout --foreground 1800 valgrind -q --error-exitcode=99 --leak-check=no --fair-sched=yes \
        --soname-synonyms=somalloc=nouserintercepts --suppressions=tests/support/valgrind.supp \
        ${STOA_CHECK_FULL:+--track-origins=yes} "build/release/bin/$1"
}

if ready asan; then
    run_ctest asan unit
fi

if must "configure tsan" configured tsan; then
    labels=$([ -n "${STOA_CHECK_FULL:-}" ] && echo "unit|sim" || echo threads)
    # shellcheck disable=SC2046
    must "build tsan" built tsan $(tests_of tsan "$labels") && run_ctest tsan "$labels"
fi

if ready release; then
    started=$SECONDS
    memcheck_programs | sort -r >"$out/memcheck-programs" # the longest, of unit_transport, first
    sed 's/.*/must "memcheck &" memcheck &/' "$out/memcheck-programs" | side_by_side >"$out/memcheck.log"
    grep -v '^  ok ' "$out/memcheck.log"
    good=$(grep -c '^  ok ' "$out/memcheck.log")
    echo "  valgrind: $good of $(wc -l <"$out/memcheck-programs") programs without a finding ($((SECONDS - started)) s)"
    [ "$good" -gt 0 ] || count 0 1 0
fi

# Unit tests under ASan and UBSan; the threaded ones under TSan; a short round under valgrind.
if must "configure asan" configured asan && must "build asan" built asan; then
    run_ctest asan unit
fi
if must "configure tsan" configured tsan && must "build tsan" built tsan; then
    if [ -n "${STOA_CHECK_FULL:-}" ]; then
        run_ctest tsan "unit|sim"
    else
        run_ctest tsan threads
    fi
fi

# Two ends and the server in virtual time, under ASan and UBSan.
if must "configure asan" configured asan && must "build asan" built asan; then
    run_ctest asan sim
fi

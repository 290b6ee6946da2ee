# Two ends and the server in virtual time, under ASan and UBSan.
if ready asan; then
    run_ctest asan sim
fi

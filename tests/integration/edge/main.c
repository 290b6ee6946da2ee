#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fixture.h"
#include "sfu/log.h"

int main(void)
{
    sfu_log_set_all(SFU_LOG_OFF);
    int failed = _cmocka_run_group_tests("edge: http", http_tests, http_test_count, NULL, NULL);
    failed += _cmocka_run_group_tests("edge: tls", tls_tests, tls_test_count, NULL, NULL);
    return failed + _cmocka_run_group_tests("edge: ws", ws_tests, ws_test_count, NULL, NULL);
}

/* tests/fuzz/fuzz_name.c - names of rooms and people: what comes out goes in again unchanged. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sfu/base/str.h"
#include "signaling/directory/name.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char name[129];
    char again[129];
    if (sig_dir_name((const char *)data, size, 128, name) == 0) {
        size_t len = strlen(name);
        if (len == 0 || len > 128 || !sfu_str_utf8_valid(name, len) ||
            sig_dir_name(name, len, 128, again) != 0 || strcmp(name, again) != 0) {
            abort();
        }
    }
    return 0;
}

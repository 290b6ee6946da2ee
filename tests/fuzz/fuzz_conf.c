/*
 * The configuration loader on any bytes: an error that names its place, or a configuration that
 * prints and loads again.
 */
#include <stdint.h>
#include <stdlib.h>

#include "sfu/base/str.h"
#include "sfu/main/conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sfu_conf *conf, *again;
    struct sfu_conf_error error;
    struct sfu_str text;
    if (sfu_conf_parse("fuzz", (const char *)data, size, NULL, &conf, &error) < 0) {
        if (error.text[0] == '\0') {
            abort();
        }
        return 0;
    }
    sfu_str_init_grow(&text, 1 << 20);
    sfu_conf_print(conf, &text);
    if (sfu_conf_parse("again", sfu_str_cstr(&text), text.len, NULL, &again, &error) == 0) {
        sfu_conf_destroy(again);
    }
    sfu_str_fini(&text);
    sfu_conf_destroy(conf);
    return 0;
}

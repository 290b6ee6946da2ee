/* Lines in front of messages on data channels: what is read can be written again for the receivers. */
#include <stdlib.h>
#include <string.h>

#include "sfu/core/data_line.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sfu_data_line line, again;
    enum sfu_data_refusal why = SFU_DATA_REFUSALS_COUNT;
    char buf[SFU_DATA_LINE_MAX];
    if (sfu_data_line_parse(data, size, &line, &why) < 0) {
        if (why >= SFU_DATA_REFUSALS_COUNT) {
            abort();
        }
        return 0;
    }
    size_t n = sfu_data_line_write(line.topic, "pt_a", line.to_count > 0, buf, sizeof buf);
    if (line.len > size || line.to_count > SFU_DATA_TO_MAX || n == 0 ||
        sfu_data_line_parse((const uint8_t *)buf, n, &again, &why) < 0) {
        abort();
    }
    if (again.len != n || (line.topic != NULL) != (again.topic != NULL) ||
        (line.topic && strcmp(line.topic, again.topic) != 0)) {
        abort();
    }
    sfu_data_line_release(&again);
    sfu_data_line_release(&line);
    return 0;
}

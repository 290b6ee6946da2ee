#include "sfu/transport/udp_runs.h"

/* How many datagrams from out[0] on make one run. */
static unsigned run_length(const struct sfu_udp_out *out, unsigned count)
{
    size_t bytes = out[0].len;
    unsigned n = 1;
    while (n < count && n < SFU_UDP_RUN_MAX && out[n].len <= out[0].len &&
           bytes + out[n].len <= SFU_UDP_RUN_BYTES && sfu_path_equal(&out[n].path, &out[0].path)) {
        bytes += out[n].len;
        n++;
        if (out[n - 1].len < out[0].len) {
            break; /* a shorter one ends the run */
        }
    }
    return n;
}

unsigned sfu_udp_runs(const struct sfu_udp_out *out, unsigned count, bool segment,
                      struct sfu_udp_run *ret_runs)
{
    unsigned runs = 0;
    for (unsigned i = 0; i < count; runs++) {
        unsigned n = segment ? run_length(out + i, count - i) : 1;
        ret_runs[runs] = (struct sfu_udp_run){(uint16_t)i, (uint16_t)n};
        i += n;
    }
    return runs;
}

/* The host table: messages on data channels. */
#include <errno.h>

#include "sfu/base/stat.h"
#include "sfu/core/control_data.h"
#include "sfu/core/plugin_host_own.h"
#include "sfu/core/session.h"

static int host_data_send(const struct sfu_host *host, const struct sfu_data_out *out)
{
    return sfu_control_data_send(sfu_plugin_host_self(host)->c, out);
}

static int host_data_refuse(const struct sfu_host *host, uint64_t session,
                            enum sfu_data_refusal why)
{
    struct sfu_session *s = sfu_session_get(sfu_plugin_host_self(host)->c, session);
    if (!s) {
        return -ENOENT;
    }
    sfu_stat_inc(SFU_M_DROP_DATA_REFUSED);
    sfu_control_data_refuse(s, why, 1);
    return 0;
}

void sfu_plugin_host_fill_data(struct sfu_host *host)
{
    host->data_send = host_data_send;
    host->data_refuse = host_data_refuse;
}

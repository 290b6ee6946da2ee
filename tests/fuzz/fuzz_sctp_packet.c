/*
 * What reaches the SCTP stack: the check in front of it, then the stack itself with one association.
 */
#include <stdlib.h>
#include <usrsctp.h>

#include "sfu/proto/sctp_packet.h"
#include "sfu/transport/sctp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void output(void *arg, uint64_t id, const uint8_t *packet, size_t len)
{
    (void)arg;
    (void)id;
    (void)packet;
    if (len > SFU_SCTP_PACKET_MAX) {
        abort();
    }
}

static void state_changed(void *arg, uint64_t id, enum sfu_sctp_state state)
{
    (void)arg;
    (void)id;
    (void)state;
}

static void message_came(void *arg, uint64_t id, const struct sfu_sctp_message *message)
{
    (void)arg;
    (void)id;
    if (message->len > SFU_SCTP_MESSAGE_MAX) {
        abort();
    }
}

static void stream_was_reset(void *arg, uint64_t id, uint16_t stream)
{
    (void)arg;
    (void)id;
    (void)stream;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct sfu_sctp_hooks hooks = {output, state_changed, message_came,
                                                stream_was_reset};
    static const struct sfu_sctp_conf conf = {
        .max_assocs = 1, .message_max = 65536, .send_bytes = 65536};
    struct sfu_sctp *s;
    bool has_data = sfu_sctp_packet_has_data(data, size);
    size_t requests = sfu_sctp_packet_requests(data, size);
    uint32_t tag = sfu_sctp_packet_init_tag(data, size);
    if (sfu_sctp_packet_check(data, size) < 0) {
        return 0;
    }
    if ((data[SFU_SCTP_HEAD] == 0 && !has_data) || (data[SFU_SCTP_HEAD] != 1 && tag != 0) ||
        requests > 4) {
        abort();
    }
    if (sfu_sctp_create(&conf, &hooks, NULL, &s) < 0 || sfu_sctp_open(s, 1, 5000) < 0) {
        abort();
    }
    usrsctp_enable_crc32c_offload(); /* else hardly any input gets past the checksum */
    if (sfu_sctp_input(s, 1, data, size) < 0) {
        abort();
    }
    sfu_sctp_destroy(s);
    return 0;
}

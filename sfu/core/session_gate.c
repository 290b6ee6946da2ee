#include "sfu/core/session_gate.h"

/* FNV-1a.  Ids are digests already: who chooses tokens does not choose these. */
static uint64_t hash(const char *text)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    for (; *text; text++) {
        h = (h ^ (uint8_t)*text) * UINT64_C(0x100000001b3);
    }
    return h;
}

void sfu_session_gate_init(struct sfu_session_gate *gate, uint32_t per_s, uint32_t burst)
{
    *gate = (struct sfu_session_gate){.per_s = per_s, .burst = burst};
}

uint32_t sfu_session_gate_pass(struct sfu_session_gate *gate, const char *token_id, int64_t now_us)
{
    uint64_t token = hash(token_id);
    size_t row = token % SFU_SESSION_GATE_ROWS;
    if (gate->rows[row].token != token) {
        gate->rows[row].token = token;
        gate->rows[row].bucket = (struct sfu_bucket){0};
    }
    return sfu_bucket_take_call(&gate->rows[row].bucket, gate->per_s, gate->burst, 1, now_us);
}

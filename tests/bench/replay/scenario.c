#include "tests/bench/replay/scenario.h"

#include <string.h>

#include "sfu/base/attr.h"

/* fan: a camera of 110 packets/s; runs: one of 2.4 Mbit/s whose frames come whole; room: each of 20
 * sends camera and microphone to 19. */
static const struct replay_scenario rows[] = {
    {.name = "fan-gcm",
     .publishers = 1,
     .subscribers = 100,
     .turn_us = 9091,
     .burst = 1,
     .frame = 4,
     .packet_bytes = 1100,
     .turns = 220,
     .profile = SFU_SRTP_AEAD_AES_128_GCM},
    {.name = "fan-cm",
     .publishers = 1,
     .subscribers = 100,
     .turn_us = 9091,
     .burst = 1,
     .frame = 4,
     .packet_bytes = 1100,
     .turns = 220,
     .profile = SFU_SRTP_AES128_CM_SHA1_80},
    {.name = "runs-gcm",
     .publishers = 1,
     .subscribers = 100,
     .turn_us = 33333,
     .burst = 9,
     .frame = 9,
     .packet_bytes = 1100,
     .turns = 60,
     .profile = SFU_SRTP_AEAD_AES_128_GCM},
    {.name = "room-gcm",
     .publishers = 20,
     .subscribers = 0,
     .turn_us = 1667,
     .burst = 2,
     .frame = 4,
     .packet_bytes = 1000,
     .audio = true,
     .turns = 600,
     .profile = SFU_SRTP_AEAD_AES_128_GCM},
};

const struct replay_scenario *replay_scenario_at(unsigned i)
{
    return i < SFU_ARRAY_LEN(rows) ? &rows[i] : NULL;
}

const struct replay_scenario *replay_scenario_find(const char *name)
{
    for (unsigned i = 0; i < SFU_ARRAY_LEN(rows); i++) {
        if (strcmp(rows[i].name, name) == 0) {
            return &rows[i];
        }
    }
    return NULL;
}

#include "tests/support/sdp_fixture.h"

#include <stdio.h>
#include <stdlib.h>

char *test_sdp_read(const char *path, size_t *ret_len)
{
    FILE *file = fopen(path, "rb");
    char *text = malloc(SFU_SDP_MAX_TEXT + 1);

    if (file == NULL || text == NULL) {
        free(text);
        if (file != NULL) {
            fclose(file);
        }
        return NULL;
    }
    *ret_len = fread(text, 1, SFU_SDP_MAX_TEXT, file);
    text[*ret_len] = '\0';
    fclose(file);
    return text;
}

static uint32_t next_ssrc(void *arg)
{
    return (*(uint32_t *)arg)++;
}

void test_sdp_policy(struct sfu_answer_policy *policy, uint32_t *ssrc)
{
    static const struct sfu_answer_candidate candidates[] = {
        {"192.0.2.10", 20000},
        {"2001:db8::10", 20000},
    };
    static const uint8_t sha256[32] = {0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef};

    sfu_answer_policy_init(policy);
    policy->publish_audio = policy->publish_video = policy->subscribe = policy->data = true;
    policy->ufrag = "stoaufrag";
    policy->pwd = "stoapasswordstoapassword";
    policy->sha256 = sha256;
    policy->cname = "stoa";
    policy->candidates = candidates;
    policy->candidate_count = 2;
    policy->session_id = 4711;
    *ssrc = 1000;
    policy->ssrc = next_ssrc;
    policy->ssrc_arg = ssrc;
}

#include <errno.h>
#include <string.h>

#include "sfu/track.h"
#include "signaling/auth.h"
#include "signaling/claims.h"
#include "signaling/directory/name.h"
#include "signaling/jws.h"

/* Words of --grant. */
static const struct {
    const char *word;
    uint32_t publish;
    size_t flag; /* offset of a bool in struct sig_token; 0: none */
} words[] = {
    {"publish", (1U << SFU_SOURCE_COUNT) - 1U, 0},
    {"microphone", 1U << SFU_MICROPHONE, 0},
    {"camera", 1U << SFU_CAMERA, 0},
    {"screen_audio", 1U << SFU_SCREEN_AUDIO, 0},
    {"screen", 1U << SFU_SCREEN, 0},
    {"subscribe", 0, offsetof(struct sig_token, subscribe)},
    {"data", 0, offsetof(struct sig_token, data)},
    {"record", 0, offsetof(struct sig_token, record)},
    {"admin", 0, offsetof(struct sig_token, admin)},
};

static bool apply_word(const char *word, size_t len, struct sig_token *token)
{
    for (size_t i = 0; i < SFU_ARRAY_LEN(words); i++) {
        if (strlen(words[i].word) == len && memcmp(words[i].word, word, len) == 0) {
            token->publish |= words[i].publish;
            if (words[i].flag) {
                *(bool *)((char *)token + words[i].flag) = true;
            }
            return true;
        }
    }
    return false;
}

int sig_token_grants(const char *spec, struct sig_token *ret_token, const char **ret_bad)
{
    struct sig_token token = *ret_token;
    for (const char *word = spec;;) {
        size_t len = strcspn(word, ",");
        if (!apply_word(word, len, &token)) {
            *ret_bad = word;
            return -EINVAL;
        }
        if (word[len] == '\0') {
            break;
        }
        word += len + 1;
    }
    *ret_token = token;
    return 0;
}

static int normal_name(const char *text, size_t max_bytes, char *ret_name)
{
    return sig_dir_name(text, strlen(text), max_bytes, ret_name) ? -EINVAL : 0;
}

int sig_token_mint(const struct sig_dir_key *key, const struct sig_token *token, int64_t wall_us,
                   char **ret_token)
{
    struct sig_token t = *token;
    char room[SFU_ROOM_NAME_BYTES + 1];
    char identity[SFU_IDENTITY_BYTES + 1];
    char name[SFU_NAME_BYTES + 1];
    bool has_room = t.room && t.room[0];
    bool has_name = t.name && t.name[0];
    if (t.ttl_s == 0 || t.ttl_s > SIG_TOKEN_MAX_TTL_S || !t.identity || (!has_room && !t.admin) ||
        normal_name(t.identity, SFU_IDENTITY_BYTES, identity) ||
        (has_room && normal_name(t.room, SFU_ROOM_NAME_BYTES, room)) ||
        (has_name && normal_name(t.name, SFU_NAME_BYTES, name))) {
        return -EINVAL;
    }
    t.identity = identity;
    t.room = has_room ? room : NULL;
    t.name = has_name ? name : NULL;
    json_t *payload = sig_claims_write(&t, key->kid, wall_us);
    if (!payload) {
        return -ENOMEM;
    }
    int err = sig_jws_sign(key, payload, ret_token);
    json_decref(payload);
    return err;
}

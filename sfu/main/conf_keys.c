/*
 * sfu/main/conf_keys.c - the rows of conf_keys.h as data.
 */
#include "sfu/main/conf_keys.h"

#include <string.h>

#include "sfu/base/attr.h"

/* a row whose kind does not fit its field must not compile */
#define KIND_OF(field)                                                                             \
    _Generic(((struct sfu_conf *)0)->field,                                                        \
        bool: CONF_BOOL,                                                                           \
        uint32_t: CONF_INT,                                                                        \
        const char *: CONF_STR,                                                                    \
        struct sfu_conf_list: CONF_LIST)
#define CHECK_ROW(section, key, kind, ...)                                                         \
    _Static_assert(KIND_OF(section.key) == CONF_##kind, #section "." #key);
CONF_KEYS(CHECK_ROW)

static const struct conf_key rows[] = {
#define KEY_ROW(section_, key_, kind_, def_, low, high, flags_, choices_, text_)                   \
    {.section = #section_,                                                                         \
     .key = #key_,                                                                                 \
     .def = (def_),                                                                                \
     .choices = (choices_),                                                                        \
     .text = (text_),                                                                              \
     .offset = offsetof(struct sfu_conf, section_.key_),                                           \
     .kind = CONF_##kind_,                                                                         \
     .flags = (flags_),                                                                            \
     .lowest = (low),                                                                              \
     .highest = (high)},
    CONF_KEYS(KEY_ROW)
#undef KEY_ROW
#define LIMIT_ROW(id, name_, value_, low, high, unit_, err, text_)                                 \
    {.section = "limits",                                                                          \
     .key = (name_),                                                                               \
     .def = #value_,                                                                               \
     .text = (text_),                                                                              \
     .unit = (unit_),                                                                              \
     .offset = offsetof(struct sfu_conf, limits[SFU_LIMIT_##id]),                                  \
     .kind = CONF_INT,                                                                             \
     .lowest = (low),                                                                              \
     .highest = (high)},
        SFU_LIMITS(LIMIT_ROW)
#undef LIMIT_ROW
};

size_t conf_key_count(void)
{
    return SFU_ARRAY_LEN(rows);
}

const struct conf_key *conf_key_at(size_t i)
{
    return &rows[i];
}

size_t conf_key_index(const struct conf_key *key)
{
    return (size_t)(key - rows);
}

const struct conf_key *conf_key_find(const char *section, const char *key)
{
    for (size_t i = 0; i < SFU_ARRAY_LEN(rows); i++) {
        if (strcmp(rows[i].section, section) == 0 && strcmp(rows[i].key, key) == 0) {
            return &rows[i];
        }
    }
    return NULL;
}

bool conf_section_known(const char *section)
{
    for (size_t i = 0; i < SFU_ARRAY_LEN(rows); i++) {
        if (strcmp(rows[i].section, section) == 0) {
            return true;
        }
    }
    return false;
}

/* Who is shown where: the choice and the places, as rows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "plugins/conference/layout.h"
#include "sfu/base/attr.h"

enum { NOW_S = 100 };

/* A candidate as a word: a letter names the participant, capitals are screens; then "!" shown, "*n"
 * speaking for n tenths of a second, "~n" heard n seconds ago. */
static size_t read_candidates(const char *text, struct plg_conf_candidate *ret)
{
    size_t n = 0;
    for (const char *p = text; *p; p++) {
        int v, used = 0;
        if (*p == ' ') {
            continue;
        }
        bool screen = *p >= 'A' && *p <= 'Z';
        ret[n] = (struct plg_conf_candidate){
            .participant = (uint64_t)(screen ? *p - 'A' + 'a' : *p),
            .group = screen ? SFU_GROUP_SCREEN : SFU_GROUP_CAMERA,
        };
        while (p[1] && p[1] != ' ') {
            p++;
            if (*p == '!') {
                ret[n].shown = true;
            } else if (sscanf(p, "*%d%n", &v, &used) == 1) {
                ret[n].speaking_since_us = (int64_t)NOW_S * 1000000 - v * 100000;
                ret[n].spoke_us = (int64_t)NOW_S * 1000000;
                p += used - 1;
            } else if (sscanf(p, "~%d%n", &v, &used) == 1) {
                ret[n].spoke_us = (int64_t)(NOW_S - v) * 1000000;
                p += used - 1;
            }
        }
        n++;
    }
    return n;
}

static void write_tiles(const struct plg_conf_tile *tiles, size_t n, char *ret)
{
    for (size_t i = 0; i < n; i++) {
        char ch = (char)tiles[i].participant;
        *ret++ = !ch ? '-' : tiles[i].group == SFU_GROUP_SCREEN ? (char)(ch - 'a' + 'A') : ch;
    }
    *ret = 0;
}

static void choices(void **state)
{
    static const struct {
        const char *candidates;
        size_t cap;
        const char *chosen;
    } rows[] = {
        {"", 4, ""},
        {"a b c", 0, ""},
        {"a b c", 4, "abc"},      /* everybody fits: join order */
        {"a b c d e", 4, "abcd"}, /* silence: who came first */
        {"a b C c d", 3, "Cab"},  /* a screen goes before cameras */
        {"A B C a", 2, "AB"},
        {"a b! c! d", 2, "bc"},       /* who is shown stays */
        {"a~9 b c~3 d", 2, "ac"},     /* heard before never heard */
        {"a! b! c*9", 2, "ac"},       /* c speaks: b, silent and last, goes */
        {"a! b!~9 c*9", 2, "bc"},     /* a was never heard */
        {"a! b! c*1", 2, "ab"},       /* a cough is no speech */
        {"a!~1 b!~2 c*9", 2, "ab"},   /* both were heard just now: hold */
        {"a!*20 b!*20 c*9", 2, "ab"}, /* everybody shown speaks */
        {"a!~9 b!~5 c*9", 2, "bc"},   /* the one silent for longest goes */
        {"a! b! c*9 d*8", 2, "cd"},
        {"a!*9 b! c*9", 2, "ac"},
        {"A a! b! c*9", 2, "Ac"},
        {"a! b! c! d!", 2, "ab"}, /* fewer pairs than before */
    };
    (void)state;
    for (size_t i = 0; i < SFU_ARRAY_LEN(rows); i++) {
        struct plg_conf_candidate c[32];
        struct plg_conf_tile tiles[32];
        char chosen[33];
        size_t n = read_candidates(rows[i].candidates, c);
        n = plg_conf_layout_choose(c, n, rows[i].cap, (int64_t)NOW_S * 1000000, tiles);
        write_tiles(tiles, n, chosen);
        if (strcmp(chosen, rows[i].chosen) != 0) {
            print_error("'%s' in %zu\n", rows[i].candidates, rows[i].cap);
        }
        assert_string_equal(chosen, rows[i].chosen);
    }
}

static size_t read_tiles(const char *text, struct plg_conf_tile *ret)
{
    size_t n = 0;
    for (; text[n]; n++) {
        char ch = text[n];
        bool screen = ch >= 'A' && ch <= 'Z';
        ret[n] = (struct plg_conf_tile){
            .participant = ch == '-' ? 0 : (uint64_t)(screen ? ch - 'A' + 'a' : ch),
            .group = screen ? SFU_GROUP_SCREEN : SFU_GROUP_CAMERA,
        };
    }
    return n;
}

static void voices(void **state)
{
    static const struct {
        const char *candidates, *view;
        size_t cap;
        const char *all; /* the view, then who is only heard */
    } rows[] = {
        {"a b c d", "ab", 4, "ab"},            /* silence costs nothing */
        {"a b c*1 d", "ab", 4, "abc"},         /* a word is heard at once */
        {"a b c*1 d*1 e*1", "ab", 4, "abcd"},  /* … by those who came first, of equals */
        {"a b c*1 d*1 e!*9", "ab", 4, "abec"}, /* who is heard is not cut off */
        {"a b c!~1 d*1 e*1", "ab", 4, "abde"}, /* who has stopped gives way */
        {"a b c!~1 d", "ab", 4, "abc"},        /* … only to others */
        {"a b c!~9 d", "ab", 4, "ab"},         /* … and not for ever */
        {"a b c~1 d", "ab", 4, "ab"},          /* who has stopped and was not heard is too late */
        {"a*9 b c d", "ab", 4, "ab"},          /* who is seen is heard there */
        {"a b c d e*1", "abcd", 4, "abce"},    /* a view that takes all leaves a quarter */
        {"a b c d e", "abcd", 4, "abc"},       /* … whether or not somebody speaks: no flicker */
        {"a b c d", "abcd", 4, "abcd"},        /* all fit: nothing to keep */
        {"a b C*1 d e", "ab", 4, "ab"},        /* a screen does not speak */
        {"A a*1 b", "A", 2, "Aa"},
        {"a*1 b c", "", 1, "a"},
        {"a*1", "", 0, ""},
    };
    (void)state;
    for (size_t i = 0; i < SFU_ARRAY_LEN(rows); i++) {
        struct plg_conf_candidate c[32];
        struct plg_conf_tile tiles[32];
        char all[33];
        size_t n = read_candidates(rows[i].candidates, c);
        size_t seen = read_tiles(rows[i].view, tiles);
        n = plg_conf_layout_pool(c, n, rows[i].cap, (int64_t)NOW_S * 1000000, tiles, seen);
        write_tiles(tiles, n, all);
        if (strcmp(all, rows[i].all) != 0) {
            print_error("'%s' seen '%s' in %zu\n", rows[i].candidates, rows[i].view, rows[i].cap);
        }
        assert_string_equal(all, rows[i].all);
        for (size_t k = 0; k < n; k++) {
            /* a view that was cut: its last place may be a voice's */
            bool named = k < seen && tiles[k].participant == (uint64_t)(rows[i].view[k] | 0x20);
            assert_int_equal(tiles[k].only_audio, !named);
        }
    }
}

static void places(void **state)
{
    static const struct {
        const char *before, *usable, *tiles, *after;
    } rows[] = {
        {"----", "yyyy", "abc", "abc-"},
        {"abc-", "yyyy", "bca", "abc-"},  /* another order moves nobody */
        {"abc-", "yyyy", "acd", "adc-"},  /* the free place is filled, others stay */
        {"abc-", "yyyy", "Sabc", "abcS"}, /* a screen is most important, and still moves nobody */
        {"abcd", "yyyy", "Sabcd", "abcS"},
        {"abcd", "yyyy", "", "----"},
        {"ab--", "ynyy", "ab", "a-b-"}, /* a pair that was stopped */
        {"----", "nnnn", "ab", "----"},
        {"aA--", "yyyy", "Aa", "aA--"}, /* camera and screen of one person are two tiles */
        {"", "", "ab", ""},
    };
    (void)state;
    for (size_t i = 0; i < SFU_ARRAY_LEN(rows); i++) {
        struct plg_conf_tile pairs[16], tiles[16];
        bool usable[16];
        char after[17];
        size_t pair_count = read_tiles(rows[i].before, pairs);
        size_t tile_count = read_tiles(rows[i].tiles, tiles);
        for (size_t k = 0; k < pair_count; k++) {
            usable[k] = rows[i].usable[k] == 'y';
        }
        plg_conf_layout_assign(pairs, usable, pair_count, tiles, tile_count);
        write_tiles(pairs, pair_count, after);
        if (strcmp(after, rows[i].after) != 0) {
            print_error("'%s' + '%s'\n", rows[i].before, rows[i].tiles);
        }
        assert_string_equal(after, rows[i].after);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(choices),
        cmocka_unit_test(voices),
        cmocka_unit_test(places),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "sfu/core/data_line.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static int parse(const char *text, size_t len, struct sfu_data_line *ret_line,
                 enum sfu_data_refusal *ret_why)
{
    return sfu_data_line_parse((const uint8_t *)text, len, ret_line, ret_why);
}

static void what_a_line_says(void **state)
{
    (void)state;
    static const struct {
        const char *text, *topic;
        size_t to_count, len;
    } rows[] = {
        {"\n", NULL, 0, 1},
        {"\npayload", NULL, 0, 1},
        {"{}\n\n", NULL, 0, 3},
        {"{\"topic\":\"\"}\nx", "", 0, 13},
        {"{\"topic\":\"a\\nb\",\"new\":[1]}\n{", "a\nb", 0, 27},
        {"{\"to\":[\"pt_a\",\"pt_b\"]}\n", NULL, 2, 23},
        {" { \"topic\" : \"t\" } \nx", "t", 0, 20},
    };
    for (size_t i = 0; i < SFU_ARRAY_LEN(rows); i++) {
        struct sfu_data_line line;
        enum sfu_data_refusal why;
        assert_int_equal(parse(rows[i].text, strlen(rows[i].text), &line, &why), 0);
        assert_int_equal(line.len, rows[i].len);
        assert_int_equal(line.to_count, rows[i].to_count);
        assert_int_equal(line.topic != NULL, rows[i].topic != NULL);
        if (line.topic) {
            assert_string_equal(line.topic, rows[i].topic);
        }
        if (line.to_count > 0) {
            assert_string_equal(line.to[0], "pt_a");
        }
        sfu_data_line_release(&line);
    }
}

static void what_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum sfu_data_refusal why;
    } rows[] = {
        {"", SFU_DATA_REFUSED_LINE},
        {"{}", SFU_DATA_REFUSED_LINE},
        {"hello\n", SFU_DATA_REFUSED_LINE},
        {"[]\n", SFU_DATA_REFUSED_LINE},
        {"\"x\"\n", SFU_DATA_REFUSED_LINE},
        {"{\"topic\":\"a\nb\"}\n", SFU_DATA_REFUSED_LINE},
        {"{\"topic\":\"a\",\"topic\":\"b\"}\n", SFU_DATA_REFUSED_LINE},
        {"{\"topic\":\"\\ud800\"}\n", SFU_DATA_REFUSED_LINE},
        {"{\"topic\":\"\xff\"}\n", SFU_DATA_REFUSED_LINE},
        {"{\"topic\":\"\\u0000\"}\n", SFU_DATA_REFUSED_LINE},
        {"{\"topic\":1}\n", SFU_DATA_REFUSED_TOPIC},
        {"{\"topic\":null}\n", SFU_DATA_REFUSED_TOPIC},
        {"{\"to\":\"pt_a\"}\n", SFU_DATA_REFUSED_TO},
        {"{\"to\":[]}\n", SFU_DATA_REFUSED_TO},
        {"{\"to\":[1]}\n", SFU_DATA_REFUSED_TO},
        {"{\"to\":{\"a\":1}}\n", SFU_DATA_REFUSED_TO},
        {"{\"to\":[\"pt_00000000000000000000000000000\"]}\n", SFU_DATA_REFUSED_TO},
    };
    for (size_t i = 0; i < SFU_ARRAY_LEN(rows); i++) {
        struct sfu_data_line line;
        enum sfu_data_refusal why = SFU_DATA_REFUSALS_COUNT;
        assert_int_equal(parse(rows[i].text, strlen(rows[i].text), &line, &why), -EPROTO);
        assert_int_equal(why, rows[i].why);
    }
}

/* A line of n bytes with its line feed; count receivers; topic of so many bytes. */
static void bounds_are_where_they_are_said_to_be(void **state)
{
    (void)state;
    static const struct {
        size_t topic, to, fill;
        int rc;
        enum sfu_data_refusal why;
    } rows[] = {
        {128, 1, 0, 0, 0},
        {129, 1, 0, -EPROTO, SFU_DATA_REFUSED_TOPIC},
        {0, 100, 0, 0, 0},
        {0, 101, 0, -EPROTO, SFU_DATA_REFUSED_TO},
        {0, 1, SFU_DATA_LINE_MAX, 0, 0},
        {0, 1, SFU_DATA_LINE_MAX + 1, -EPROTO, SFU_DATA_REFUSED_LINE},
    };
    for (size_t i = 0; i < SFU_ARRAY_LEN(rows); i++) {
        char text[2 * SFU_DATA_LINE_MAX];
        struct sfu_data_line line;
        enum sfu_data_refusal why = 0;
        size_t n = (size_t)snprintf(
            text, sizeof text, "{\"topic\":\"%.*s\",\"to\":[\"pt\"", (int)rows[i].topic,
            "tttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttt"
            "tttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttt");
        for (size_t k = 1; k < rows[i].to; k++) {
            n += (size_t)snprintf(text + n, sizeof text - n, ",\"pt\"");
        }
        n += (size_t)snprintf(text + n, sizeof text - n, "]}");
        while (n + 1 < rows[i].fill) {
            text[n++] = ' ';
        }
        text[n++] = '\n';
        int rc = parse(text, n, &line, &why);
        assert_int_equal(rc, rows[i].rc);
        if (rc == 0) {
            assert_int_equal(line.len, n);
            assert_int_equal(line.to_count, rows[i].to);
            sfu_data_line_release(&line);
        } else {
            assert_int_equal(why, rows[i].why);
        }
    }
}

static void what_a_receiver_gets(void **state)
{
    (void)state;
    static const struct {
        const char *topic;
        bool direct;
        const char *text;
    } rows[] = {
        {NULL, false, "{\"from\":\"pt_a\"}\n"},
        {"", false, "{\"topic\":\"\",\"from\":\"pt_a\"}\n"},
        {"a\"\n", true, "{\"topic\":\"a\\\"\\n\",\"from\":\"pt_a\",\"direct\":true}\n"},
    };
    char buf[SFU_DATA_LINE_MAX], tiny[8], topic[SFU_DATA_TOPIC_MAX + 1];
    for (size_t i = 0; i < SFU_ARRAY_LEN(rows); i++) {
        size_t n = sfu_data_line_write(rows[i].topic, "pt_a", rows[i].direct, buf, sizeof buf);
        assert_int_equal(n, strlen(rows[i].text));
        assert_memory_equal(buf, rows[i].text, n);
    }
    assert_int_equal(sfu_data_line_write(NULL, "pt_a", false, tiny, sizeof tiny), 0);
    memset(topic, 1, sizeof topic); /* each is six bytes in JSON */
    topic[SFU_DATA_TOPIC_MAX] = 0;
    assert_true(sfu_data_line_write(topic, "pt_a", true, buf, sizeof buf) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_line_says),
        cmocka_unit_test(what_is_refused),
        cmocka_unit_test(bounds_are_where_they_are_said_to_be),
        cmocka_unit_test(what_a_receiver_gets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

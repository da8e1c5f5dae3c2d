/* What is written is JSON, whatever bytes come in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/json.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FFFD "\xef\xbf\xbd"

static void assert_written(struct buf *b, const char *want)
{
    buf_add(b, "", 1);
    assert_string_equal((char *)b->data, want);
    buf_fini(b);
}

static void commas_stand_between_values_only(void **state)
{
    struct json j;
    struct buf b;

    (void)state;
    buf_init(&b);
    json_init(&j, &b);
    json_open(&j, NULL, '{');
    json_open(&j, "none", '[');
    json_close(&j, ']');
    json_open(&j, "list", '[');
    json_uint(&j, NULL, 0);
    json_open(&j, NULL, '{');
    json_close(&j, '}');
    json_open(&j, NULL, '{');
    json_bool(&j, "a", true);
    json_bool(&j, "b", false);
    json_close(&j, '}');
    json_str(&j, NULL, STR("s"));
    json_close(&j, ']');
    json_uint(&j, "most", UINT64_MAX);
    json_close(&j, '}');
    assert_written(&b, "{\"none\":[],\"list\":[0,{},{\"a\":true,\"b\":false},\"s\"],"
                       "\"most\":18446744073709551615}");
}

static void seconds_have_three_decimals(void **state)
{
    const struct {
        uint64_t ms;
        const char *want;
    } rows[] = {{0, "0.000"},
                {1, "0.001"},
                {999, "0.999"},
                {1000, "1.000"},
                {1234, "1.234"},
                {60050, "60.050"},
                {UINT64_MAX, "18446744073709551.615"}};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct json j;
        struct buf b;

        buf_init(&b);
        json_init(&j, &b);
        json_seconds(&j, NULL, rows[i].ms);
        assert_written(&b, rows[i].want);
    }
}

static void strings_are_escaped_and_mended(void **state)
{
    const struct {
        struct str in;
        const char *want, *why;
    } rows[] = {
        {STR(""), "", "empty"},
        {STR("plain ~/ text"), "plain ~/ text", "nothing to escape"},
        {STR("\"\\"), "\\\"\\\\", "the two that JSON needs"},
        {STR("\n\r\t"), "\\n\\r\\t", "short forms"},
        {STR("\0\x01\x1f"), "\\u0000\\u0001\\u001f", "control bytes"},
        {STR("\x7f"), "\\u007f", "delete"},
        {STR("\xc2\x80\xc2\x9b\xc2\x9f"), "\\u0080\\u009b\\u009f",
         "control characters above ASCII"},
        {STR("\xc2\xa0"), "\xc2\xa0", "the first that is none"},
        {STR("\xe2\x80\xa8\xe2\x80\xa9\xe2\x80\xae"), "\\u2028\\u2029\\u202e",
         "line and paragraph separators, another direction"},
        {STR("\xe2\x81\xa6\xe2\x81\xa9"), "\\u2066\\u2069", "isolated directions"},
        {STR("\xe2\x80\xa7\xe2\x80\xaf\xe2\x81\xa5\xe2\x81\xaa\xe3\x80\xa8"),
         "\xe2\x80\xa7\xe2\x80\xaf\xe2\x81\xa5\xe2\x81\xaa\xe3\x80\xa8", "what stands around them"},
        {STR("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"), "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80",
         "2, 3, 4 bytes"},
        {STR("\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"),
         "\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf\xf0\x90\x80\x80\xf4\x8f\xbf\xbf",
         "first and last of each length"},
        {STR("\xed\x9f\xbf\xee\x80\x80"), "\xed\x9f\xbf\xee\x80\x80", "around the surrogates"},
        {STR("\x80"), FFFD, "a continuation alone"},
        {STR("\xff\xfe"), FFFD FFFD, "bytes that are in no character"},
        {STR("\xc0\xaf"), FFFD FFFD, "overlong, 2 bytes"},
        {STR("\xc1\xbf"), FFFD FFFD, "overlong, the last"},
        {STR("\xe0\x9f\xbf"), FFFD FFFD FFFD, "overlong, 3 bytes"},
        {STR("\xf0\x8f\xbf\xbf"), FFFD FFFD FFFD FFFD, "overlong, 4 bytes"},
        {STR("\xed\xa0\x80"), FFFD FFFD FFFD, "a surrogate"},
        {STR("\xf4\x90\x80\x80"), FFFD FFFD FFFD FFFD, "beyond U+10FFFF"},
        {STR("\xf5\x80"), FFFD FFFD, "a lead that never is one"},
        {STR("\xc3"), FFFD, "cut after 1 of 2"},
        {STR("\xe2\x82"), FFFD, "cut after 2 of 3: one"},
        {STR("\xf0\x9f\x98"), FFFD, "cut after 3 of 4: one"},
        {STR("\xe2\x82x"), FFFD "x", "what follows a broken one stays"},
        {STR("\xe2\x82\""), FFFD "\\\"", "and is escaped"},
        {STR("\xe2\xe2\x82\xac"), FFFD "\xe2\x82\xac", "a lead ends the one before"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char want[200];
        struct buf b;

        buf_init(&b);
        json_quote(&b, rows[i].in, SIZE_MAX);
        buf_add(&b, "", 1);
        snprintf(want, sizeof want, "\"%s\"", rows[i].want);
        if (strcmp((char *)b.data, want) != 0)
            fail_msg("%s: %s", rows[i].why, b.data);
        buf_fini(&b);
    }
}

static void a_long_string_is_cut_after_a_whole_character(void **state)
{
    const struct {
        struct str in;
        size_t max;
        const char *want;
    } rows[] = {
        {STR("abcdef"), 6, "abcdef"},
        {STR("abcdefg"), 6, "abc\xe2\x80\xa6"},
        {STR("abcdefg"), 3, "\xe2\x80\xa6"},
        {STR("abc"), 3, "abc"},
        {STR("ab\n\n\n"), 8, "ab\\n\\n\\n"},
        {STR("ab\n\n\n"), 7, "ab\\n\xe2\x80\xa6"},
        {STR("ab\n\n\n"), 6, "ab\xe2\x80\xa6"},
        {STR("a\xe2\x82\xac\xe2\x82\xac"), 7, "a\xe2\x82\xac\xe2\x82\xac"},
        {STR("a\xe2\x82\xac\xe2\x82\xac"), 6, "a\xe2\x80\xa6"},
        {STR("a\x01\x01"), 12, "a\\u0001\xe2\x80\xa6"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char want[64];
        struct json j;
        struct buf b;

        buf_init(&b);
        json_init(&j, &b);
        j.max = rows[i].max;
        json_str(&j, NULL, rows[i].in);
        snprintf(want, sizeof want, "\"%s\"", rows[i].want);
        assert_written(&b, want);
    }
}

/* Read back by a parser of another hand, and never longer than it may be. */
static void any_bytes_make_a_string_that_parses(void **state)
{
    uint32_t seed = 20261124;

    (void)state;
    for (int round = 0; round < 3000; round++) {
        uint8_t *in = malloc(40);
        size_t n = (size_t)round % 41, max = 3 + (size_t)round % 100;
        struct buf b;

        for (size_t i = 0; i < n; i++) {
            const uint8_t leads[] = {0xc2, 0xe0, 0xe2, 0xed, 0xf0, 0xf4,
                                     0x80, 0x9f, 0xa0, '"',  '\\', 1};

            seed = seed * 1664525 + 1013904223;
            in[i] = seed >> 31 ? leads[(seed >> 8) % sizeof leads] : (uint8_t)(seed >> 16);
        }
        buf_init(&b);
        json_quote(&b, (struct str){(char *)in + 0, n}, max);
        assert_true(b.len <= max + 2);
        cJSON *read = cJSON_ParseWithLength((char *)b.data, b.len);
        if (!memmem(b.data, b.len, "\\u0000", 6)) /* which cJSON refuses */
            assert_true(cJSON_IsString(read));
        cJSON_Delete(read);
        buf_fini(&b);
        free(in);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commas_stand_between_values_only),
        cmocka_unit_test(seconds_have_three_decimals),
        cmocka_unit_test(strings_are_escaped_and_mended),
        cmocka_unit_test(a_long_string_is_cut_after_a_whole_character),
        cmocka_unit_test(any_bytes_make_a_string_that_parses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* A field of a JSON text: what is found, what is not, at every end of the text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "session/field.h"
#include <stdlib.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

#define N8   "[[[[[[[["
#define N64  N8 N8 N8 N8 N8 N8 N8 N8
#define N512 N64 N64 N64 N64 N64 N64 N64 N64

static const struct {
    const char *json, *path, *want; /* want NULL: no such field */
    const char *why;
} rows[] = {
    {"{\"type\":\"a\"}", "type", "a", "a member"},
    {" { \"x\" : 1 , \"type\" : \"a\" } ", "type", "a", "blanks, and not the first"},
    {"{\"Type\":\"a\"}", "type", NULL, "case matters"},
    {"{\"type\":\"\"}", "type", "", "an empty string is a string"},
    {"{\"type\":\"a\\u0062\\n\\\"\\/\"}", "type", "ab\n\"/", "escapes"},
    {"{\"type\":\"\\ud83d\\ude00\"}", "type", "\xf0\x9f\x98\x80", "a surrogate pair"},
    {"{\"type\":\"\\ud83d\"}", "type", NULL, "half a surrogate pair"},
    {"{\"type\":\"\\x\"}", "type", NULL, "no such escape"},
    {"{\"type\":\"a\\u0000b\"}", "type", NULL, "a NUL would end it early"},
    {"{\"t\\u0079pe\":\"a\"}", "type", "a", "an escape in a name"},
    {"{\"type\":7}", "type", "7", "a number"},
    {"{\"type\":-1.50e+3}", "type", "-1.50e+3", "a number stands as it is written"},
    {"{\"type\":9007199254740993}", "type", "9007199254740993", "2^53 + 1 keeps its last digit"},
    {"{\"type\":01}", "type", NULL, "no number"},
    {"{\"type\":true}", "type", "true", "true"},
    {"{\"type\":null}", "type", NULL, "null is none"},
    {"{\"type\":word}", "type", NULL, "no JSON"},
    {"{\"type\":{\"type\":\"a\"}}", "type", NULL, "an object"},
    {"{\"type\":[\"a\"]}", "type", NULL, "an array"},
    {"{\"x\":{\"type\":\"a\"}}", "type", NULL, "deeper"},
    {"{\"x\":\"type\",\"y\":\"a\"}", "type", NULL, "a value that looks like the name"},
    {"{\"x\":{\"type\":\"b\"},\"type\":\"a\"}", "type", "a", "behind a deeper one"},
    {"{\"type\":\"b\",\"type\":\"a\"}", "type", "a", "of two the last"},
    {"{\"type\":\"a\",\"type\":null}", "type", NULL, "of two the last, which is null"},
    {"{\"data\":{\"type\":\"a\"}}", "data.type", "a", "a path"},
    {"{\"a\":{\"b\":{\"c\":3}},\"b\":1}", "a.b.c", "3", "a longer one"},
    {"{\"data\":[{\"type\":\"a\"}]}", "data.type", NULL, "a path leads through no array"},
    {"{\"data.type\":\"a\"}", "data.type", NULL, "a dot parts names, always"},
    {"{\"data\":\"a\"}", "data.type", NULL, "a path leads through no string"},
    {"{\"x\":\"}{][,:\",\"type\":\"a\"}", "type", "a", "brackets in a string"},
    {"{\"x\":\"\\\"\",\"type\":\"a\"}", "type", "a", "a quote in a string"},
    {"[{\"type\":\"a\"}]", "type", NULL, "no object"},
    {"\"type\"", "type", NULL, "no object"},
    {"", "type", NULL, "nothing"},
    {"type", "type", NULL, "no JSON"},
    {"{", "type", NULL, "a beginning"},
    {"{}", "type", NULL, "an empty object"},
    {"{\"type\"}", "type", NULL, "no value"},
    {"{\"type\":}", "type", NULL, "no value"},
    {"{\"type\":,\"type\":\"a\"}", "type", NULL, "no value"},
    {"{\"type\" \"a\"}", "type", NULL, "no colon"},
    {"{type:\"a\"}", "type", NULL, "a name without quotes"},
    {"{\"type\":\"a\nb\"}", "type", NULL, "a line break in a string"},
    {"{\"type\":\"a\",\"x\":\"", "type", "a", "a text may end in what is behind"},
    {"{\"type\":\"a\"", "type", NULL, "whether it is the value shows only behind it"},
    {"{\"type\":12", "type", NULL, "a number may go on"},
    {"{\"data\":{\"type\":\"a\",\"x\":\"long", "data.type", "a", "an object may end later"},
    {"{\"data\":{\"type\":\"a", "data.type", NULL, "a string must end"},
    {"{\"x\":" N512 N512 N512 ",\"type\":\"a\"}", "type", NULL, "nested without end"},
    {"{\"x\":" N512 "\"" N512 "\",1,\"type\",\"a\"}", "type", NULL, "nested without end"},
};

static void check_row(size_t i, struct str json)
{
    struct buf got;
    buf_init(&got);
    bool found = field_read(json, rows[i].path, &got);
    if (found != !!rows[i].want || got.len != (found ? strlen(rows[i].want) : 0) ||
        (got.len && memcmp(got.data, rows[i].want, got.len) != 0))
        fail_msg("%.60s: %.*s: %s", rows[i].json, (int)got.len, (char *)got.data, rows[i].why);
    buf_fini(&got);
}

static void a_field_has_this_text(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        check_row(i, str_of(rows[i].json));
}

/* Each beginning of each text, at the end of a block of its own. */
static void no_beginning_is_read_past_its_end_or_finds_another_value(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        for (size_t n = 0, all = strlen(rows[i].json); n <= all && n < 100; n++) {
            char *exact = malloc(n + !n);
            struct buf got;
            memcpy(exact, rows[i].json, n);
            buf_init(&got);
            if (field_read((struct str){exact, n}, rows[i].path, &got) && rows[i].want &&
                !strstr(rows[i].why, "of two"))
                assert_true(
                    str_eq((struct str){got.data ? (char *)got.data : "", got.len}, rows[i].want));
            buf_fini(&got);
            free(exact);
        }
}

static void a_nul_byte_hides_nothing(void **state)
{
    (void)state;
    static const char in_string[] = "{\"type\":\"a\0b\"}", escaped[] = "{\"type\":\"a\0\\n\"}",
                      between[] = "{\"x\":1,\0\"type\":\"a\"}";
    struct buf got;
    buf_init(&got);
    assert_false(field_read(STR(in_string), "type", &got));
    assert_false(field_read(STR(escaped), "type", &got));
    field_read(STR(between), "type", &got);
    buf_fini(&got);
}

/* --- matching --- */

static bool matches(const char *json, const char *field, const char *const *values)
{
    struct match m = {.field = (char *)(uintptr_t)field};
    for (; *values; values++)
        strings_add(&m.values, str_of(*values));
    size_t n = strlen(json);
    char *exact = malloc(n + !n);
    memcpy(exact, json, n);
    bool yes = field_matches((struct str){exact, n}, &m);
    free(exact);
    strings_fini(&m.values);
    return yes;
}

static const struct {
    const char *json, *field, *values[3];
    bool want;
    const char *why;
} match_rows[] = {
    {"{\"type\":\"a\"}", "type", {"a"}, true, "the value"},
    {"{\"type\":\"b\"}", "type", {"a", "b"}, true, "one of two"},
    {"{\"type\":\"c\"}", "type", {"a", "b"}, false, "none of two"},
    {"{\"type\":\"ab\"}", "type", {"a"}, false, "more than the value"},
    {"{\"type\":\"\"}", "type", {"a"}, false, "less than the value"},
    {"{\"type\":\"\"}", "type", {""}, true, "an empty value"},
    {"{\"x\":\"a\"}", "type", {"a"}, false, "the value elsewhere"},
    {"{\"type\":7}", "type", {"7"}, true, "a number by its text"},
    {"{\"type\":false}", "type", {"false"}, true, "a word by its text"},
    {"{\"type\":\"user\\u005fmessage\"}", "type", {"user_message"}, true, "behind an escape"},
    {"{\"type\":\"user\\u005Fmessage\"}", "type", {"user_message"}, true, "in capitals"},
    {"{\"x\":\"\\u001b\",\"type\":\"\\u0061\"}", "type", {"a"}, true, "behind another escape"},
    {"{\"type\":\"\\u007e\"}", "type", {"~"}, true, "the last plain one"},
    {"{\"type\":\"a\\/b\"}", "type", {"a/b"}, true, "a slash may have a backslash"},
    {"{\"type\":\"a\\\"b\"}", "type", {"a\"b"}, true, "a quote must"},
    {"{\"type\":\"a\\\\b\"}", "type", {"a\\b"}, true, "a backslash must"},
    {"{\"type\":\"a\\u002db\"}", "type", {"a-b"}, true, "one of the first plain ones"},
    {"{\"type\":\"\\n\"}", "type", {"\n"}, true, "a line break must"},
    {"{\"type\":\"\\u00e9\"}", "type", {"\xc3\xa9"}, true, "what is not ASCII may"},
    {"{\"x\":\"\\\\\",\"type\":\"\\u0061\"}", "type", {"a"}, true, "behind a backslash"},
    {"{\"type\":\"\\u0062\\u0061\"}", "type", {"ba"}, true, "two of them"},
    {"{\"type\":\"a\"}", "", {"a"}, false, "no field is set"},
    {"{\"\":\"a\"}", "", {"a"}, false, "no field is set"},
    {"{\"type\":\"a\"}", "type", {NULL}, false, "no value is set"},
    {"{\"type\":\"\\u00", "type", {"a"}, false, "an escape that ends"},
    {"", "type", {"a"}, false, "nothing"},
};

static void a_message_matches_by_its_fields_value(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(match_rows); i++)
        if (matches(match_rows[i].json, match_rows[i].field, match_rows[i].values) !=
            match_rows[i].want)
            fail_msg("%s: %s", match_rows[i].json, match_rows[i].why);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_field_has_this_text),
        cmocka_unit_test(no_beginning_is_read_past_its_end_or_finds_another_value),
        cmocka_unit_test(a_nul_byte_hides_nothing),
        cmocka_unit_test(a_message_matches_by_its_fields_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

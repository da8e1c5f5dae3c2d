/* What is text: every UTF-8 sequence at its edges, and the control characters. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config/text.h"
#include <stdlib.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct {
    struct str text;
    size_t clean;
    const char *why;
} rows[] = {
    {{"", 0}, 0, "nothing"},
    {{"abc", 3}, 3, "ASCII"},
    {{" ~", 2}, 2, "its first and last"},
    {{"a\x1f", 2}, 1, "a control character"},
    {{"a\x7f", 2}, 1, "DEL"},
    {{"a\0b", 3}, 1, "NUL"},
    {{"\xc2\x80", 2}, 2, "the least of two bytes"},
    {{"\xdf\xbf", 2}, 2, "the greatest of two"},
    {{"\xe0\xa0\x80", 3}, 3, "the least of three"},
    {{"\xed\x9f\xbf", 3}, 3, "the last before the surrogates"},
    {{"\xee\x80\x80", 3}, 3, "the first behind them"},
    {{"\xef\xbf\xbf", 3}, 3, "the greatest of three"},
    {{"\xf0\x90\x80\x80", 4}, 4, "the least of four"},
    {{"\xf4\x8f\xbf\xbf", 4}, 4, "U+10FFFF"},
    {{"a\x80", 2}, 1, "a continuation without its lead"},
    {{"a\xbf", 2}, 1, "the same"},
    {{"a\xc1\xbf", 3}, 1, "an overlong two"},
    {{"a\xe0\x9f\xbf", 4}, 1, "an overlong three"},
    {{"a\xf0\x8f\xbf\xbf", 5}, 1, "an overlong four"},
    {{"a\xed\xa0\x80", 4}, 1, "a surrogate"},
    {{"a\xf4\x90\x80\x80", 5}, 1, "past U+10FFFF"},
    {{"a\xf5\x80\x80\x80", 5}, 1, "no lead"},
    {{"a\xff", 2}, 1, "no byte of UTF-8"},
    {{"a\xc2", 2}, 1, "cut after one of two"},
    {{"a\xe2\x82", 3}, 1, "cut after two of three"},
    {{"a\xf0\x90\x80", 4}, 1, "cut after three of four"},
    {{"a\xc2X", 3}, 1, "a lead without its continuation"},
    {{"a\xe2\x82X", 4}, 1, "the third is none"},
    {{"a\xf0\x90\x80X", 5}, 1, "the fourth is none"},
};

static void text_is_clean_up_to_the_first_byte_that_is_none(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        /* At the end of a block of its own: nothing behind it may be read. */
        char *exact = malloc(rows[i].text.n + !rows[i].text.n);
        memcpy(exact, rows[i].text.p, rows[i].text.n);
        if (text_clean((struct str){exact, rows[i].text.n}, false) != rows[i].clean)
            fail_msg("%s", rows[i].why);
        free(exact);
    }
}

static void line_breaks_and_tabs_pass_only_where_lines_are_allowed(void **state)
{
    (void)state;
    for (char c = 0; c < 0x20; c++) {
        bool layout = c == '\n' || c == '\r' || c == '\t';
        assert_int_equal(text_clean((struct str){&c, 1}, true), layout);
        assert_int_equal(text_clean((struct str){&c, 1}, false), 0);
    }
}

static void copy_has_the_same_bytes_and_an_end(void **state)
{
    (void)state;
    char *copy = text_copy((struct str){"abcdef", 3}), *empty = text_copy((struct str){NULL, 0});
    assert_string_equal(copy, "abc");
    assert_string_equal(empty, "");
    free(copy);
    free(empty);
}

static void one_line_has_no_control_characters(void **state)
{
    (void)state;
    struct buf b = {0};
    text_one_line(&b);
    buf_adds(&b, "a\nb\r\t\033\x7f \xc3\xa9");
    text_one_line(&b);
    buf_add(&b, "", 1);
    assert_string_equal((const char *)b.data, "a?b???? \xc3\xa9");
    buf_fini(&b);
}

static void a_value_is_shown_without_what_may_be_a_credential(void **state)
{
    static const struct {
        struct str in;
        const char *want;
    } shown[] = {
        {STR("25 parsecs"), "\"25 parsecs\""},
        {STR(""), "\"\""},
        {STR("user:secret@host:80"), "\"***@host:80\""},
        {STR("http://user:secret@host:80/x"), "\"http://***@host:80/x\""},
        {STR("http://user:se@cret@host"), "\"http://***@host\""},
        {STR("se://cret@host"), "\"se://***@host\""},
        {STR("secret@http://host"), "\"***@http://host\""},
        {STR("health?key=secret"), "\"health?***\""},
        {STR("http://user:secret@host/?to=secret"), "\"http://***@host/?***\""},
        {STR("http://user:secret@host/?to=a@secret"), "\"http://***\""},
        {STR("http://user:secret?secret@host"), "\"http://***\""},
        {STR("secret?x=http://secret@secret"), "\"***\""},
        {STR("?secret"), "\"?***\""},
        {STR("@"), "\"***@\""},
        {STR("a\nb"), "\"a\\nb\""},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(shown); i++) {
        struct buf out = {0};
        text_found(shown[i].in, &out);
        buf_add(&out, "", 1);
        assert_string_equal((char *)out.data, shown[i].want);
        buf_fini(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_clean_up_to_the_first_byte_that_is_none),
        cmocka_unit_test(line_breaks_and_tabs_pass_only_where_lines_are_allowed),
        cmocka_unit_test(copy_has_the_same_bytes_and_an_end),
        cmocka_unit_test(a_value_is_shown_without_what_may_be_a_credential),
        cmocka_unit_test(one_line_has_no_control_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

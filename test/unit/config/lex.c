/* Tokens: what each of them is, and that none reaches past the text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config/lex.h"
#include <stdlib.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct {
    const char *text, *kinds; /* the end's 0 is the end of `kinds` */
    const char *first;
} rows[] = {
    {"", "", ""},
    {" \t\r\n", "", ""},
    {"{}[]:,", "{}[]:,", "{"},
    {"\"a\":1", "\":w", "\"a\""},
    {" \"\" ", "\"", "\"\""},
    {"\"\\\"\"x", "\"w", "\"\\\"\""},
    {"\"\\\\\"x", "\"w", "\"\\\\\""},
    {"\"{}[]\"", "\"", "\"{}[]\""},
    {"\"\xc3\xa9\"", "\"", "\"\xc3\xa9\""},
    {"true,-1.5e+9", "w,w", "true"},
    {"a_b.c-d e", "ww", "a_b.c-d"},
    {"1{", "w{", "1"},
};

static void text_is_cut_into_these_tokens(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct str text = str_of(rows[i].text);
        size_t at = 0, n = 0;
        for (;; n++) {
            struct lexeme t = lex_next(text, &at);
            if (n == 0)
                assert_true(str_eq(t.s, rows[i].first));
            if (t.kind != rows[i].kinds[n])
                fail_msg("%s: token %zu is %c", rows[i].text, n, t.kind);
            if (t.kind == 0)
                break;
        }
        assert_int_equal(at, text.n);
    }
}

/* All tokens of every beginning, each at the end of a block of its own. */
static void cut_text_is_not_read_past_its_end(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        for (size_t n = 0; n <= strlen(rows[i].text); n++) {
            char *exact = malloc(n + !n);
            memcpy(exact, rows[i].text, n);
            struct lexeme t;
            size_t at = 0;
            do {
                t = lex_next((struct str){exact, n}, &at);
                assert_true(at <= n && t.s.p + t.s.n <= exact + n);
            } while (t.kind != 0 && t.kind != '?');
            free(exact);
        }
    }
}

static void what_is_no_token_is_shown_by_its_first_byte(void **state)
{
    (void)state;
    static const char *const texts[] = {"'a'",     "=",     "/",         "#", "\"a",
                                        "\"a\n\"", "\"a\\", "\"a\\\n\"", "\\"};
    for (size_t i = 0; i < COUNT(texts); i++) {
        size_t at = 0;
        struct lexeme t = lex_next(str_of(texts[i]), &at);
        assert_int_equal(t.kind, '?');
        assert_int_equal(t.s.n, 1);
        assert_int_equal(*t.s.p, *texts[i]);
    }
}

static void value_is_a_literal_or_a_number(void **state)
{
    (void)state;
    static const char *const good[] = {
        "true", "false", "null", "0",    "-0",      "7",   "10",
        "-1.5", "0.0",   "1e9",  "1E+9", "1.25e-9", "0e0", "123456789012345678901"};
    static const char *const bad[] = {"",     "-",   "+1",   "01",  "-01",   "1.",  ".5",
                                      "1.e1", "1e",  "1e+",  "e1",  "1.5.5", "1-2", "0x1",
                                      "1_0",  "NaN", "True", "nul", "truer"};
    for (size_t i = 0; i < COUNT(good); i++)
        if (!lex_is_value(str_of(good[i])))
            fail_msg("refused: %s", good[i]);
    for (size_t i = 0; i < COUNT(bad); i++)
        if (lex_is_value(str_of(bad[i])))
            fail_msg("taken: %s", bad[i]);
}

static void nul_is_seen_only_where_it_is_one(void **state)
{
    (void)state;
    assert_true(lex_hides_nul(STR("\"\\u0000\"")));
    assert_true(lex_hides_nul(STR("\"a\\\\\\u0000b\"")));
    assert_false(lex_hides_nul(STR("\"\\\\u0000\"")));
    assert_false(lex_hides_nul(STR("\"\\u0001\"")));
    assert_false(lex_hides_nul(STR("\"u0000\"")));
    assert_false(lex_hides_nul(STR("\"\"")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_cut_into_these_tokens),
        cmocka_unit_test(cut_text_is_not_read_past_its_end),
        cmocka_unit_test(what_is_no_token_is_shown_by_its_first_byte),
        cmocka_unit_test(value_is_a_literal_or_a_number),
        cmocka_unit_test(nul_is_seen_only_where_it_is_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

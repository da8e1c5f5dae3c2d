/* What texts of a certain form look like: what is one, and what is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config/form.h"

static const struct {
    struct str text;
    bool path, place, json;
    const char *why;
} rows[] = {
    {STR("/"), true, true, false, "the root"},
    {STR("/a/b%20?c=d&e=\"f\""), true, true, false, "with a query"},
    {STR("a/b"), false, false, false, "no slash in front, and no token"},
    {STR("/a b"), false, false, false, "a blank would end it in a request's line"},
    {STR("/a#b"), false, false, false, "no fragment is sent"},
    {STR("/\xc3\xa9"), false, false, false, "beyond ASCII it is sent in escapes"},
    {STR("/a\x7f"), false, false, false, "a control character"},
    {STR("/a\nb"), false, false, false, "a line break"},
    {STR(""), false, false, false, "nothing"},

    {STR("v1.graphql-transport-ws"), false, true, false, "a subprotocol"},
    {STR("azAZ09!#$%&'*+-.^_`|~"), false, true, false, "all that a token may have"},
    {STR("a,b"), false, false, false, "two"},
    {STR("@"), false, false, false, "next to the letters"},
    {STR("["), false, false, false, "behind them"},
    {STR("{"), false, false, false, "behind the small ones"},
    {STR("a{b"), false, false, false, "within"},
    {{"a\0b", 3}, false, false, false, "an end for those who read it as C does"},

    {STR("{\"type\": \"reconnected\"}"), false, false, true, "an object"},
    {STR("[1, [true, null]]"), false, false, true, "a list"},
    {STR("\"a\\n\\ud83d\\ude00\""), false, false, true, "a string"},
    {STR(" 1 "), false, false, true, "a number, with blanks"},
    {STR("null"), false, true, true, "a word, which is a token too"},
    {STR("{\"a\": 1} {}"), false, false, false, "two texts"},
    {STR("1, 2"), false, false, false, "two in a list without brackets"},
    {STR("{\"a\": 1,}"), false, false, false, "a comma too many"},
    {STR("{a: 1}"), false, false, false, "a name without quotes"},
    {STR("{'a': 1}"), false, false, false, "with others"},
    {STR("{\"a\": 1} // b"), false, false, false, "a comment"},
    {STR("01"), false, true, false, "a zero in front, which cJSON takes"},
    {STR("\"\\u0000\""), false, false, false, "which cJSON cuts short"},
    {STR("\"\\ud83d\""), false, false, false, "half of a pair"},
    {STR("\"\\x\""), false, false, false, "no escape of JSON's"},
    {STR("]"), false, false, false, "closes nothing"},
    {STR("[1"), false, false, false, "is not closed"},
    {STR("{"), false, false, false, "nor is this"},
};

static void form_is_told(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
        if (form_path(rows[i].text) != rows[i].path || form_place(rows[i].text) != rows[i].place ||
            form_json(rows[i].text) != rows[i].json)
            fail_msg("%.*s (%s)", (int)rows[i].text.n, rows[i].text.p, rows[i].why);
}

/* The whole is JSON, none of its beginnings is. */
static void json_cut_short_is_none(void **state)
{
    (void)state;
    const struct str whole = STR("{\"a\": [1, \"b\\\\\", {\"c\": false}]}");
    assert_true(form_json(whole));
    for (size_t n = 0; n < whole.n; n++)
        assert_false(form_json((struct str){whole.p, n}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(form_is_told),
        cmocka_unit_test(json_cut_short_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

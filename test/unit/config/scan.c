/* The scanner: what is JSON with comments, and where and why what is not is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config/scan.h"
#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct {
    const char *text, *blank, *why;
} comments[] = {
    {"{} // a", "{}     ", "to the end of the text"},
    {"// a\n{}", "    \n{}", "to the end of the line"},
    {"/* a */{}", "       {}", "between marks"},
    {"{/**/}", "{    }", "with nothing in it"},
    {"/*a\n\nb*/{}", "   \n\n   {}", "line breaks stay"},
    {"/* // */{}", "        {}", "a line comment in a block"},
    {"// /*\n{}", "     \n{}", "a block's beginning in a line comment"},
    {"/***/{}", "     {}", "a star before the end"},
    {"{\"a\":\"//b\"}", "{\"a\":\"//b\"}", "none in a string"},
    {"{\"a\":\"/*b*/\"}", "{\"a\":\"/*b*/\"}", "none in a string"},
    {"{\"a\":\"\\\"//b\"}//c", "{\"a\":\"\\\"//b\"}   ", "an escaped quote ends no string"},
    {"{\"a\":\"\\\\\"//c\n}", "{\"a\":\"\\\\\"   \n}", "an escaped backslash escapes no quote"},
    {"\"a\n// b", "\"a\n    ", "a string ends in its line, closed or not"},
    {"\"a // b\nc", "\"a // b\nc", "and holds no comment"},
    {"\"a\\\n// b", "\"a\\\n    ", "a backslash does not carry it over"},
    {"{/}", "{/}", "a slash alone is none"},
    {"/", "/", "a slash at the end"},
    {"\xef\xbb\xbf{}", "   {}", "a byte order mark goes too"},
    {"// \xc3\xa9\n{}", "     \n{}", "a letter of two bytes leaves two spaces"},
    {"//a\r\n{}", "    \n{}", "Windows' lines"},
    {"", "", "nothing"},
};

static void comments_become_spaces_and_nothing_else_changes(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(comments); i++) {
        struct scan_fault f;
        size_t n = strlen(comments[i].text);
        char *text = malloc(n + !n); /* nothing behind it may be read */
        memcpy(text, comments[i].text, n);
        assert_int_equal(strlen(comments[i].blank), n);
        if (!scan_blank(text, n, &f) || memcmp(text, comments[i].blank, n) != 0)
            fail_msg("%s: %s", comments[i].text, comments[i].why);
        free(text);
    }
}

static const struct {
    struct str text;
    size_t at;
    const char *found, *allowed;
} unreadable[] = {
    {STR("{}\n/* a"), 3, "a comment without its end", "\"*/\" behind it"},
    {STR("{}/*"), 2, "a comment without its end", "\"*/\" behind it"},
    {STR("/*/"), 0, "a comment without its end", "\"*/\" behind it"},
    {STR("{\"a\": \"\xff\"}"), 7, "a byte that is no text", "UTF-8 without control characters"},
    {STR("// \xff\n{}"), 3, "a byte that is no text", "UTF-8 without control characters"},
    {STR("{\0}"), 1, "a byte that is no text", "UTF-8 without control characters"},
    {STR("{}\x1b"), 2, "a byte that is no text", "UTF-8 without control characters"},
};

static void text_that_cannot_be_read_is_refused_where_it_begins(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(unreadable); i++) {
        struct scan_fault f = {0};
        char *text = malloc(unreadable[i].text.n);
        memcpy(text, unreadable[i].text.p, unreadable[i].text.n);
        assert_false(scan_blank(text, unreadable[i].text.n, &f));
        assert_int_equal(f.at, unreadable[i].at);
        assert_true(str_eq(f.found, unreadable[i].found));
        assert_false(f.quote);
        assert_string_equal(f.allowed, unreadable[i].allowed);
        free(text);
    }
}

static const char *const objects[] = {
    "{}",
    " \t\r\n{ \t\r\n} \t\r\n",
    "{\"a\":1}",
    "{\"a\":1,\"b\":\"2\"}",
    "{\"a\":{\"b\":{\"c\":[]}}}",
    "{\"a\":[1,\"b\",true,false,null,[],{}]}",
    "{\"\":\"\"}",
    "{\"a\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\"}",
    "{\"a\":\"{}[]:,\"}",
    "{\"a\":\"\\\\u0000\"}",
    "{\"a\":[0,-0,10,-1.5,0.25,1e9,1E+9,1.5e-9]}",
    "{\"a\":[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]}",
};

static void object_is_taken(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(objects); i++) {
        struct scan_fault f;
        if (!scan_check(str_of(objects[i]), &f))
            fail_msg("%s: at %zu", objects[i], f.at);
    }
}

/* Cut anywhere, it is no object any more; and no byte behind the cut is read. */
static void beginning_of_an_object_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(objects); i++) {
        size_t whole = (size_t)(strrchr(objects[i], '}') + 1 - objects[i]);
        for (size_t n = 0; n < whole; n++) {
            struct scan_fault f = {0};
            char *cut = malloc(n + !n);
            memcpy(cut, objects[i], n);
            assert_false(scan_check((struct str){cut, n}, &f));
            assert_true(f.at == 0 || f.at < n);
            assert_non_null(f.allowed);
            free(cut);
        }
    }
}

#define NAME   "a name in double quotes (the last setting has no comma behind it)"
#define NAMED  "a name in double quotes, or \"}\""
#define VALUE  "a value: text in double quotes, a number, true, false, \"[\" or \"{\""
#define COLON  "\":\" between a name and its value"
#define OBJECT "an object: \"{\", settings, \"}\""
#define LINE   "text on one line, in double quotes"
#define END    "the end of the file"

static const struct {
    const char *text;
    size_t at;
    const char *found; /* `quote` where it is a piece of the text */
    bool quote;
    const char *allowed;
} faults[] = {
    {"", 0, END, false, OBJECT},
    {" \n", 1, END, false, OBJECT},
    {"[1]", 0, "[", true, OBJECT},
    {"\"a\"", 0, "a", true, OBJECT},
    {"true", 0, "true", true, OBJECT},
    {"}", 0, "}", true, OBJECT},
    {"{,}", 1, ",", true, NAMED},
    {"{]", 1, "]", true, NAMED},
    {"{a: 1}", 1, "a", true, NAMED},
    {"{'a': 1}", 1, "'", true, NAMED},
    {"{1: 1}", 1, "1", true, NAMED},
    {"{\"a\": 1,}", 8, "}", true, NAME},
    {"{\"a\": 1,,", 8, ",", true, NAME},
    {"{\"a\": 1, b: 2}", 9, "b", true, NAME},
    {"{\"a\" 1}", 5, "1", true, COLON},
    {"{\"a\", 1}", 4, ",", true, COLON},
    {"{\"a\" = 1}", 5, "=", true, COLON},
    {"{\"a\"}", 4, "}", true, COLON},
    {"{\"a\": }", 6, "}", true, VALUE},
    {"{\"a\": ,}", 6, ",", true, VALUE},
    {"{\"a\":: 1}", 5, ":", true, VALUE},
    {"{\"a\": 25s}", 6, "25s", true, VALUE},
    {"{\"a\": True}", 6, "True", true, VALUE},
    {"{\"a\": off}", 6, "off", true, VALUE},
    {"{\"a\": 'b'}", 6, "'", true, VALUE},
    {"{\"a\": 01}", 6, "01", true, VALUE},
    {"{\"a\": -01}", 6, "-01", true, VALUE},
    {"{\"a\": +1}", 6, "+1", true, VALUE},
    {"{\"a\": -}", 6, "-", true, VALUE},
    {"{\"a\": .5}", 6, ".5", true, VALUE},
    {"{\"a\": 1.}", 6, "1.", true, VALUE},
    {"{\"a\": 1.e5}", 6, "1.e5", true, VALUE},
    {"{\"a\": 1e}", 6, "1e", true, VALUE},
    {"{\"a\": 1e+}", 6, "1e+", true, VALUE},
    {"{\"a\": 0x10}", 6, "0x10", true, VALUE},
    {"{\"a\": NaN}", 6, "NaN", true, VALUE},
    {"{\"a\": 1 \"b\": 2}", 8, "b", true, "\",\" or \"}\""},
    {"{\"a\": 1]", 7, "]", true, "\",\" or \"}\""},
    {"{\"a\": [1}", 8, "}", true, "\",\" or \"]\""},
    {"{\"a\": [1 2]}", 9, "2", true, "\",\" or \"]\""},
    {"{\"a\": [1,]}", 9, "]", true, VALUE},
    {"{\"a\": [,]}", 7, ",", true, "a value, or \"]\""},
    {"{\"a\": [}", 7, "}", true, "a value, or \"]\""},
    {"{\"a\": 1\n", 7, END, false, "\",\" or \"}\""},
    {"{\"a\": [1", 7, END, false, "\",\" or \"]\""},
    {"{\"a\":", 4, END, false, VALUE},
    {"{\"a\"", 3, END, false, COLON},
    {"{", 0, END, false, NAMED},
    {"{\"a\": 1,", 7, END, false, NAME},
    {"{\"a\": [", 6, END, false, "a value, or \"]\""},
    {"{}x", 2, "x", true, "nothing behind the object"},
    {"{} {}", 3, "{", true, "nothing behind the object"},
    {"{}}", 2, "}", true, "nothing behind the object"},
    {"{}\"a\"", 2, "a", true, "nothing behind the object"},
    {"{\"a\": \"b\n}", 6, "text without its closing quote", false, LINE},
    {"{\"a\": \"b", 6, "text without its closing quote", false, LINE},
    {"{\"a\": \"b\\\"}", 6, "text without its closing quote", false, LINE},
    {"{\"a\": \"b\\\n\"}", 6, "text without its closing quote", false, LINE},
    {"{\"a", 1, "text without its closing quote", false, LINE},
    {"{\"a\": \"b\\u0000\"}", 6, "the character \\u0000", false, "text without control characters"},
    {"{\"a\\u0000\": 1}", 1, "the character \\u0000", false, "text without control characters"},
    {"{\"a\":[[[[[[[[[[[[[[[[", 20, "too many brackets within each other", false, "at most 16"},
    {"{\"a\":[[[[[[[[[[[[[[[{", 20, "too many brackets within each other", false, "at most 16"},
};

static void fault_is_found_where_it_is_and_says_what_may_stand_there(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(faults); i++) {
        struct scan_fault f = {0};
        if (scan_check(str_of(faults[i].text), &f))
            fail_msg("taken: %s", faults[i].text);
        if (f.at != faults[i].at || !str_eq(f.found, faults[i].found) ||
            f.quote != faults[i].quote || strcmp(f.allowed, faults[i].allowed) != 0)
            fail_msg("%s: at %zu found %.*s, allowed %s", faults[i].text, f.at, (int)f.found.n,
                     f.found.p, f.allowed);
    }
}

static void value_of_any_kind_is_told_from_none(void **state)
{
    (void)state;
    static const char *const values[] = {"1", " \"a\" ", "{}", "[1, {\"a\": []}]", "true"};
    static const char *const none[] = {"",   " ",   "1 2", "1, 2",        "\"a\": 1", "]",
                                       "[1", "{}}", "x",   "\"\\u0000\"", "[1] // a"};
    for (size_t i = 0; i < COUNT(values); i++)
        assert_true(scan_is_value(str_of(values[i])));
    for (size_t i = 0; i < COUNT(none); i++)
        if (scan_is_value(str_of(none[i])))
            fail_msg("%s", none[i]);
}

/* Every text of an open bracket and six of these pieces: cJSON may take more, but never less. */
static void what_is_taken_is_taken_by_cjson(void **state)
{
    (void)state;
    static const char *const pieces[] = {"{", "}",     "[",      "]", ":", ",",
                                         "1", "\"a\"", "\"a\":", " ", "x"};
    const size_t n = COUNT(pieces), total = n * n * n * n * n * n;
    unsigned taken = 0;
    for (size_t i = 0; i < total; i++) {
        char text[64] = "{";
        size_t rest = i;
        for (int k = 0; k < 6; k++, rest /= n)
            strcat(text, pieces[rest % n]);
        struct scan_fault f;
        if (!scan_check(str_of(text), &f))
            continue;
        cJSON *tree = cJSON_Parse(text);
        if (!cJSON_IsObject(tree))
            fail_msg("cJSON refuses %s", text);
        cJSON_Delete(tree);
        taken++;
    }
    assert_true(taken > 100);
}

static void nth_value_begins_at_its_name(void **state)
{
    (void)state;
    const char *text = "{\"a\": 1, \"b\": {\"c\": [2, \"d\", []], \"e\": \"f\"},\n\"g\": {}}";
    static const char *const begins[] = {"{\"a\"", "\"a\"", "\"b\"", "\"c\"", "2",
                                         "\"d\"",  "[]",    "\"e\"", "\"g\""};
    for (unsigned i = 0; i < COUNT(begins); i++)
        assert_ptr_equal(text + scan_value(str_of(text), i), strstr(text, begins[i]));
}

static void line_is_counted_from_one(void **state)
{
    (void)state;
    const struct str text = STR("a\nb\n\nc");
    static const unsigned lines[] = {1, 1, 2, 2, 3, 4, 4};
    for (size_t at = 0; at < COUNT(lines); at++)
        assert_int_equal(scan_line(text, at), lines[at]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comments_become_spaces_and_nothing_else_changes),
        cmocka_unit_test(text_that_cannot_be_read_is_refused_where_it_begins),
        cmocka_unit_test(object_is_taken),
        cmocka_unit_test(beginning_of_an_object_is_refused),
        cmocka_unit_test(fault_is_found_where_it_is_and_says_what_may_stand_there),
        cmocka_unit_test(value_of_any_kind_is_told_from_none),
        cmocka_unit_test(what_is_taken_is_taken_by_cjson),
        cmocka_unit_test(nth_value_begins_at_its_name),
        cmocka_unit_test(line_is_counted_from_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

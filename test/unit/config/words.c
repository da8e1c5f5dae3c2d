/* Words of a command line: blanks, quotes, backslashes, and what is not expanded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config/words.h"
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *text, *want[5]; /* up to a NULL */
    bool open;
    const char *expands, *why;
} rows[] = {
    {"", {0}, false, NULL, "nothing"},
    {" \t ", {0}, false, NULL, "blanks"},
    {" a  b\tc ", {"a", "b", "c"}, false, NULL, "blanks part words"},
    {"'a b' \"c d\"", {"a b", "c d"}, false, NULL, "quotes hold them together"},
    {"a'b c'd\"e f\"g", {"ab cde fg"}, false, NULL, "quotes within a word"},
    {"'' \"\"", {"", ""}, false, NULL, "empty words"},
    {"'a\"b' \"c'd\"", {"a\"b", "c'd"}, false, NULL, "one quote within the other"},
    {"a\\ b \\'c \\\\", {"a b", "'c", "\\"}, false, NULL, "a backslash"},
    {"'a\\' b", {"a\\", "b"}, false, NULL, "none within single quotes"},
    {"'\\$A'", {"\\$A"}, false, NULL, "whatever comes behind"},
    {"\"a\\\"b\\c\\$\"", {"a\"b\\c$"}, false, NULL, "within double ones before four characters"},
    {"a\\", {"a\\"}, false, NULL, "a backslash at the end"},
    {"a 'b c", {"a", "b c"}, true, NULL, "an open quote"},
    {"a \"b c", {"a", "b c"}, true, NULL, "an open double quote"},
    {"\"a\\\"", {"a\""}, true, NULL, "its end is escaped"},
    {"a $B", {"a", "$B"}, false, "$B", "a variable"},
    {"a \"${B} c\" $D", {"a", "${B} c", "$D"}, false, "${B} c", "the first, in double quotes"},
    {"`a` b", {"`a`", "b"}, false, "`a`", "a command"},
    {"'$B' \\$C", {"$B", "$C"}, false, NULL, "neither is expanded"},
    {":$P $ \"$\"", {":$P", "$", "$"}, false, NULL, "not at the front, or nothing behind it"},
};

static void command_line_is_cut_as_a_shell_would(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct words w;
        words_init(&w, str_of(rows[i].text));
        for (unsigned n = 0; n < w.n || rows[i].want[n]; n++)
            if (n >= w.n || !rows[i].want[n] || strcmp(w.v[n], rows[i].want[n]) != 0)
                fail_msg("%s: word %u: %s (%s)", rows[i].text, n, n < w.n ? w.v[n] : "none",
                         rows[i].why);
        if (w.open != rows[i].open || !w.expands != !rows[i].expands ||
            (w.expands && strcmp(w.expands, rows[i].expands) != 0))
            fail_msg("%s: %s", rows[i].text, rows[i].why);
        words_fini(&w);
    }
}

/* Also that no byte beyond it is read. */
static void every_beginning_of_a_command_line_has_words(void **state)
{
    (void)state;
    static const char text[] = "a 'b c' \"d \\\" e\" $F\\ g `h`";
    for (size_t n = 0; n < sizeof(text); n++) {
        struct words w;
        char *cut = strndup(text, n);
        words_init(&w, (struct str){cut, n});
        assert_true((w.n == 0) == (n == 0));
        words_fini(&w);
        free(cut);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(command_line_is_cut_as_a_shell_would),
        cmocka_unit_test(every_beginning_of_a_command_line_has_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

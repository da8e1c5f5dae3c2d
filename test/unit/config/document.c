/* Conf files as files: read, refused, and the line of everything in them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"
#include "config/document.h"
#include "unit/config/folder.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static int init(struct document *d, const char *file, char *said, size_t size)
{
    struct buf why = {0};
    int err = document_init(d, file, &why);
    assert_true(why.len < size);
    memcpy(said, why.data ? why.data : (uint8_t *)"", why.len);
    said[why.len] = '\0';
    buf_fini(&why);
    return err;
}

static const struct {
    const char *text, *want;
} refused[] = {
    {"", "w.conf:1: found the end of the file, allowed is an object: \"{\", settings, \"}\""},
    {"// nothing\n",
     "w.conf:1: found the end of the file, allowed is an object: \"{\", settings, \"}\""},
    {"[]\n", "w.conf:1: found \"[\", allowed is an object: \"{\", settings, \"}\""},
    {"{\n  \"a\": 1,\n}\n", "w.conf:3: found \"}\", allowed is a name in double quotes (the last "
                            "setting has no comma behind it)"},
    {"{\n  \"a\": 1\n", "w.conf:2: found the end of the file, allowed is \",\" or \"}\""},
    {"{}\n\n/* a\n\n", "w.conf:3: found a comment without its end, allowed is \"*/\" behind it"},
    {"{}\n}\n", "w.conf:2: found \"}\", allowed is nothing behind the object"},
    {"{\n\"a\": \"\xff\"}\n",
     "w.conf:2: found a byte that is no text, allowed is UTF-8 without control characters"},
    {"/*\n*/{\n\"a\":\n\"\\x\"}\n",
     "w.conf:4: found an escape that JSON does not have, allowed is \\\", \\\\, \\/, \\b, "
     "\\f, \\n, \\r, \\t or \\uXXXX"},
    {"{\n\"a\\q\": 1}\n", "w.conf:2: found an escape that JSON does not have, allowed is \\\", "
                          "\\\\, \\/, \\b, \\f, \\n, "
                          "\\r, \\t or \\uXXXX"},
    {"{\"a\": \"\\ud800\"}",
     "w.conf:1: found an escape that JSON does not have, allowed is \\\", \\\\, \\/, \\b, \\f, "
     "\\n, \\r, \\t or \\uXXXX"},
    {"{\"a\": 1 \"b\\\"c\": 1}", "w.conf:1: found \"b\\\\\\\"c\", allowed is \",\" or \"}\""},
};

static void bad_text_is_refused_with_its_line(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(refused); i++) {
        struct document d;
        char said[512];
        file_write(refused[i].text);
        assert_int_equal(init(&d, "w.conf", said, sizeof(said)), ERR_SYNTAX);
        assert_string_equal(said, refused[i].want);
    }
}

static void what_is_found_is_shown_up_to_120_bytes(void **state)
{
    (void)state;
    struct document d;
    char said[512], text[200];
    memset(text, 'x', sizeof(text));
    file_write_bytes(text, sizeof(text));
    assert_int_equal(init(&d, "w.conf", said, sizeof(said)), ERR_SYNTAX);
    assert_true(strstr(said, "xxx\xe2\x80\xa6\", allowed is an object") != NULL);
    assert_true(strlen(said) < 200);
}

static void file_that_cannot_be_read_says_why(void **state)
{
    (void)state;
    struct document d;
    char said[512];
    assert_int_equal(init(&d, "none.conf", said, sizeof(said)), -ENOENT);
    assert_string_equal(said, "none.conf: cannot be read: no such file or directory");
    assert_int_equal(init(&d, ".", said, sizeof(said)), -EISDIR);
    assert_string_equal(said, ".: cannot be read: illegal operation on a directory");
    file_write("{}");
    assert_int_equal(init(&d, "w.conf/x", said, sizeof(said)), -ENOTDIR);
    assert_string_equal(said, "w.conf/x: cannot be read: not a directory");
}

/* An object with spaces behind it, n bytes long. */
static void file_fill(size_t n)
{
    char *text = malloc(n);
    memset(text, ' ', n);
    memcpy(text, "{}", 2);
    file_write_bytes(text, n);
    free(text);
}

static void file_of_1_mib_is_read_and_no_larger_one(void **state)
{
    (void)state;
    struct document d;
    char said[512];
    file_fill(DOCUMENT_MAX);
    assert_int_equal(init(&d, "w.conf", said, sizeof(said)), 0);
    document_fini(&d);
    file_fill(DOCUMENT_MAX + 1);
    assert_int_equal(init(&d, "w.conf", said, sizeof(said)), ERR_TOO_LARGE);
    assert_string_equal(said,
                        "w.conf: found more than 1MiB, allowed is a conf file of at most 1MiB");
}

static void pipe_is_read_to_its_end(void **state)
{
    (void)state;
    struct document d;
    char said[512], name[32];
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], "{\"a\": 1}", 8), 8);
    close(ends[1]);
    snprintf(name, sizeof(name), "/dev/fd/%d", ends[0]);
    assert_int_equal(init(&d, name, said, sizeof(said)), 0);
    assert_non_null(cJSON_GetObjectItem(d.root, "a"));
    document_fini(&d);
    close(ends[0]);
}

/* In this text the value "N", or the name of the one that is N's, stands in line N. */
static void line_is_that_of_the_name_or_else_of_the_value(void **state)
{
    (void)state;
    static const char lines[] = "{\n" /* 1 */
                                "  // \"2\"\n"
                                "  \"3\": [\"3\", /* [ */\n"
                                "    \"4\",\n"
                                "    \"5\"], \"5\":\n"
                                "    {\n"
                                "      \"7\": \"7\", \"7\": \"//\",\n"
                                "      \"8\": {\"8\": {}},\n"
                                "      \"9\":\n"
                                "        \"9\"\n"
                                "    }, \"\\u0031\\u0031\": \"11\"\n"
                                "}\n";
    struct document d;
    char said[512];
    file_write(lines);
    assert_int_equal(init(&d, "w.conf", said, sizeof(said)), 0);
    assert_int_equal(document_line(&d, d.root), 1);
    const cJSON *three = d.root->child, *five = three->next, *eleven = five->next;
    assert_int_equal(document_line(&d, three), 3);
    for (const cJSON *e = three->child; e; e = e->next)
        assert_int_equal(document_line(&d, e), atoi(e->valuestring));
    assert_int_equal(document_line(&d, five), 5);
    for (const cJSON *e = five->child; e; e = e->next)
        assert_int_equal(document_line(&d, e), atoi(e->string));
    assert_int_equal(document_line(&d, five->child->next->next->child), 8);
    assert_int_equal(document_line(&d, eleven), 11);
    document_fini(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_text_is_refused_with_its_line),
        cmocka_unit_test(what_is_found_is_shown_up_to_120_bytes),
        cmocka_unit_test(file_that_cannot_be_read_says_why),
        cmocka_unit_test(file_of_1_mib_is_read_and_no_larger_one),
        cmocka_unit_test(pipe_is_read_to_its_end),
        cmocka_unit_test(line_is_that_of_the_name_or_else_of_the_value),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}

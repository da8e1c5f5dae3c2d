/* Addresses: what is one, what is refused and with which error, and what comes of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"
#include "config/load.h"
#include <stdlib.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

#define P10  "0123456789"
#define P107 P10 P10 P10 P10 P10 P10 P10 P10 P10 P10 "0123456"
#define H63  "a12345678901234567890123456789012345678901234567890123456789012"
#define H253 H63 "." H63 "." H63 ".a123456789012345678901234567890123456789012345678901234567890"

_Static_assert(sizeof(H253) - 1 == 253 && sizeof(P107) - 1 == 107, "the longest that there are");

static const struct {
    const char *text, *host;
    uint16_t port;
    bool unix_path;
    const char *why;
} good[] = {
    {"127.0.0.1:8000", "127.0.0.1", 8000, false, "an IPv4 address"},
    {"localhost:80", "localhost", 80, false, "a name"},
    {"my_app-1.example.com:65535", "my_app-1.example.com", 65535, false,
     "all of a name's letters, the last port"},
    {"0.0.0.0:0", "0.0.0.0", 0, false, "port 0 is the kernel's choice"},
    {":8080", "", 8080, false, "no host is every host"},
    {"[::1]:443", "::1", 443, false, "an IPv6 address loses its brackets"},
    {"[::ffff:10.0.0.1]:443", "::ffff:10.0.0.1", 443, false, "an IPv4-mapped one"},
    {"[::]:0", "::", 0, false, "every IPv6 host"},
    {"h:08080", "h", 8080, false, "leading zeros are no octal"},
    {H253 ":1", H253, 1, false, "the longest name"},
    {"unix:/run/app.sock", "/run/app.sock", 0, true, "a Unix path"},
    {"unix:app.sock", "app.sock", 0, true, "a relative path"},
    {"unix:/run/a:1", "/run/a:1", 0, true, "a colon in a path"},
    {"unix:" P107, P107, 0, true, "the longest path"},
    {"UNIX:80", "UNIX", 80, false, "the prefix is written small: this is a host"},
};

static const struct {
    const char *text;
    int err;
    const char *why;
} bad[] = {
    {"", ERR_SYNTAX, "nothing"},
    {":", ERR_SYNTAX, "no port"},
    {"8080", ERR_SYNTAX, "a port alone"},
    {"localhost", ERR_SYNTAX, "a host alone"},
    {"localhost:", ERR_SYNTAX, "an empty port"},
    {"localhost:http", ERR_SYNTAX, "a port by name"},
    {"localhost:80x", ERR_SYNTAX, "something behind the port"},
    {"localhost: 80", ERR_SYNTAX, "a space before the port"},
    {"localhost:-1", ERR_SYNTAX, "a sign"},
    {"localhost:65536", ERR_RANGE, "the first port that there is not"},
    {"localhost:18446744073709551617", ERR_RANGE, "a port that overflows 64 bits to 1"},
    {"::1:8080", ERR_SYNTAX, "IPv6 without brackets"},
    {"[::1]", ERR_SYNTAX, "IPv6 without a port"},
    {"[::1]8080", ERR_SYNTAX, "no colon behind the bracket"},
    {"[::1:8080", ERR_SYNTAX, "an open bracket"},
    {"[]:80", ERR_SYNTAX, "brackets around nothing"},
    {"[127.0.0.1]:80", ERR_SYNTAX, "brackets around IPv4"},
    {"[localhost]:80", ERR_SYNTAX, "brackets around a name"},
    {"999.0.0.1:80", ERR_SYNTAX, "four numbers that are no IPv4 address"},
    {"10.1:80", ERR_SYNTAX, "a shortened IPv4 address"},
    {"http://localhost:80", ERR_SYNTAX, "a URL"},
    {"local host:80", ERR_SYNTAX, "a space in the host"},
    {"h\xc3\xb6st:80", ERR_SYNTAX, "a letter that DNS does not have"},
    {"a" H253 ":1", ERR_RANGE, "a name one letter too long"},
    {"unix:", ERR_SYNTAX, "an empty path"},
    {"unix:" P107 "x", ERR_RANGE, "a path one byte too long for sun_path"},
};

static void address_is_taken_apart(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(good); i++) {
        struct address a;
        if (address_parse(str_of(good[i].text), &a) != 0)
            fail_msg("refused: %s (%s)", good[i].text, good[i].why);
        assert_string_equal(a.text, good[i].text);
        assert_string_equal(a.host, good[i].host);
        assert_int_equal(a.port, good[i].port);
        assert_int_equal(a.unix_path, good[i].unix_path);
        address_fini(&a);
    }
}

static void bad_address_is_refused_and_leaves_the_old_one(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct address a = {.port = 7};
        int err = address_parse(str_of(bad[i].text), &a);
        if (err != bad[i].err)
            fail_msg("%s (%s): got %s", bad[i].text, bad[i].why, err_name(err));
        assert_int_equal(a.port, 7);
        assert_null(a.text);
        assert_null(a.host);
    }
}

/* What lies behind the text is not read: it is copied to the end of a block of its own, under the
 * sanitizer's eyes. */
static void only_the_text_is_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(good); i++) {
        for (size_t n = 0; n <= strlen(good[i].text); n++) {
            struct address a;
            char *exact = malloc(n + !n);
            memcpy(exact, good[i].text, n);
            if (address_parse((struct str){exact, n}, &a) == 0) {
                assert_int_equal(strlen(a.text), n);
                address_fini(&a);
            }
            free(exact);
        }
    }
}

static void address_with_a_nul_is_refused(void **state)
{
    (void)state;
    struct address a;
    assert_int_equal(address_parse(STR("unix:/a\0b"), &a), ERR_SYNTAX);
    assert_int_equal(address_parse(STR("a\0:80"), &a), ERR_SYNTAX);
}

static void address_can_be_given_back_twice(void **state)
{
    (void)state;
    struct address a;
    assert_int_equal(address_parse(STR("unix:/a"), &a), 0);
    address_fini(&a);
    assert_null(a.text);
    assert_null(a.host);
    assert_false(a.unix_path);
    address_fini(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(address_is_taken_apart),
        cmocka_unit_test(bad_address_is_refused_and_leaves_the_old_one),
        cmocka_unit_test(only_the_text_is_read),
        cmocka_unit_test(address_with_a_nul_is_refused),
        cmocka_unit_test(address_can_be_given_back_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

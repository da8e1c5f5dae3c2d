/* Origins: which are allowed by which, and what may stand in the list. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config/load.h"
#include "config/origin.h"
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

#define APP "https://app.example.com"
#define ANY "https://*.example.com"

static const struct {
    const char *origin, *entry;
    bool want;
    const char *why;
} rows[] = {
    {APP, APP, true, "itself"},
    {"https://other.example.com", APP, false, "a sibling"},
    {"https://example.com", APP, false, "a parent"},
    {"https://my.app.example.com", APP, false, "a child"},
    {"http://app.example.com", APP, false, "another scheme"},
    {"wss://app.example.com", APP, false, "a scheme of the same port is another one"},
    {"HTTPS://App.Example.COM", APP, true, "case does not matter"},

    {APP ":443", APP, true, "its scheme's port"},
    {APP, APP ":443", true, "its scheme's port, in the entry"},
    {APP ":80", APP, false, "another scheme's port"},
    {APP ":8443", APP, false, "another port"},
    {APP, APP ":8443", false, "another port, in the entry"},
    {APP ":8443", APP ":8443", true, "the same other port"},
    {"http://a:80", "http://a", true, "http"},
    {"ws://a:80", "ws://a", true, "ws"},
    {"wss://a:443", "wss://a", true, "wss"},
    {"http://a:443", "http://a", false, "https's port under http"},
    {"capacitor://localhost", "capacitor://localhost", true, "a scheme without a port"},
    {"capacitor://localhost:80", "capacitor://localhost", false, "has no default either"},
    {"http://127.0.0.1:3000", "http://127.0.0.1:3000", true, "an IPv4 address"},
    {"http://localhost:3000", "http://127.0.0.1:3000", false, "names are not looked up"},
    {APP ":0443", APP, false, "a port with a leading zero"},
    {APP ":0", APP, false, "port 0"},
    {APP ":", APP, false, "an empty port"},
    {APP ":65979", APP, false, "443 in 16 bits"},
    {APP ":18446744073709552059", APP, false, "443 in 64 bits"},
    {APP ":443x", APP, false, "more than a port"},
    {APP ":443:443", APP, false, "two ports"},
    {APP ":+443", APP, false, "a sign"},

    {APP, ANY, true, "one label"},
    {"https://A.EXAMPLE.com:443", ANY, true, "one label, otherwise written"},
    {"https://a.b.example.com", ANY, false, "two labels"},
    {"https://example.com", ANY, false, "no label"},
    {"https://.example.com", ANY, false, "an empty label"},
    {"https://aexample.com", ANY, false, "no dot"},
    {"https://evilexample.com", ANY, false, "ends alike"},
    {"https://a.example.com.evil.com", ANY, false, "begins alike"},
    {"https://example.com.evil.com", ANY, false, "begins alike, without a label"},
    {"http://app.example.com", ANY, false, "another scheme"},
    {"https://app.example.com:8443", ANY, false, "another port"},
    {"https://app.example.com:8443", ANY ":8443", true, "a port of its own"},
    {"https://*.example.com", ANY, false, "the wildcard itself"},
    {"https://*.example.com", APP, false, "a wildcard of the client's"},
    {"https://*.app.example.com", APP, false, "which counts for no label either"},

    {"https://app.example.com.evil.com", APP, false, "ends otherwise"},
    {"https://evil.com#app.example.com", APP, false, "a fragment"},
    {"https://evil.com?app.example.com", APP, false, "a query"},
    {"https://evil.com/app.example.com", APP, false, "a path"},
    {"https://evil.com\\app.example.com", APP, false, "a backslash"},
    {"https://evil.com\\.example.com", ANY, false, "which browsers take for a slash"},
    {"https://evil.com#.example.com", ANY, false, "a fragment before the rest"},
    {"https://evil.com:443#.example.com", ANY, false, "behind a port"},
    {APP "/", APP, false, "a path"},
    {APP "#", APP, false, "an empty fragment"},
    {APP ".", APP, false, "a final dot is another host"},
    {"https://app..example.com", APP, false, "two dots"},
    {"https://user@app.example.com", APP, false, "user information"},
    {"https://app.example.com@evil.com", APP, false, "user information that looks like it"},
    {"https://app.example.com:443@evil.com", APP, false, "with a port"},
    {"https://app.example.com%2eevil.com", APP, false, "an escape"},
    {"https://app%2eexample.com", APP, false, "an escape that would be it"},
    {" " APP, APP, false, "a space before it"},
    {APP "\t", APP, false, "a tab behind it"},
    {"https://app\t.example.com", APP, false, "a tab within it: URL parsers drop it"},
    {APP " " APP, APP, false, "a list (RFC 6454 §7.1)"},
    {APP ", https://evil.com", APP, false, "two fields that were joined"},
    {"null", APP, false, "no origin: a sandbox, a file, a redirect"},
    {"null", "https://null", false, "nor a host of that name"},
    {"", APP, false, "an empty value"},
    {"https://", APP, false, "no host"},
    {"https:", APP, false, "nothing but a scheme"},
    {"://app.example.com", APP, false, "an empty scheme"},
    {"//app.example.com", APP, false, "no scheme"},
    {"app.example.com", APP, false, "no scheme at all"},
    {"https:/app.example.com", APP, false, "one slash"},
    {"https:///app.example.com", APP, false, "three slashes"},
    {"javascript:https://app.example.com", APP, false, "a scheme around it"},
    {"https://[::1]", "https://a", false, "an IPv6 literal"},
    {"https://b\xc3\xbc"
     "cher.example",
     "https://xn--bcher-kva.example", false, "not ASCII"},
    {"https://xn--bcher-kva.example", "https://xn--bcher-kva.example", true, "as browsers send it"},
};

static bool listed(const char *entry, struct str origin)
{
    char *v[] = {(char *)(uintptr_t)entry};
    return origin_listed(&(struct strings){v, 1}, origin);
}

static void origin_is_allowed_exactly_where_an_entry_names_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        if (!origin_valid(str_of(rows[i].entry)))
            fail_msg("%s may not stand in the list", rows[i].entry);
        if (listed(rows[i].entry, str_of(rows[i].origin)) != rows[i].want)
            fail_msg("%s by %s: %s", rows[i].origin, rows[i].entry, rows[i].why);
    }
}

static void any_entry_of_the_list_will_do(void **state)
{
    (void)state;
    char *v[] = {(char[]){"http://localhost:3000"}, (char[]){APP}, (char[]){"https://*.b.org"}};
    const struct strings list = {v, 3}, none = {0};
    assert_true(origin_listed(&list, STR("http://localhost:3000")));
    assert_true(origin_listed(&list, STR(APP)));
    assert_true(origin_listed(&list, STR("https://a.b.org")));
    assert_false(origin_listed(&list, STR("https://b.org")));
    assert_false(origin_listed(&none, STR(APP)));
}

/* What is cut off is no part of it: the value of a field stands in the middle of a head. */
static void origin_that_is_cut_short_is_another(void **state)
{
    (void)state;
    for (size_t n = 0; n < strlen(APP); n++)
        assert_false(listed(APP, (struct str){APP, n}));
    assert_true(listed(APP, (struct str){APP ".evil.com", strlen(APP)}));
}

/* In no place of an origin may any other byte stand for the one that belongs there. */
static void every_byte_counts(void **state)
{
    (void)state;
    for (size_t at = 0; at < strlen(APP); at++) {
        for (unsigned byte = 0; byte < 256; byte++) {
            char text[] = APP;
            bool same = ((unsigned)text[at] | 0x20) == (byte | 0x20) &&
                        ((byte | 0x20) >= 'a' && (byte | 0x20) <= 'z');
            same |= (unsigned)text[at] == byte;
            text[at] = (char)byte;
            if (listed(APP, (struct str){text, strlen(APP)}) != same)
                fail_msg("byte %zu as %02x", at, byte);
        }
    }
}

static const char *const good[] = {
    APP,
    ANY,
    "https://app.example.com:443",
    "http://localhost",
    "http://localhost:3000",
    "http://*.localhost:1",
    "http://10.0.0.1:65535",
    "https://xn--bcher-kva.example",
    "https://a_b.example",
    "ws://a",
    "chrome-extension://abcdefghijklmnop",
    "capacitor+1.x://localhost",
    /* a label of 63 */
    "https://aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.com",
};

static const char *const bad[] = {
    "",
    "*",
    "null",
    "https",
    "https://",
    "https://*",
    "https://*.",
    "https://*.*.example.com",
    "https://a*.example.com",
    "https://app.*.com",
    "https://*example.com",
    "https://**.example.com",
    "*://app.example.com",
    "*.example.com",
    "app.example.com",
    "//app.example.com",
    "://app.example.com",
    "1https://app.example.com",
    "ht tps://app.example.com",
    APP "/",
    APP "/chat",
    APP "?a",
    APP "#a",
    APP ".",
    APP ":",
    APP ":0",
    APP ":080",
    APP ":65536",
    APP ":*",
    APP ":https",
    APP " ",
    " " APP,
    APP "," APP,
    "https://App.example.com",
    "HTTPS://app.example.com",
    "https://b\xc3\xbc"
    "cher.example",
    "https://user@app.example.com",
    "https://user:pass@app.example.com",
    "https://.example.com",
    "https://a..b",
    "https://[::1]",
    "https://[::1]:3000",
    "https://::1",
    /* a label of 64 */
    "https://aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.com",
};

static void what_is_an_origin_may_stand_in_the_list(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(good); i++)
        if (!origin_valid(str_of(good[i])))
            fail_msg("refused: %s", good[i]);
}

static void what_is_no_origin_may_not(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++)
        if (origin_valid(str_of(bad[i])))
            fail_msg("taken: %s", bad[i]);
}

/* 253 bytes of host, and one more. */
static void host_has_an_end(void **state)
{
    (void)state;
    char text[] = "https://"
                  "a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a."
                  "a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a."
                  "a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a."
                  "a.a.a.a.a.a.aa";
    size_t n = strlen(text);
    assert_int_equal(n, 8 + 254);
    assert_false(origin_valid((struct str){text, n}));
    assert_true(origin_valid((struct str){text, n - 1}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(origin_is_allowed_exactly_where_an_entry_names_it),
        cmocka_unit_test(any_entry_of_the_list_will_do),
        cmocka_unit_test(origin_that_is_cut_short_is_another),
        cmocka_unit_test(every_byte_counts),
        cmocka_unit_test(what_is_an_origin_may_stand_in_the_list),
        cmocka_unit_test(what_is_no_origin_may_not),
        cmocka_unit_test(host_has_an_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "unit/wire/parsed.h"

static const struct head *head(struct http1 *p)
{
    return &http1_view(p)->head;
}

static void assert_str(struct str s, const char *want)
{
    if (!str_eq(s, want))
        fail_msg("\"%.*s\" is not \"%s\"", (int)s.n, s.p, want);
}

static void spans_are_cut_from_the_text(void **state)
{
    (void)state;
    struct http1 *p =
        parsed(true, false, "GET /p?q HTTP/1.1\r\nHost: a\r\nX-Empty:\r\nX-Two:  b c \r\n\r\n");
    assert_str(head_method(head(p)), "GET");
    assert_str(head_target(head(p)), "/p?q");
    assert_str(head_path(head(p)), "/p");
    assert_int_equal(head(p)->count, 3);
    assert_str(head_at(head(p), 0).name, "Host");
    assert_str(head_at(head(p), 0).value, "a");
    assert_str(head_at(head(p), 1).name, "X-Empty");
    assert_str(head_at(head(p), 1).value, "");
    assert_str(head_at(head(p), 2).value, "b c");
    http1_free(p);
}

static void a_path_has_neither_authority_nor_query(void **state)
{
    (void)state;
    struct http1 *p = parsed(true, false, "GET http://a:80/p?q HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_str(head_path(head(p)), "/p");
    http1_free(p);
}

static void get_gives_the_first_and_counts_all(void **state)
{
    (void)state;
    struct str value = STR("untouched");
    struct http1 *p =
        parsed(true, false, "GET / HTTP/1.1\r\nHost: a\r\nx-a: 1\r\nX-Ab: 2\r\nX-A: 3\r\n\r\n");
    assert_int_equal(head_get(head(p), "X-C", &value), 0);
    assert_str(value, "untouched");
    assert_int_equal(head_get(head(p), "X-A", &value), 2);
    assert_str(value, "1");
    assert_int_equal(head_get(head(p), "x-aB", &value), 1);
    assert_str(value, "2");
    http1_free(p);
}

static void has_looks_through_every_line_and_element(void **state)
{
    (void)state;
    static const struct {
        const char *token;
        bool want;
    } rows[] = {{"upgrade", true}, {"KEEP-ALIVE", true}, {"close", false},
                {"up", false},     {"x", true},          {"", false}};
    struct http1 *p = parsed(true, false,
                             "GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive,Upgrade\r\n"
                             "X: close\r\nconnection: ,\t x ,\r\n\r\n");
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        if (head_has(head(p), "Connection", rows[i].token) != rows[i].want)
            fail_msg("token \"%s\"", rows[i].token);
    }
    http1_free(p);
}

static void an_empty_head_has_nothing(void **state)
{
    (void)state;
    struct head h;
    struct str value;
    head_init(&h);
    assert_str(head_method(&h), "");
    assert_str(head_target(&h), "");
    assert_str(head_path(&h), "");
    assert_str(head_phrase(&h), "");
    assert_int_equal(head_get(&h, "Host", &value), 0);
    assert_false(head_has(&h, "Connection", "close"));
    head_clear(&h);
    assert_null(h.text.data);
    head_fini(&h);
}

static void clearing_keeps_small_storage_and_gives_large_back(void **state)
{
    (void)state;
    struct head h;
    head_init(&h);
    buf_room(&h.text, HEAD_KEEP);
    h.text.len = 1;
    h.count = h.cap = HEAD_KEEP / sizeof(*h.fields);
    h.fields = mem_zalloc(HEAD_KEEP);
    head_clear(&h);
    assert_int_equal(h.text.cap, HEAD_KEEP);
    assert_int_equal(h.text.len + h.count, 0);
    assert_non_null(h.fields);
    buf_room(&h.text, HEAD_KEEP + 1);
    h.cap++;
    head_clear(&h);
    assert_null(h.text.data);
    assert_null(h.fields);
    assert_int_equal(h.text.cap + h.cap, 0);
    head_fini(&h);
}

static void of_a_target_the_path_is_shown_and_nothing_that_may_be_a_credential(void **state)
{
    static const struct {
        struct str in;
        const char *want;
    } targets[] = {
        {STR("/"), "/"},
        {STR("/rooms/7"), "/rooms/7"},
        {STR("/rooms?token=x"), "/rooms"},
        {STR("/rooms;jsessionid=x/7?a"), "/rooms"},
        {STR("/rooms#x"), "/rooms"},
        {STR("/?/a"), "/"},
        {STR("http://me:x@host/rooms?token=x"), "/rooms"},
        {STR("wss://host"), ""},
        {STR("http://host?token=x"), ""},
        {STR("*"), "*"},
        {STR(""), ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
        struct str shown = target_shown(targets[i].in);
        if (!str_eq(shown, targets[i].want))
            fail_msg("%s: shown is %.*s", targets[i].in.p, (int)shown.n, shown.p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spans_are_cut_from_the_text),
        cmocka_unit_test(a_path_has_neither_authority_nor_query),
        cmocka_unit_test(get_gives_the_first_and_counts_all),
        cmocka_unit_test(has_looks_through_every_line_and_element),
        cmocka_unit_test(an_empty_head_has_nothing),
        cmocka_unit_test(of_a_target_the_path_is_shown_and_nothing_that_may_be_a_credential),
        cmocka_unit_test(clearing_keeps_small_storage_and_gives_large_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Growing bytes, and runs of bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void assert_bytes(const struct buf *b, const char *want)
{
    assert_int_equal(b->len, strlen(want));
    if (b->len)
        assert_memory_equal(b->data, want, b->len);
}

static void a_buf_that_never_grew_owns_nothing(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b);
    buf_add(&b, NULL, 0);
    buf_adds(&b, "");
    buf_drop(&b, 0);
    buf_clear(&b);
    assert_null(b.data);
    assert_int_equal(b.cap, 0);
    buf_fini(&b);
}

static void storage_begins_at_64_bytes_and_doubles(void **state)
{
    const struct {
        size_t n, cap;
    } rows[] = {{1, 64},    {64, 64},     {65, 128},    {128, 128},
                {129, 256}, {1000, 1024}, {1025, 2048}, {65537, 131072}};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buf b;

        buf_init(&b);
        buf_room(&b, rows[i].n);
        assert_int_equal(b.cap, rows[i].cap);
        assert_int_equal(b.len, 0);
        buf_fini(&b);
    }
}

static void bytes_stay_what_they_were_while_it_grows(void **state)
{
    uint8_t want[10000];
    struct buf b;

    (void)state;
    for (size_t i = 0; i < sizeof want; i++)
        want[i] = (uint8_t)(i * 7 + i / 256);
    buf_init(&b);
    for (size_t at = 0, step = 0; at < sizeof want; at += step) {
        step = (step * 3 + 1) % 97;
        if (step > sizeof want - at)
            step = sizeof want - at;
        buf_add(&b, want + at, step);
        assert_int_equal(b.len, at + step);
        assert_memory_equal(b.data, want, b.len);
    }
    buf_fini(&b);
}

static void room_is_writable_to_its_last_byte(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b);
    for (size_t n = 0; n < 300; n++) {
        uint8_t *room = buf_room(&b, n);

        if (n)
            memset(room, 'r', n);
        b.len += n / 2;
    }
    for (size_t i = 0; i < b.len; i++)
        assert_int_equal(b.data[i], 'r');
    buf_fini(&b);
}

static void printing_of_every_length_is_whole(void **state)
{
    char text[300];

    (void)state;
    for (size_t before = 0; before < 70; before += 23)
        for (size_t n = 0; n < sizeof text; n++) {
            struct buf b;

            memset(text, 'x', n);
            text[n] = 0;
            buf_init(&b);
            buf_add(&b, "......................................................................",
                    before);
            buf_addf(&b, "%s|%d", text, 42);
            assert_int_equal(b.len, before + n + 3);
            assert_memory_equal(b.data + before, text, n);
            assert_memory_equal(b.data + before + n, "|42", 3);
            buf_fini(&b);
        }
}

static void a_number_is_written_in_all_its_digits(void **state)
{
    static const struct {
        uint64_t v;
        const char *want;
    } rows[] = {
        {0, "0"}, {9, "9"}, {10, "10"}, {1007, "1007"}, {UINT64_MAX, "18446744073709551615"}};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buf b;

        buf_init(&b);
        buf_addu(&b, rows[i].v);
        assert_true(str_eq((struct str){(char *)b.data, b.len}, rows[i].want));
        buf_fini(&b);
    }
}

static void dropping_takes_from_the_front(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b);
    buf_adds(&b, "hello, world");
    buf_drop(&b, 7);
    assert_bytes(&b, "world");
    buf_drop(&b, 0);
    assert_bytes(&b, "world");
    buf_drop(&b, 5);
    assert_bytes(&b, "");
    buf_fini(&b);
}

static void clearing_keeps_the_storage(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b);
    buf_adds(&b, "x");
    const uint8_t *data = b.data;
    buf_clear(&b);
    assert_int_equal(b.len, 0);
    assert_ptr_equal(b.data, data);
    buf_fini(&b);
    assert_null(b.data);
    buf_adds(&b, "again");
    assert_bytes(&b, "again");
    buf_fini(&b);
}

static void comparing_is_of_the_whole(void **state)
{
    const struct {
        struct str a;
        const char *b;
        bool eq, ieq;
    } rows[] = {
        {STR("upgrade"), "upgrade", true, true},
        {STR("Upgrade"), "upgrade", false, true},
        {STR("upgrade"), "UPGRADE", false, true},
        {STR("upgrad"), "upgrade", false, false},
        {STR("upgrades"), "upgrade", false, false},
        {STR(""), "", true, true},
        {{NULL, 0}, "", true, true},
        {STR("a\0b"), "a", false, false},
        {STR("[@`{"), "{`@[", false, false},
        {STR("@"), "`", false, false},       /* next to the letters, 32 apart */
        {STR("["), "{", false, false},       /* next to the letters, 32 apart */
        {STR("\xc4"), "\xe4", false, false}, /* only ASCII has case here */
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(str_eq(rows[i].a, rows[i].b), rows[i].eq);
        assert_int_equal(str_ieq(rows[i].a, rows[i].b), rows[i].ieq);
    }
    assert_int_equal(str_of(NULL).n, 0);
    assert_true(str_eq(str_of("abc"), "abc"));
}

static void trimming_takes_blanks_at_the_ends_only(void **state)
{
    const struct {
        struct str in;
        const char *want;
    } rows[] = {{STR(" \t a b \t"), "a b"}, {STR("ab"), "ab"},      {STR(" "), ""},
                {STR("\t\t"), ""},          {STR(""), ""},          {STR("a "), "a"},
                {STR(" a"), "a"},           {STR("\na\r"), "\na\r"}};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_true(str_eq(str_trim(rows[i].in), rows[i].want));
    assert_int_equal(str_trim((struct str){NULL, 0}).n, 0);
}

static void lists_are_cut_at_commas_outside_of_quotes(void **state)
{
    const struct {
        struct str in;
        const char *want[6], *why;
    } rows[] = {
        {STR(""), {0}, "nothing"},
        {STR("  "), {0}, "blanks only"},
        {STR(",,\t, ,"), {0}, "empty elements are none"},
        {STR("a"), {"a"}, "one"},
        {STR("a,b"), {"a", "b"}, "two"},
        {STR(" a ,\tb\t, c"), {"a", "b", "c"}, "blanks around"},
        {STR(",a,,b,"), {"a", "b"}, "empty ones between"},
        {STR("a b, c"), {"a b", "c"}, "blanks within stay"},
        {STR("x=\"a,b\", c"), {"x=\"a,b\"", "c"}, "a comma in quotes"},
        {STR("x=\"a\\\",b\", c"), {"x=\"a\\\",b\"", "c"}, "an escaped quote"},
        {STR("x=\"a\\\\\",b"), {"x=\"a\\\\\"", "b"}, "an escaped backslash before the end"},
        {STR("a\\,b"), {"a\\", "b"}, "outside of quotes a backslash is a byte"},
        {STR("\"a,b"), {"\"a,b"}, "a quote that nothing ends"},
        {STR("\"a,b\\"), {"\"a,b\\"}, "a backslash at the very end"},
        {STR("\"\",b"), {"\"\"", "b"}, "an empty quoted string is an element"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct str list = rows[i].in, item;
        size_t n = 0;

        for (; str_list(&list, &item); n++) {
            if (!rows[i].want[n] || !str_eq(item, rows[i].want[n]))
                fail_msg("%s: element %zu is \"%.*s\"", rows[i].why, n, (int)item.n, item.p);
        }
        if (rows[i].want[n])
            fail_msg("%s: no element %zu", rows[i].why, n);
        assert_false(str_list(&list, &item));
    }
}

/* Whatever the bytes, an element lies within the list, and none contains a bare comma. The copy is
 * as long as the list, so that a sanitizer sees a step too far. */
static void lists_of_any_bytes_are_read_within_their_bounds(void **state)
{
    const char alphabet[] = "a\",\\ ";

    (void)state;
    for (unsigned seed = 0; seed < 5 * 5 * 5 * 5 * 5 * 5; seed++) {
        char *bytes = malloc(6);
        for (unsigned i = 0, left = seed; i < 6; i++, left /= 5)
            bytes[i] = alphabet[left % 5];
        for (size_t n = 0; n <= 6; n++) {
            struct str list = {bytes + 6 - n, n}, item;

            while (str_list(&list, &item)) {
                assert_true(item.n > 0);
                assert_true(item.p >= bytes + 6 - n && item.p + item.n <= bytes + 6);
                assert_true(memchr(item.p, '"', item.n) || !memchr(item.p, ',', item.n));
            }
        }
        free(bytes);
    }
}

static void a_str_is_cut_before_the_first_of_some_bytes(void **state)
{
    static const struct {
        struct str in;
        const char *want;
    } cuts[] = {
        {STR("/a/b"), "/a/b"}, {STR("/a?b;c"), "/a"}, {STR("/a;b?c"), "/a"},
        {STR("?"), ""},        {STR(""), ""},         {STR("/a\0b"), "/a"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++)
        assert_true(str_eq(str_before(cuts[i].in, "?;"), cuts[i].want));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_buf_that_never_grew_owns_nothing),
        cmocka_unit_test(storage_begins_at_64_bytes_and_doubles),
        cmocka_unit_test(bytes_stay_what_they_were_while_it_grows),
        cmocka_unit_test(room_is_writable_to_its_last_byte),
        cmocka_unit_test(printing_of_every_length_is_whole),
        cmocka_unit_test(a_number_is_written_in_all_its_digits),
        cmocka_unit_test(dropping_takes_from_the_front),
        cmocka_unit_test(clearing_keeps_the_storage),
        cmocka_unit_test(comparing_is_of_the_whole),
        cmocka_unit_test(trimming_takes_blanks_at_the_ends_only),
        cmocka_unit_test(lists_are_cut_at_commas_outside_of_quotes),
        cmocka_unit_test(a_str_is_cut_before_the_first_of_some_bytes),
        cmocka_unit_test(lists_of_any_bytes_are_read_within_their_bounds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

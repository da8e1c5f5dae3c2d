/* Durations and sizes: read, printed, and refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"
#include "config/quantity.h"
#include <inttypes.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct {
    const struct unit *units;
    const char *text;
    uint64_t bare;
    int err;
    uint64_t n;
    const char *printed; /* NULL: as `text` */
} rows[] = {
    {quantity_durations, "1ms", 0, 0, 1, NULL},
    {quantity_durations, "250ms", 0, 0, 250, NULL},
    {quantity_durations, "1001ms", 0, 0, 1001, NULL},
    {quantity_durations, "25s", 0, 0, 25000, NULL},
    {quantity_durations, "620s", 0, 0, 620000, NULL},
    {quantity_durations, "10m", 0, 0, 600000, NULL},
    {quantity_durations, "2h", 0, 0, 7200000, NULL},
    {quantity_durations, "60s", 0, 0, 60000, "1m"},
    {quantity_durations, "1000ms", 0, 0, 1000, "1s"},
    {quantity_durations, "0025s", 0, 0, 25000, "25s"},
    {quantity_durations, "0", 0, 0, 0, NULL},
    {quantity_durations, "0s", 0, 0, 0, "0"},
    {quantity_durations, "25", SECOND, 0, 25000, "25s"},
    {quantity_durations, "25ms", SECOND, 0, 25, NULL},
    {quantity_durations, "0", SECOND, 0, 0, NULL},
    {quantity_durations, "18446744073709551615ms", 0, 0, UINT64_MAX, NULL},
    {quantity_sizes, "1B", 0, 0, 1, NULL},
    {quantity_sizes, "512B", 0, 0, 512, NULL},
    {quantity_sizes, "64KiB", 0, 0, 65536, NULL},
    {quantity_sizes, "1MiB", 0, 0, 1048576, NULL},
    {quantity_sizes, "1GiB", 0, 0, 1073741824, NULL},
    {quantity_sizes, "1024KiB", 0, 0, 1048576, "1MiB"},
    {quantity_sizes, "1025KiB", 0, 0, 1049600, NULL},

    {quantity_durations, "", 0, ERR_SYNTAX, 0, NULL},
    {quantity_durations, "s", 0, ERR_SYNTAX, 0, NULL},
    {quantity_durations, "25", 0, ERR_SYNTAX, 0, NULL},
    {quantity_durations, "25 s", 0, ERR_SYNTAX, 0, NULL},
    {quantity_durations, " 25s", 0, ERR_SYNTAX, 0, NULL},
    {quantity_durations, "25s ", 0, ERR_SYNTAX, 0, NULL},
    {quantity_durations, "25S", 0, ERR_SYNTAX, 0, NULL},
    {quantity_durations, "25sec", 0, ERR_SYNTAX, 0, NULL},
    {quantity_durations, "25 parsecs", 0, ERR_SYNTAX, 0, NULL},
    {quantity_durations, "1.5s", 0, ERR_SYNTAX, 0, NULL},
    {quantity_durations, "-1s", 0, ERR_SYNTAX, 0, NULL},
    {quantity_durations, "+1s", 0, ERR_SYNTAX, 0, NULL},
    {quantity_durations, "1m30s", 0, ERR_SYNTAX, 0, NULL},
    {quantity_durations, "0x1s", 0, ERR_SYNTAX, 0, NULL},
    {quantity_durations, "0 parsecs", 0, ERR_SYNTAX, 0, NULL},
    {quantity_durations, "1KiB", 0, ERR_SYNTAX, 0, NULL},
    {quantity_durations, "1d", SECOND, ERR_SYNTAX, 0, NULL},
    {quantity_sizes, "1s", 0, ERR_SYNTAX, 0, NULL},
    {quantity_sizes, "64", 0, ERR_SYNTAX, 0, NULL},
    {quantity_sizes, "64K", 0, ERR_SYNTAX, 0, NULL},
    {quantity_sizes, "64KB", 0, ERR_SYNTAX, 0, NULL},
    {quantity_sizes, "64kib", 0, ERR_SYNTAX, 0, NULL},
    {quantity_durations, "18446744073709551616ms", 0, ERR_RANGE, 0, NULL},
    {quantity_durations, "18446744073709551620ms", 0, ERR_RANGE, 0, NULL},
    {quantity_durations, "18446744073709551615s", 0, ERR_RANGE, 0, NULL},
    {quantity_durations, "18446744073709551615", SECOND, ERR_RANGE, 0, NULL},
    {quantity_sizes, "17179869184GiB", 0, ERR_RANGE, 0, NULL},
};

static void quantity_is_read_or_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        uint64_t n = 42;
        int err = quantity_parse(rows[i].units, str_of(rows[i].text), rows[i].bare, &n);
        if (err != rows[i].err || (err == 0 && n != rows[i].n))
            fail_msg("\"%s\": %s, %" PRIu64, rows[i].text, err_name(err), n);
    }
}

static void quantity_is_printed_in_its_largest_whole_unit(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct buf out = {0};
        const char *want = rows[i].printed ? rows[i].printed : rows[i].text;
        if (rows[i].err < 0)
            continue;
        quantity_print(rows[i].units, rows[i].n, &out);
        assert_true(str_eq((struct str){(char *)out.data, out.len}, want));
        buf_fini(&out);
    }
}

static void digits_end_where_they_end(void **state)
{
    (void)state;
    struct str s = STR("123abc");
    uint64_t n;
    assert_int_equal(digits_parse(&s, &n), 0);
    assert_int_equal(n, 123);
    assert_true(str_eq(s, "abc"));
    assert_int_equal(digits_parse(&s, &n), ERR_SYNTAX);
    assert_true(str_eq(s, "abc"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quantity_is_read_or_refused),
        cmocka_unit_test(quantity_is_printed_in_its_largest_whole_unit),
        cmocka_unit_test(digits_end_where_they_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

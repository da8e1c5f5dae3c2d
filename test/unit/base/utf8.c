/* UTF-8: what passes, and how much of what does not is one mistake. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/utf8.h"
#include <string.h>

/* An encoder of its own: what it makes of a scalar value is well-formed by definition (RFC 3629
 * §3). */
static size_t encode(uint32_t c, uint8_t out[4])
{
    if (c < 0x80) {
        out[0] = (uint8_t)c;
        return 1;
    }
    size_t n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (size_t i = n - 1; i > 0; i--, c >>= 6)
        out[i] = (uint8_t)(0x80 | (c & 0x3f));
    out[0] = (uint8_t)((0xf00 >> n) | c);
    return n;
}

static void every_scalar_value_passes_and_every_cut_of_one_does_not(void **state)
{
    (void)state;
    for (uint32_t c = 0; c <= 0x10ffff; c++) {
        uint8_t bytes[4];
        bool good;
        size_t n = encode(c, bytes);
        bool surrogate = c >= 0xd800 && c <= 0xdfff;
        assert_int_equal(utf8_valid(bytes, n), !surrogate);
        for (size_t cut = 1; cut < n && !surrogate; cut++) {
            assert_int_equal(utf8_char(bytes, cut, &good), cut);
            assert_false(good);
        }
    }
}

static void what_is_longer_than_it_need_be_or_past_the_end_does_not_pass(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t first; /* bytes of the first mistake */
    } rows[] = {
        {"\xc0\x80", 1},
        {"\xc1\xbf", 1},
        {"\xe0\x80\x80", 1},
        {"\xe0\x9f\xbf", 1},
        {"\xf0\x80\x80\x80", 1},
        {"\xf0\x8f\xbf\xbf", 1},
        {"\xf4\x90\x80\x80", 1},
        {"\xf5\x80\x80\x80", 1},
        {"\xed\xa0\x80", 1},
        {"\x80", 1},
        {"\xff", 1},
        {"\xe2\x82x", 2},
        {"\xf0\x9f\x98x", 3},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        const uint8_t *p = (const uint8_t *)rows[i].bytes;
        bool good;
        assert_false(utf8_valid(p, strlen(rows[i].bytes)));
        assert_int_equal(utf8_char(p, strlen(rows[i].bytes), &good), rows[i].first);
        assert_false(good);
    }
}

static void nothing_is_well_formed(void **state)
{
    (void)state;
    assert_true(utf8_valid(NULL, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_scalar_value_passes_and_every_cut_of_one_does_not),
        cmocka_unit_test(what_is_longer_than_it_need_be_or_past_the_end_does_not_pass),
        cmocka_unit_test(nothing_is_well_formed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

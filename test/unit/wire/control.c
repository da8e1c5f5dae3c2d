/* Control frames to the byte; a Close's payload, code by code and byte by byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"
#include "wire/control.h"
#include "wire/frame.h"
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define KEYS 200

static void number(uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        p[i] = (uint8_t)(i + 1);
}

static void an_unmasked_frame_is_two_bytes_and_its_payload(void **state)
{
    (void)state;
    uint8_t payload[125], out[CONTROL_FRAME_MAX];
    number(payload, sizeof(payload));
    static const uint8_t opcodes[] = {FRAME_CLOSE, FRAME_PING, FRAME_PONG};
    for (size_t o = 0; o < sizeof(opcodes); o++)
        for (size_t n = 0; n <= sizeof(payload); n++) {
            assert_int_equal(control_make(opcodes[o], payload, n, false, out), 2 + n);
            assert_int_equal(out[0], 0x80 | opcodes[o]);
            assert_int_equal(out[1], n);
            assert_memory_equal(out + 2, payload, n);
        }
}

static void a_masked_frame_carries_its_key_and_the_payload_under_it(void **state)
{
    (void)state;
    uint8_t payload[125], out[CONTROL_FRAME_MAX];
    number(payload, sizeof(payload));
    for (size_t n = 0; n <= sizeof(payload); n++) {
        assert_int_equal(control_make(FRAME_PING, payload, n, true, out), 6 + n);
        assert_int_equal(out[0], 0x89);
        assert_int_equal(out[1], 0x80 | n);
        for (size_t i = 0; i < n; i++)
            assert_int_equal(out[6 + i] ^ out[2 + i % 4], payload[i]);
    }
}

static void make_keys(uint8_t (*keys)[4], size_t n)
{
    uint8_t out[CONTROL_FRAME_MAX];
    for (size_t i = 0; i < n; i++) {
        control_make(FRAME_PONG, NULL, 0, true, out);
        memcpy(keys[i], out + 2, 4);
    }
}

static void *inner_thread(void *keys)
{
    make_keys(keys, KEYS);
    return NULL;
}

/* Takes keys while those that it has in stock wait: the inner one must not touch them. */
static void *outer_thread(void *arg)
{
    uint8_t(*keys)[4] = arg;
    pthread_t inner;
    make_keys(keys, 1);
    if (pthread_create(&inner, NULL, inner_thread, keys + KEYS) == 0)
        pthread_join(inner, NULL);
    make_keys(keys + 1, KEYS - 1);
    return NULL;
}

static void no_mask_key_comes_again_in_its_thread_or_another(void **state)
{
    (void)state;
    uint8_t keys[2 * KEYS][4] = {0};
    pthread_t outer;
    assert_int_equal(pthread_create(&outer, NULL, outer_thread, keys), 0);
    assert_int_equal(pthread_join(outer, NULL), 0);
    int same = 0;
    for (size_t i = 0; i < 2 * KEYS; i++)
        for (size_t k = 0; k < i; k++)
            same += memcmp(keys[i], keys[k], 4) == 0;
    /* 80,000 pairs of 32 random bits: one is alike once in 54,000 runs, two once in 10^9. */
    assert_in_range(same, 0, 1);
}

static void a_close_carries_its_code_and_reason(void **state)
{
    (void)state;
    uint8_t out[CONTROL_FRAME_MAX];
    static const uint8_t bye[] = {0x88, 5, 0x03, 0xe9, 'b', 'y', 'e'};
    assert_int_equal(control_close(1001, "bye", 3, false, out), sizeof(bye));
    assert_memory_equal(out, bye, sizeof(bye));
    static const uint8_t bare[] = {0x88, 2, 0x13, 0x87};
    assert_int_equal(control_close(4999, NULL, 0, false, out), sizeof(bare));
    assert_memory_equal(out, bare, sizeof(bare));
    assert_int_equal(control_close(1012, "x", 1, true, out), 2 + 4 + 3);
    assert_int_equal(out[0], 0x88);
    assert_int_equal(out[1], 0x83);
    assert_int_equal(out[6] ^ out[2], 0x03);
    assert_int_equal(out[7] ^ out[3], 0xf4);
    assert_int_equal(out[8] ^ out[4], 'x');
}

static void a_close_without_a_code_is_empty(void **state)
{
    (void)state;
    uint8_t out[CONTROL_FRAME_MAX];
    static const uint8_t want[] = {0x88, 0};
    assert_int_equal(control_close(CLOSE_NONE, "never sent", 10, false, out), sizeof(want));
    assert_memory_equal(out, want, sizeof(want));
}

static void a_long_reason_is_cut_between_characters(void **state)
{
    (void)state;
    static const struct {
        size_t letters;
        const char *rest;
        size_t want;
        const char *why;
    } rows[] = {
        {123, "", 123, "just fits"},
        {124, "", 123, "one letter too many"},
        {122, "\xc3\xa9", 122, "two bytes, the second past the limit"},
        {121, "\xc3\xa9", 123, "two bytes that just fit"},
        {121, "\xe2\x82\xac", 121, "three bytes, the last past the limit"},
        {120, "\xf0\x9f\x98\x80", 120, "four bytes, the last past the limit"},
        {119, "\xf0\x9f\x98\x80z", 123, "four bytes that just fit, and a letter that does not"},
        {123, "\xf0\x9f\x98\x80", 123, "four bytes past the limit"},
    };
    for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
        uint8_t out[CONTROL_FRAME_MAX];
        size_t rest = strlen(rows[r].rest), len = rows[r].letters + rest;
        char *why = malloc(len);
        memset(why, 'a', rows[r].letters);
        memcpy(why + rows[r].letters, rows[r].rest, rest);
        size_t n = control_close(1011, why, len, false, out);
        if (n != 4 + rows[r].want || memcmp(out + 4, why, rows[r].want) != 0)
            fail_msg("%s: %zu bytes", rows[r].why, n);
        free(why);
    }
}

static void a_reason_that_is_no_text_is_cut_to_nothing(void **state)
{
    (void)state;
    uint8_t why[CONTROL_REASON_MAX + 1], out[CONTROL_FRAME_MAX];
    static const uint8_t want[] = {0x88, 2, 0x03, 0xf3};
    memset(why, 0x80, sizeof(why)); /* no byte begins a character */
    assert_int_equal(control_close(1011, why, sizeof(why), false, out), sizeof(want));
    assert_memory_equal(out, want, sizeof(want));
}

static void only_codes_that_may_be_sent_are_read(void **state)
{
    (void)state;
    static const struct {
        unsigned first, last;
    } right[] = {{1000, 1003}, {1007, 1014}, {3000, 4999}};
    for (unsigned code = 0; code <= 65535; code++) {
        uint8_t payload[2] = {(uint8_t)(code >> 8), (uint8_t)code};
        uint16_t fault = 0;
        int want = ERR_PROTOCOL;
        for (size_t r = 0; r < sizeof(right) / sizeof(right[0]); r++)
            if (code >= right[r].first && code <= right[r].last)
                want = (int)code;
        assert_int_equal(control_read_close(payload, 2, &fault), want);
        assert_int_equal(fault, want < 0 ? 1002 : 0);
    }
}

static void an_empty_close_has_no_code_and_one_byte_is_none(void **state)
{
    (void)state;
    uint16_t fault = 0;
    assert_int_equal(control_read_close(NULL, 0, &fault), CLOSE_NONE);
    assert_int_equal(fault, 0);
    assert_int_equal(control_read_close((const uint8_t *)"\x03", 1, &fault), ERR_PROTOCOL);
    assert_int_equal(fault, 1002);
}

static bool reads(const void *reason, size_t n)
{
    uint8_t *payload = malloc(2 + n); /* no byte more, so that a read past the end is seen */
    uint16_t fault = 0;
    memcpy(payload, "\x03\xe8", 2);
    memcpy(payload + 2, reason, n);
    int code = control_read_close(payload, 2 + n, &fault);
    free(payload);
    assert_int_equal(code, fault == 0 ? 1000 : ERR_PROTOCOL);
    assert_true(fault == 0 || fault == 1007);
    return fault == 0;
}

/* A code point in `len` bytes, the shortest form or not. */
static void encode(uint32_t c, size_t len, uint8_t out[4])
{
    static const uint8_t lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = len; i-- > 1; c >>= 6)
        out[i] = (uint8_t)(0x80 | (c & 0x3f));
    out[0] = (uint8_t)(lead[len] | c);
}

static void every_code_point_is_read_in_its_shortest_form_only(void **state)
{
    (void)state;
    for (uint32_t c = 0; c <= 0x1fffff; c++) {
        size_t shortest = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
        for (size_t len = shortest; len <= 4; len++) {
            uint8_t text[4];
            encode(c, len, text);
            bool want = len == shortest && c <= 0x10ffff && (c < 0xd800 || c > 0xdfff);
            if (reads(text, len) != want)
                fail_msg("U+%04X in %zu bytes", c, len);
        }
    }
}

static void a_reason_must_be_whole_characters_throughout(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool want;
        const char *why;
    } rows[] = {
        {"going away", true, "letters"},
        {"\xc3\xa9t\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80.", true, "one to four bytes"},
        {"a\x80", false, "a second byte without a first"},
        {"a\xc3", false, "two bytes, cut"},
        {"a\xc3"
         "a",
         false, "two bytes, the second a letter"},
        {"a\xe2\x82", false, "three bytes, cut"},
        {"a\xe2\x82"
         "a",
         false, "three bytes, the last a letter"},
        {"a\xe2\x82\xc3", false, "three bytes, the last a first one"},
        {"a\xf0\x9f\x98", false, "four bytes, cut"},
        {"a\xf0\x9f\x98"
         "a",
         false, "four bytes, the last a letter"},
        {"a\xf0\x9f"
         "a\x80",
         false, "four bytes, the third a letter"},
        {"\xf8\x88\x80\x80\x80", false, "five bytes"},
        {"ok\xff", false, "a byte that is never there"},
    };
    for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++)
        if (reads(rows[r].text, strlen(rows[r].text)) != rows[r].want)
            fail_msg("%s", rows[r].why);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_unmasked_frame_is_two_bytes_and_its_payload),
        cmocka_unit_test(a_masked_frame_carries_its_key_and_the_payload_under_it),
        cmocka_unit_test(no_mask_key_comes_again_in_its_thread_or_another),
        cmocka_unit_test(a_close_carries_its_code_and_reason),
        cmocka_unit_test(a_close_without_a_code_is_empty),
        cmocka_unit_test(a_long_reason_is_cut_between_characters),
        cmocka_unit_test(a_reason_that_is_no_text_is_cut_to_nothing),
        cmocka_unit_test(only_codes_that_may_be_sent_are_read),
        cmocka_unit_test(an_empty_close_has_no_code_and_one_byte_is_none),
        cmocka_unit_test(every_code_point_is_read_in_its_shortest_form_only),
        cmocka_unit_test(a_reason_must_be_whole_characters_throughout),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

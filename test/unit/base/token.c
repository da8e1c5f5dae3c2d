/* Digests and random bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/token.h"

#include <string.h>

static void accept_is_that_of_rfc_6455(void **state)
{
    const char *key = "dGhlIHNhbXBsZSBub25jZQ=="; /* §1.3 */
    char out[TOKEN_ACCEPT_LEN + 1];

    (void)state;
    token_accept(key, strlen(key), out);
    assert_string_equal(out, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

static void accept_reads_no_further_than_n(void **state)
{
    char out[TOKEN_ACCEPT_LEN + 1];

    (void)state;
    token_accept("dGhlIHNhbXBsZSBub25jZQ==, and more", 24, out);
    assert_string_equal(out, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

/* Of a key that is empty, or longer than any valid one: the caller's to refuse, not ours to break
 * on. */
static void accept_takes_keys_of_any_length(void **state)
{
    char long_key[500], out[TOKEN_ACCEPT_LEN + 1];

    (void)state;
    token_accept("", 0, out);
    assert_string_equal(out, "Kfh9QIsMVZcl6xEPYxPHzW8SZ8w=");
    memset(long_key, 'A', sizeof long_key);
    token_accept(long_key, sizeof long_key, out);
    assert_int_equal(strlen(out), TOKEN_ACCEPT_LEN);
}

static void a_key_is_sixteen_bytes_in_base64(void **state)
{
    const char *digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    (void)state;
    for (int i = 0; i < 100; i++) {
        char key[25];

        memset(key, 'x', sizeof key);
        token_key(key);
        assert_int_equal(strlen(key), 24);
        assert_int_equal(strspn(key, digits), 22);
        assert_string_equal(key + 22, "==");
        assert_non_null(
            strchr("AQgw", key[21])); /* four bits of the last digit are beyond byte 16 */
    }
}

static void no_two_keys_are_alike(void **state)
{
    char keys[50][25];

    (void)state;
    for (int i = 0; i < 50; i++) {
        token_key(keys[i]);
        for (int j = 0; j < i; j++)
            assert_string_not_equal(keys[i], keys[j]);
    }
}

static void random_fills_all_of_its_room_and_no_more(void **state)
{
    (void)state;
    for (size_t n = 0; n < 40; n++) {
        uint8_t room[41] = {0}, seen[41] = {0};

        for (int i = 0; i < 100; i++) {
            token_random(room, n);
            for (size_t k = 0; k < sizeof room; k++)
                seen[k] |= room[k];
        }
        for (size_t k = 0; k < sizeof room; k++)
            assert_int_equal(seen[k] != 0, k < n);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accept_is_that_of_rfc_6455),
        cmocka_unit_test(accept_reads_no_further_than_n),
        cmocka_unit_test(accept_takes_keys_of_any_length),
        cmocka_unit_test(a_key_is_sixteen_bytes_in_base64),
        cmocka_unit_test(no_two_keys_are_alike),
        cmocka_unit_test(random_fills_all_of_its_room_and_no_more),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

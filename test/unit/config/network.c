/* Networks: which peers lie in which, at every length of prefix. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"
#include "config/load.h"
#include "config/network.h"
#include <arpa/inet.h>
#include <stdio.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct {
    const char *network, *peer;
    bool holds;
    const char *why;
} rows[] = {
    {"10.0.0.0/8", "10.255.255.255", true, "the last of a /8"},
    {"10.0.0.0/8", "11.0.0.0", false, "the next behind it"},
    {"10.0.0.0/8", "9.255.255.255", false, "the one before it"},
    {"10.1.2.3/8", "10.9.9.9", true, "bits behind the prefix count for nothing"},
    {"192.168.5.0/23", "192.168.4.0", true, "a prefix that ends within a byte"},
    {"192.168.5.0/23", "192.168.6.0", false, "just outside of it"},
    {"130.211.0.0/22", "130.211.3.255", true, "Google's load balancers"},
    {"130.211.0.0/22", "130.211.4.0", false, "not theirs any more"},
    {"0.0.0.0/0", "255.255.255.255", true, "all of IPv4"},
    {"0.0.0.0/0", "::1", false, "none of IPv6"},
    {"127.0.0.1", "127.0.0.1", true, "a single address"},
    {"127.0.0.1", "127.0.0.2", false, "its neighbour"},
    {"127.0.0.1/32", "127.0.0.1", true, "the same with its prefix"},
    {"::1", "::1", true, "a single IPv6 address"},
    {"::1", "::2", false, "its neighbour"},
    {"::1", "0:0:0:0:0:0:0:1", true, "however it is written"},
    {"fd00::/8", "fdff:ffff::1", true, "in a /8"},
    {"fd00::/8", "fe00::1", false, "outside of it"},
    {"2001:db8::/61", "2001:db8:0:7:ffff::", true, "a prefix that ends within a byte"},
    {"2001:db8::/61", "2001:db8:0:8::", false, "just outside of it"},
    {"::/0", "fe80::1", true, "all of IPv6"},
    {"::/0", "10.0.0.1", false, "none of IPv4"},
    {"::/0", "::ffff:10.0.0.1", false, "nor IPv4 in IPv6's clothes"},
    {"10.0.0.0/8", "::ffff:10.0.0.1", true, "a mapped peer is an IPv4 peer"},
    {"10.0.0.0/8", "::ffff:11.0.0.1", false, "in no other network than its own"},
    {"10.0.0.0/8", "::10.0.0.1", false, "compatible is not mapped"},
    {"::ffff:10.0.0.0/104", "10.0.0.1", true, "a mapped network is an IPv4 network"},
    {"::ffff:10.0.0.0/104", "::ffff:10.0.0.1", true, "for mapped peers too"},
    {"::ffff:10.0.0.0/104", "11.0.0.1", false, "with its prefix"},
    {"::ffff:0:0/90", "1.2.3.4", false, "a network around all that is mapped is an IPv6 one"},
    {"::ffff:0:0/90", "::ffc0:0:1", true, "with its prefix"},
    {"::ffff:0:0/96", "1.2.3.4", true, "all that is mapped is all of IPv4"},
    {"*", "1.2.3.4", true, "everything"},
    {"*", "fe80::1", true, "everything"},
    {"10.0.0.0/8", "", true, "a Unix peer always is"},
    {"10.0.0.0/8", "10.0.0", false, "no IP at all"},
};

static const char *const bad[] = {
    "",
    "/",
    "/8",
    "10.0.0.0/",
    "10.0.0.0/33",
    "10.0.0.0/-1",
    "10.0.0.0/8x",
    "10.0.0.0/8/8",
    "10.0.0/8",
    "::/129",
    "::/",
    "localhost",
    "10.0.0.0 /8",
    "**",
    "10.0.0.0/4294967304",
    "10.0.0.0/18446744073709551624",
    "0000:0000:0000:0000:0000:ffff:255.255.255.255.255",
};

static void peer_is_trusted_exactly_where_a_network_holds_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char *v[] = {(char *)(uintptr_t)rows[i].network};
        if (trusted_peer(&(struct strings){v, 1}, rows[i].peer) != rows[i].holds)
            fail_msg("%s in %s: %s", rows[i].peer, rows[i].network, rows[i].why);
    }
}

static void any_network_of_the_list_will_do(void **state)
{
    (void)state;
    char *v[] = {(char[]){"10.0.0.0/8"}, (char[]){"fd00::/8"}, (char[]){"1.2.3.4"}};
    const struct strings list = {v, 3};
    assert_true(trusted_peer(&list, "10.1.1.1"));
    assert_true(trusted_peer(&list, "fd00::1"));
    assert_true(trusted_peer(&list, "1.2.3.4"));
    assert_false(trusted_peer(&list, "1.2.3.5"));
}

static void empty_list_trusts_only_unix_peers(void **state)
{
    (void)state;
    const struct strings none = {0};
    assert_false(trusted_peer(&none, "127.0.0.1"));
    assert_true(trusted_peer(&none, ""));
}

static void what_is_no_network_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct network n;
        if (network_parse(str_of(bad[i]), &n) != ERR_SYNTAX)
            fail_msg("taken: %s", bad[i]);
    }
}

/* An address with one bit changed lies in the network exactly where that bit is behind the prefix.
 */
static void every_bit_of_the_prefix_counts_and_no_other(void **state)
{
    (void)state;
    static const struct {
        const char *ip;
        int family;
        unsigned bits;
    } families[] = {{"170.85.170.85", AF_INET, 32},
                    {"aa55:aa55:aa55:aa55:aa55:aa55:aa55:aa55", AF_INET6, 128}};
    for (size_t i = 0; i < COUNT(families); i++) {
        for (unsigned bits = 0; bits <= families[i].bits; bits++) {
            char text[64], *v[] = {text};
            snprintf(text, sizeof(text), "%s/%u", families[i].ip, bits);
            for (unsigned flip = 0; flip < families[i].bits; flip++) {
                uint8_t ip[16];
                char peer[INET6_ADDRSTRLEN];
                assert_int_equal(inet_pton(families[i].family, families[i].ip, ip), 1);
                ip[flip / 8] ^= (uint8_t)(0x80 >> flip % 8);
                inet_ntop(families[i].family, ip, peer, sizeof(peer));
                assert_int_equal(trusted_peer(&(struct strings){v, 1}, peer), flip >= bits);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(peer_is_trusted_exactly_where_a_network_holds_it),
        cmocka_unit_test(any_network_of_the_list_will_do),
        cmocka_unit_test(empty_list_trusts_only_unix_peers),
        cmocka_unit_test(what_is_no_network_is_refused),
        cmocka_unit_test(every_bit_of_the_prefix_counts_and_no_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

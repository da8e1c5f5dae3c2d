/* Socket addresses made, filtered and printed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "net/addresses.h"
#include <netinet/in.h>
#include <string.h>
#include <sys/un.h>
#include <uv.h>

static void an_address_is_printed_as_the_conf_file_has_it(void **state)
{
    (void)state;
    static const struct {
        struct address of;
        const char *ip, *text, *why;
    } rows[] = {
        {{.host = "192.0.2.7", .port = 80}, "192.0.2.7", "192.0.2.7:80", "IPv4"},
        {{.host = "2001:db8::7", .port = 65535}, "2001:db8::7", "[2001:db8::7]:65535", "IPv6"},
        {{.host = "::ffff:192.0.2.7", .port = 1},
         "192.0.2.7",
         "192.0.2.7:1",
         "an IPv4 client of a listener on [::]"},
        {{.host = "::1", .port = 1}, "::1", "[::1]:1", "its last 32 bits alone"},
        {{.host = "::fffe:192.0.2.7", .port = 1},
         "::fffe:c000:207",
         "[::fffe:c000:207]:1",
         "a bit short of mapped"},
        {{.host = "", .port = 80}, "0.0.0.0", "0.0.0.0:80", "any host"},
        {{.host = "/run/wskeep", .unix_path = true}, "", "unix:/run/wskeep", "a Unix path"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct addresses *a;
        struct buf text;
        char ip[ADDRESS_IP_MAX];
        buf_init(&text);
        assert_int_equal(addresses_literal(&rows[i].of, &a), 0);
        assert_int_equal(a->count, 1);
        address_print(&a->at[0], &text);
        buf_add(&text, "", 1);
        if (strcmp(address_ip(&a->at[0], ip), rows[i].ip) != 0 ||
            strcmp((char *)text.data, rows[i].text) != 0)
            fail_msg("%s: %s, %s", rows[i].why, ip, text.data);
        buf_fini(&text);
        addresses_unref(a);
    }
}

static void a_name_is_no_literal_and_a_path_may_be_too_long_for_any_socket(void **state)
{
    (void)state;
    struct sockaddr_un un;
    char path[sizeof(un.sun_path) + 1] = "";
    struct address name = {.host = "backend.test", .port = 80},
                   unix_path = {.host = path, .unix_path = true};
    struct addresses *a;
    assert_int_equal(addresses_literal(&name, &a), 0);
    assert_null(a);
    memset(path, 'x', sizeof(un.sun_path) - 1);
    assert_int_equal(addresses_literal(&unix_path, &a), 0);
    addresses_unref(a);
    path[sizeof(un.sun_path) - 1] = 'x';
    assert_int_equal(addresses_literal(&unix_path, &a), UV_ENAMETOOLONG);
    assert_null(a);
}

static void of_what_was_looked_up_only_ip_is_taken_and_in_its_order(void **state)
{
    (void)state;
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    struct sockaddr other = {.sa_family = AF_UNIX};
    struct addrinfo list[] = {
        {.ai_family = AF_INET6, .ai_addr = (struct sockaddr *)&v6, .ai_addrlen = sizeof(v6)},
        {.ai_family = AF_UNIX, .ai_addr = &other, .ai_addrlen = sizeof(other)},
        {.ai_family = AF_INET, .ai_addr = (struct sockaddr *)&v4, .ai_addrlen = sizeof(v4)},
    };
    list[0].ai_next = &list[1];
    list[1].ai_next = &list[2];
    struct addresses *a = addresses_found(list);
    assert_int_equal(a->count, 2);
    assert_memory_equal(&a->at[0], &v6, sizeof(v6));
    assert_memory_equal(&a->at[1], &v4, sizeof(v4));
    assert_int_equal(address_len(&a->at[0]), sizeof(v6));
    assert_int_equal(address_len(&a->at[1]), sizeof(v4));
    addresses_unref(a);
    list[1].ai_next = NULL;
    assert_null(addresses_found(&list[1]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_is_printed_as_the_conf_file_has_it),
        cmocka_unit_test(a_name_is_no_literal_and_a_path_may_be_too_long_for_any_socket),
        cmocka_unit_test(of_what_was_looked_up_only_ip_is_taken_and_in_its_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

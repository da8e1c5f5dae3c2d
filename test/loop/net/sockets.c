/* What listening sockets there are to be had, and what is said where there are none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"
#include "config/load.h"
#include "net/addresses.h"
#include "net/listener.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/* In place of libc's: no test asks a name server. */
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                struct addrinfo **out)
{
    static struct sockaddr_in sa;
    static struct addrinfo only = {.ai_family = AF_INET, .ai_addr = (void *)&sa};
    (void)service, (void)hints;
    if (strcmp(node, "here.test") != 0)
        return EAI_NONAME;
    sa = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    only.ai_addrlen = sizeof(sa);
    *out = &only;
    return 0;
}

void freeaddrinfo(struct addrinfo *list)
{
    (void)list;
}

#define TCP(host_, port_)                                                                          \
    {                                                                                              \
        .text = host_ ":" #port_, .host = host_, .port = port_                                     \
    }
#define UNIX(path_)                                                                                \
    {                                                                                              \
        .text = path_, .host = path_, .unix_path = true                                            \
    }

static char why_text[256];

static int sockets(const struct address *a, unsigned n, int *fds)
{
    struct buf why;
    buf_init(&why);
    int err = listener_sockets(a, n, fds, &why);
    snprintf(why_text, sizeof(why_text), "%.*s", (int)why.len, why.len ? (char *)why.data : "");
    buf_fini(&why);
    return err;
}

static void close_all(const int *fds, unsigned n)
{
    while (n > 0)
        close(fds[--n]);
}

static uint16_t port_of(int fd)
{
    struct sockaddr_in sa;
    socklen_t n = sizeof(sa);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &n), 0);
    return ntohs(sa.sin_port);
}

static int connect_to(int listening)
{
    struct sockaddr_storage sa;
    socklen_t n = sizeof(sa);
    assert_int_equal(getsockname(listening, (struct sockaddr *)&sa, &n), 0);
    int fd = socket(sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&sa, n), 0);
    return fd;
}

static int option(int fd, int level, int name)
{
    int value = -1;
    socklen_t n = sizeof(value);
    assert_int_equal(getsockopt(fd, level, name, &value, &n), 0);
    return value;
}

static void assert_name(int fd, const char *want)
{
    struct buf name;
    buf_init(&name);
    listener_name(fd, &name);
    assert_int_equal(name.len, strlen(want));
    assert_memory_equal(name.data, want, name.len);
    buf_fini(&name);
}

/* ---- TCP sockets ---- */

static void every_loop_gets_a_socket_on_the_port_that_the_kernel_chose(void **state)
{
    struct address a = TCP("127.0.0.1", 0);
    int fds[4];
    char name[32];
    (void)state;
    assert_int_equal(sockets(&a, 4, fds), 0);
    uint16_t port = port_of(fds[0]);
    snprintf(name, sizeof(name), "127.0.0.1:%u", port);
    assert_true(port > 0);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(port_of(fds[i]), port);
        assert_true(fcntl(fds[i], F_GETFL) & O_NONBLOCK);
        assert_name(fds[i], name);
    }
    close_all(fds, 4);
}

static void connections_spread_over_all_sockets(void **state)
{
    struct address a = TCP("127.0.0.1", 0);
    int fds[2], clients[64], got[2] = {0, 0};
    (void)state;
    assert_int_equal(sockets(&a, 2, fds), 0);
    for (int i = 0; i < 64; i++)
        clients[i] = connect_to(fds[0]);
    for (int i = 0; i < 2; i++)
        for (int fd; (fd = accept(fds[i], NULL, NULL)) >= 0; got[i]++)
            close(fd);
    assert_int_equal(got[0] + got[1], 64);
    assert_in_range(got[0], 1, 63); /* by the kernel's hash: both sides empty once in 2^63 */
    close_all(clients, 64);
    close_all(fds, 2);
}

static void what_is_accepted_has_the_options_already(void **state)
{
    struct address a = TCP("127.0.0.1", 0);
    int fds[2];
    (void)state;
    assert_int_equal(sockets(&a, 2, fds), 0);
    for (int i = 0; i < 2; i++)
        for (int tries = 0; tries < 64; tries++) {
            int client = connect_to(fds[i]), fd = accept(fds[i], NULL, NULL);
            close(client);
            if (fd < 0) /* it went to the other */
                continue;
            assert_int_equal(option(fd, IPPROTO_TCP, TCP_NODELAY), 1);
            assert_int_equal(option(fd, SOL_SOCKET, SO_KEEPALIVE), 1);
            assert_int_equal(option(fd, IPPROTO_TCP, TCP_KEEPIDLE), 60);
            assert_int_equal(option(fd, IPPROTO_TCP, TCP_KEEPINTVL), 15);
            assert_int_equal(option(fd, IPPROTO_TCP, TCP_KEEPCNT), 4);
            assert_int_equal(option(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT), 131072);
            close(fd);
        }
    close_all(fds, 2);
}

static void a_port_that_is_taken_is_refused_to_another_process(void **state)
{
    (void)state;
    for (unsigned n = 1; n <= 3; n += 2) {
        struct address a = TCP("127.0.0.1", 0);
        int fds[3], status;
        assert_int_equal(sockets(&a, n, fds), 0);
        a.port = port_of(fds[0]);
        pid_t child = fork();
        if (child == 0) {
            close_all(fds, n); /* as an exec would; the parent's are still open */
            _exit(sockets(&a, n, fds) == UV_EADDRINUSE && strstr(why_text, "127.0.0.1:0") ? 0 : 1);
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
        close_all(fds, n);
    }
}

static void a_port_is_free_again_at_once(void **state)
{
    struct address a = TCP("127.0.0.1", 0);
    int fd;
    (void)state;
    assert_int_equal(sockets(&a, 1, &fd), 0);
    a.port = port_of(fd);
    int client = connect_to(fd), accepted = accept(fd, NULL, NULL);
    close(accepted); /* first, so that this port is left in TIME_WAIT */
    close(client);
    close(fd);
    assert_int_equal(sockets(&a, 1, &fd), 0);
    close(fd);
}

static void one_socket_alone_lets_nobody_join(void **state)
{
    struct address a = TCP("127.0.0.1", 0);
    struct sockaddr_in sa;
    socklen_t n = sizeof(sa);
    int fd, on = 1, joiner = socket(AF_INET, SOCK_STREAM, 0);
    (void)state;
    assert_int_equal(sockets(&a, 1, &fd), 0);
    getsockname(fd, (struct sockaddr *)&sa, &n);
    setsockopt(joiner, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
    assert_int_equal(bind(joiner, (struct sockaddr *)&sa, n), -1);
    assert_int_equal(errno, EADDRINUSE);
    close(joiner);
    close(fd);
}

static void any_address_of_v6_takes_v4_too(void **state)
{
    struct address a = TCP("::", 0);
    struct sockaddr_in6 sa;
    socklen_t n = sizeof(sa);
    int fd;
    char name[32];
    (void)state;
    if (sockets(&a, 1, &fd) == UV_EAFNOSUPPORT)
        skip();
    getsockname(fd, (struct sockaddr *)&sa, &n);
    snprintf(name, sizeof(name), "[::]:%u", ntohs(sa.sin6_port));
    assert_name(fd, name);
    struct sockaddr_in v4 = {
        .sin_family = AF_INET, .sin_port = sa.sin6_port, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int client = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(client, (struct sockaddr *)&v4, sizeof(v4)), 0);
    close(client);
    close(fd);
}

static void a_client_on_this_machine_reaches_what_listens_anywhere_by_the_loopback(void **state)
{
    static const struct {
        struct address of;
        const char *reach;
    } rows[] = {
        {TCP("127.0.0.2", 0), "127.0.0.2"},
        {TCP("0.0.0.0", 0), "127.0.0.1"},

        {TCP("::", 0), "127.0.0.1"},
        {TCP("::1", 0), "::1"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct address reach;
        struct addresses *to;
        int fd, err = sockets(&rows[i].of, 1, &fd);
        if (err == UV_EAFNOSUPPORT || err == UV_EADDRNOTAVAIL)
            continue;
        assert_int_equal(err, 0);
        assert_int_equal(listener_reach(fd, &reach), 0);
        assert_string_equal(reach.host, rows[i].reach);
        assert_int_equal(addresses_literal(&reach, &to), 0);
        int client = socket(to->at[0].ss_family, SOCK_STREAM, 0);
        assert_int_equal(connect(client, (struct sockaddr *)&to->at[0], address_len(&to->at[0])),
                         0);
        addresses_unref(to);
        address_fini(&reach);
        close(client);
        close(fd);
    }
}

static void a_name_is_looked_up_and_an_unknown_one_said_to_be_so(void **state)
{
    struct address here = TCP("here.test", 0), nowhere = TCP("nowhere.test", 80);
    int fd;
    (void)state;
    assert_int_equal(sockets(&here, 1, &fd), 0);
    assert_true(port_of(fd) > 0);
    close(fd);
    assert_int_equal(sockets(&nowhere, 1, &fd), ERR_UNKNOWN);
    assert_non_null(strstr(why_text, "cannot listen on nowhere.test:80: "));
    assert_non_null(strstr(why_text, gai_strerror(EAI_NONAME)));
}

static void an_address_of_another_machine_is_refused(void **state)
{
    struct address a = TCP("203.0.113.77", 80); /* RFC 5737: never anyone's */
    int fds[2];
    (void)state;
    assert_int_equal(sockets(&a, 2, fds), UV_EADDRNOTAVAIL);
}

/* ---- Unix sockets ---- */

static char directory[] = "/tmp/wskeep-test-XXXXXX";
static char path[64];

static int make_directory(void **state)
{
    (void)state;
    if (mkdtemp(directory) == NULL)
        return -1;
    snprintf(path, sizeof(path), "%s/socket", directory);
    return 0;
}

static int remove_directory(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(directory);
}

static void all_loops_share_one_unix_socket(void **state)
{
    struct address a = UNIX(path);
    int fds[3];
    char name[80];
    (void)state;
    assert_int_equal(sockets(&a, 3, fds), 0);
    snprintf(name, sizeof(name), "unix:%s", path);
    for (int i = 0; i < 3; i++) {
        assert_name(fds[i], name);
        assert_true(fcntl(fds[i], F_GETFD) & FD_CLOEXEC);
        int client = connect_to(fds[0]), fd = accept(fds[i], NULL, NULL);
        assert_true(fd >= 0);
        close(fd);
        close(client);
    }
    close_all(fds, 3);
    listener_unlink(&a);
    assert_int_equal(access(path, F_OK), -1);
}

static void a_path_of_the_dead_is_taken_over_and_of_the_living_is_not(void **state)
{
    struct address a = UNIX(path);
    int old, fd;
    (void)state;
    assert_int_equal(sockets(&a, 1, &old), 0);
    assert_int_equal(sockets(&a, 1, &fd), UV_EADDRINUSE);
    int client = connect_to(old); /* it still leads to the first */
    close(client);
    close(old);
    assert_int_equal(sockets(&a, 1, &fd), 0);
    close(connect_to(fd));
    close(fd);
    listener_unlink(&a);
}

static void a_file_in_the_way_is_left_alone(void **state)
{
    struct address a = UNIX(path);
    int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    struct stat st;
    (void)state;
    assert_int_equal(write(fd, "mine", 4), 4);
    close(fd);
    assert_int_equal(sockets(&a, 1, &fd), UV_EEXIST);
    assert_non_null(strstr(why_text, "no socket"));
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_size, 4);
    unlink(path);
}

static void a_path_longer_than_any_socket_has_is_refused(void **state)
{
    char longest[sizeof(((struct sockaddr_un *)NULL)->sun_path) + 1];
    struct address a = UNIX(longest);
    int fd;
    (void)state;
    memset(longest, 'x', sizeof(longest) - 1);
    longest[0] = '/';
    longest[sizeof(longest) - 1] = '\0';
    assert_int_equal(sockets(&a, 1, &fd), UV_ENAMETOOLONG);
}

static void nothing_is_left_open_or_behind_on_failure(void **state)
{
    struct address a = UNIX(path);
    struct rlimit old, few;
    int fds[8];
    (void)state;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
    int next = dup(0);
    close(next);
    few = (struct rlimit){.rlim_cur = (rlim_t)next + 3, .rlim_max = old.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    int err = sockets(&a, 8, fds);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
    assert_int_equal(err, UV_EMFILE);
    assert_int_equal(access(path, F_OK), -1);
    int again = dup(0);
    assert_int_equal(again, next);
    close(again);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_loop_gets_a_socket_on_the_port_that_the_kernel_chose),
        cmocka_unit_test(connections_spread_over_all_sockets),
        cmocka_unit_test(what_is_accepted_has_the_options_already),
        cmocka_unit_test(a_port_that_is_taken_is_refused_to_another_process),
        cmocka_unit_test(a_port_is_free_again_at_once),
        cmocka_unit_test(one_socket_alone_lets_nobody_join),
        cmocka_unit_test(any_address_of_v6_takes_v4_too),
        cmocka_unit_test(a_client_on_this_machine_reaches_what_listens_anywhere_by_the_loopback),
        cmocka_unit_test(a_name_is_looked_up_and_an_unknown_one_said_to_be_so),
        cmocka_unit_test(an_address_of_another_machine_is_refused),
        cmocka_unit_test(all_loops_share_one_unix_socket),
        cmocka_unit_test(a_path_of_the_dead_is_taken_over_and_of_the_living_is_not),
        cmocka_unit_test(a_file_in_the_way_is_left_alone),
        cmocka_unit_test(a_path_longer_than_any_socket_has_is_refused),
        cmocka_unit_test(nothing_is_left_open_or_behind_on_failure),
    };
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}

/* Opening what to listen on, at start and at a reload: binds, and says in words why it could not.
 *
 * Owns nothing that outlives a call; blocks for a name look-up only. Accepting is listener.c's. */
#include "net/listener.h"

#include "base/err.h"
#include "config/load.h"
#include "net/addresses.h"
#include "net/transport.h"
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static void set(int fd, int level, int name, int value)
{
    setsockopt(fd, level, name, &value, sizeof(value));
}

static int bind_and_listen(int fd, const struct sockaddr_storage *sa)
{
    if (bind(fd, (const struct sockaddr *)sa, address_len(sa)) < 0)
        return -errno;
    return listen(fd, LISTENER_BACKLOG) < 0 ? -errno : 0;
}

/* Takes away what a dead process left at the path of sa: only a socket that nobody listens behind
 * refuses. Whatever else is there, bind will find in use. */
static int take_over(const struct sockaddr_storage *sa)
{
    const char *path = ((const struct sockaddr_un *)sa)->sun_path;
    struct stat st;
    if (lstat(path, &st) < 0)
        return errno == ENOENT ? 0 : -errno;
    if (!S_ISSOCK(st.st_mode))
        return UV_EEXIST;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    int err = connect(fd, (const struct sockaddr *)sa, address_len(sa)) < 0 ? -errno : 0;
    close(fd);
    return err == UV_ECONNREFUSED && unlink(path) < 0 ? -errno : 0;
}

static int unix_socket(const struct sockaddr_storage *sa)
{
    int err = take_over(sa);
    if (err < 0)
        return err;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    err = bind_and_listen(fd, sa);
    if (err < 0)
        close(fd);
    return err < 0 ? err : fd;
}

/* The first of n is bound alone, so that it fails where anybody has the port; the others join it.
 */
static int tcp_socket(struct sockaddr_storage *sa, unsigned i, unsigned n)
{
    socklen_t len = sizeof(*sa);
    int fd = socket(sa->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (sa->ss_family == AF_INET6)
        set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
    if (i > 0)
        set(fd, SOL_SOCKET, SO_REUSEPORT, 1);
    transport_options(fd, false);
    int err = bind_and_listen(fd, sa);
    if (err < 0)
        goto fail;
    if (i == 0 && n > 1)
        set(fd, SOL_SOCKET, SO_REUSEPORT, 1);
    if (getsockname(fd, (struct sockaddr *)sa, &len) == 0) /* port 0 is known now */
        return fd;
    err = -errno;
fail:
    close(fd);
    return err;
}

static int find(const struct address *a, struct addresses **out, struct buf *why)
{
    char port[sizeof("65535")];
    struct addrinfo *list = NULL;
    int err = addresses_literal(a, out);
    if (err < 0)
        buf_addf(why, "cannot listen on %s: %s", a->text, err_text(err));
    if (err < 0 || *out != NULL)
        return err;
    snprintf(port, sizeof(port), "%u", (unsigned)a->port);
    int unknown = getaddrinfo(a->host, port, &addresses_hints, &list);
    if (unknown == 0) {
        *out = addresses_found(list);
        freeaddrinfo(list);
    }
    if (*out != NULL)
        return 0;
    buf_addf(why, "cannot listen on %s: %s", a->text, gai_strerror(unknown ? unknown : EAI_NODATA));
    return ERR_UNKNOWN;
}

int listener_sockets(const struct address *a, unsigned n, int *fds, struct buf *why)
{
    struct addresses *found;
    int err = find(a, &found, why);
    if (err < 0)
        return err;
    struct sockaddr_storage sa = found->at[0];
    addresses_unref(found);

    for (unsigned i = 0; i < n; i++) {
        if (!a->unix_path)
            fds[i] = tcp_socket(&sa, i, n);
        else if (i == 0)
            fds[i] = unix_socket(&sa);
        else if ((fds[i] = fcntl(fds[0], F_DUPFD_CLOEXEC, 0)) < 0)
            fds[i] = -errno;
        if (fds[i] >= 0)
            continue;
        err = fds[i];
        if (i > 0)
            listener_unlink(a);
        while (i > 0)
            close(fds[--i]);
        buf_addf(why, "cannot listen on %s: %s", a->text,
                 err == UV_EEXIST ? "there is a file that is no socket" : err_text(err));
        return err;
    }
    return 0;
}

void listener_name(int fd, struct buf *out)
{
    struct sockaddr_storage sa = {0};
    socklen_t len = sizeof(sa);
    if (getsockname(fd, (struct sockaddr *)&sa, &len) == 0)
        address_print(&sa, out);
}

/* 0.0.0.0 or ::, which takes v4 too. */
static bool is_any(const struct sockaddr_storage *sa)
{
    const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)sa;
    const struct sockaddr_in *four = (const struct sockaddr_in *)sa;
    return (sa->ss_family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&six->sin6_addr)) ||
           (sa->ss_family == AF_INET && four->sin_addr.s_addr == htonl(INADDR_ANY));
}

int listener_reach(int fd, struct address *out)
{
    struct sockaddr_storage sa = {0};
    socklen_t len = sizeof(sa);
    struct buf text = {0};
    if (getsockname(fd, (struct sockaddr *)&sa, &len) < 0)
        return -errno;
    if (is_any(&sa)) {
        struct sockaddr_in *here = (struct sockaddr_in *)&sa; /* the port stays where it is */
        here->sin_family = AF_INET;
        here->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    }
    address_print(&sa, &text);
    int err = address_parse((struct str){(const char *)text.data, text.len}, out);
    buf_fini(&text);
    return err;
}

void listener_unlink(const struct address *a)
{
    if (a->unix_path)
        unlink(a->host);
}

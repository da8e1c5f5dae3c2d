/* The calls for sockets, and nothing that lives longer than the call. */
#include "net.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG 4096 /* more than any load opens at once */

void net_init(void)
{
    struct rlimit limit;

    signal(SIGPIPE, SIG_IGN);
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

struct sockaddr_in net_local(uint16_t port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static int tcp_socket(void)
{
    return socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

static void no_delay(int fd)
{
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
}

int net_listen(uint16_t port)
{
    struct sockaddr_in at = net_local(port);
    socklen_t len = sizeof at;
    int fd = tcp_socket();

    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    if (bind(fd, (struct sockaddr *)&at, len) != 0 || listen(fd, BACKLOG) != 0 ||
        getsockname(fd, (struct sockaddr *)&at, &len) != 0) {
        perror("listen");
        exit(1);
    }
    printf("listening %u\n", ntohs(at.sin_port));
    fflush(stdout);
    return fd;
}

int net_accept(int listener)
{
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (fd >= 0)
        no_delay(fd);
    return fd;
}

/* The port is chosen when it connects, by both addresses: chosen at bind() it would have to be free
 * for every destination, and they would soon run out. */
static int come_from(int fd, const struct sockaddr_in *from)
{
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &(int){1}, sizeof(int));
    return bind(fd, (const struct sockaddr *)from, sizeof *from);
}

int net_connect(const struct sockaddr_in *to, const struct sockaddr_in *from)
{
    int fd = tcp_socket();

    if (fd < 0)
        return -1;
    no_delay(fd);
    if (from && come_from(fd, from) != 0)
        goto fail;
    if (connect(fd, (const struct sockaddr *)to, sizeof *to) != 0 && errno != EINPROGRESS)
        goto fail;
    return fd;
fail:
    close(fd);
    return -1;
}

int net_error(int fd)
{
    int error = 0;
    socklen_t len = sizeof error;

    getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len);
    return error;
}

/* The demo backend: a page at /, /healthz, and a chat agent behind a WebSocket at /ws. It stands
 * for an application that knows nothing of the proxy before it.
 *
 * One thread, poll, plain sockets. It owns the list of its clients; it never pings unless asked to,
 * and ends by SIGTERM without a Close, as many servers do; or at once, without anything, where it
 * is --mortal and somebody says POST /kill. */
#include "client.h"

#include <errno.h>
#include <getopt.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct backend {
    int listener, signals;
    struct client_ways ways;
    struct client **clients;
    size_t count;
};

static uint64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void clients_accept(struct backend *b)
{
    int fd = accept4(b->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (fd < 0)
        return;
    b->clients = realloc(b->clients, (b->count + 1) * sizeof *b->clients);
    if (!b->clients)
        abort();
    b->clients[b->count++] = client_new(fd, &b->ways, now_ms());
}

/* fds[i] belongs to clients[i]; those that are over are taken out behind it. */
static void clients_turn(struct backend *b, const struct pollfd *fds)
{
    size_t kept = 0;

    for (size_t i = 0; i < b->count; i++) {
        struct client *c = b->clients[i];
        bool turn = fds[i].revents || client_due(c) <= now_ms();

        if (!turn || client_turn(c, now_ms()))
            b->clients[kept++] = c;
        else
            client_free(c);
    }
    b->count = kept;
}

/* Milliseconds for poll until something is due. */
static int clients_wait(const struct backend *b, uint64_t now)
{
    uint64_t due = UINT64_MAX;

    for (size_t i = 0; i < b->count; i++)
        if (client_due(b->clients[i]) < due)
            due = client_due(b->clients[i]);
    if (due == UINT64_MAX)
        return -1;
    return due <= now ? 0 : (int)(due - now);
}

static void backend_run(struct backend *b)
{
    struct pollfd *fds = NULL;

    do {
        fds = realloc(fds, (2 + b->count) * sizeof *fds);
        if (!fds)
            abort();
        fds[0] = (struct pollfd){b->signals, POLLIN, 0};
        fds[1] = (struct pollfd){b->listener, POLLIN, 0};
        for (size_t i = 0; i < b->count; i++)
            fds[2 + i] = (struct pollfd){client_fd(b->clients[i]), client_events(b->clients[i]), 0};
        poll(fds, 2 + b->count, clients_wait(b, now_ms()));
        clients_turn(b, fds + 2);
        if (fds[1].revents)
            clients_accept(b);
    } while (!fds[0].revents);
    free(fds);
}

static void backend_fini(struct backend *b)
{
    for (size_t i = 0; i < b->count; i++)
        client_free(b->clients[i]);
    free(b->clients);
    close(b->signals);
    close(b->listener);
}

/* A listening socket, or -1 with the reason told. */
static int listen_on(const char *address)
{
    const struct addrinfo hints = {.ai_flags = AI_PASSIVE, .ai_socktype = SOCK_STREAM};
    const char *colon = strrchr(address, ':');
    bool bracketed = *address == '[' && colon && colon[-1] == ']';
    struct addrinfo *ai = NULL;
    char host[256];
    int fd = -1;

    snprintf(host, sizeof host, "%.*s", colon ? (int)(colon - address) - 2 * bracketed : 0,
             address + bracketed);
    if (!colon || getaddrinfo(host, colon + 1, &hints, &ai) != 0) {
        fprintf(stderr, "demo-backend: --listen %s: not an address of the form host:port\n",
                address);
        return -1;
    }
    fd = socket(ai->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    if (bind(fd, ai->ai_addr, ai->ai_addrlen) != 0 || listen(fd, SOMAXCONN) != 0) {
        fprintf(stderr, "demo-backend: cannot listen on %s: %s\n", address, strerror(errno));
        close(fd);
        fd = -1;
    }
    freeaddrinfo(ai);
    return fd;
}

static void say_address(int listener)
{
    struct sockaddr_storage at;
    socklen_t len = sizeof at;
    char host[64], port[8];

    getsockname(listener, (struct sockaddr *)&at, &len);
    getnameinfo((struct sockaddr *)&at, len, host, sizeof host, port, sizeof port,
                NI_NUMERICHOST | NI_NUMERICSERV);
    printf(strchr(host, ':') ? "demo backend on http://[%s]:%s/\n"
                             : "demo backend on http://%s:%s/\n",
           host, port);
    fflush(stdout);
}

static int usage(void)
{
    fputs("usage: demo-backend [--listen HOST:PORT] [--delay MS] [--ping SECONDS] [--mortal]\n"
          "  --listen 127.0.0.1:8000   port 0 takes a free one; the address is printed\n"
          "  --delay 400               milliseconds between two events of an answer\n"
          "  --ping 0                  seconds between two pings to each client, 0: never\n"
          "  --mortal                  POST /kill is its SIGKILL: for who starts it again\n",
          stderr);
    return 2;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"listen", required_argument, NULL, 'l'},
                                            {"delay", required_argument, NULL, 'd'},
                                            {"ping", required_argument, NULL, 'p'},
                                            {"mortal", no_argument, NULL, 'm'},
                                            {NULL, 0, NULL, 0}};
    struct backend b = {.ways.delay_ms = 400};
    const char *address = "127.0.0.1:8000";
    sigset_t ends;

    for (int o; (o = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (o == 'l')
            address = optarg;
        else if (o == 'd')
            b.ways.delay_ms = strtoul(optarg, NULL, 10);
        else if (o == 'p')
            b.ways.ping_ms = 1000 * strtoul(optarg, NULL, 10);
        else if (o == 'm')
            b.ways.mortal = true;
        else
            return usage();
    }
    b.listener = listen_on(address);
    if (b.listener < 0)
        return 1;
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    sigprocmask(SIG_BLOCK, &ends, NULL);
    b.signals = signalfd(-1, &ends, SFD_CLOEXEC);
    say_address(b.listener);
    backend_run(&b);
    backend_fini(&b);
    return 0;
}

/* Callers of dials, and a name server made of a table. */
#ifndef WSKEEP_TEST_NET_DIAL_RIG_H
#define WSKEEP_TEST_NET_DIAL_RIG_H

#include "loop/lib/rig.h"
#include "net/dial.h"
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* ---- the name server: stands in place of libc's getaddrinfo, in libuv's threads too ---- */

static const struct {
    const char *name;
    const char *ips[3];
} names[] = {
    {"one.test", {"127.0.0.1"}},   {"two.test", {"127.0.0.2", "127.0.0.1"}},
    {"other.test", {"127.0.0.3"}}, {"both.test", {"::1", "127.0.0.1"}},
    {"local.test", {"unix"}},
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static unsigned asked, running, most_running;
static bool held; /* look-ups hang */

static inline void hold(bool on)
{
    pthread_mutex_lock(&lock);
    held = on;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

static inline unsigned look_ups(void)
{
    pthread_mutex_lock(&lock);
    unsigned n = asked;
    pthread_mutex_unlock(&lock);
    return n;
}

/* While they hang: until one runs in its thread, where it cannot be cancelled any more. */
static inline void await_look_up(void)
{
    pthread_mutex_lock(&lock);
    while (running == 0)
        pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
}

static inline struct addrinfo *entry(const char *ip, const char *port, struct addrinfo *next)
{
    struct addrinfo *i = calloc(1, sizeof(*i) + sizeof(struct sockaddr_storage));
    *i = (struct addrinfo){.ai_addr = (struct sockaddr *)(i + 1), .ai_next = next};
    if (uv_ip4_addr(ip, atoi(port), (struct sockaddr_in *)i->ai_addr) == 0)
        i->ai_addrlen = sizeof(struct sockaddr_in);
    else if (uv_ip6_addr(ip, atoi(port), (struct sockaddr_in6 *)i->ai_addr) == 0)
        i->ai_addrlen = sizeof(struct sockaddr_in6);
    else
        i->ai_addr->sa_family = AF_UNIX;
    i->ai_family = i->ai_addr->sa_family;
    return i;
}

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                struct addrinfo **out)
{
    pthread_mutex_lock(&lock);
    asked++;
    running++;
    most_running = running > most_running ? running : most_running;
    pthread_cond_broadcast(&changed);
    while (held)
        pthread_cond_wait(&changed, &lock);
    running--;
    pthread_mutex_unlock(&lock);

    assert_int_equal(hints->ai_socktype, SOCK_STREAM);
    *out = NULL;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        for (int k = 2; strcmp(names[i].name, node) == 0 && k >= 0; k--)
            if (names[i].ips[k] != NULL)
                *out = entry(names[i].ips[k], service, *out);
    return *out == NULL ? EAI_NONAME : 0;
}

void freeaddrinfo(struct addrinfo *list)
{
    while (list != NULL) {
        struct addrinfo *next = list->ai_next;
        free(list);
        list = next;
    }
}

/* ---- callers ---- */

struct caller {
    struct rig *rig;
    struct dial *dial;
    struct transport *t;
    int err;
    unsigned calls;
    bool called;
};

static inline void on_dialed(void *owner, int err, struct transport *t)
{
    struct caller *c = owner;
    c->dial = NULL;
    c->err = err;
    c->t = t;
    c->calls++;
    c->called = true;
}

#define FOREVER 50000 /* ms: no test waits for it */

static inline struct address at(const char *host, uint16_t port)
{
    return (struct address){.text = (char *)(uintptr_t)host,
                            .host = (char *)(uintptr_t)host,
                            .port = port,
                            .unix_path = host[0] == '/'};
}

static inline void start(struct caller *c, const struct address *to, uint64_t ms)
{
    struct transport *now = NULL;
    c->dial = dial_start(&c->rig->lp, to, ms, true, on_dialed, c, &now);
    assert_int_equal(c->calls, 0); /* what is not told at once is told in a later turn */
    assert_true((c->dial == NULL) == (now != NULL));
    if (now != NULL)
        on_dialed(c, 0, now);
}

static inline void dial(struct rig *r, struct caller *c, const char *host, uint16_t port,
                        uint64_t ms)
{
    struct address to = at(host, port);
    *c = (struct caller){.rig = r};
    uv_update_time(&r->lp.uv);
    loop_enter(&r->lp);
    start(c, &to, ms);
}

static inline void dial_to_the_end(struct rig *r, struct caller *c, const char *host, uint16_t port,
                                   uint64_t ms)
{
    dial(r, c, host, port, ms);
    rig_until(r, &c->called);
    assert_int_equal(c->calls, 1);
    assert_true((c->err == 0) == (c->t != NULL));
}

static inline void begin(struct rig *r)
{
    rig_open(r);
    assert_int_equal(resolver_open(&r->lp), 0);
    pthread_mutex_lock(&lock);
    asked = most_running = 0;
    pthread_mutex_unlock(&lock);
}

static inline void finish(struct rig *r)
{
    assert_false(resolver_close(&r->lp));
    rig_close(r);
}

static inline void await_answers(struct rig *r)
{
    while (r->lp.uv.active_reqs.count > 0)
        uv_run(&r->lp.uv, UV_RUN_ONCE);
}

#endif

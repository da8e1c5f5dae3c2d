/* What the command line of the server behind wskeep says of its timeouts: the flags of gunicorn and
 * uvicorn, and what they default to. Pure. Internal to config/. */
#ifndef WSKEEP_CONFIG_SERVER_H
#define WSKEEP_CONFIG_SERVER_H

#include "base/buf.h"
#include <stdbool.h>
#include <stdint.h>

/* id, of which server, name, letter, default, whether it takes a whole number. Defaults: gunicorn
 * 20 to 23, uvicorn 0.17 to 0.35 (--timeout-graceful-shutdown from 0.22 on). */
#define FLAG_MAP(X)                                                                                \
    X(WORKER_CLASS, GUNICORN, "--worker-class", "-k", "sync", false)                               \
    X(THREADS, GUNICORN, "--threads", NULL, "1", true)                                             \
    X(TIMEOUT, GUNICORN, "--timeout", "-t", "30", true)                                            \
    X(GRACEFUL, GUNICORN, "--graceful-timeout", NULL, "30", true)                                  \
    X(KEEP_ALIVE, GUNICORN, "--keep-alive", NULL, "2", true)                                       \
    X(MAX_REQUESTS, GUNICORN, "--max-requests", NULL, "0", true)                                   \
    X(CONFIG, GUNICORN, "--config", "-c", "./gunicorn.conf.py", false)                             \
    X(UVICORN_KEEP_ALIVE, UVICORN, "--timeout-keep-alive", NULL, "5", true)                        \
    X(UVICORN_GRACEFUL, UVICORN, "--timeout-graceful-shutdown", NULL, "none", true)                \
    X(UVICORN_MAX_REQUESTS, UVICORN, "--limit-max-requests", NULL, "none", true)                   \
    X(UVICORN_WS, UVICORN, "--ws", NULL, "auto", false)                                            \
    X(UVICORN_PING_INTERVAL, UVICORN, "--ws-ping-interval", NULL, "20", false)                     \
    X(UVICORN_PING_TIMEOUT, UVICORN, "--ws-ping-timeout", NULL, "20", false)

enum flag {
#define X(id, ...) FLAG_##id,
    FLAG_MAP(X)
#undef X
        FLAG_COUNT
};

enum server_kind { SERVER_NONE, SERVER_OTHER, SERVER_GUNICORN, SERVER_UVICORN };

/* What keeps gunicorn's master from taking a worker for hung, by class. */
enum worker_class {
    WORKER_UNCLEAR, /* not gunicorn, or the class cannot be read */
    WORKER_SYNC,    /* the end of a request */
    WORKER_GTHREAD, /* a main thread beside those of the requests */
    WORKER_GREEN,   /* a hub or a loop: gevent, eventlet, tornado */
    WORKER_UVICORN, /* a task on the event loop */
    WORKER_UNKNOWN, /* a class of someone's own */
};

struct server {
    enum server_kind kind;
    char *flags[FLAG_COUNT]; /* as given; NULL: the default */
    char *unclear;           /* what in the command line cannot be read, or NULL */
};

void server_init(struct server *s, const char *command); /* "": SERVER_NONE */
void server_fini(struct server *s);
enum worker_class server_worker(const struct server *s);
bool server_given(const struct server *s, enum flag f);
/* False where it is no flag of this server, cannot be read, or is "none". */
bool server_number(const struct server *s, enum flag f, uint64_t *n);
void server_print_flag(const struct server *s, enum flag f,
                       struct buf *out); /* "--timeout 30 (default)" */
void server_print(const struct server *s, struct buf *out);

#endif

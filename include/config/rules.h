/* The rules of --check: their table is in rules.c, the functions that see whether one holds in
 * rules_times.c, rules_server.c, rules_reconnect.c and rules_origins.c. Internal to config/. */
#ifndef WSKEEP_CONFIG_RULES_H
#define WSKEEP_CONFIG_RULES_H

#include "config/check.h"
#include "config/quantity.h"
#include "config/server.h"

/* What the rules look at. */
struct subject {
    const struct conf *c;
    struct server server;
    const struct strings *origins; /* NULL: not to be judged */
    const char *environment;       /* "": none */
    uint64_t kept;                 /* how long the balancer keeps an idle connection */
    uint64_t request;              /* when the platform ends a request */
};

enum verdict { SILENT, BROKEN, HOLDS }; /* SILENT: there is nothing to judge */

/* Whether the rule holds; f->rule is its row. Writes what it saw, and the value of the change. */
typedef enum verdict judge_fn(const struct subject *s, struct finding *f);

struct rule {
    const char *id, *compares, *fact;
    judge_fn *judge;
    unsigned of;        /* for functions that serve several rows */
    enum result broken; /* what it is where it does not hold */
    struct {
        const char
            *kind;       /* "conf", "gunicorn", "uvicorn", "gcloud"; NULL: none that can be named */
        const char *key; /* "heartbeat.interval", "--timeout" */
        const char *then_key, *then_value; /* what the conf is to say of it afterwards, or NULL */
    } mend;
};
extern const struct rule rules[];
extern const unsigned rules_count;

judge_fn judge_pongs, judge_pinged; /* of: whose heartbeats */
enum { OF_CLIENT, OF_BACKEND };
judge_fn judge_idle, judge_connection_least, judge_connection_most, judge_listen_keepalive;
judge_fn judge_drain, judge_lameduck, judge_probe, judge_admin, judge_request_balancer;
judge_fn judge_request_longest;

judge_fn judge_backend_known, judge_backend_clear, judge_backend_timeout, judge_worker_room;
judge_fn judge_worker; /* of: enum worker_class */
judge_fn judge_keep_alive, judge_restart, judge_gunicorn_recycling, judge_uvicorn_recycling;
judge_fn judge_kept, judge_graceful; /* of: enum flag */

judge_fn judge_proof; /* of: OF_BACKEND */
judge_fn judge_preamble, judge_answers, judge_questions, judge_total, judge_wait;

judge_fn judge_origins_set, judge_localhost; /* of: enum stage */
enum stage { STAGE_PRODUCTION, STAGE_STAGING };

/* ---- what those functions write with */

enum verdict verdict(bool holds);
void see_duration(struct finding *f, uint64_t ms, const char *after); /* 0: "off" */
void see_kept(const struct subject *s, struct finding *f);
void see_request(const struct subject *s, struct finding *f);
void mend_duration(struct finding *f, uint64_t ms);
void mend_seconds(struct finding *f, uint64_t ms); /* rounded up */

#endif

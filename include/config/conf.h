/* The settings, as the code reads them. What they mean, their limits and defaults: config/table.c.
 * Immutable once loaded; held by reference, since connections keep the settings that they began
 * with. */
#ifndef WSKEEP_CONFIG_CONF_H
#define WSKEEP_CONFIG_CONF_H

#include "base/buf.h"
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* "host:port", "[v6]:port", ":port" or "unix:PATH". */
struct address {
    char *text; /* as written; "" is none */
    char *host; /* without brackets, "" is any; a Unix path where `unix_path`; NULL where none */
    uint16_t port;
    bool unix_path;
};

struct strings {
    char **v;
    unsigned n;
};
void strings_add(struct strings *list, struct str text); /* a copy of it */
void strings_fini(struct strings *list);                 /* empty, and usable, afterwards */

/* What a backend keeps for each connection, so that a fresh one has to be told, or cannot be. */
enum reconnect_state { STATE_AUTO, STATE_STATELESS, STATE_PREAMBLE, STATE_CONNECTION };
/* What a fresh backend connection gets again. */
enum reconnect_replay { REPLAY_UNACKED, REPLAY_UNSENT };

/* Messages whose JSON field has one of the values; field "": none. */
struct match {
    char *field;
    struct strings values;
};

/* Durations are in ms, sizes in bytes. */
struct conf {
    atomic_uint refs;
    struct {
        struct address address;
        uint64_t keepalive_timeout, header_timeout, body_timeout;
        struct strings trusted; /* CIDRs, or "*" */
        char *health;           /* a path; "": none */
    } listen;
    struct {
        struct address address;
        uint64_t connect_timeout, handshake_timeout, keepalive_timeout, response_timeout;
    } backend;
    struct {
        uint64_t interval, timeout, backend_timeout;
        bool client, backend;
    } heartbeat;
    struct {
        uint64_t connection, idle, cleanup, close, lameduck, drain;
    } timeouts;
    struct {
        uint64_t window;        /* 0: off */
        unsigned state, replay; /* enum reconnect_state, enum reconnect_replay */
        uint64_t preamble;      /* messages */
        uint64_t backoff_min, backoff_max, probation;
        uint64_t poison;         /* abnormal ends */
        uint64_t greeting;       /* messages to swallow; 0: pass */
        char *notice;            /* "": none */
        struct strings stateful; /* path prefixes, which begin with a slash, and subprotocols */
        struct strings codes;    /* of a backend's Close, decimal */
        struct strings never;    /* keys of a query */
    } reconnect;
    struct {
        struct match of, by;
        char *key; /* "": any answer is for the oldest */
        uint64_t attempts, bytes;
    } answer;
    struct {
        uint64_t session, total;
    } buffer;
    struct {
        char *http, *websocket; /* paths; "": not so */
        uint64_t wait, interval;
    } readiness;
    struct {
        char *path; /* "": no probe */
        uint64_t period;
    } probe;
    struct {
        uint64_t lb_timeout, request_timeout, backend_timeout; /* 0: nobody said */
        char *backend_command;
    } platform;
    struct {
        uint64_t connections, connecting, head;
    } limits;
    struct {
        struct address address;
    } admin;
    struct {
        unsigned format, level; /* enum log_format, enum log_level */
        char *project;
    } log;
    struct strings origins; /* none: any is allowed */
    uint64_t workers;       /* 0: "auto" */
};

struct conf *conf_ref(struct conf *c);
void conf_unref(struct conf *c); /* NULL: nothing */

#endif

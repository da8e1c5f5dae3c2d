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

/* Durations are in ms, sizes in bytes. */
struct conf {
    atomic_uint refs;
    struct {
        struct address address;
        uint64_t keepalive_timeout, header_timeout, body_timeout;
        struct strings trusted; /* CIDRs, or "*" */
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
        uint64_t connection, idle, cleanup, close, drain;
    } timeouts;
    struct {
        uint64_t session;
    } buffer;
    struct {
        uint64_t lb_timeout, request_timeout, backend_timeout; /* 0: nobody said */
        char *backend_command;
    } platform;
    struct {
        uint64_t connections, head;
    } limits;
    struct {
        struct address address;
    } admin;
    struct {
        unsigned format, level; /* enum log_format, enum log_level */
    } log;
    struct strings origins; /* none: any is allowed */
    uint64_t workers;       /* 0: "auto" */
};

struct conf *conf_ref(struct conf *c);
void conf_unref(struct conf *c); /* NULL: nothing */

#endif

/* The log: events with stable names and typed fields, one line each, to stderr.
 *
 * A thread writes into a ring of its own; one writer thread empties the rings. A full ring drops
 * the line and counts it; so is counted what stderr does not take. Never logged: a payload, a
 * token, a cookie, an Authorization, a query string, a subprotocol. */
#ifndef WSKEEP_BASE_LOG_H
#define WSKEEP_BASE_LOG_H

#include "base/buf.h"
#include <stdbool.h>
#include <stdint.h>

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };
enum log_format { LOG_TEXT, LOG_JSON };
extern const char *const log_levels[]; /* "debug" … NULL at the end */
extern const char *const log_formats[];

/* Whose request an event belongs to, as the client's tracing has named it. */
struct trace {
    uint8_t id[16], span[8];
    bool known, has_span, sampled; /* known: without it nothing is written */
};

/* An HTTP request and what became of it: Cloud Logging's httpRequest. What is empty is left out. */
struct log_request {
    struct str method, url, protocol, ip, agent; /* url: a path, without what may hold a secret */
    uint16_t status;                             /* 0: there was no answer */
    uint64_t latency;                            /* ms */
    uint64_t request_size, response_size;
};

struct log_field {
    const char *key; /* NULL ends a list */
    enum {
        LOG_FIELD_STR,
        LOG_FIELD_UINT,
        LOG_FIELD_BOOL,
        LOG_FIELD_SECONDS,
        LOG_FIELD_TRACE,
        LOG_FIELD_REQUEST
    } type;
    union {
        struct str s; /* any bytes: written escaped */
        uint64_t u;   /* LOG_FIELD_SECONDS: ms */
        bool b;
        struct {
            const struct trace *trace;
            const char *project; /* whose traces Cloud Logging shows beside the line; "": its own */
        };
        const struct log_request *request;
    };
};
#define LOG_S(k, v)   ((struct log_field){.key = (k), .type = LOG_FIELD_STR, .s = str_of(v)})
#define LOG_STR(k, v) ((struct log_field){.key = (k), .type = LOG_FIELD_STR, .s = (v)})
#define LOG_U(k, v)   ((struct log_field){.key = (k), .type = LOG_FIELD_UINT, .u = (uint64_t)(v)})
#define LOG_B(k, v)   ((struct log_field){.key = (k), .type = LOG_FIELD_BOOL, .b = (v)})
#define LOG_MS(k, v)  ((struct log_field){.key = (k), .type = LOG_FIELD_SECONDS, .u = (v)})

#define LOG_TRACE(t, p)                                                                            \
    ((struct log_field){.key = "trace", .type = LOG_FIELD_TRACE, .trace = (t), .project = (p)})
#define LOG_REQUEST(r)                                                                             \
    ((struct log_field){.key = "request", .type = LOG_FIELD_REQUEST, .request = (r)})

/* At most one line a second of a kind; the rest are counted and told with the next. One a loop and
 * event. */
struct log_limit {
    uint64_t next, suppressed;
};

/* Starts the writer, before there is any other thread. Until then lines are written at once, as
 * text, from LOG_INFO on; and so they are, as they are asked for here, where there can be no
 * writer. */
void log_start(enum log_format format, enum log_level least);
void log_set(enum log_format format, enum log_level least); /* from any thread, at any time */
/* Writes out what the rings hold, for 500 ms at most; then lines go nowhere. */
void log_stop(void);
uint64_t log_dropped(void);
bool log_on(enum log_level level);
/* event: a word in snake_case. A line has 4096 bytes at most: a string that does not fit is cut. */
void log_write(enum log_level level, const char *event, const struct log_field *fields);
/* False: do not write it. */
bool log_allow(struct log_limit *l, uint64_t now_ms, uint64_t *suppressed);

#define LOG_AT(level, event, ...)                                                                  \
    (log_on(level)                                                                                 \
         ? log_write(level, event,                                                                 \
                     (const struct log_field[]){__VA_ARGS__ __VA_OPT__(, ){.key = NULL}})          \
         : (void)0)
#define log_debug(event, ...) LOG_AT(LOG_DEBUG, event __VA_OPT__(, ) __VA_ARGS__)
#define log_info(event, ...)  LOG_AT(LOG_INFO, event __VA_OPT__(, ) __VA_ARGS__)
#define log_warn(event, ...)  LOG_AT(LOG_WARN, event __VA_OPT__(, ) __VA_ARGS__)
#define log_error(event, ...) LOG_AT(LOG_ERROR, event __VA_OPT__(, ) __VA_ARGS__)

#endif

/* Counters, gauges and histograms: one row a fact, one cell a loop.
 *
 * A cell has one writer (its loop) and is read by anyone: relaxed atomics, no lock. Summed over the
 * loops when read. */
#ifndef WSKEEP_BASE_METRICS_H
#define WSKEEP_BASE_METRICS_H

#include "base/buf.h"
#include "base/reason.h"
#include <stdatomic.h>
#include <stdint.h>

/* id, name, type, labels of the row (may be empty), help (only in the first row of a name). The
 * rows of one name stand together. */
#define METRIC_MAP(X)                                                                              \
    X(CONNECTIONS_CLIENT, "wskeep_connections", GAUGE, "side=\"client\"", "Open connections.")     \
    X(CONNECTIONS_BACKEND, "wskeep_connections", GAUGE, "side=\"backend\"", "")                    \
    X(SESSIONS_LIVE, "wskeep_sessions", GAUGE, "state=\"live\"", "WebSocket sessions.")            \
    X(SESSIONS_HEADLESS, "wskeep_sessions", GAUGE, "state=\"headless\"", "")                       \
    X(SESSIONS_CLOSING, "wskeep_sessions", GAUGE, "state=\"closing\"", "")                         \
    X(ACCEPT_PAUSES, "wskeep_accept_pauses_total", COUNTER, "",                                    \
      "Times that accepting paused at a limit.")                                                   \
    X(ORIGINS_REFUSED, "wskeep_origins_refused_total", COUNTER, "",                                \
      "WebSocket handshakes refused for their origin.")                                            \
    X(UP_ACCEPTED, "wskeep_messages_total", COUNTER, "direction=\"up\",outcome=\"accepted\"",      \
      "WebSocket data messages by what became of them; up is to the backend.")                     \
    X(UP_DELIVERED, "wskeep_messages_total", COUNTER, "direction=\"up\",outcome=\"delivered\"",    \
      "")                                                                                          \
    X(UP_UNPROVEN, "wskeep_messages_total", COUNTER, "direction=\"up\",outcome=\"unproven\"", "")  \
    X(UP_REPLAYED, "wskeep_messages_total", COUNTER, "direction=\"up\",outcome=\"replayed\"", "")  \
    X(UP_LOST, "wskeep_messages_total", COUNTER, "direction=\"up\",outcome=\"lost\"", "")          \
    X(DOWN_ACCEPTED, "wskeep_messages_total", COUNTER, "direction=\"down\",outcome=\"accepted\"",  \
      "")                                                                                          \
    X(DOWN_DELIVERED, "wskeep_messages_total", COUNTER,                                            \
      "direction=\"down\",outcome=\"delivered\"", "")                                              \
    X(DOWN_UNPROVEN, "wskeep_messages_total", COUNTER, "direction=\"down\",outcome=\"unproven\"",  \
      "")                                                                                          \
    X(DOWN_LOST, "wskeep_messages_total", COUNTER, "direction=\"down\",outcome=\"lost\"", "")      \
    X(ANSWERS_UNKEPT_FULL, "wskeep_answers_unkept_total", COUNTER, "why=\"full\"",                 \
      "Messages that wait for an answer and could not be kept: no room, or more than 64 KiB.")     \
    X(ANSWERS_UNKEPT_LARGE, "wskeep_answers_unkept_total", COUNTER, "why=\"large\"", "")           \
    X(UP_BYTES, "wskeep_message_bytes_total", COUNTER, "direction=\"up\"",                         \
      "Bytes of data frames accepted.")                                                            \
    X(DOWN_BYTES, "wskeep_message_bytes_total", COUNTER, "direction=\"down\"", "")                 \
    X(WAITING, "wskeep_waiting", GAUGE, "",                                                        \
      "Requests, handshakes and reconnects that wait until they may connect to the backend.")      \
    X(BACKEND_READY, "wskeep_backend_ready", GAUGE, "", "Whether the backend is given traffic.")   \
    X(DIAL_OK, "wskeep_backend_connects_total", COUNTER, "result=\"ok\"",                          \
      "Connections to the backend.")                                                               \
    X(DIAL_REFUSED, "wskeep_backend_connects_total", COUNTER, "result=\"refused\"", "")            \
    X(DIAL_TIMEOUT, "wskeep_backend_connects_total", COUNTER, "result=\"timeout\"", "")            \
    X(DIAL_RESOLVE, "wskeep_backend_connects_total", COUNTER, "result=\"resolve\"", "")            \
    X(DIAL_ERROR, "wskeep_backend_connects_total", COUNTER, "result=\"error\"", "")                \
    X(RELOADS_OK, "wskeep_reloads_total", COUNTER, "result=\"ok\"",                                \
      "Times that the settings were read again (SIGHUP).")                                         \
    X(RELOADS_FAILED, "wskeep_reloads_total", COUNTER, "result=\"failed\"", "")                    \
    X(PINGS_CLIENT, "wskeep_pings_total", COUNTER, "side=\"client\"", "Pings that wskeep sent.")   \
    X(PINGS_BACKEND, "wskeep_pings_total", COUNTER, "side=\"backend\"", "")                        \
    X(JOURNAL_BYTES, "wskeep_journal_bytes", GAUGE, "",                                            \
      "Memory that the sessions' journals hold.")                                                  \
    X(KEPT_BYTES, "wskeep_kept_bytes", GAUGE, "",                                                  \
      "Memory for handshakes that may be needed again, and for what waits to be answered.")

enum metric {
#define X(id, ...) METRIC_##id,
    METRIC_MAP(X)
#undef X
        METRIC_COUNT
};

/* id, name, help, upper bounds in seconds (12 of them; +Inf is implied) */
#define HISTOGRAM_MAP(X)                                                                           \
    X(SESSION_DURATION, "wskeep_session_duration_seconds",                                         \
      "From the 101 to the end of both legs.", 1, 5, 15, 30, 60, 300, 600, 900, 1800, 3600, 7200,  \
      86400)                                                                                       \
    X(HTTP_DURATION, "wskeep_http_request_duration_seconds",                                       \
      "From a request's head to the end of its answer.", 0.001, 0.005, 0.01, 0.025, 0.05, 0.1,     \
      0.25, 0.5, 1, 5, 30, 300)                                                                    \
    X(HEARTBEAT_RTT_CLIENT, "wskeep_heartbeat_rtt_seconds{side=\"client\"}",                       \
      "From a ping to its pong.", 0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30, 75)   \
    X(HEARTBEAT_RTT_BACKEND, "wskeep_heartbeat_rtt_seconds{side=\"backend\"}", "", 0.001, 0.005,   \
      0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30, 75)

enum histogram {
#define X(id, ...) HISTOGRAM_##id,
    HISTOGRAM_MAP(X)
#undef X
        HISTOGRAM_COUNT
};
#define HISTOGRAM_BOUNDS 12

enum side { SIDE_CLIENT, SIDE_BACKEND };

struct metrics {
    _Atomic uint64_t cell[METRIC_COUNT];
    _Atomic uint64_t
        disconnects[2][REASON_COUNT];  /* [enum side]: wskeep_disconnects_total{side,reason} */
    _Atomic uint64_t http_status[600]; /* wskeep_http_requests_total{code} */
    struct {
        _Atomic uint64_t bucket[HISTOGRAM_BOUNDS + 1], sum_ms;
    } histogram[HISTOGRAM_COUNT];
};

static inline void metric_store(_Atomic uint64_t *cell, uint64_t by)
{
    atomic_store_explicit(cell, atomic_load_explicit(cell, memory_order_relaxed) + by,
                          memory_order_relaxed);
}
static inline void metric_add(struct metrics *m, enum metric id, uint64_t by)
{
    metric_store(&m->cell[id], by);
}
/* Of a gauge. A cell may wrap, the sum is right. */
static inline void metric_sub(struct metrics *m, enum metric id, uint64_t by)
{
    metric_store(&m->cell[id], (uint64_t)0 - by);
}
static inline void metric_set(struct metrics *m, enum metric id, uint64_t to) /* gauges */
{
    atomic_store_explicit(&m->cell[id], to, memory_order_relaxed);
}
void metric_disconnect(struct metrics *m, enum side side, enum reason r);
void metric_http(struct metrics *m, unsigned status, uint64_t ms);
void metric_observe(struct metrics *m, enum histogram id, uint64_t ms);

/* The sum over n loops. */
uint64_t metrics_sum(struct metrics *const *loops, unsigned n, enum metric id);
/* All rows, as Prometheus' text format 0.0.4 has them; wskeep_build_info, dropped log lines too. */
void metrics_print(struct metrics *const *loops, unsigned n, struct buf *out);

#endif

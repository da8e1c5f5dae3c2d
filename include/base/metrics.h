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

/* id, name, kind, labels of the row (may be empty), help (only in the first row of a name). The
 * rows of one name stand together. Kinds: COUNTER, GAUGE, and those that are kept in ms and told in
 * seconds, COUNTER_MS, GAUGE_MS. */
#define METRIC_MAP(X)                                                                              \
    X(CONNECTIONS_CLIENT, "wskeep_connections", GAUGE, "side=\"client\"",                          \
      "Open connections, HTTP and WebSocket; a session counts on the client's side until its "     \
      "end.")                                                                                      \
    X(CONNECTIONS_BACKEND, "wskeep_connections", GAUGE, "side=\"backend\"", "")                    \
    X(CONNECTIONS_LIMIT, "wskeep_connections_limit", GAUGE, "",                                    \
      "Connections of clients beyond which none is accepted: limits.connections, or what the "     \
      "descriptors allow.")                                                                        \
    X(SESSIONS_LIVE, "wskeep_sessions", GAUGE, "state=\"live\"",                                   \
      "WebSocket sessions; headless: the backend was lost and another connection to it is "        \
      "sought; closing: one side has ended.")                                                      \
    X(SESSIONS_HEADLESS, "wskeep_sessions", GAUGE, "state=\"headless\"", "")                       \
    X(SESSIONS_CLOSING, "wskeep_sessions", GAUGE, "state=\"closing\"", "")                         \
    X(HEADLESS_OLDEST, "wskeep_headless_oldest_seconds", GAUGE_MS, "",                             \
      "For how long the session that lost its backend first has been headless; 0: none is.")       \
    X(HEARTBEATS_LOST_CLIENT, "wskeep_heartbeat_losses_total", COUNTER, "side=\"client\"",         \
      "WebSocket connections given up because the peer was silent for too long.")                  \
    X(HEARTBEATS_LOST_BACKEND, "wskeep_heartbeat_losses_total", COUNTER, "side=\"backend\"", "")   \
    X(ACCEPT_PAUSES, "wskeep_accept_pauses_total", COUNTER, "",                                    \
      "Times that accepting paused at a limit.")                                                   \
    X(ORIGINS_REFUSED, "wskeep_origins_refused_total", COUNTER, "",                                \
      "WebSocket handshakes refused for their origin.")                                            \
    X(UP_ACCEPTED, "wskeep_messages_total", COUNTER, "direction=\"up\",outcome=\"accepted\"",      \
      "WebSocket data messages by what became of them; up is to the backend. accepted = "          \
      "delivered + unproven + lost + in flight; replayed counts sendings beside that.")            \
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
    X(BACKPRESSURE_UP, "wskeep_backpressure_seconds_total", COUNTER_MS, "direction=\"up\"",        \
      "Time that senders were not read because what they had sent filled buffer.session; up: "     \
      "clients. All sessions together.")                                                           \
    X(BACKPRESSURE_DOWN, "wskeep_backpressure_seconds_total", COUNTER_MS, "direction=\"down\"",    \
      "")                                                                                          \
    X(HELD_BACK_UP, "wskeep_backpressure_sessions", GAUGE, "direction=\"up\"",                     \
      "Sessions in which the sender is not read now.")                                             \
    X(HELD_BACK_DOWN, "wskeep_backpressure_sessions", GAUGE, "direction=\"down\"", "")             \
    X(WAITING, "wskeep_waiting", GAUGE, "",                                                        \
      "Requests, handshakes and reconnects that wait until they may connect to the backend.")      \
    X(BACKEND_READY, "wskeep_backend_ready", GAUGE, "", "Whether the backend is given traffic.")   \
    X(PROBE_OK, "wskeep_probes_total", COUNTER, "result=\"ok\"",                                   \
      "Deep health checks (probe.path): a handshake, a ping and its pong through wskeep.")         \
    X(PROBE_FAILED, "wskeep_probes_total", COUNTER, "result=\"failed\"", "")                       \
    X(PROBE_FAILURES, "wskeep_probe_failures", GAUGE, "",                                          \
      "Deep health checks that failed in a row: 0 where the last one succeeded, or none is made.") \
    X(DIAL_OK, "wskeep_backend_connects_total", COUNTER, "result=\"ok\"",                          \
      "Attempts to connect to the backend, by what they came to; cancelled: no longer wanted "     \
      "before that.")                                                                              \
    X(DIAL_REFUSED, "wskeep_backend_connects_total", COUNTER, "result=\"refused\"", "")            \
    X(DIAL_TIMEOUT, "wskeep_backend_connects_total", COUNTER, "result=\"timeout\"", "")            \
    X(DIAL_RESOLVE, "wskeep_backend_connects_total", COUNTER, "result=\"resolve\"", "")            \
    X(DIAL_ERROR, "wskeep_backend_connects_total", COUNTER, "result=\"error\"", "")                \
    X(DIAL_CANCELLED, "wskeep_backend_connects_total", COUNTER, "result=\"cancelled\"", "")        \
    X(RELOADS_OK, "wskeep_reloads_total", COUNTER, "result=\"ok\"",                                \
      "Times that the settings were read again (SIGHUP).")                                         \
    X(RELOADS_FAILED, "wskeep_reloads_total", COUNTER, "result=\"failed\"", "")                    \
    X(PINGS_CLIENT, "wskeep_pings_total", COUNTER, "side=\"client\"", "Pings that wskeep sent.")   \
    X(PINGS_BACKEND, "wskeep_pings_total", COUNTER, "side=\"backend\"", "")                        \
    X(JOURNAL_BYTES, "wskeep_journal_bytes", GAUGE, "",                                            \
      "Memory that the sessions' journals hold.")                                                  \
    X(KEPT_BYTES, "wskeep_kept_bytes", GAUGE, "",                                                  \
      "Memory for handshakes that may be needed again, and for what waits to be answered.")        \
    X(BUFFER_LIMIT, "wskeep_buffer_limit_bytes", GAUGE, "",                                        \
      "buffer.total: what wskeep_journal_bytes and wskeep_kept_bytes may come to together before " \
      "something is shed.")                                                                        \
    X(LOG_DROPPED, "wskeep_log_dropped_total", COUNTER, "",                                        \
      "Log lines lost: stderr was too slow, or failed.")                                           \
    X(BUILD_INFO, "wskeep_build_info", GAUGE, "version=\"" WSKEEP_VERSION "\"",                    \
      "The version that runs.")                                                                    \
    X(PROCESS_CPU, "process_cpu_seconds_total", COUNTER_MS, "",                                    \
      "Processor time used, user and system.")                                                     \
    X(PROCESS_FDS, "process_open_fds", GAUGE, "", "Open file descriptors.")                        \
    X(PROCESS_FDS_LIMIT, "process_max_fds", GAUGE, "", "How many file descriptors may be open.")   \
    X(PROCESS_VIRTUAL, "process_virtual_memory_bytes", GAUGE, "", "Virtual memory.")               \
    X(PROCESS_RESIDENT, "process_resident_memory_bytes", GAUGE, "", "Resident memory.")            \
    X(PROCESS_START, "process_start_time_seconds", GAUGE_MS, "",                                   \
      "When the process started, in seconds since 1970.")

enum metric {
#define X(id, ...) METRIC_##id,
    METRIC_MAP(X)
#undef X
        METRIC_COUNT
};

/* id, name, help, upper bounds in seconds (12 of them; +Inf is implied) */
#define HISTOGRAM_MAP(X)                                                                           \
    X(CONNECTION_CLEAN, "wskeep_connection_duration_seconds{clean=\"true\"}",                      \
      "How long clients' WebSocket connections lasted, from the 101 on; clean: ended by a Close "  \
      "of either end, by timeouts.idle or by a drain.",                                            \
      1, 5, 15, 30, 60, 300, 600, 900, 1800, 3600, 7200, 86400)                                    \
    X(CONNECTION_UNCLEAN, "wskeep_connection_duration_seconds{clean=\"false\"}", "", 1, 5, 15, 30, \
      60, 300, 600, 900, 1800, 3600, 7200, 86400)                                                  \
    X(HEADLESS, "wskeep_headless_duration_seconds",                                                \
      "From the loss of a session's backend to another connection, or to the session's end.", 0.1, \
      0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300)                                              \
    X(SESSION_DURATION, "wskeep_session_duration_seconds",                                         \
      "From the 101 to the end of both legs.", 1, 5, 15, 30, 60, 300, 600, 900, 1800, 3600, 7200,  \
      86400)                                                                                       \
    X(HTTP_DURATION, "wskeep_http_request_duration_seconds",                                       \
      "From a request's head to the end of its answer.", 0.001, 0.005, 0.01, 0.025, 0.05, 0.1,     \
      0.25, 0.5, 1, 5, 30, 300)                                                                    \
    X(PROBE_DURATION, "wskeep_probe_duration_seconds",                                             \
      "Deep health checks that succeeded, from the connect to the pong.", 0.001, 0.005, 0.01,      \
      0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 10, 30)                                                   \
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

/* Codes of Closes one by one up to 1015, then those of libraries, 3xxx, and of applications, 4xxx.
 */
#define CLOSE_CODES 18u

struct metrics {
    _Atomic uint64_t cell[METRIC_COUNT];
    _Atomic uint64_t headless_since;           /* ms, monotonic: of the oldest; 0: none is */
    _Atomic uint64_t closes[2][CLOSE_CODES];   /* [enum side]: wskeep_closes_total{side,code} */
    _Atomic uint64_t reconnects[REASON_COUNT]; /* wskeep_reconnects_total{result} */
    uint64_t
        held_back_at; /* ms: when wskeep_backpressure_seconds_total was right; its loop's alone */
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
void metric_close(struct metrics *m, enum side from, uint16_t code);
/* How the search for another connection to the backend ended; NONE: one was found. */
void metric_reconnect(struct metrics *m, enum reason r, uint64_t ms);
/* What that side sends is not read any more, or is again. */
void metric_hold_back(struct metrics *m, enum side from, bool on, uint64_t now);
static inline void metric_headless(struct metrics *m, uint64_t since) /* ms; 0: none is */
{
    atomic_store_explicit(&m->headless_since, since, memory_order_relaxed);
}
/* Once a turn: the time of those that are not read has gone on. */
void metrics_turn(struct metrics *m, uint64_t now);
void metric_disconnect(struct metrics *m, enum side side, enum reason r);
void metric_http(struct metrics *m, unsigned status, uint64_t ms);
void metric_observe(struct metrics *m, enum histogram id, uint64_t ms);

/* The sum over n loops. */
uint64_t metrics_sum(struct metrics *const *loops, unsigned n, enum metric id);
/* All rows, as Prometheus' text format 0.0.4 has them. */
void metrics_print(struct metrics *const *loops, unsigned n, struct buf *out);

#endif

/* Why a connection ended: one word, the same in the log, in the metric and in the docs. */
#ifndef WSKEEP_BASE_REASON_H
#define WSKEEP_BASE_REASON_H

#include <stdbool.h>
#include <stdint.h>

/* id, label, clean, by whose doing, Close to the client, Close to the backend (0: relayed, or
 * none), what it means. 1012 service restart, 1014 bad gateway: the IANA registry of WebSocket
 * close codes. */
#define REASON_MAP(X)                                                                              \
    X(NONE, "none", true, WSKEEP, 0, 0, "has not ended")                                           \
    X(CLIENT_CLOSE, "client_close", true, CLIENT, 0, 0, "the client sent a Close")                 \
    X(CLIENT_EOF, "client_eof", false, CLIENT, 0, 1001,                                            \
      "the client ended its connection without a Close")                                           \
    X(CLIENT_RESET, "client_reset", false, CLIENT, 0, 1001, "the client's connection was reset")   \
    X(CLIENT_TIMEOUT, "client_timeout", false, CLIENT, 1001, 1001,                                 \
      "the client answered no ping within heartbeat.timeout, or gave no sign of life within "      \
      "timeouts.connection")                                                                       \
    X(CLIENT_PROTOCOL, "client_protocol", false, CLIENT, 0, 1001,                                  \
      "the client sent what RFC 6455 forbids; it gets the code named there")                       \
    X(BACKEND_CLOSE, "backend_close", true, BACKEND, 0, 0, "the backend sent a Close")             \
    X(BACKEND_EOF, "backend_eof", false, BACKEND, 1012, 0,                                         \
      "the backend ended its connection without a Close")                                          \
    X(BACKEND_RESET, "backend_reset", false, BACKEND, 1012, 0,                                     \
      "the backend's connection was reset")                                                        \
    X(BACKEND_TIMEOUT, "backend_timeout", false, BACKEND, 1012, 1001,                              \
      "the backend gave no sign of life within timeouts.connection, or answered no ping within "   \
      "heartbeat.backend_timeout")                                                                 \
    X(BACKEND_PROTOCOL, "backend_protocol", false, BACKEND, 1014, 1002,                            \
      "the backend sent what RFC 6455 forbids")                                                    \
    X(BACKEND_REFUSED, "backend_refused", false, BACKEND, 1012, 0,                                 \
      "the backend refused a reconnect: an answer other than 101, 502, 503 and 504, or a Close "   \
      "1008 within reconnect.probation")                                                           \
    X(BACKEND_CHANGED, "backend_changed", false, BACKEND, 1012, 0,                                 \
      "a reconnect was answered otherwise than the client was told: another subprotocol, another " \
      "extension, or no valid handshake")                                                          \
    X(BACKEND_UNSTABLE, "backend_unstable", false, BACKEND, 1011, 0,                               \
      "the backend's connection ended within 10 s, for the fifth time in a row")                   \
    X(RECONNECT_WINDOW, "reconnect_window", false, BACKEND, 1013, 0,                               \
      "the backend was lost, and not there again within reconnect.window")                         \
    X(STATE_LOST, "state_lost", false, BACKEND, 1012, 0,                                           \
      "the backend's connection was lost, with it what the backend kept for it")                   \
    X(POISON, "poison", false, BACKEND, 1011, 0,                                                   \
      "the backend's connection ended abnormally upon the same message, reconnect.poison times "   \
      "in a row")                                                                                  \
    X(SESSION_IDLE, "session_idle", true, WSKEEP, 1001, 1001,                                      \
      "no message passed within timeouts.idle")                                                    \
    X(UNANSWERED, "unanswered", false, BACKEND, 1011, 1001,                                        \
      "the backend was lost once more before it answered a message that had been sent again "      \
      "answer.attempts times")                                                                     \
    X(SHED, "shed", false, WSKEEP, 1013, 1001,                                                     \
      "its backend was away when all sessions together held buffer.total")                         \
    X(DRAIN, "drain", true, WSKEEP, 1012, 1001, "wskeep was told to stop")                         \
    X(KILLED, "killed", false, WSKEEP, 0, 0,                                                       \
      "wskeep was told to stop at once, or the drain took too long")                               \
    X(DONE, "done", true, CLIENT, 0, 0, "an HTTP connection ended after its last answer")          \
    X(IDLE, "idle", true, CLIENT, 0, 0,                                                            \
      "an HTTP connection was idle for listen.keepalive_timeout")                                  \
    X(HEADER_TIMEOUT, "header_timeout", false, CLIENT, 0, 0,                                       \
      "a request head took longer than listen.header_timeout")                                     \
    X(BODY_TIMEOUT, "body_timeout", false, CLIENT, 0, 0,                                           \
      "a request body stood still for listen.body_timeout")                                        \
    X(BAD_REQUEST, "bad_request", false, CLIENT, 0, 0, "the request was refused by wskeep itself") \
    X(FULL, "full", false, WSKEEP, 0, 0,                                                           \
      "a WebSocket was asked for while all sessions together held buffer.total")                   \
    X(BAD_ORIGIN, "bad_origin", false, CLIENT, 0, 0,                                               \
      "a page whose origin is none of those allowed asked for a WebSocket")                        \
    X(BAD_ANSWER, "bad_answer", false, BACKEND, 0, 0,                                              \
      "the backend's answer was no HTTP, or was cut short")                                        \
    X(RESPONSE_TIMEOUT, "response_timeout", false, BACKEND, 0, 0,                                  \
      "the backend did not answer within backend.response_timeout")                                \
    X(UNREACHABLE, "unreachable", false, BACKEND, 0, 0,                                            \
      "the backend was not ready, or could not be reached, within readiness.wait")

enum reason {
#define X(id, ...) REASON_##id,
    REASON_MAP(X)
#undef X
        REASON_COUNT
};

enum reason_by { BY_CLIENT, BY_BACKEND, BY_WSKEEP };
extern const char *const reason_by[]; /* "client" … */

struct reason_row {
    const char *label;
    bool clean;
    enum reason_by by;
    uint16_t to_client, to_backend;
    const char *text;
};
extern const struct reason_row reasons[REASON_COUNT];

#endif

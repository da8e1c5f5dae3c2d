/* The command line: one row a setting. */
#ifndef LOAD_CLIENT_SETTINGS_H
#define LOAD_CLIENT_SETTINGS_H

#include "lib/usage.h"

#include <stdbool.h>
#include <stdint.h>

#define SETTING_TEXT   const char *
#define SETTING_COUNT  uint64_t
#define SETTING_NUMBER double
#define SETTING_SWITCH bool
#define SETTING_PIDS   struct pids

/* type, field, option, default, help */
#define SETTINGS_MAP(X)                                                                            \
    X(TEXT, mode, "mode", "echo", "echo, source, idle, churn or flood")                            \
    X(TEXT, host, "host", "127.0.0.1", "an IPv4 address")                                          \
    X(COUNT, port, "port", "0", "")                                                                \
    X(TEXT, path, "path", "/echo", "what the handshake asks for")                                  \
    X(COUNT, conns, "conns", "100", "sessions; flood: connections at any moment")                  \
    X(COUNT, inflight, "inflight", "1", "messages of a session that are on their way")             \
    X(COUNT, size, "size", "64", "bytes of a message")                                             \
    X(NUMBER, seconds, "seconds", "3", "that are measured")                                        \
    X(NUMBER, warm, "warm", "0.5", "seconds before them that are not")                             \
    X(COUNT, ramp, "ramp", "128", "handshakes under way at once")                                  \
    X(COUNT, srcs, "srcs", "0", "addresses to come from, 127.0.0.2 on; 0: as many as ports need")  \
    X(PIDS, pids, "pids", "", "the proxy's processes, a,b,…: their CPU time and memory are told")  \
    X(PIDS, bpids, "bpids", "", "the backend's")                                                   \
    X(NUMBER, rate, "rate", "0", "echo: messages a second of all sessions; 0: as fast as it goes") \
    X(COUNT, read_rate, "read-rate", "0", "source: bytes a second that a session reads; 0: all")   \
    X(SWITCH, no_warm_echo, "no-warm-echo", "", "idle: no message before the silence")             \
    X(COUNT, drip, "drip", "1",                                                                    \
      "flood: share of those that come and send a head byte by byte, for ever")                    \
    X(COUNT, mute, "mute", "1", "flood: share of those that say nothing")                          \
    X(COUNT, leave, "leave", "1", "flood: share of those that leave after the handshake")          \
    X(COUNT, reset, "reset", "1", "flood: share of those that reset in the midst of it")           \
    X(COUNT, drip_ms, "drip-ms", "100", "flood: between two bytes of a head")

struct settings {
#define X(type, field, option, otherwise, help) SETTING_##type field;
    SETTINGS_MAP(X)
#undef X
};

/* Reads the command line. False: it says what is wrong, and how it should be, on stderr. */
bool settings_read(struct settings *s, int argc, char **argv);

#endif

/* Errors: negative ints, one table. libuv's own codes (UV_EOF, UV_ECONNRESET, …) are used as they
 * are; ours lie below every one of them. The codes of wslay, llhttp and OpenSSL never leave the
 * file that calls them. */
#ifndef WSKEEP_BASE_ERR_H
#define WSKEEP_BASE_ERR_H

/* name, text */
#define ERR_MAP(X)                                                                                 \
    X(SYNTAX, "malformed")                                                                         \
    X(UNKNOWN, "unknown name")                                                                     \
    X(RANGE, "out of range")                                                                       \
    X(PROTOCOL, "breach of protocol")                                                              \
    X(TOO_LARGE, "larger than the limit")                                                          \
    X(TIMEOUT, "took too long")                                                                    \
    X(GONE, "no longer kept")                                                                      \
    X(TORN, "a message larger than the journal is under way")                                      \
    X(MISMATCH, "negotiated otherwise")                                                            \
    X(CLOSED, "closed")

enum err {
    ERR_BASE = -10000,
#define X(name, text) ERR_##name,
    ERR_MAP(X)
#undef X
        ERR_END
};

/* Both take any code of ours, of libuv's, or a negated errno, and give a static string. */
const char *err_name(int err); /* "ERR_TORN", "ECONNREFUSED" */
const char *err_text(int err); /* "connection refused" */

/* For wskeep's own invariants only: nothing that a peer, a file or the kernel does can trip it. */
#define BUG_ON(cond) ((cond) ? bug(#cond, __FILE__, __LINE__) : (void)0)
_Noreturn void bug(const char *what, const char *file, int line);

#endif

/* What is said of a request that has ended: one line, "http_request".
 *
 * Nothing of it can be a secret but by misuse: the target without query and parameters; of the
 * fields the client's name for itself, and the trace where it is well-formed. */
#ifndef WSKEEP_HTTP_ACCESS_H
#define WSKEEP_HTTP_ACCESS_H

#include "base/log.h"
#include "base/loop.h"
#include "base/reason.h"
#include "wire/http1.h"

struct access {
    const struct head *head; /* NULL: none was understood */
    struct str peer;         /* its IP; "" for a Unix socket */
    uint16_t status;         /* 0: there was no answer */
    uint64_t latency;        /* ms */
    uint64_t body, answer;   /* bytes: of the request's body, of all that was answered */
    const char *why;         /* NULL: it is the backend's answer, or the client has left */
    enum reason reason;
};

/* debug: answered, or left by its client. info: refused, by the client's doing. warn: any other
 * answer of wskeep's own, and the backend's 5xx. Where debug is off, one line a second of a level
 * and thread. */
void access_tell(const struct loop *lp, const struct access *a);
struct log_request access_request(const struct access *a);

#endif

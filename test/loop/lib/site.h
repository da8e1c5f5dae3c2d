/* A front with real sockets on the rig's loop, and a backend's listening socket on the same loop:
 * what a worker is made of, without its thread. */
#ifndef WSKEEP_TEST_LOOP_SITE_H
#define WSKEEP_TEST_LOOP_SITE_H

#include "front.h"
#include "loop/lib/peer.h"
#include "loop/lib/settings.h"
#include "net/faults.h"
#include "net/listener.h"

struct CMUnitTest;

#define SITE_BACKENDS 64

struct site {
    struct rig rig;
    struct conf *conf;
    struct upstreams upstreams;
    struct sessions sessions;
    struct fronts fronts;
    struct listener *listener, *behind; /* the front's, the backend's */
    union peer_address address;         /* the front's */
    struct peer backend[SITE_BACKENDS]; /* as they were accepted */
    unsigned accepted;                  /* of them */
    unsigned ended;                     /* calls of fronts.ended and sessions.ended */
    struct message m;                   /* what site_message took last */
};

/* settings: NULL, or some, up to one without a path. */
void site_open(struct site *s, const struct setting_text *settings);
/* The same on Unix sockets, in this folder. */
void site_open_unix(struct site *s, const char *folder, const struct setting_text *settings);
struct conf *site_conf(const char *listen, const char *backend,
                       const struct setting_text *settings);
void site_connect(struct site *s, struct peer *client);
/* Closes this client (NULL: all are closed); the fronts then have to end by themselves, and nothing
 * may be left: no connection, session, timer, task or chunk, and no gauge but at 0. */
void site_close(struct site *s, struct peer *client);

uint64_t site_count(const struct site *s, enum metric m);
uint64_t site_ends(const struct site *s, enum side side, enum reason r);

/* Runs the loop until cond; a test that waits for what never comes is ended by SIGALRM. */
#define UNTIL(s, cond)                                                                             \
    while (!(cond))                                                                                \
    uv_run(&(s)->rig.lp.uv, UV_RUN_ONCE)

/* The next message that p gets: in s->m, until the next call. */
void site_message(struct site *s, struct peer *p, bool to_head);
/* The n-th connection to the backend (0 the first). */
struct peer *site_backend(struct site *s, unsigned n);

/* ---- what most stories begin with ---- */

extern const char site_get[], site_fine[]; /* a request, and its answer: 200, "fine" */

/* site_open and site_connect. */
void site_visit(struct site *s, struct peer *client, const struct setting_text *settings);
/* The client's answer has to hold this in its head, and this body. */
void site_answer(struct site *s, struct peer *client, const char *in_head, const char *body);
/* One request and its answer, over the first connection to the backend, which is kept and returned.
 */
struct peer *site_keep(struct site *s, struct peer *client);
/* The client says this; the new connection on which its head has come to the backend. */
struct peer *site_ask(struct site *s, struct peer *client, const char *request);
void site_gone(struct site *s, struct peer *p); /* until its connection has ended */

/* Runs all tests on a good network, and again on several bad ones. The number of failures. */
#define site_rounds(name, tests) site_rounds_of(name, tests, sizeof(tests) / sizeof(*(tests)))
int site_rounds_of(const char *name, const struct CMUnitTest *tests, size_t n);
/* More bytes than the kernel's buffers hold; 0 on a network that brings them one by one: that would
 * take minutes. */
size_t site_bulk(void);
extern const struct faults *site_network; /* of this round; a good one is all 0 */

#endif

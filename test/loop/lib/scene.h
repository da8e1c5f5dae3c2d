/* A session between two scripted peers on a loop of its own: what most tests of sessions begin and
 * end with. */
#ifndef WSKEEP_TEST_LOOP_SCENE_H
#define WSKEEP_TEST_LOOP_SCENE_H

#include "loop/lib/server.h"
#include "loop/lib/settings.h"
#include "session/session.h"

struct scene {
    struct rig rig;
    struct sessions sessions;
    struct conf *conf;
    struct wspeer client, backend;
    struct server *server; /* where the session may find its backend again; NULL: nowhere */
    bool ended;
};

/* How a session's first handshake went. */
struct scene_first {
    const char *target; /* NULL: "/" */
    const char *fields; /* of the 101: more of them, each with its CRLF. NULL: none */
    struct deflate agreed;
};

/* Adds a session between the two peers to a set: `with` says what else it has; NULL: nothing. */
void scene_join(struct sessions *set, struct rig *rig, rig_pair *pair, struct conf *conf,
                const struct session_setup *with, struct wspeer *client, struct wspeer *backend);
void scene_open(struct scene *s, rig_pair *pair, const struct session_setup *with,
                const struct setting_text *settings);
/* On TCP, with a server that takes the backend's place when that is lost. first NULL: the plainest.
 */
void scene_open_before(struct scene *s, struct server *server, const struct scene_first *first,
                       const struct setting_text *settings);
struct opening *scene_opening(const struct scene_first *first);
/* Closes the peers that are still open, waits for the end of the session, and takes all down. Fails
 * where anything is left, or a message is not accounted for. */
void scene_close(struct scene *s);

uint64_t scene_count(const struct rig *rig, enum metric m);
void scene_reason_must_be(const struct scene *s, enum reason r);

/* Turns until cond holds. */
#define UNTIL(s, cond)                                                                             \
    do                                                                                             \
        uv_run(&(s)->rig.lp.uv, UV_RUN_ONCE);                                                      \
    while (!(cond))

#endif

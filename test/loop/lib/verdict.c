/* What must have come of a session: see verdict.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "loop/lib/tally.h"
#include "loop/lib/verdict.h"
#include <string.h>

/* More than this on the wire no message is held back for its end (wire/frame.h, F4), so that below
 * such a limit one may stand still for ever. */
enum { HELD_BACK = 2 * (FRAME_CUT + FRAME_HEAD_MAX) };

static const struct end *end_of(const struct story *s, enum side side)
{
    return side == SIDE_CLIENT ? &s->pair->client : &s->pair->backend;
}

static bool is_faulty(const struct end *e)
{
    return e->words.code != 0 && !e->closed;
}

static bool is_gone(const struct end *e)
{
    return e->peer.closed || e->peer.mute;
}

static bool is_stuck(const struct story *s, const struct end *e)
{
    return s->conf->buffer.session <= HELD_BACK && e->words.longest >= s->conf->buffer.session;
}

bool story_may_stick(const struct story *s)
{
    return is_stuck(s, &s->pair->client) || is_stuck(s, &s->pair->backend);
}

/* Its side of the session is not what ends it. */
static bool is_sound(const struct end *e)
{
    return !is_faulty(e) && !is_gone(e) && !e->peer.reset;
}

/* A peer that ends its side behind its Close is still owed all that comes, and ours. */
static bool can_hear(const struct end *e)
{
    return is_sound(e) || (e->closed && e->peer.mute && !e->peer.closed && !e->peer.reset);
}

/* Its end of the session has come to an end that wskeep cannot but see. */
static bool has_ended(const struct story *s, const struct end *e)
{
    return (e->closed || is_gone(e)) && !is_stuck(s, e);
}

static bool is_spoilt(const struct story *s)
{
    return s->killed || s->cut || s->hasty || s->doubtful;
}

bool story_lives(const struct story *s)
{
    const struct end *client = &s->pair->client, *backend = &s->pair->backend;
    return !s->drained && !is_spoilt(s) && is_sound(client) && is_sound(backend) &&
           !client->closed && !backend->closed;
}

/* The Close that `to` must have got from an end without a Close of its own. */
static void word_must_tell_of(const struct end *from, const struct end *to)
{
    bool client = from->peer.masks;
    uint16_t gone =
        client ? reasons[REASON_CLIENT_EOF].to_backend : reasons[REASON_BACKEND_EOF].to_client;
    uint16_t faulty = client ? reasons[REASON_CLIENT_PROTOCOL].to_backend
                             : reasons[REASON_BACKEND_PROTOCOL].to_client;
    assert_true((is_gone(from) && to->peer.code == gone) ||
                (is_faulty(from) && to->peer.code == faulty));
}

static void word_must_have_come(const struct story *s, const struct end *to)
{
    const struct end *from = to->other;
    assert_true(to->peer.got_close);
    if (s->drained) {
        /* Whichever was first. */
    } else if (from->closed) {
        assert_int_equal(to->peer.code, from->words.code);
        assert_string_equal(to->peer.why, from->why);
    } else if (!to->closed) {
        word_must_tell_of(from, to);
    }
}

/* Whatever ends the other side: first comes all that it has said, then a Close. */
static void must_have_heard(const struct story *s, const struct end *to)
{
    const struct end *from = to->other;
    if (!can_hear(to) || is_spoilt(s) || is_stuck(s, from))
        return;
    if (!s->drained || !to->peer.masks)
        assert_int_equal(to->peer.messages, from->messages);
    if (has_ended(s, from))
        word_must_have_come(s, to);
}

static void fault_must_be_named(const struct story *s, const struct end *e)
{
    if (is_faulty(e) && e->peer.got_close && !s->drained && !is_spoilt(s) && is_sound(e->other) &&
        !e->other->closed)
        assert_int_equal(e->peer.code, e->words.code);
}

void story_rests(const struct story *s)
{
    const struct end *client = &s->pair->client, *backend = &s->pair->backend;
    bool live = !list_empty(&s->set->state[SESSION_LIVE]);
    must_have_heard(s, client);
    must_have_heard(s, backend);
    fault_must_be_named(s, client);
    fault_must_be_named(s, backend);
    if (story_lives(s))
        assert_true(live);
    if (s->drained || s->killed || has_ended(s, client) || has_ended(s, backend))
        assert_false(live);
}

bool story_proven(const struct story *s, enum side from)
{
    bool up = from == SIDE_CLIENT;
    const struct end *e = end_of(s, from);
    const struct tally t = tally_of(&s->rig->metrics, from);
    uint64_t settled = t.delivered + t.unproven;
    bool pinged = up ? s->conf->heartbeat.backend : s->conf->heartbeat.client;
    bool parted = e->words.deflate && wsread_open(&e->words); /* no ping of ours goes within it */
    bool swallowed = e->other->words.raw.len > 0; /* a frame that was begun takes the pongs in */
    return !pinged || parted || swallowed || is_stuck(s, e) || is_stuck(s, e->other) ||
           (settled == e->messages && t.accepted - settled <= wsread_open(&e->words));
}

/* What comes behind a Close is its consequence. */
static bool may_be(const struct story *s, enum reason r)
{
    const struct end *client = &s->pair->client, *backend = &s->pair->backend;
    switch (r) {
    case REASON_CLIENT_CLOSE:
        return client->closed;
    case REASON_CLIENT_EOF:
    case REASON_CLIENT_RESET:
        return s->cut || (s->gone[SIDE_CLIENT] && !client->closed);
    case REASON_CLIENT_TIMEOUT:
    case REASON_BACKEND_TIMEOUT:
        return s->doubtful;
    case REASON_CLIENT_PROTOCOL:
        return is_faulty(client);
    case REASON_BACKEND_CLOSE:
        return backend->closed;
    case REASON_BACKEND_EOF:
    case REASON_BACKEND_RESET:
        return s->cut || (s->gone[SIDE_BACKEND] && !backend->closed);
    case REASON_BACKEND_PROTOCOL:
        return is_faulty(backend);
    case REASON_DRAIN:
        return s->drained;
    case REASON_KILLED:
        return s->killed;
    case REASON_SESSION_IDLE: /* not set here */
    case REASON_SHED:
    case REASON_FULL:
    case REASON_BACKEND_REFUSED:
    case REASON_BACKEND_CHANGED:
    case REASON_BACKEND_UNSTABLE:
    case REASON_RECONNECT_WINDOW:
    case REASON_STATE_LOST:
    case REASON_POISON:
    case REASON_UNANSWERED:
    case REASON_NONE:
    case REASON_DONE:
    case REASON_IDLE:
    case REASON_HEADER_TIMEOUT:
    case REASON_BODY_TIMEOUT:
    case REASON_BAD_REQUEST:
    case REASON_BAD_ORIGIN:
    case REASON_BAD_ANSWER:
    case REASON_RESPONSE_TIMEOUT:
    case REASON_UNREACHABLE:
    case REASON_COUNT:
        break;
    }
    return false;
}

void story_ended(const struct story *s)
{
    for (int r = 0; r < REASON_COUNT; r++)
        for (int side = 0; side < 2; side++)
            if (s->rig->metrics.disconnects[side][r] > 0)
                assert_true(may_be(s, (enum reason)r));
}

/* One session in time that stands still: see stage.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "loop/lib/settings.h"
#include "loop/lib/stage.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    STEP = STAGE_INTERVAL - 1, /* so that no heartbeat is late */
    GRACE = 2000,              /* what a timer gets that is so late */
    RESTLESS = 3000,           /* ms after which nothing will come to rest */
    GOODBYES = 20              /* leaps of time within which a session must have ended */
};

static const struct faults good = {.seed = 0};

static struct conf *conf; /* the same for all, but for what a setup says */
static int buffer;        /* for pair_of */
static int fds[2];        /* the session's own */

static void pair_of(int fd[2])
{
    rig_unix_pair(fd);
    for (int i = 0; i < 2 && buffer; i++)
        assert_int_equal(setsockopt(fd[i], SOL_SOCKET, SO_SNDBUF, &buffer, sizeof(buffer)), 0);
    fds[0] = fds[1];
    fds[1] = fd[0];
}

static void on_ended(void *owner)
{
    ((struct stage *)owner)->ended++;
}

static void set_conf(const struct stage_setup *setup)
{
    if (!conf)
        conf = settings_conf(NULL, NULL);
    conf->buffer.session = setup->limit;
    conf->heartbeat.interval = STAGE_INTERVAL;
    conf->heartbeat.timeout = STAGE_TIMEOUT;
    conf->heartbeat.client = setup->ping_client;
    conf->heartbeat.backend = setup->ping_backend;
    conf->timeouts.close = setup->close;
}

void stage_open(struct stage *s, const struct stage_setup *setup)
{
    set_conf(setup);
    buffer = setup->buffer;
    s->network = setup->network;
    s->keep = setup->keep;
    s->crooked = false;
    s->ended = 0;
    s->story = (struct story){.rig = &s->rig,
                              .set = &s->sessions,
                              .pair = &s->pair,
                              .conf = conf,
                              .cut = setup->network.reset > 0,
                              .hasty = setup->close < STAGE_DAY};
    rig_freeze();
    faults_set(&s->network);
    rig_open(&s->rig);
    sessions_init(&s->sessions, &s->rig.lp, on_ended, s);
    pair_open(&s->pair, &s->sessions, &s->rig, pair_of, conf,
              &(struct session_setup){
                  .keep_up = setup->keep, .keep_down = setup->keep, .deflate = setup->deflate});
}

void stage_turn(struct stage *s, unsigned turns)
{
    s->rested = false;
    rig_turn(&s->rig, turns);
    model_check(&s->sessions, &s->pair, 1);
    if (!s->keep)
        assert_true(s->rig.lp.pool.held <= model_holds(1, conf->buffer.session));
}

static void pass(struct stage *s, uint64_t ms, unsigned turns)
{
    const struct end *client = &s->pair.client;
    if (ms > 0 && conf->heartbeat.client &&
        (client->dull || client->peer.mute || client->peer.closed || s->network.eagain > 0))
        s->story.doubtful = true;
    rig_leap(ms);
    stage_turn(s, turns);
}

/* Three turns are a ping, its pong, and the reading of that. */
void stage_pass(struct stage *s, uint64_t ms)
{
    pass(s, ms, ms > 0 ? 3 : 1);
}

void stage_drain(struct stage *s, uint64_t ms)
{
    s->story.hasty = s->story.hasty || ms < STAGE_DAY;
    s->story.drained = true;
    loop_enter(&s->rig.lp);
    sessions_drain(&s->sessions, ms);
}

void stage_kill(struct stage *s)
{
    if (s->ended > 0)
        return;
    s->story.killed = true;
    sessions_kill(&s->sessions);
    s->ended++;
}

/* ---- rest ---- */

static void attend(struct end *e)
{
    e->peer.most = e->peer.slice = 0;
    e->peer.deaf = false;
    if (!e->peer.closed)
        wspeer_stop(&e->peer, false);
}

/* What the session has not read yet of what has been said to it, but for a few pongs. */
static uint64_t unread(void)
{
    int n[2] = {0, 0};
    for (int i = 0; i < 2; i++)
        ioctl(fds[i], FIONREAD, &n[i]); /* it may have closed it */
    return (uint64_t)(n[0] / 64 + n[1] / 64);
}

/* ms: for so long a session may wait in a drain for the end of a message, and a step. */
enum { PUT_OFF = 1050 };

/* False: it never will. Pongs go on for ever to become messages where they come to lie within a
 * frame that was begun, or to pile up behind a message that is stuck. */
static bool comes_to_rest(struct stage *s)
{
    uint64_t before = 0;
    unsigned enough = 2 * STAGE_INTERVAL + (s->story.drained ? PUT_OFF : 0);
    for (unsigned n = 0, still = 0; n < RESTLESS; n++) {
        pass(s, 1, 1);
        uint64_t sum = pair_progress(&s->pair) + 19 * unread();
        still = sum == before ? still + 1 : 0;
        before = sum;
        if (still == enough)
            return true;
    }
    assert_true(s->crooked || story_may_stick(&s->story));
    return false;
}

static void must_be_proven(struct stage *s)
{
    for (unsigned ms = 0; story_lives(&s->story); ms += STEP) {
        if (story_proven(&s->story, SIDE_CLIENT) && story_proven(&s->story, SIDE_BACKEND))
            break;
        assert_true(ms <= 2 * GRACE);
        stage_pass(s, STEP);
    }
}

void stage_rest(struct stage *s)
{
    attend(&s->pair.client);
    attend(&s->pair.backend);
    faults_set(&good);
    s->rested = comes_to_rest(s);
    if (s->rested) {
        story_rests(&s->story);
        must_be_proven(s);
        s->rested = true;
    }
    faults_set(&s->network);
}

/* ---- the end ---- */

/* Of a session that does not rest nobody knows what it will see first. */
static void note_who_is_gone(struct stage *s)
{
    bool live = !list_empty(&s->sessions.state[SESSION_LIVE]), any = live || !s->rested;
    const struct wspeer *client = &s->pair.client.peer, *backend = &s->pair.backend.peer;
    s->story.gone[SIDE_CLIENT] = any || client->closed || client->mute;
    s->story.gone[SIDE_BACKEND] = any || backend->closed || backend->mute;
}

static void end_session(struct stage *s, void (*leave)(struct wspeer *p))
{
    note_who_is_gone(s);
    faults_set(&good);
    if (!s->pair.client.peer.closed)
        leave(&s->pair.client.peer);
    if (!s->pair.backend.peer.closed)
        leave(&s->pair.backend.peer);
    for (unsigned n = 0; n < GOODBYES && s->ended == 0; n++)
        stage_pass(s, n & 1 ? GRACE : STAGE_DAY);
    if (story_may_stick(&s->story)) /* where one does each way, nobody looks for an end behind it */
        stage_kill(s);
}

void stage_close(struct stage *s, void (*leave)(struct wspeer *p))
{
    end_session(s, leave);
    assert_int_equal(s->ended, 1);
    assert_int_equal(s->sessions.count, 0);
    story_ended(&s->story);
    model_ended(&s->rig, 1);
    assert_int_equal(conf->refs, 1);
    for (int i = 0; i < 2; i++)
        assert_true(fcntl(fds[i], F_GETFD) < 0 && errno == EBADF);
    pair_close(&s->pair);
    rig_close(&s->rig);
}

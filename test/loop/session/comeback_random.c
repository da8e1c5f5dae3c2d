/* A session between peers that talk at random, whose backend is lost at random moments in random
 * ways and comes back: what must hold of the messages, each of which has a number.
 *
 * Up: on one connection they come in order, whole, from one that is not proven yet on, and none is
 * left out; on all together each that was accepted has come, but for those that are counted lost or
 * unproven. Down: the client gets what the backends have said, whole, in order and once; what is
 * missing was lost with its connection.
 *
 * The seed of a failing round is printed; SEED=n repeats it, ROUNDS=n plays so many. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "loop/lib/play.h"
#include "loop/lib/tally.h"
#include "net/faults.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 100, LONGEST = 200000, PATIENCE = 4000 };

/* ---- chance ---- */

static uint64_t sequence;

static uint64_t draw(uint64_t below)
{
    uint64_t z = sequence += 0x9e3779b97f4a7c15u; /* splitmix64 */
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (z ^ (z >> 31)) % below;
}

static bool one_in(uint64_t n)
{
    return draw(n) == 0;
}

/* ---- messages that tell their number ---- */

static bool narrow; /* reads give a few bytes at a time: no long messages then */

/* Its length and each byte follow from its number. */
static size_t size_of(uint32_t number)
{
    uint32_t x = number * 2654435761u;
    switch (narrow ? 9 : (x >> 8) % 10) {
    case 0:
        return 4 + (x >> 12) % LONGEST;
    case 1:
        return 65532 + (x >> 12) % 10;
    case 2:
    case 3:
        return 4 + (x >> 12) % 20000;
    default:
        return 4 + (x >> 12) % 300;
    }
}

static const uint8_t *payload_of(uint32_t number)
{
    static uint8_t bytes[LONGEST + 8];
    size_t n = size_of(number);
    for (size_t i = 0; i < n; i++)
        bytes[i] = (uint8_t)(i * 31 + (i >> 8) * 7 + number * 13);
    memcpy(bytes, &number, sizeof(number));
    return bytes;
}

static uint32_t number_of(const struct wspeer *p)
{
    uint32_t number;
    const struct buf *m = &p->in.message;
    assert_true(m->len >= sizeof(number));
    memcpy(&number, m->data, sizeof(number));
    assert_int_equal(m->len, size_of(number));
    assert_memory_equal(m->data, payload_of(number), m->len);
    return number;
}

/* ---- a round ---- */

enum { NUMBERS = 4096 };

static struct round {
    struct play p;
    uint32_t up;            /* numbers that the client has said, from 1 on */
    uint32_t down, heard;   /* that backends have said; the last that the client has heard */
    uint32_t last;          /* that this connection of the backend has heard; 0: none */
    uint32_t most;          /* that any has */
    bool arrived[NUMBERS];  /* of up: at some backend */
    struct wspeer *backend; /* the newest */
    bool unsent;
    bool complete; /* the client has said all that it had begun to say */
} * now;

static void on_up(struct wspeer *p)
{
    uint32_t n = number_of(p);
    if (p != now->backend) /* said to one that was lost meanwhile */
        return;
    if (now->last > 0)
        assert_int_equal(n, now->last + 1);
    else if (now->unsent)
        assert_true(n > 0);
    else
        assert_true(n <= now->most + 1); /* none is left out */
    assert_true(n > 0 && n <= now->up);
    if (now->unsent)
        assert_false(now->arrived[n]);
    now->arrived[n] = true;
    now->last = n;
    now->most = n > now->most ? n : now->most;
}

static void on_down(struct wspeer *p)
{
    uint32_t n = number_of(p);
    assert_true(n > now->heard && n <= now->down);
    now->heard = n;
}

static void joins(struct wspeer *p)
{
    now->backend = p;
    now->last = 0;
    p->heard = on_up;
    p->texts = NULL;
    p->most = one_in(4) ? 1 + draw(5000) : 0;
    p->deaf = one_in(4);
}

static void on_joined(struct visit *v)
{
    joins(&v->peer);
}

static bool can_say(const struct wspeer *p)
{
    return !p->closed && !p->reset && !p->eof && !p->sent_close && !p->got_close && !p->mute;
}

static void say(struct wspeer *p, uint32_t *number)
{
    uint32_t n = *number + 1;
    if (!can_say(p) || p->out.len > LONGEST || n >= NUMBERS)
        return;
    *number = n;
    const uint8_t *bytes = payload_of(n);
    size_t size = size_of(n), at = one_in(3) ? draw(size + 1) : 0;
    if (at > 0)
        wspeer_frame(p, false, 1, bytes, at);
    if (one_in(8))
        wspeer_frame(p, true, 9, "?", 1);
    wspeer_frame(p, true, at > 0 ? 0 : 1, bytes + at, size - at);
}

/* In any of the ways, and the last message may have been cut anywhere. */
static void lose(void)
{
    struct wspeer *b = now->backend;
    if (b->closed)
        return;
    if (b->out.len > 0 && one_in(2)) {
        b->mute = true;
        b->out.len -= draw(b->out.len + 1);
        rig_turn(&now->p.s.rig, (unsigned)draw(3));
        (one_in(2) ? wspeer_close : wspeer_reset)(b);
        return;
    }
    const struct play_way *w = &play_ways[draw(PLAY_WAYS)];
    if (!can_say(b) || (w->how == play_ways[1].how && b->out.len > 0))
        w = &play_ways[2];
    w->how(b);
}

static void pass(uint64_t ms)
{
    rig_leap(ms);
    rig_turn(&now->p.s.rig, 1 + (unsigned)draw(6));
    server_part(&now->p.server);
    if (now->p.server.came > SERVER_VISITS / 2)
        now->p.server.reply.what = REPLY_SWITCH;
    /* Whoever said Close or ended its side is gone with what it would have said. */
    struct wspeer *b = now->backend;
    if (!b->closed && (b->eof || b->reset))
        wspeer_close(b);
}

static void act(void)
{
    switch (draw(24)) {
    case 0:
        if (now->p.server.came < SERVER_VISITS / 2)
            lose();
        break;
    case 1:
        server_listen(&now->p.server, one_in(3));
        break;
    case 2:
        now->p.server.reply.what = one_in(3) ? REPLY_EOF : REPLY_SWITCH;
        break;
    case 3:
        wspeer_stop(&now->p.s.client, one_in(3));
        break;
    case 4:
        if (!now->backend->closed)
            wspeer_stop(now->backend, one_in(3));
        break;
    case 5:
        now->backend->deaf = one_in(3);
        break;
    case 6:
    case 7:
    case 8:
    case 9:
    case 10:
        say(now->backend, &now->down);
        break;
    default:
        say(&now->p.s.client, &now->up);
    }
}

static void must_hold(void)
{
    const struct sessions *set = &now->p.s.sessions;
    const struct metrics *m = set->lp->metrics;
    struct tally up = tally_of(m, SIDE_CLIENT);
    assert_true(up.accepted <= now->up);
    assert_true(up.delivered <= now->most);
    assert_int_equal(tally_in_flight(m, SIDE_CLIENT), sessions_in_flight(set, SIDE_CLIENT));
    assert_int_equal(tally_in_flight(m, SIDE_BACKEND), sessions_in_flight(set, SIDE_BACKEND));
}

static void begin_round(void)
{
    static const char *const limits[] = {"256KiB", "1MiB"};
    narrow = one_in(4);
    faults_set(&(struct faults){.seed = draw(UINT64_MAX),
                                .eagain = one_in(2) ? draw(40) : 0,
                                .cut = one_in(2) ? draw(100) : 0,
                                .read = narrow      ? 1 + draw(300)
                                        : one_in(2) ? 1000 + draw(20000)
                                                    : 0});
    now = mem_zalloc(sizeof(*now));
    now->unsent = one_in(4);
    play_begin(&now->p, (const struct setting_text[]){
                            {"buffer.session", limits[draw(2)]},
                            {"reconnect.replay", now->unsent ? "unsent" : "unacked"},
                            {"reconnect.window", "1h"},
                            {"reconnect.poison", "100"},
                            {"heartbeat.timeout", "1h"},
                            {NULL, NULL}});
    now->p.server.joined = on_joined;
    now->p.s.client.texts = NULL;
    now->p.s.client.heard = on_down;
    joins(&now->p.s.backend);
}

static bool is_over(void)
{
    return now->p.s.ended || now->p.s.client.eof || now->p.s.client.reset;
}

static void attend(void)
{
    struct wspeer *b = now->backend;
    b->deaf = false;
    b->most = 0;
    if (!b->closed)
        wspeer_stop(b, false);
}

/* Everybody is there, reads and answers. */
static void calm(void)
{
    now->p.server.reply.what = REPLY_SWITCH;
    server_listen(&now->p.server, true);
    if (!now->p.s.client.closed)
        wspeer_stop(&now->p.s.client, false);
    for (unsigned turns = 0; turns < PATIENCE && !is_over(); turns++) {
        struct wspeer *b = now->backend;
        attend();
        pass(20);
        if (turns % 32 == 31) /* the kernel's turn: TCP does not hurry as time leaps here */
            rig_turns_in(&now->p.s.rig, 1);
        must_hold();
        struct tally up = tally_of(&now->p.s.rig.metrics, SIDE_CLIENT);
        if (now->p.s.client.out.len == 0 && up.accepted == now->up &&
            tally_in_flight(&now->p.s.rig.metrics, SIDE_CLIENT) == 0 &&
            now->p.s.rig.metrics.cell[METRIC_SESSIONS_LIVE] == 1 && can_say(b) && b->out.len == 0 &&
            now->heard == now->down)
            return;
        if (turns + 1 == PATIENCE) /* what a backend that was lost had not sent never comes */
            assert_true(up.accepted == now->up &&
                        tally_in_flight(&now->p.s.rig.metrics, SIDE_CLIENT) == 0);
    }
}

/* Whatever is still to be delivered is, and the client leaves. */
static void part(void)
{
    struct wspeer *client = &now->p.s.client;
    now->complete = client->out.len == 0;
    faults_set(&(struct faults){.seed = 0});
    if (can_say(client) && one_in(2))
        wspeer_say_close(client, 1000, "");
    else
        wspeer_close(client);
    for (unsigned turns = 0; turns < PATIENCE && !now->p.s.ended; turns++) {
        attend();
        pass(20);
        if (turns % 32 == 31)
            rig_turns_in(&now->p.s.rig, 1);
        if (!client->closed && (client->eof || client->reset))
            wspeer_close(client);
    }
    assert_true(now->p.s.ended);
}

static void what_was_accepted_must_have_come(void)
{
    struct tally up = tally_of(&now->p.s.rig.metrics, SIDE_CLIENT);
    uint64_t missing = 0;
    for (uint32_t n = 1; n <= up.accepted; n++)
        missing += !now->arrived[n];
    assert_true(missing <= up.lost + up.unproven);
    if (now->complete && (play_ends(&now->p, SIDE_CLIENT, REASON_CLIENT_CLOSE) ||
                          play_ends(&now->p, SIDE_CLIENT, REASON_CLIENT_EOF)))
        assert_int_equal(up.lost, 0);
}

static uint64_t seed;

static void whatever_becomes_of_backends_messages_come_in_order_and_are_counted(void **state)
{
    (void)state;
    sequence = seed;
    begin_round();
    for (uint64_t n = 20 + draw(300); n > 0 && !is_over(); n--) {
        act();
        /* Most connections live longer than ten seconds, so that it is no loop. */
        pass(one_in(12) ? 11000 : draw(100));
        must_hold();
    }
    calm();
    part();
    play_end(&now->p);
    what_was_accepted_must_have_come();
    free(now);
}

static int tell_seed(void **state)
{
    (void)state;
    fprintf(stderr, "SEED=%" PRIu64 "\n", seed);
    return 0;
}

int main(void)
{
    static const struct CMUnitTest round[] = {cmocka_unit_test_teardown(
        whatever_becomes_of_backends_messages_come_in_order_and_are_counted, tell_seed)};
    const char *given = getenv("SEED"), *rounds = getenv("ROUNDS");
    if (given) {
        seed = strtoull(given, NULL, 10);
        return cmocka_run_group_tests(round, NULL, NULL);
    }
    FILE *random = fopen("/dev/urandom", "rb");
    if (!random || fread(&seed, sizeof(seed), 1, random) != 1)
        return 1;
    fclose(random);
    for (long i = rounds ? strtol(rounds, NULL, 10) : ROUNDS; i > 0; i--, seed++)
        if (cmocka_run_group_tests(round, NULL, NULL) != 0)
            return 1;
    return 0;
}

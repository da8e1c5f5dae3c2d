/* A session between peers that talk at random, whose backend is lost at random moments in random
 * ways and comes back, under settings that are drawn too: what must hold of the messages, each of
 * which has a number (loop/lib/ledger), and of what is counted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "loop/lib/chance.h"
#include "loop/lib/ledger.h"
#include "loop/lib/play.h"
#include "loop/lib/tally.h"
#include "net/faults.h"
#include <stdio.h>
#include <stdlib.h>

enum { ROUNDS = 100, PATIENCE = 4000 };

static struct round {
    struct play p;
    struct ledger ledger;
    uint64_t poison;
    bool hostile;  /* a backend may answer a handshake with what ends the session */
    bool complete; /* the client has said all that it had begun to say */
} * now;

/* ---- what may happen ---- */

static void manners(struct wspeer *backend)
{
    backend->most = one_in(4) ? 1 + draw(5000) : 0;
    backend->deaf = one_in(4);
}

static void on_joined(struct visit *v)
{
    ledger_joins(&now->ledger, &v->peer);
    manners(&v->peer);
}

/* What it still had to say is cut anywhere. */
static void break_off(struct wspeer *p)
{
    p->mute = true;
    p->out.len -= draw(p->out.len + 1);
    rig_turn(&now->p.s.rig, (unsigned)draw(3));
    (one_in(2) ? wspeer_close : wspeer_reset)(p);
}

static void lose(void)
{
    struct wspeer *b = now->ledger.backend;
    const struct play_way *w = &play_ways[draw(PLAY_WAYS)];
    if (b->closed)
        return;
    if (b->out.len > 0 && one_in(2)) {
        break_off(b);
        return;
    }
    /* 1001 may be the session's own word to it by now: who says the same at that moment, before it
     * has read what TCP has taken, cannot be told from one that answers. */
    bool crosses = now->p.s.client.closed && w->how == play_ways[3].how;
    if (!ledger_can_say(b) || crosses || (w->how == play_ways[1].how && b->out.len > 0))
        w = &play_ways[2];
    w->how(b);
}

static void leave(struct wspeer *client)
{
    if (client->closed)
        return;
    if (one_in(3))
        break_off(client);
    else if (ledger_can_say(client) && one_in(2))
        wspeer_say_close(client, 1000, "");
    else
        (one_in(2) ? wspeer_close : wspeer_reset)(client);
}

static void draw_reply(struct reply *r)
{
    static const char *const texts[] = {
        "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n",
        "SSH-2.0-x\r\n\r\n",
    };
    r->what = one_in(3) ? (one_in(2) ? REPLY_EOF : REPLY_TEXT) : REPLY_SWITCH;
    r->text = texts[draw(now->hostile ? 4 : 2)];
}

static void pass(uint64_t ms)
{
    rig_leap(ms);
    rig_turn(&now->p.s.rig, 1 + (unsigned)draw(6));
    server_part(&now->p.server);
    if (now->p.server.came > SERVER_VISITS / 2)
        now->p.server.reply.what = REPLY_SWITCH;
    /* Whoever said Close or ended its side is gone with what it would have said. */
    struct wspeer *b = now->ledger.backend, *client = &now->p.s.client;
    if (!b->closed && (b->eof || b->reset))
        wspeer_close(b);
    if (!client->closed && (client->eof || client->reset))
        wspeer_close(client);
}

static void act(void)
{
    struct wspeer *client = &now->p.s.client, *backend = now->ledger.backend;
    switch (draw(25)) {
    case 0:
        if (now->p.server.came < SERVER_VISITS / 2)
            lose();
        break;
    case 1:
        server_listen(&now->p.server, one_in(3));
        break;
    case 2:
        draw_reply(&now->p.server.reply);
        break;
    case 3:
        if (!client->closed)
            wspeer_stop(client, one_in(3));
        break;
    case 4:
        if (!backend->closed)
            wspeer_stop(backend, one_in(3));
        break;
    case 5:
        backend->deaf = one_in(3);
        break;
    case 6:
        if (one_in(30))
            leave(client);
        break;
    case 7:
    case 8:
    case 9:
    case 10:
    case 11:
    case 12:
        ledger_reply(&now->ledger);
        break;
    default:
        ledger_say(&now->ledger, client);
    }
}

static void must_hold(void)
{
    const struct sessions *set = &now->p.s.sessions;
    const struct metrics *m = set->lp->metrics;
    struct tally up = tally_of(m, SIDE_CLIENT), down = tally_of(m, SIDE_BACKEND);
    assert_true(up.accepted <= now->ledger.up && down.accepted <= now->ledger.down);
    assert_true(up.delivered <= now->ledger.most);
    assert_true(now->ledger.excess <= tally_count(m, METRIC_ANSWERS_UNKEPT_FULL));
    assert_int_equal(tally_in_flight(m, SIDE_CLIENT), sessions_in_flight(set, SIDE_CLIENT));
    assert_int_equal(tally_in_flight(m, SIDE_BACKEND), sessions_in_flight(set, SIDE_BACKEND));
}

/* ---- a round ---- */

static bool draw_network(void)
{
    bool narrow = one_in(4);
    faults_set(&(struct faults){.seed = draw(UINT64_MAX),
                                .eagain = one_in(2) ? draw(40) : 0,
                                .cut = one_in(2) ? draw(100) : 0,
                                .read = narrow      ? 1 + draw(300)
                                        : one_in(2) ? 1000 + draw(20000)
                                                    : 0});
    return narrow;
}

/* Where wskeep must read messages, none is compressed. */
static void draw_rules(struct ledger_rules *r, const struct deflate *agreed)
{
    *r = (struct ledger_rules){.narrow = draw_network(),
                               .unsent = one_in(4),
                               .notice = one_in(3),
                               .deflate = agreed->on,
                               .answers = !agreed->on && one_in(2),
                               .keyed = one_in(2),
                               .attempts = one_in(2) ? 100 : 1 + (unsigned)draw(3),
                               .preamble = one_in(3) ? 1 + (unsigned)draw(3) : 0,
                               .greeting = one_in(3) ? 1 + (unsigned)draw(3) : 0};
    if (agreed->on && !agreed->server_no_context)
        r->greeting = 0;
}

static const char *number(char text[24], uint64_t n)
{
    snprintf(text, 24, "%u", (unsigned)n);
    return text;
}

static void open_play(const struct ledger_rules *r, const struct scene_first *first)
{
    static const char *const limits[] = {"256KiB", "1MiB"}, *const rooms[] = {"1KiB", "64KiB"};
    char preamble[24], greeting[24], attempts[24], poison[24];
    struct setting_text all[] = {
        {"buffer.session", limits[draw(2)]},
        {"reconnect.replay", r->unsent ? "unsent" : "unacked"},
        {"reconnect.window", "1h"},
        {"reconnect.poison", number(poison, now->poison)},
        {"reconnect.state", one_in(2) ? "auto" : "preamble"},
        {"reconnect.preamble", number(preamble, r->preamble)},
        {"heartbeat.timeout", "1h"},
        {"reconnect.notice", r->notice ? LEDGER_NOTICE : ""},
        {"reconnect.greeting", r->greeting ? number(greeting, r->greeting) : "pass"},
        {r->answers ? "answer.of.field" : NULL, "type"},
        {"answer.of.values", "ask"},
        {"answer.by.field", "type"},
        {"answer.by.values", "done"},
        {"answer.key", r->keyed ? "id" : ""},
        {"answer.attempts", number(attempts, r->attempts)},
        {"answer.bytes", r->keyed ? rooms[draw(2)] : "64MiB"},
        {NULL, NULL}};
    play_begin_as(&now->p, first, all);
}

static void begin_round(void)
{
    struct scene_first first = {.agreed = {.on = one_in(3), .client_no_context = true}};
    struct ledger_rules rules;
    now = mem_zalloc(sizeof(*now));
    now->poison = one_in(4) ? 1 + draw(2) : 100;
    now->hostile = one_in(6);
    first.agreed.server_no_context = first.agreed.on && one_in(2);
    draw_rules(&rules, &first.agreed);
    open_play(&rules, &first);
    now->p.server.joined = on_joined;
    if (first.agreed.on)
        now->p.server.reply.fields =
            first.agreed.server_no_context
                ? "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover\r\n"
                : "Sec-WebSocket-Extensions: permessage-deflate\r\n";
    ledger_open(&now->ledger, &rules, &now->p.s.client, &now->p.s.backend);
    manners(&now->p.s.backend);
}

static bool is_over(void)
{
    const struct wspeer *client = &now->p.s.client;
    return now->p.s.ended || client->closed || client->sent_close || client->eof || client->reset;
}

static void attend(void)
{
    struct wspeer *b = now->ledger.backend;
    b->deaf = false;
    b->most = 0;
    if (!b->closed)
        wspeer_stop(b, false);
}

static bool has_settled(void)
{
    const struct ledger *l = &now->ledger;
    const struct metrics *m = &now->p.s.rig.metrics;
    struct tally up = tally_of(m, SIDE_CLIENT);
    return now->p.s.client.out.len == 0 && up.accepted == l->up &&
           tally_in_flight(m, SIDE_CLIENT) == 0 && tally_count(m, METRIC_SESSIONS_LIVE) == 1 &&
           ledger_can_say(l->backend) && l->backend->out.len == 0 && l->heard >= l->due &&
           ledger_waiting(l) <= tally_count(m, METRIC_ANSWERS_UNKEPT_FULL);
}

/* Everybody is there, reads and answers. */
static void calm(void)
{
    now->p.server.reply.what = REPLY_SWITCH;
    server_listen(&now->p.server, true);
    if (!now->p.s.client.closed)
        wspeer_stop(&now->p.s.client, false);
    for (unsigned turns = 0; !is_over() && !has_settled(); turns++) {
        assert_true(turns < PATIENCE);
        attend();
        pass(20);
        if (turns % 32 == 31) /* the kernel's turn: TCP does not hurry as time leaps here */
            rig_turns_in(&now->p.s.rig, 1);
        must_hold();
    }
}

/* The client leaves, and whatever is still to be delivered is. */
static void part(void)
{
    struct wspeer *client = &now->p.s.client;
    now->complete = client->closed ? false : client->out.len == 0;
    faults_set(&(struct faults){.seed = 0});
    leave(client);
    for (unsigned turns = 0; !now->p.s.ended; turns++) {
        assert_true(turns < PATIENCE);
        if (one_in(8) && now->p.server.came < SERVER_VISITS / 2)
            lose();
        attend();
        pass(20);
        must_hold();
        if (turns % 32 == 31)
            rig_turns_in(&now->p.s.rig, 1);
    }
}

/* Also behind a client that has left no other backend takes over where it must not: a message was
 * given up, or may be what kills them, or has gone to as many as may have it. */
static bool may_go_on(const struct tally *up)
{
    const struct ledger_rules *is = &now->ledger.is;
    return up->unproven == 0 && now->poison > 2 &&
           !(is->answers && now->p.server.switched >= is->attempts);
}

static void what_was_accepted_must_have_come(void)
{
    struct tally up = tally_of(&now->p.s.rig.metrics, SIDE_CLIENT);
    assert_true(ledger_missing(&now->ledger, (uint32_t)up.accepted) <= up.lost + up.unproven);
    if (now->complete && may_go_on(&up) &&
        (play_ends(&now->p, SIDE_CLIENT, REASON_CLIENT_CLOSE) ||
         play_ends(&now->p, SIDE_CLIENT, REASON_CLIENT_EOF)))
        assert_int_equal(up.lost, 0);
}

static void it_must_have_ended_for_one_reason(void)
{
    const struct ledger_rules *is = &now->ledger.is;
    const struct {
        enum reason reason;
        bool may;
    } rows[] = {
        {REASON_CLIENT_CLOSE, true},
        {REASON_CLIENT_EOF, true},
        {REASON_CLIENT_RESET, true},
        {REASON_BACKEND_CLOSE, true}, /* a message was torn, or given up */
        {REASON_BACKEND_EOF, true},
        {REASON_BACKEND_RESET, true},
        {REASON_BACKEND_UNSTABLE, true},
        {REASON_POISON, now->poison <= 2},
        {REASON_UNANSWERED, is->answers && now->p.server.switched >= is->attempts},
        {REASON_STATE_LOST, is->preamble > 0}, /* it is too long to be kept */
        {REASON_BACKEND_REFUSED, now->hostile},
        {REASON_BACKEND_CHANGED, now->hostile},
    };
    uint64_t ends = 0, known = 0;
    for (int r = 0; r < REASON_COUNT; r++)
        ends += play_ends(&now->p, SIDE_CLIENT, (enum reason)r);
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
        known += rows[i].may ? play_ends(&now->p, SIDE_CLIENT, rows[i].reason) : 0;
    assert_int_equal(ends, 1);
    assert_int_equal(known, 1);
}

static void whatever_becomes_of_backends_messages_come_in_order_and_are_counted(void **state)
{
    (void)state;
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
    it_must_have_ended_for_one_reason();
    free(now);
}

int main(void)
{
    return CHANCE_ROUNDS(whatever_becomes_of_backends_messages_come_in_order_and_are_counted,
                         ROUNDS);
}

/* The scripts of the modes, and what their sessions do in them; flood has a file of its own. */
#include "load.h"
#include "pace.h"
#include "report.h"

#include "lib/clock.h"

/* ---- echo: as many messages of each session on their way as asked for, or as many a second ----
 */

static void echo_refill(struct client *c)
{
    const struct load *l = c->load;

    if (l->sending && l->set.rate <= 0)
        client_send(c, l->set.inflight - c->inflight, l->now);
}

static void echo_begin(struct load *l)
{
    l->sending = true;
    l->now = clock_ns();
    pace_begin(l->now);
    for (uint64_t i = 0; i < l->count; i++) {
        if (l->clients[i].state != CLIENT_OPEN)
            continue;
        echo_refill(&l->clients[i]);
        client_flush(&l->clients[i]);
    }
}

static void echo_run(struct load *l)
{
    load_open_all(l);
    echo_begin(l);
    load_warm(l);
    load_measure(l, NULL);
    load_drain(l);
}

const struct mode mode_echo = {
    .name = "echo", .run = echo_run, .answered = echo_refill, .turn = pace_turn};

/* ---- source: listens to a server that sends as fast as it can, until it closes ---- */

#define ALLOWANCES 100 /* a second, to slow readers: short enough to be even, and cheap */

static uint64_t source_turn(struct load *l, uint64_t now)
{
    static uint64_t next;

    if (!l->set.read_rate)
        return UINT64_MAX;
    if (now >= next) {
        for (uint64_t i = 0; i < l->begun; i++)
            client_allow(&l->clients[i], 1 + (l->set.read_rate - 1) / ALLOWANCES);
        next = now + SECOND / ALLOWANCES;
    }
    return next - now;
}

static bool all_over(const struct load *l)
{
    return l->in_state[CLIENT_NONE] == l->count;
}

static void source_run(struct load *l)
{
    load_open_all(l);
    load_warm(l);
    load_measure(l, all_over);
}

static void source_report(const struct load *l)
{
    report_count("closed", l->counts.ends[CLIENT_DONE]);
}

const struct mode mode_source = {.name = "source",
                                 .run = source_run,
                                 .turn = source_turn,
                                 .report = source_report,
                                 .listens = true};

/* ---- idle: holds sessions that say nothing, and sees whether they still can ---- */

static uint64_t dropped, alive;

static void idle_opened(struct client *c)
{
    if (!c->load->set.no_warm_echo)
        client_send(c, 1, c->load->now);
}

static bool all_answered(const struct load *l)
{
    return l->outstanding == 0;
}

/* Each session carries one message both ways; a few hundred at a time, or they would wait for each
 * other and the latency would tell of that. */
static void idle_revive(struct load *l)
{
    uint64_t before = l->counts.messages;

    hist_clear(&l->latency);
    l->measuring = true;
    for (uint64_t i = 0; i < l->count; i++) {
        if (l->clients[i].state != CLIENT_OPEN)
            continue;
        client_send(&l->clients[i], 1, clock_ns());
        client_flush(&l->clients[i]);
        if (i % 256 == 255)
            load_pump(l, 1000000, all_answered);
    }
    load_pump(l, 10 * SECOND, all_answered);
    alive = l->counts.messages - before;
}

static void idle_run(struct load *l)
{
    load_open_all(l);
    load_warm(l);
    load_measure(l, NULL);
    dropped = l->opened - l->in_state[CLIENT_OPEN];
    idle_revive(l);
}

static void idle_report(const struct load *l)
{
    (void)l;
    report_count("alive", alive);
    report_count("dropped", dropped);
}

const struct mode mode_idle = {
    .name = "idle", .run = idle_run, .opened = idle_opened, .report = idle_report};

/* ---- churn: connect, one echo, close; and again ---- */

static void churn_opened(struct client *c)
{
    client_send(c, 1, c->load->now);
}

static void churn_answered(struct client *c)
{
    client_close(c, "\x03\xE8", 2); /* 1000 */
}

static void churn_over(struct client *c)
{
    if (c->load->sending)
        client_open(c);
}

static void churn_run(struct load *l)
{
    load_begin(l);
    l->sending = true;
    load_warm(l);
    hist_clear(&l->handshakes);
    load_measure(l, NULL);
    l->opened = l->set.conns;
    load_drain(l);
}

const struct mode mode_churn = {.name = "churn",
                                .run = churn_run,
                                .opened = churn_opened,
                                .answered = churn_answered,
                                .over = churn_over,
                                .cycles = true};

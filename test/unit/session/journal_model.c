/* The journal against a flat array: any cut of the input, a source that dies at any byte, and
 * random calls in random order. SEED=n in the environment begins the random rounds at another seed.
 */
#include "unit/session/journal_rig.h"

#include "base/err.h"
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

/* --- every cut of the input --- */

static void stream_mixed(struct stream *s)
{
    stream_text(s, 0);
    stream_add(s, FRAME_BINARY, false, 1);
    stream_add(s, FRAME_PING, true, 5);
    stream_add(s, FRAME_CONT, false, 0);
    stream_add(s, FRAME_CONT, true, 20);
    stream_add(s, FRAME_PONG, true, 0);
    stream_text(s, 126);
    stream_text(s, 3);
}

/* What one read of all of s makes. */
static void feed_whole(struct rig *r, const struct stream *s)
{
    rig_open(r, true, s->masked);
    rig_feed(r, s->p, s->n, false, SIZE_MAX);
    assert_int_equal(r->j.ready, r->j.end);
}

/* What came since the journal was empty is the same; then it is empty again. */
static void same_as_whole(struct rig *r, const struct rig *whole)
{
    assert_int_equal(r->j.end - r->j.base, whole->j.end);
    assert_int_equal(r->j.ready, r->j.end);
    assert_int_equal(r->j.last.messages - r->j.acked.messages, whole->j.last.messages);
    assert_memory_equal(r->flat + r->j.base, whole->flat, whole->j.end);
    assert_int_equal(rig_peek(r, 256, UINT64_MAX), whole->j.end);
    rig_drain(r);
    journal_ack(&r->j, rig_edge(r, true));
    assert_int_equal(r->pool.held, 0);
}

static void every_cut_of_the_input_gives_the_same_bytes(void **state)
{
    (void)state;
    for (int way = 0; way < 4; way++) {
        bool in_place = way & 2;
        struct stream s = {.masked = way & 1};
        struct rig whole, r;
        stream_mixed(&s);
        feed_whole(&whole, &s);
        rig_open(&r, true, s.masked);
        for (size_t a = 0; a < s.n; a++)
            for (size_t b = a; b < s.n; b++) {
                rig_feed(&r, s.p, a, in_place, SIZE_MAX);
                rig_feed(&r, s.p + a, b - a, in_place, SIZE_MAX);
                rig_feed(&r, s.p + b, s.n - b, in_place, SIZE_MAX);
                same_as_whole(&r, &whole);
            }
        rig_close(&r);
        rig_close(&whole);
        stream_free(&s);
    }
}

static void reads_of_any_size_give_the_same_bytes_of_long_messages(void **state)
{
    (void)state;
    static const size_t sizes[] = {1,     7,         SMALL - 1, SMALL, SMALL + 1, LARGE - 1,
                                   LARGE, LARGE + 1, 65535,     65536, 65537,     SIZE_MAX};
    for (int way = 0; way < 4; way++) {
        struct stream s = {.masked = way & 1};
        struct rig whole, r;
        stream_mixed(&s);
        stream_text(&s, 200 * 1024);
        stream_add(&s, FRAME_PING, true, 125);
        stream_text(&s, FRAME_CUT + 1);
        stream_mixed(&s);
        feed_whole(&whole, &s);
        rig_open(&r, true, s.masked);
        for (size_t i = 0; i < COUNT(sizes); i++) {
            rig_feed(&r, s.p, s.n, way & 2, sizes[i]);
            same_as_whole(&r, &whole);
        }
        rig_close(&r);
        rig_close(&whole);
        stream_free(&s);
    }
}

/* --- a source that dies at any byte --- */

/* What may be sent when `n` bytes of the stream have come: whole short messages, and whole
 * fragments of the long one, which begins at 2 + 10 + 4 + 30720 and is as long as its head says. */
enum { SHORT_END = 12, MIDDLE_END = SHORT_END + 4 + 30 * 1024, LONG = 200 * 1024 };

static size_t ready_after(size_t n)
{
    size_t fragments;
    if (n < SHORT_END)
        return 0;
    if (n < MIDDLE_END)
        return SHORT_END;
    if (n < MIDDLE_END + 10 + FRAME_CUT)
        return MIDDLE_END;
    if (n == MIDDLE_END + 10 + LONG)
        return MIDDLE_END + LONG + 3 * 10 + 4;
    fragments = (n - MIDDLE_END - 10) / FRAME_CUT;
    return MIDDLE_END + fragments * (10 + FRAME_CUT);
}

/* A read of n bytes; then the source dies. The splitter that stood at `from` goes on from there. */
static void die_after(struct rig *r, const struct frame *from, const uint8_t *p, size_t n,
                      size_t ready, size_t at)
{
    r->f = *from;
    rig_take(r, p, n);
    if (r->j.ready > r->j.last.off && r->j.sent <= r->j.last.off)
        journal_sent(&r->j, r->j.last.off + 1 - r->j.sent); /* somebody has seen of it: it stays */
    size_t gone = r->j.end - r->j.ready;
    assert_int_equal(journal_cut(&r->j), gone);
    if (r->j.end != ready || r->j.ready != ready)
        fail_msg("dead after %zu: ready is %lu, not %zu", at, r->j.ready, ready);
}

static void a_source_that_dies_leaves_no_part_of_a_short_message(void **state)
{
    (void)state;
    struct stream s = {0};
    struct rig r;
    rig_open(&r, true, false);
    stream_text(&s, 10);
    stream_text(&s, 30 * 1024);
    stream_text(&s, LONG);
    assert_int_equal(s.n, MIDDLE_END + 10 + LONG);
    /* What is cut is fed again, so that the next byte finds the journal as if it had never been. */
    struct frame from = r.f;
    size_t begin = 0;
    for (size_t n = 1; n <= s.n; n++) {
        size_t before = r.j.ready;
        die_after(&r, &from, s.p + begin, n - begin, ready_after(n), n);
        if (r.j.ready > before) {
            from = r.f;
            begin = n;
            assert_int_equal(rig_peek(&r, 256, UINT64_MAX), r.j.ready - r.j.sent);
        }
    }
    assert_int_equal(r.j.last.messages, 3);
    rig_drain(&r);
    journal_ack(&r.j, rig_edge(&r, true));
    assert_int_equal(r.pool.held, 0);
    rig_close(&r);
    stream_free(&s);
}

/* --- random calls --- */

enum { ROUNDS = 3000, STEPS = 60, EDGES = 4096 };

static uint32_t seed, dice;

static void say_seed(int signal)
{
    (void)signal;
    dprintf(STDERR_FILENO, "seed %u\n", seed);
}

static uint32_t roll(uint32_t sides)
{
    dice ^= dice << 13;
    dice ^= dice >> 17;
    dice ^= dice << 5;
    return dice % sides;
}

static bool chance(uint32_t percent)
{
    return roll(100) < percent;
}

struct edge {
    struct mark m;
    bool open;
};

struct model {
    struct rig r;
    struct stream in;
    size_t fed;
    struct edge edges[EDGES]; /* all that lie in flat, and 0 */
    size_t edges_n;
    bool keep, base_open;
    uint64_t base, sent, torn, ready;
    struct mark acked;
    uint64_t watched; /* an offset, and where its byte lies */
    const uint8_t *where;
};

static size_t any_payload(bool large)
{
    static const size_t sizes[] = {0,         1,     125,       126,       127,
                                   SMALL - 6, SMALL, SMALL + 1, LARGE - 8, LARGE,
                                   LARGE + 1, 65535, 65536,     65537,     131072};
    if (chance(60))
        return roll(300);
    return sizes[roll(large ? COUNT(sizes) : 8)];
}

static void stream_random(struct stream *s, bool large)
{
    for (uint32_t messages = 1 + roll(12); messages > 0; messages--) {
        uint8_t opcode = FRAME_TEXT;
        for (uint32_t frames = chance(30) ? 1 + roll(6) : 1; frames > 0; frames--) {
            if (chance(15))
                stream_add(s, FRAME_PING, true, roll(126));
            stream_add(s, opcode, frames == 1, any_payload(large));
            opcode = FRAME_CONT;
        }
    }
}

/* Reads on in flat from the last edge that is known. */
static void model_edges(struct model *m)
{
    for (;;) {
        struct edge e = m->edges[m->edges_n - 1];
        struct frame_head h;
        int n = frame_head(m->r.flat + e.m.off, m->r.j.end - e.m.off, &h);
        if (n <= 0 || m->r.j.end - e.m.off < (size_t)n + h.payload)
            return;
        assert_true(m->edges_n < EDGES);
        m->edges[m->edges_n++] =
            (struct edge){{e.m.off + (size_t)n + h.payload, e.m.messages + h.fin}, !h.fin};
    }
}

/* The first edge from `off` on; NULL: there is none. */
static const struct edge *model_find(const struct model *m, uint64_t off, bool message)
{
    for (size_t i = 0; i < m->edges_n; i++)
        if (m->edges[i].m.off >= off && !(message && m->edges[i].open))
            return &m->edges[i];
    return NULL;
}

static void step_feed(struct model *m)
{
    size_t n = m->in.n - m->fed, most = chance(50) ? 600 : 100000;
    n = n < most ? n : most;
    n = n > 0 ? 1 + roll((uint32_t)n) : 0;
    rig_feed(&m->r, m->in.p + m->fed, n, chance(50), chance(30) ? 1 + roll(700) : SIZE_MAX);
    m->fed += n;
    model_edges(m);
    const struct edge *ready = model_find(m, m->r.j.ready, false);
    assert_int_equal(ready->m.off, m->r.j.ready);
    assert_true(m->r.j.ready >= m->ready);
    m->ready = m->r.j.ready;
}

static void step_send(struct model *m)
{
    uint64_t upto = m->sent + roll(2) * roll(5000) + roll(2) * 200000;
    size_t n = rig_peek(&m->r, 1 + (int)roll(64), upto);
    if (upto >= m->ready && n == 0)
        assert_int_equal(m->sent, m->ready);
    if (n > 0 && chance(60))
        n = 1 + roll((uint32_t)n);
    journal_sent(&m->r.j, n);
    m->sent += n;
    if (!m->keep)
        m->base = m->sent;
}

static void step_edge(struct model *m)
{
    for (int message = 0; message <= 1; message++) {
        struct mark at;
        const struct edge *want = model_find(m, m->sent, message);
        bool here = journal_edge(&m->r.j, message, &at);
        assert_int_equal(here, want != NULL);
        if (here)
            assert_memory_equal(&at, &want->m, sizeof(at));
    }
}

static void step_ack(struct model *m)
{
    const struct edge *e = &m->edges[roll((uint32_t)m->edges_n)];
    if (e->open || e->m.off > m->sent)
        return;
    journal_ack(&m->r.j, e->m);
    if (!m->keep || e->m.off <= m->acked.off)
        return;
    m->acked = e->m;
    if (m->acked.off >= m->torn) {
        m->base = m->acked.off;
        m->base_open = false;
    }
}

static void step_rewind(struct model *m)
{
    const struct edge *e = model_find(m, m->sent, true);
    bool within = !e || e->m.off != m->sent, torn = m->torn > m->acked.off;
    assert_int_equal(journal_rewind(&m->r.j), (m->keep ? torn : within) ? ERR_TORN : 0);
    if (m->keep && !torn)
        m->sent = m->acked.off;
}

static void model_tear(struct model *m, size_t limit, uint64_t taken)
{
    while (m->base_open || m->sent - m->base > limit) {
        const struct edge *e = model_find(m, m->base + 1, false);
        if (!e || e->m.off > taken)
            break;
        m->base = m->torn = e->m.off;
        m->base_open = e->open;
    }
}

static void step_relieve(struct model *m)
{
    size_t limit = chance(50) ? roll(3000) : roll(150000);
    uint64_t taken = m->base + roll((uint32_t)(m->sent - m->base) + 200);
    uint64_t before = m->acked.messages, given = journal_relieve(&m->r.j, limit, taken);
    taken = taken < m->sent ? taken : m->sent;
    if (m->keep) {
        const struct edge *e;
        while (m->torn <= m->acked.off && m->sent - m->acked.off > limit &&
               (e = model_find(m, m->acked.off + 1, true)) && e->m.off <= taken) {
            m->acked = e->m;
            m->base = e->m.off;
        }
        e = model_find(m, m->acked.off + 1, true);
        bool outgrown = m->sent - m->acked.off > limit && (!e || e->m.off - m->acked.off > limit);
        if (m->torn > m->acked.off || outgrown)
            model_tear(m, limit, taken);
    }
    assert_int_equal(given, m->acked.messages - before);
}

static void step_cut(struct model *m)
{
    uint64_t end = m->r.j.end;
    if (m->sent <= m->r.j.last.off)
        m->ready = m->r.j.last.off;
    assert_int_equal(journal_cut(&m->r.j), end - m->ready);
    assert_int_equal(m->r.j.end, m->ready);
    const struct edge *e = model_find(m, m->ready, false);
    m->edges_n = (size_t)(e - m->edges) + 1;
    /* Another source begins with a message, unless half a message stands there: then none comes. */
    frame_fini(&m->r.f);
    frame_init(&m->r.f, m->in.masked, false);
    m->in.n = m->fed = 0;
    if (!e->open)
        stream_random(&m->in, chance(20));
}

static void model_same(struct model *m)
{
    const struct journal *j = &m->r.j;
    const struct edge *message = model_find(m, m->sent, true);
    assert_int_equal(j->base, m->base);
    assert_int_equal(j->sent, m->sent);
    assert_int_equal(j->ready, m->ready);
    assert_int_equal(journal_torn(j), m->torn > m->acked.off);
    assert_int_equal(journal_open(j), !message || message->m.off != m->sent);
    if (m->keep)
        assert_memory_equal(&j->acked, &m->acked, sizeof(m->acked));
    else
        assert_int_equal(j->acked.messages, journal_sent_messages(j));
    if (message)
        assert_int_equal(journal_sent_messages(j),
                         message->m.messages - (message->m.off != m->sent));
}

/* All that is held is what was appended there, and a byte that was watched has not moved. */
static void model_bytes(struct model *m)
{
    const struct journal *j = &m->r.j;
    uint64_t off = j->base, next = j->base + roll((uint32_t)(j->end - j->base) + 1);
    bool watched = m->watched >= off && m->watched < j->end && m->where;
    const uint8_t *where = NULL;
    uint32_t skip = j->head_off;
    for (const struct chunk *c = j->head; c; off += c->len - skip, skip = 0, c = c->next) {
        assert_memory_equal(c->data + skip, m->r.flat + off, c->len - skip);
        if (watched && m->watched >= off && m->watched - off < c->len - skip)
            assert_ptr_equal(c->data + skip + (m->watched - off), m->where);
        if (next >= off && next - off < c->len - skip)
            where = c->data + skip + (next - off);
    }
    assert_int_equal(off, j->end);
    m->watched = next;
    m->where = where;
}

static void round_of_calls(void)
{
    static void (*const steps[])(struct model *) = {
        step_feed, step_feed, step_feed, step_send,   step_send,    step_send,
        step_edge, step_ack,  step_ack,  step_rewind, step_relieve, step_cut,
    };
    static struct model m;
    bool large = chance(10), masked = chance(50);
    m = (struct model){.keep = chance(75), .in.masked = masked, .edges_n = 1};
    rig_open(&m.r, m.keep, masked);
    stream_random(&m.in, large);
    /* The last kind of step, a dead source, is the rarest. */
    for (int i = 0; i < STEPS; i++) {
        steps[roll(COUNT(steps) - !chance(30))](&m);
        model_same(&m);
        model_bytes(&m);
    }
    assert_true(journal_check(&m.r.j));
    rig_close(&m.r);
    stream_free(&m.in);
}

static void any_order_of_calls_does_what_a_flat_array_does(void **state)
{
    (void)state;
    const char *first = getenv("SEED");
    seed = first ? (uint32_t)strtoul(first, NULL, 10) : 1;
    for (int i = 0; i < ROUNDS; i++, seed++) {
        dice = (seed + 1) * 2654435761u | 1;
        round_of_calls();
    }
    seed = 0;
}

static int seed_of_failure(void **state)
{
    (void)state;
    if (seed)
        say_seed(0);
    return 0;
}

int main(void)
{
    signal(SIGABRT, say_seed);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_cut_of_the_input_gives_the_same_bytes),
        cmocka_unit_test(reads_of_any_size_give_the_same_bytes_of_long_messages),
        cmocka_unit_test(a_source_that_dies_leaves_no_part_of_a_short_message),
        cmocka_unit_test_teardown(any_order_of_calls_does_what_a_flat_array_does, seed_of_failure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

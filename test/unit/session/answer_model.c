/* Random traffic, acks and losses against a plain list of what must be kept. */
#include "unit/session/answer_rig.h"

#include <stdio.h>

enum { STEPS = 400, SEEDS = 300, ATTEMPTS = 2, LIMIT = 1000, MOST = 200 };

/* Two threads, and none. */
static const char *const keys[] = {"", "a", "b"};

struct wanted {
    unsigned key, number, resent;
    uint64_t end;
    size_t wire, given; /* given: where it ends in `first`; 0: it is not there */
};

struct model {
    struct talk t;
    uint64_t random;
    struct wanted list[MOST];
    unsigned n, number, unkept;
    size_t size, overhead, written;
    uint64_t replayed;
};

static unsigned roll(struct model *m, unsigned below)
{
    m->random ^= m->random << 13;
    m->random ^= m->random >> 7;
    m->random ^= m->random << 17;
    return (unsigned)(m->random >> 33) % below;
}

static void drop(struct model *m, unsigned i)
{
    m->size -= m->overhead + m->list[i].wire + strlen(keys[m->list[i].key]);
    m->n--;
    memmove(m->list + i, m->list + i + 1, (m->n - i) * sizeof(*m->list));
}

static bool was_sent(const struct model *m, const struct wanted *w)
{
    return w->given > 0 ? w->given <= m->written : w->end <= m->t.up.j.sent;
}

static void say(char *out, const char *type, unsigned key, unsigned number)
{
    if (key > 0)
        sprintf(out, "{\"n\":%u,\"id\":\"%s\",\"type\":\"%s\"}", number, keys[key], type);
    else
        sprintf(out, "{\"n\":%u,\"type\":\"%s\"}", number, type);
}

/* Another message, which may not match and may come in fragments, in reads of any size. */
static void client_speaks(struct model *m)
{
    char text[100];
    struct stream s = {.masked = true};
    bool asks = roll(m, 3) > 0;
    unsigned key = roll(m, 3), size = 1 + roll(m, 40);
    say(text, asks ? "ask" : "say", key, ++m->number);
    stream_cut(&s, text, strlen(text), roll(m, 2) ? roll(m, 1u << 20) & roll(m, 1u << 20) : 0);
    for (size_t at = 0; at < s.n; at += size) {
        rig_feed(&m->t.up, s.p + at, s.n - at < size ? s.n - at : size, roll(m, 2), SIZE_MAX);
        answers_up(m->t.a);
    }
    size_t cost = m->overhead + s.n + strlen(keys[key]);
    if (asks && m->size + cost <= LIMIT) {
        m->list[m->n++] =
            (struct wanted){.key = key, .number = m->number, .end = m->t.up.j.end, .wire = s.n};
        m->size += cost;
        assert_true(m->n < MOST);
    } else
        m->unkept += asks;
    stream_free(&s);
}

/* The rules of answer.h, one after the other. */
static int answered(const struct model *m, unsigned key)
{
    int oldest = -1, nameless = -1;
    bool one = true;
    for (int i = (int)m->n - 1; i >= 0; i--)
        if (was_sent(m, &m->list[i])) {
            one = one && (oldest < 0 || m->list[i].key == m->list[oldest].key);
            oldest = i;
            nameless = m->list[i].key == 0 ? i : nameless;
        }
    for (unsigned i = 0; i < m->n; i++)
        if (key > 0 && m->list[i].key == key && was_sent(m, &m->list[i]))
            return (int)i;
    return nameless >= 0 ? nameless : key == 0 && one ? oldest : -1;
}

static void backend_speaks(struct model *m)
{
    char text[100];
    unsigned key = roll(m, 3), what = roll(m, 3);
    say(text, what == 0 ? "token" : what == 1 ? "done" : "error", key, 0);
    int i = what > 0 ? answered(m, key) : -1;
    if (i >= 0)
        drop(m, (unsigned)i);
    talk_down(&m->t, text);
}

static void bytes_go(struct model *m)
{
    size_t left = m->t.first.len - m->written, all = rig_peek(&m->t.up, 64, UINT64_MAX);
    if (left > 0) {
        size_t n = 1 + roll(m, (unsigned)left);
        m->written += n;
        answers_written(m->t.a, m->written);
    } else if (all > 0)
        journal_sent(&m->t.up.j, roll(m, 2) ? all : 1 + roll(m, (unsigned)all));
}

static void peer_acks(struct model *m)
{
    struct mark k;
    if (journal_edge(&m->t.up.j, true, &k) && k.off <= m->t.up.j.sent)
        journal_ack(&m->t.up.j, k);
}

static bool is_worn(const struct model *m)
{
    for (unsigned i = 0; i < m->n; i++)
        if (was_sent(m, &m->list[i]) && m->list[i].resent == ATTEMPTS)
            return true;
    return false;
}

/* Whether the session lives on. */
static bool backend_is_lost(struct model *m)
{
    bool worn = is_worn(m);
    char want[MOST * 50] = "";
    size_t at = 0;
    for (unsigned i = 0; i < m->n && !worn; i++) {
        struct wanted *w = &m->list[i];
        bool sent = was_sent(m, w);
        w->resent += sent;
        if (w->end > m->t.up.j.acked.off)
            continue;
        m->replayed += sent;
        w->given = at += w->wire;
        say(want + strlen(want), "ask", w->key, w->number);
        strcat(want, "\n");
    }
    m->written = 0;
    assert_int_equal(talk_lose(&m->t), worn ? ERR_GONE : 0);
    assert_first(&m->t, want);
    return !worn;
}

static bool step(struct model *m)
{
    switch (roll(m, 16)) {
    case 0:
        return roll(m, 4) || backend_is_lost(m);
    case 1:
    case 2:
    case 3:
        client_speaks(m);
        return true;
    case 4:
    case 5:
    case 6:
        backend_speaks(m);
        return true;
    case 7:
        peer_acks(m);
        return true;
    default:
        bytes_go(m);
        return true;
    }
}

static void run(uint64_t seed, unsigned *ends, unsigned *unkept)
{
    struct model m = {.random = seed * 0x9e3779b97f4a7c15u + 1};
    talk_open(&m.t, "id", LIMIT, ATTEMPTS);
    size_t empty = answers_charge(m.t.a);
    talk_up(&m.t, "{\"type\":\"ask\"}");
    m.overhead = answers_charge(m.t.a) - empty - m.t.up.j.end;
    talk_down(&m.t, "{\"type\":\"done\"}");
    for (unsigned i = 0; i < STEPS; i++) {
        if (!step(&m)) {
            ++*ends;
            break;
        }
        assert_int_equal(answers_charge(m.t.a) - empty, m.size);
        assert_int_equal(talk_count(&m.t, METRIC_UP_REPLAYED), m.replayed);
        assert_int_equal(talk_count(&m.t, METRIC_ANSWERS_UNKEPT_FULL), m.unkept);
    }
    *unkept += m.unkept;
    talk_close(&m.t);
}

static void what_is_kept_and_goes_again_is_what_the_model_says(void **state)
{
    (void)state;
    unsigned ends = 0, unkept = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++)
        run(seed, &ends, &unkept);
    assert_true(ends > 0 && ends < SEEDS && unkept > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_kept_and_goes_again_is_what_the_model_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* What became of messages: see tally.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "loop/lib/tally.h"

static const struct {
    enum metric accepted, delivered, unproven, lost;
} rows[] = {
    [SIDE_CLIENT] = {METRIC_UP_ACCEPTED, METRIC_UP_DELIVERED, METRIC_UP_UNPROVEN, METRIC_UP_LOST},
    [SIDE_BACKEND] = {METRIC_DOWN_ACCEPTED, METRIC_DOWN_DELIVERED, METRIC_DOWN_UNPROVEN,
                      METRIC_DOWN_LOST},
};

uint64_t tally_count(const struct metrics *m, enum metric id)
{
    struct metrics *one = (struct metrics *)m;
    return metrics_sum(&one, 1, id);
}

struct tally tally_of(const struct metrics *m, enum side from)
{
    return (struct tally){.accepted = tally_count(m, rows[from].accepted),
                          .delivered = tally_count(m, rows[from].delivered),
                          .unproven = tally_count(m, rows[from].unproven),
                          .lost = tally_count(m, rows[from].lost)};
}

uint64_t tally_in_flight(const struct metrics *m, enum side from)
{
    struct tally t = tally_of(m, from);
    return t.accepted - t.delivered - t.unproven - t.lost;
}

static uint64_t observed(const struct metrics *m, enum histogram id)
{
    uint64_t n = 0;
    for (unsigned i = 0; i <= HISTOGRAM_BOUNDS; i++)
        n += m->histogram[id].bucket[i];
    return n;
}

static uint64_t reconnects(const struct metrics *m)
{
    uint64_t n = 0;
    for (unsigned r = 0; r < REASON_COUNT; r++)
        n += m->reconnects[r];
    return n;
}

static void nothing_must_last(const struct metrics *m)
{
    static const enum metric gauges[] = {METRIC_SESSIONS_LIVE, METRIC_SESSIONS_HEADLESS,
                                         METRIC_SESSIONS_CLOSING, METRIC_HELD_BACK_UP,
                                         METRIC_HELD_BACK_DOWN};
    for (size_t i = 0; i < sizeof(gauges) / sizeof(*gauges); i++)
        assert_int_equal(tally_count(m, gauges[i]), 0);
    assert_int_equal(m->headless_since, 0);
}

void tally_must_add_up(const struct metrics *m)
{
    nothing_must_last(m);
    assert_int_equal(observed(m, HISTOGRAM_CONNECTION_CLEAN) +
                         observed(m, HISTOGRAM_CONNECTION_UNCLEAN),
                     observed(m, HISTOGRAM_SESSION_DURATION));
    assert_int_equal(reconnects(m), observed(m, HISTOGRAM_HEADLESS));
    assert_int_equal(tally_in_flight(m, SIDE_CLIENT), 0);
    assert_int_equal(tally_in_flight(m, SIDE_BACKEND), 0);
}

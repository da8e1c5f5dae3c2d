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

void tally_must_add_up(const struct metrics *m)
{
    assert_int_equal(tally_in_flight(m, SIDE_CLIENT), 0);
    assert_int_equal(tally_in_flight(m, SIDE_BACKEND), 0);
}

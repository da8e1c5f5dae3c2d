/* What became of the messages of one direction, by the counters of a loop. */
#ifndef WSKEEP_TEST_LOOP_TALLY_H
#define WSKEEP_TEST_LOOP_TALLY_H

#include "base/metrics.h"

struct tally {
    uint64_t accepted, delivered, unproven, lost;
};

uint64_t tally_count(const struct metrics *m, enum metric id);
struct tally tally_of(const struct metrics *m, enum side from);
uint64_t tally_in_flight(const struct metrics *m, enum side from);
/* Where all sessions have ended: of neither direction anything is in flight, no gauge of theirs is
 * left standing, and each was counted once wherever it counts. */
void tally_must_add_up(const struct metrics *m);

#endif

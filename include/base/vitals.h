/* What is not counted but looked up when it is asked for: the process's memory, descriptors and
 * processor time, under the names that Prometheus' own clients give them, and the age of what is
 * oldest. */
#ifndef WSKEEP_BASE_VITALS_H
#define WSKEEP_BASE_VITALS_H

#include "base/metrics.h"

/* Once, at the start: what does not change. */
void vitals_start(struct metrics *m);
/* Into loops[0], by its thread, before they are printed. Takes as long with many sessions as with
 * none, but for the descriptors before Linux 6.2. */
void vitals_look(struct metrics *const *loops, unsigned n);
/* One by one, as is done where the kernel does not say how many there are. */
uint64_t vitals_count_descriptors(void);

#endif

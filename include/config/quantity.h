/* Numbers with units: durations ("250ms", "25s", "10m", "2h") and sizes ("512B", "64KiB", "1MiB",
 * "1GiB"). Pure. Internal to config/. */
#ifndef WSKEEP_CONFIG_QUANTITY_H
#define WSKEEP_CONFIG_QUANTITY_H

#include "base/buf.h"
#include <stdint.h>

#define SECOND 1000u /* durations are in ms */

struct unit {
    const char *name; /* NULL ends a list */
    uint64_t n;
};
extern const struct unit quantity_durations[], quantity_sizes[]; /* the largest first */

/* A whole number and a unit, nothing between; 0, ERR_SYNTAX, or ERR_RANGE where it overflows. bare:
 * what a number without a unit counts in; 0: only zero goes without one. */
int quantity_parse(const struct unit *units, struct str text, uint64_t bare, uint64_t *out);
/* In the largest unit that leaves a whole number; zero has none. */
void quantity_print(const struct unit *units, uint64_t n, struct buf *out);
/* The digits at the front of `s`, which is moved past them; 0, ERR_SYNTAX where there are none,
 * ERR_RANGE. */
int digits_parse(struct str *s, uint64_t *out);

#endif

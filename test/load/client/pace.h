/* Sends at a steady rate, whether or not answers come: a proxy that stalls delays what is due
 * meanwhile, and that delay is in the latency. */
#ifndef LOAD_CLIENT_PACE_H
#define LOAD_CLIENT_PACE_H

#include "load.h"

void pace_begin(uint64_t now);
uint64_t pace_turn(struct load *l, uint64_t now); /* a mode's turn; without --rate: nothing */

#endif

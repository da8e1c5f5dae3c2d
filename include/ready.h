/* wskeep --ready: asks the wskeep that runs with the same settings whether it is ready, for probes
 * in images that have neither a shell nor curl. */
#ifndef WSKEEP_READY_H
#define WSKEEP_READY_H

#include "config/conf.h"

/* Takes the reference, which is to be the only one. 0: its admin listener says so. 1: it does not,
 * or cannot be asked; why: one line. */
int ready_ask(struct conf *conf, struct buf *why);

#endif

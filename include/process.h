/* The process: the control loop on main's thread, the workers, the order of starting and stopping.
 */
#ifndef WSKEEP_PROCESS_H
#define WSKEEP_PROCESS_H

#include "config/conf.h"

/* Runs until SIGTERM or SIGINT. Returns the exit code: 0 after a drain; 1 where it could not start,
 * which has been said on stderr. Takes the reference. notes: conf_load's, for the log. */
int process_run(struct conf *conf, const struct strings *notes);

#endif

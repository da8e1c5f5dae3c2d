/* The process: the control loop on main's thread, the workers, the order of starting and stopping.
 */
#ifndef WSKEEP_PROCESS_H
#define WSKEEP_PROCESS_H

#include "config/load.h"

/* Before the conf is loaded: a SIGHUP that comes from here on waits for process_run; a standard
 * descriptor that is closed is /dev/null from here on. */
void process_prepare(void);
/* Runs until SIGTERM or SIGINT; loads anew at SIGHUP from where conf came. Returns the exit code: 0
 * after a drain; 1 where it could not start, which has been said on stderr. Takes the reference.
 * notes: conf_load's, for the log. */
int process_run(struct conf *conf, const struct strings *notes, const struct conf_sources *from);

#endif

/* What a reload makes of two confs: the one in force and the one that was loaded. */
#ifndef WSKEEP_CONFIG_CHANGE_H
#define WSKEEP_CONFIG_CHANGE_H

#include "config/conf.h"

/* The paths of the settings that differ: "log.format, log.level". */
void conf_changes(const struct conf *from, const struct conf *to, struct buf *names);
/* What takes effect only at a start: gives `to` the values that `from` has, so that it says what is
 * in force, and names those that it had otherwise. */
void conf_defer(struct conf *to, const struct conf *from, struct buf *names);
/* The same for one setting, which could not be given effect. */
void conf_keep(struct conf *to, const struct conf *from, const char *path);

#endif

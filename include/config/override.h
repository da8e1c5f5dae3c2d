/* Settings from outside the file: environment variables, and the command line, whose values are
 * written alike. Internal to config/. */
#ifndef WSKEEP_CONFIG_OVERRIDE_H
#define WSKEEP_CONFIG_OVERRIDE_H

#include "config/load.h"
#include "config/table.h"

/* NULL where it is not set, or empty. */
const char *environment_get(char *const *environment, const char *name);
/* The value of the variable that counts for a setting, whose name goes to `name`, with a NUL; or
 * NULL. */
const char *override_find(const struct setting *s, char *const *environment, struct buf *name);
/* Both: 0, or a negative err and one line in `why`. */
int override_environment(struct conf *c, char *const *environment, struct strings *notes,
                         struct buf *why);
int override_set(struct conf *c, const struct conf_override *o, struct buf *why);
/* Adds `text`, made one line, to the notes; gives its storage back. */
void note_add(struct strings *notes, struct buf *text);

#endif

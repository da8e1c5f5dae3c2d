/* A command line cut into words as a shell would, where it is plain: blanks, quotes, backslashes.
 * Nothing is expanded. Pure. Internal to config/. */
#ifndef WSKEEP_CONFIG_WORDS_H
#define WSKEEP_CONFIG_WORDS_H

#include "base/buf.h"
#include <stdbool.h>

struct words {
    char **v;
    unsigned n;
    char *expands; /* the first word that begins with a variable, which may stand for many words */
    bool open;     /* a quote is not closed: the last word goes on to the end */
};

void words_init(struct words *w, struct str text);
void words_fini(struct words *w);

#endif

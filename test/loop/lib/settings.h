/* Settings as text, made into a conf. */
#ifndef WSKEEP_TEST_LOOP_SETTINGS_H
#define WSKEEP_TEST_LOOP_SETTINGS_H

#include "config/conf.h"

struct setting_text {
    const char *path, *value; /* path NULL: the end of a list */
};

/* The defaults, but for what two lists say; NULL: nothing. A setting that is refused fails the
 * test. */
struct conf *settings_conf(const struct setting_text *first, const struct setting_text *more);

#endif

/* Settings that are allowed one by one, but make no sense together. Pure. Internal to config/. */
#ifndef WSKEEP_CONFIG_FIT_H
#define WSKEEP_CONFIG_FIT_H

#include "config/table.h"

/* Told at `path`, where that was set, or else in a row behind it at the other. */
struct fit {
    const char *path, *other; /* settings */
    bool (*holds)(const struct conf *c);
    const char *allowed;
};
extern const struct fit fits[];
extern const unsigned fits_count;

/* "\"10s\" with reconnect.backoff_max \"5s\", allowed is no more than that" */
void fit_print(const struct fit *f, const struct conf *c, struct buf *out);

#endif

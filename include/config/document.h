/* A conf file in memory: its text, and the tree that cJSON makes of it. Internal to config/. */
#ifndef WSKEEP_CONFIG_DOCUMENT_H
#define WSKEEP_CONFIG_DOCUMENT_H

#include "base/buf.h"
#include <cjson/cJSON.h>

#define DOCUMENT_MAX (1u << 20) /* a conf file that is larger is something else */

struct document {
    const char *file; /* the caller's: for messages */
    struct buf text;
    cJSON *root; /* an object */
};

/* A negative err, and one line in `why`, where it cannot be read or is no JSON object. */
int document_init(struct document *d, const char *file, struct buf *why);
void document_fini(struct document *d);
/* The line of a value in the tree, or of its name where it has one. */
unsigned document_line(const struct document *d, const cJSON *value);

#endif

/* What a request asks for: "/source?size=64&n=10". */
#ifndef LOAD_BACKEND_TARGET_H
#define LOAD_BACKEND_TARGET_H

#include "base/buf.h"

/* target: from within a head, so that no digit follows it. */
bool target_is(struct str target, const char *path);
/* The number that its query gives the name, or the other one. */
uint64_t target_number(struct str target, const char *name, uint64_t otherwise);

#endif

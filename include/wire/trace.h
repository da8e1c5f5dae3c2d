/* Which trace a request belongs to, by its head: W3C's traceparent, or else X-Cloud-Trace-Context,
 * which Google's balancers set beside it. Pure. */
#ifndef WSKEEP_WIRE_TRACE_H
#define WSKEEP_WIRE_TRACE_H

#include "base/log.h"
#include "wire/http1.h"

/* What is malformed, or there twice, is as if it were not there. */
struct trace trace_of(const struct head *request);

/* The value of one field. Not known: it is malformed, as a whole. */
struct trace trace_parent(struct str value);
struct trace trace_cloud(struct str value);

#endif

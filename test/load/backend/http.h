/* The backend's HTTP, on a connection that is no WebSocket yet. */
#ifndef LOAD_BACKEND_HTTP_H
#define LOAD_BACKEND_HTTP_H

#include "conn.h"

void http_init(void);
/* Takes bytes of requests, until a WebSocket begins; returns how many. */
size_t http_take(struct conn *c, const uint8_t *p, size_t n);
bool http_busy(const struct conn *c); /* a body or a download is under way */
void http_fill(struct conn *c);       /* sends more of a download */

#endif

/* The backend's WebSocket services. */
#ifndef LOAD_BACKEND_SERVICE_H
#define LOAD_BACKEND_SERVICE_H

#include "conn.h"

/* Accepts the handshake. target: what the request asked for, "/source?size=64". */
void service_open(struct conn *c, struct str target, struct str key);
void service_take(struct conn *c, const uint8_t *p, size_t n);
bool service_pushes(const struct conn *c); /* it says what nobody asked for */
bool service_has_more(const struct conn *c);
void service_fill(struct conn *c); /* pushes more */

#endif

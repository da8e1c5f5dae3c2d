/* What a session receives. */
#ifndef LOAD_CLIENT_RECEIVE_H
#define LOAD_CLIENT_RECEIVE_H

#include "client.h"

/* Reads once, and does what the bytes ask for. */
enum client_end receive(struct client *c);

#endif

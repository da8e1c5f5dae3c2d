/* One client of the demo backend, from its first byte to its end. */
#ifndef WSKEEP_DEMO_CLIENT_H
#define WSKEEP_DEMO_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

struct client;

struct client_ways {
    uint64_t delay_ms; /* between two events of an answer */
    uint64_t ping_ms;  /* between two pings; 0: never */
    bool mortal;       /* POST /kill ends the process */
};

struct client *client_new(int fd, const struct client_ways *ways, uint64_t now_ms); /* takes fd */
int client_fd(const struct client *c);
short client_events(const struct client *c); /* for poll */
uint64_t client_due(const struct client *c); /* milliseconds; UINT64_MAX: only poll can wake it */
bool client_turn(struct client *c,
                 uint64_t now_ms); /* after poll, or when due; false: it is over */
void client_free(struct client *c);

#endif

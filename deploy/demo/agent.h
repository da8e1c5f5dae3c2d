/* A pretended chat agent: what one connection says and hears, as JSON texts. It knows no socket and
 * reads no clock. */
#ifndef WSKEEP_DEMO_AGENT_H
#define WSKEEP_DEMO_AGENT_H

#include <stddef.h>
#include <stdint.h>

struct run;

struct agent {
    struct run *runs; /* messages being answered, in the order of their arrival */
    uint64_t nth;     /* events said on this connection */
    void (*say)(void *to, const char *text);
    void *to;
};

/* Says connection_established, with the names of this process and of this connection. */
void agent_greet(struct agent *a);
/* A text message. A user_message begins a run, whose events are said from agent_turn; anything else
 * is answered by an error. */
void agent_hear(struct agent *a, const char *text, size_t n, uint64_t now_ms);
/* Says the events that are due. The next one of a run is due delay_ms after the one before. */
void agent_turn(struct agent *a, uint64_t now_ms, uint64_t delay_ms);
uint64_t agent_due(const struct agent *a); /* when to come again; UINT64_MAX: nothing is running */
void agent_fini(struct agent *a);

#endif

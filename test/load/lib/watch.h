/* The process's one epoll: descriptors that are watched, each with what to call when it is ready.
 */
#ifndef LOAD_LIB_WATCH_H
#define LOAD_LIB_WATCH_H

#include "base/list.h" /* CONTAINER_OF finds what a watch is part of */

#include <stdint.h>
#include <sys/epoll.h>

struct watch;
typedef void watch_fn(struct watch *w, uint32_t events);

struct watch {
    int fd; /* -1: not open */
    uint32_t events;
    watch_fn *fn;
};

void watch_init(void);
void watch_open(struct watch *w, int fd, uint32_t events, watch_fn *fn); /* takes fd */
void watch_for(struct watch *w, uint32_t events);
/* Closes the descriptor. Its storage may go at once, also from a call of any watch. */
void watch_close(struct watch *w);
/* Waits so long for something to be ready, and calls what is. */
void watch_turn(uint64_t ns);

#endif

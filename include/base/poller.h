/* Which descriptors of a loop are ready: one epoll, which libuv watches as a single descriptor.
 *
 * libuv 1.44's own uv_poll_t takes 4 epoll_ctl before its first event, 2 more for each change of
 * its mask, and 160 bytes. This takes one for each, and 16 bytes: an idle session would cost a
 * fifth more with the other, and one that opens and closes a dozen system calls.
 *
 * It owns the epoll, never what is watched. Level-triggered, unless the mask has EPOLLET. */
#ifndef WSKEEP_BASE_POLLER_H
#define WSKEEP_BASE_POLLER_H

#include <stdint.h>
#include <sys/epoll.h>
#include <uv.h>

struct watch;
/* A loop entry. events: of EPOLLIN and so on; EPOLLERR and EPOLLHUP whether or not they were asked
 * for. It may close any watch of the loop, this one too. */
typedef void watch_fn(struct watch *w, uint32_t events);

struct watch {
    int fd;
    uint32_t mask;
    watch_fn *fn;
};

struct poller {
    uv_poll_t poll;
    int fd;
    unsigned count;                 /* of what is watched: it keeps uv_run going */
    struct epoll_event *next, *end; /* of this turn's, those that are still to be told */
};

int poller_open(struct poller *p, uv_loop_t *uv);
/* 0, or UV_EBUSY where anything is still watched. */
int poller_close(struct poller *p);

/* 0, or a negative err: a descriptor that cannot be watched, or no memory. fd is left open. */
int watch_open(struct poller *p, struct watch *w, int fd, uint32_t mask, watch_fn *fn);
void watch_mask(struct poller *p, struct watch *w, uint32_t mask); /* one system call */
/* Closes the descriptor; nothing more is told. Of one that has no duplicate, here or in another
 * process: what has one is to be released first. */
void watch_close(struct poller *p, struct watch *w);
/* The same, but for the descriptor: returns it. */
int watch_release(struct poller *p, struct watch *w);

#endif

/* Owns the epoll and the batch of events that is being handed out; the watches are the callers'. */
#include "watch.h"

#include "clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define BATCH 512

static int epoll;
static struct epoll_event batch[BATCH];
static int batch_len, batch_at;

static void control(int op, struct watch *w)
{
    struct epoll_event e = {.events = w->events, .data.ptr = w};

    if (epoll_ctl(epoll, op, w->fd, &e) != 0) {
        perror("epoll_ctl");
        exit(1);
    }
}

void watch_init(void)
{
    epoll = epoll_create1(EPOLL_CLOEXEC);
    if (epoll < 0) {
        perror("epoll_create1");
        exit(1);
    }
}

void watch_open(struct watch *w, int fd, uint32_t events, watch_fn *fn)
{
    *w = (struct watch){fd, events, fn};
    control(EPOLL_CTL_ADD, w);
}

void watch_for(struct watch *w, uint32_t events)
{
    if (w->events == events)
        return;
    w->events = events;
    control(EPOLL_CTL_MOD, w);
}

void watch_close(struct watch *w)
{
    close(w->fd);
    w->fd = -1;
    for (int i = batch_at; i < batch_len; i++)
        if (batch[i].data.ptr == w)
            batch[i].data.ptr = NULL;
}

void watch_turn(uint64_t ns)
{
    struct timespec wait = {(time_t)(ns / SECOND), (long)(ns % SECOND)};

    batch_len = epoll_pwait2(epoll, batch, BATCH, &wait, NULL);
    for (batch_at = 0; batch_at < batch_len;) {
        struct epoll_event e = batch[batch_at++];
        struct watch *w = e.data.ptr;

        if (w)
            w->fn(w, e.events);
    }
    batch_len = 0;
}

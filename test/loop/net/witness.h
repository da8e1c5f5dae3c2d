/* An owner of a transport that notes what it hears, and reads while it is told to; and its peer. */
#ifndef WSKEEP_TEST_NET_WITNESS_H
#define WSKEEP_TEST_NET_WITNESS_H

#include "base/buf.h"
#include "loop/lib/rig.h"
#include "net/transport.h"
#include <string.h>
#include <unistd.h>

struct witness {
    struct rig rig;
    struct transport *t;
    int peer;
    size_t read_max; /* a read at most so large; 0: does not read */
    struct buf got;
    ptrdiff_t end; /* what reading ended with */
    unsigned heard, calls, ended;
    bool at_end, called, got_ended;
};

static inline void read_once(struct witness *w)
{
    uint8_t bytes[4096];
    struct iovec v = {bytes, w->read_max < sizeof(bytes) ? w->read_max : sizeof(bytes)};
    ptrdiff_t n = transport_read(w->t, &v, 1);
    if (n > 0) {
        buf_add(&w->got, bytes, (size_t)n);
    } else if (n != UV_EAGAIN) {
        w->end = n;
        w->at_end = true;
    }
}

static inline void on_event(void *owner, unsigned events)
{
    struct witness *w = owner;
    w->called = true;
    w->calls++;
    w->heard |= events;
    if (events & TRANSPORT_ENDED) {
        w->ended++;
        w->got_ended = true;
    }
    if ((events & TRANSPORT_READ) && w->read_max > 0)
        read_once(w);
}

static inline void begin(struct witness *w, void pair(int fd[2]), unsigned want)
{
    int fd[2];
    *w = (struct witness){.read_max = 4096};
    rig_open(&w->rig);
    pair(fd);
    w->peer = fd[1];
    assert_int_equal(transport_open(&w->rig.lp, fd[0], &w->t), 0);
    transport_owner(w->t, on_event, w);
    transport_want(w->t, want);
}

static inline void peer_sends(struct witness *w, const char *text)
{
    assert_int_equal(write(w->peer, text, strlen(text)), (ssize_t)strlen(text));
}

static inline void peer_closes(struct witness *w)
{
    close(w->peer);
    w->peer = -1;
}

static inline void peer_resets(struct witness *w)
{
    rig_reset(w->peer);
    w->peer = -1;
}

static inline void assert_got(const struct witness *w, const char *text)
{
    assert_int_equal(w->got.len, strlen(text));
    assert_memory_equal(w->got.data, text, w->got.len);
}

static inline void finish(struct witness *w)
{
    transport_close(w->t);
    if (w->peer >= 0)
        close(w->peer);
    buf_fini(&w->got);
    rig_close(&w->rig);
}

static inline ptrdiff_t write_pieces(struct transport *t, const char *text, int pieces)
{
    char *p = (char *)(uintptr_t)text;
    struct iovec v[] = {{p, pieces == 1 ? strlen(p) : 1}, {p + 1, strlen(p) - 1}};
    return transport_write(t, v, pieces);
}

static inline ptrdiff_t write_text(struct transport *t, const char *text)
{
    return write_pieces(t, text, 1);
}

/* Nothing more is told, and the loop sleeps. */
static inline void assert_quiet(struct witness *w)
{
    unsigned calls = w->calls;
    assert_in_range(rig_turns_in(&w->rig, 50), 1, 5);
    assert_int_equal(w->calls, calls);
}

#endif

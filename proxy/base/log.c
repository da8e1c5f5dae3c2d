/* The log. Owns the writer thread and the rings, one for each thread that ever logged at the same
 * time as the others; a ring whose thread has ended is taken by the next. Never blocks the thread
 * that logs, never sets O_NONBLOCK (stderr is shared with other processes), never opens a file.
 *
 * A ring has one producer, its thread, which moves `head`, and one consumer, the writer, which
 * moves `tail`; both only grow. head moves by whole lines. The writer says `asleep` before it looks
 * at the rings a last time and waits; a producer moves head before it looks at `asleep`: both in
 * one total order (seq_cst), so one of them sees the other. While lines gather the writer is not
 * asleep: only a ring that fills wakes it. */
#include "base/log.h"

#include "base/log_line.h"
#include "base/mem.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define RING_SIZE 65536u /* 300 lines of the usual size */
#define STOP_MS   500
/* Having written, the writer lets lines gather: to wake it for each took 8 % of the CPU where
 * sessions come and go. */
#define GATHER_MS 5

struct ring {
    struct ring *next; /* never changes once the ring is listed */
    _Atomic bool taken;
    _Atomic uint64_t head, tail;
    char bytes[RING_SIZE];
};

static struct {
    _Atomic enum { DIRECT, RUNNING, STOPPED } mode;
    _Atomic enum log_format format;
    _Atomic enum log_level least;
    _Atomic uint64_t dropped;
    _Atomic(struct ring *) rings;
    _Atomic bool asleep, stopping;
    bool prepared;
    int wake; /* eventfd */
    pthread_key_t mine;
    pthread_t writer;
} state = {.least = LOG_INFO};

/* ---- rings ---- */

static void ring_release(void *ring)
{
    atomic_store(&((struct ring *)ring)->taken, false);
}

static struct ring *ring_take(void)
{
    for (struct ring *r = atomic_load(&state.rings); r; r = r->next)
        if (!atomic_exchange(&r->taken, true))
            return r;

    struct ring *r = mem_zalloc(sizeof *r);
    atomic_store(&r->taken, true);
    r->next = atomic_load(&state.rings);
    while (!atomic_compare_exchange_weak(&state.rings, &r->next, r))
        ;
    return r;
}

static struct ring *ring_mine(void)
{
    struct ring *r = pthread_getspecific(state.mine);

    if (!r) {
        r = ring_take();
        pthread_setspecific(state.mine, r);
    }
    return r;
}

/* Copies n bytes at the absolute place `at`, into the ring or out of it. */
static void ring_write(struct ring *r, uint64_t at, const void *p, size_t n)
{
    size_t place = at % RING_SIZE, first = n < RING_SIZE - place ? n : RING_SIZE - place;

    memcpy(r->bytes + place, p, first);
    memcpy(r->bytes, (const char *)p + first, n - first);
}

static void ring_read(const struct ring *r, uint64_t at, void *p, size_t n)
{
    size_t place = at % RING_SIZE, first = n < RING_SIZE - place ? n : RING_SIZE - place;

    memcpy(p, r->bytes + place, first);
    memcpy((char *)p + first, r->bytes, n - first);
}

static void wake_writer(void)
{
    eventfd_write(state.wake, 1);
}

static void ring_put(struct ring *r, const struct buf *line)
{
    uint64_t head = atomic_load_explicit(&r->head, memory_order_relaxed);
    size_t used = (size_t)(head - atomic_load(&r->tail));

    if (RING_SIZE - used < line->len) {
        atomic_fetch_add_explicit(&state.dropped, 1, memory_order_relaxed);
        return;
    }
    ring_write(r, head, line->data, line->len);
    atomic_store(&r->head, head + line->len);
    bool fills = used <= RING_SIZE / 2 && used + line->len > RING_SIZE / 2;
    bool asleep = atomic_load(&state.asleep) && atomic_exchange(&state.asleep, false);
    if (fills || asleep)
        wake_writer();
}

/* ---- the writer ---- */

static void count_lost(const char *p, size_t n)
{
    uint64_t lines = 0;

    for (const char *end = p + n; (p = memchr(p, '\n', (size_t)(end - p))); p++)
        lines++;
    atomic_fetch_add_explicit(&state.dropped, lines, memory_order_relaxed);
}

/* Waits where the descriptor is full, even if someone else has set O_NONBLOCK. At any other error,
 * a full disk say, the rest is lost; what is written of a line then stays a line of its own. */
static void write_lines(const char *p, size_t n)
{
    static bool torn; /* of one thread: the writer, or who logs before it is started */
    const char *start = p;

    if (torn && write(STDERR_FILENO, "\n", 1) == 1)
        torn = false;
    while (n) {
        ssize_t done = write(STDERR_FILENO, p, n);

        if (done >= 0) {
            p += done;
            n -= (size_t)done;
        } else if (errno == EAGAIN) {
            poll(&(struct pollfd){.fd = STDERR_FILENO, .events = POLLOUT}, 1, -1);
        } else if (errno != EINTR) {
            torn |= p > start && p[-1] != '\n';
            count_lost(p, n);
            return;
        }
    }
}

/* Writes as many whole lines as LOG_LINE_CAP holds; false where there is none. */
static bool ring_drain(struct ring *r)
{
    char lines[LOG_LINE_CAP];
    uint64_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);
    size_t n = atomic_load(&r->head) - tail;

    if (!n)
        return false;
    if (n > sizeof lines)
        n = sizeof lines;
    ring_read(r, tail, lines, n);
    n = (size_t)((char *)memrchr(lines, '\n', n) + 1 - lines);
    atomic_store(&r->tail, tail + n);
    write_lines(lines, n);
    return true;
}

static bool drain(void)
{
    bool some = false;

    for (struct ring *r = atomic_load(&state.rings); r; r = r->next)
        some |= ring_drain(r);
    return some;
}

static bool pending(void)
{
    for (const struct ring *r = atomic_load(&state.rings); r; r = r->next)
        if (atomic_load(&r->head) != atomic_load(&r->tail))
            return true;
    return false;
}

static void gather(void)
{
    struct pollfd wake = {.fd = state.wake, .events = POLLIN};

    poll(&wake, 1, GATHER_MS);
}

static void sleep_until_woken(void)
{
    eventfd_t count;

    atomic_store(&state.asleep, true);
    if (!pending())
        eventfd_read(state.wake, &count);
    atomic_store(&state.asleep, false);
}

static void *writer(void *unused)
{
    (void)unused;
    for (;;) {
        bool last = atomic_load(&state.stopping), wrote = false;

        while (drain())
            wrote = true;
        if (last)
            return NULL;
        if (wrote)
            gather();
        else
            sleep_until_woken();
    }
}

/* Signals go to the other threads. */
static int start_writer(void)
{
    sigset_t all, before;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int err = pthread_create(&state.writer, NULL, writer, NULL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return err;
}

/* Once, and for good: a thread that logs while log_stop runs may still use both. */
static bool prepare(void)
{
    if (state.prepared)
        return true;
    if (pthread_key_create(&state.mine, ring_release) != 0)
        return false;
    state.wake = eventfd(0, EFD_CLOEXEC);
    if (state.wake < 0)
        pthread_key_delete(state.mine);
    state.prepared = state.wake >= 0;
    return state.prepared;
}

/* ---- the public face ---- */

void log_start(enum log_format format, enum log_level least)
{
    log_set(format, least);
    if (!prepare())
        return; /* without a writer, lines go on being written at once */
    atomic_store(&state.stopping, false);
    if (start_writer() == 0)
        atomic_store(&state.mode, RUNNING);
}

void log_set(enum log_format format, enum log_level least)
{
    atomic_store_explicit(&state.format, format, memory_order_relaxed);
    atomic_store_explicit(&state.least, least, memory_order_relaxed);
}

/* A writer that stands in write(2) at a full pipe is cancelled there. */
void log_stop(void)
{
    struct timespec until;

    if (atomic_exchange(&state.mode, STOPPED) != RUNNING)
        return;
    atomic_store(&state.stopping, true);
    wake_writer();
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += STOP_MS * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    if (pthread_timedjoin_np(state.writer, NULL, &until) != 0) {
        pthread_cancel(state.writer);
        pthread_join(state.writer, NULL);
    }
}

uint64_t log_dropped(void)
{
    return atomic_load_explicit(&state.dropped, memory_order_relaxed);
}

bool log_on(enum log_level level)
{
    return level >= atomic_load_explicit(&state.least, memory_order_relaxed);
}

void log_write(enum log_level level, const char *event, const struct log_field *fields)
{
    struct timespec now;
    struct buf line;

    clock_gettime(CLOCK_REALTIME, &now);
    buf_init(&line);
    log_line(&line, atomic_load_explicit(&state.format, memory_order_relaxed), now, level, event,
             fields);
    switch (atomic_load(&state.mode)) {
    case DIRECT:
        write_lines((const char *)line.data, line.len);
        break;
    case RUNNING:
        ring_put(ring_mine(), &line);
        break;
    case STOPPED:
        break;
    }
    buf_fini(&line);
}

bool log_allow(struct log_limit *l, uint64_t now_ms, uint64_t *suppressed)
{
    if (now_ms < l->next) {
        l->suppressed++;
        return false;
    }
    *suppressed = l->suppressed;
    l->suppressed = 0;
    l->next = now_ms + 1000;
    return true;
}

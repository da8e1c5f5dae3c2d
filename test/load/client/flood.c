/* flood: bad company. It opens connections and leaves as fast as it can, while another process
 * measures what the sessions beside it notice.
 *
 *   drip     sends a head, a byte at a time, and never ends it
 *   mute     says nothing
 *   leave    is gone as soon as the handshake is through
 *   reset    resets in the middle of its head
 *
 * Of all that come each kind has its share; where a connection ends the next one begins at once.
 * Those that drip or say nothing stay until they are cut, the others come and go. Owns the places
 * that connections take; has no sessions. */
#include "handshake.h"
#include "kinds.h"
#include "load.h"
#include "report.h"

#include "lib/clock.h"
#include "lib/head.h"
#include "lib/net.h"

#include "base/mem.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define KEY "bG9hZCB3aXRob3V0IGVuZA==" /* everybody's */

/* What became of connections while it was measured. */
struct tally {
    uint64_t opened;  /* to TCP */
    uint64_t failed;  /* not even that */
    uint64_t done;    /* left, or reset, as they meant to */
    uint64_t cut;     /* ended by the other side */
    uint64_t refused; /* answered, but by no 101 */
};

struct place {
    struct watch watch;
    struct load *load;
    enum kind kind;
    bool connected;
    size_t said;     /* bytes of a head */
    struct buf head; /* of the answer */
};

static struct place *places;
static struct tally tallies[KINDS];
static struct out request;
static uint64_t next_drip;

static void on_ready(struct watch *w, uint32_t events);

/* One that cannot even begin stays closed until flood_turn comes by. */
static void place_open(struct place *p)
{
    int fd = load_connect(p->load);

    p->kind = kinds_come();
    p->connected = false;
    p->said = 0;
    buf_clear(&p->head);
    if (fd >= 0) {
        watch_open(&p->watch, fd, EPOLLOUT, on_ready);
        return;
    }
    kinds_go(p->kind);
    tallies[p->kind].failed++;
}

static void place_close(struct place *p)
{
    watch_close(&p->watch);
    kinds_go(p->kind);
}

static void place_renew(struct place *p)
{
    place_close(p);
    place_open(p);
}

static void on_failed(struct place *p)
{
    place_close(p);
    tallies[p->kind].failed++;
}

/* The first write on a connection takes so little whole; where it does not, reading will tell. */
static void say(struct place *p, const void *bytes, size_t n)
{
    if (write(p->watch.fd, bytes, n) > 0)
        p->said += n;
}

static void on_connected(struct place *p)
{
    const struct linger at_once = {.l_onoff = 1};

    p->connected = true;
    tallies[p->kind].opened++;
    watch_for(&p->watch, EPOLLIN);
    switch (p->kind) {
    case LEAVE:
        say(p, request.bytes.data, request.bytes.len);
        break;
    case RESET:
        say(p, request.bytes.data, request.bytes.len / 2);
        setsockopt(p->watch.fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        tallies[RESET].done++;
        place_renew(p);
        break;
    case DRIP: /* flood_turn does it */
    case MUTE:
    case KINDS:
        break;
    }
}

static void on_answer(struct place *p, const uint8_t *bytes, size_t n)
{
    bool whole;

    if (p->kind != LEAVE)
        return; /* an error that it does not listen to */
    head_take(&p->head, bytes, n, &whole);
    if (!whole)
        return;
    if (handshake_agreed(&p->head, KEY))
        tallies[LEAVE].done++;
    else
        tallies[LEAVE].refused++;
    place_renew(p);
}

static void on_ready(struct watch *w, uint32_t events)
{
    struct place *p = CONTAINER_OF(w, struct place, watch);
    uint8_t input[4096];
    ssize_t n;

    (void)events;
    if (!p->connected) {
        if (net_error(w->fd) == 0)
            on_connected(p);
        else
            on_failed(p);
        return;
    }
    n = read(w->fd, input, sizeof input);
    if (n > 0) {
        on_answer(p, input, (size_t)n);
    } else if (n == 0 || errno != EAGAIN) {
        tallies[p->kind].cut++;
        place_renew(p);
    }
}

/* The request without its empty line, then the name of a field that does not end. */
static void drip(struct place *p)
{
    size_t fields = request.bytes.len - 2;

    say(p, p->said < fields ? request.bytes.data + p->said : (const uint8_t *)"x", 1);
}

static uint64_t flood_turn(struct load *l, uint64_t now)
{
    if (now < next_drip)
        return next_drip - now;
    for (struct place *p = places; p < places + l->set.conns; p++) {
        if (p->watch.fd < 0)
            place_open(p);
        else if (p->kind == DRIP && p->connected)
            drip(p);
    }
    next_drip = now + l->set.drip_ms * 1000000;
    return next_drip - now;
}

static void flood_run(struct load *l)
{
    handshake_ask(&request, l->set.path, KEY);
    kinds_init(&l->set);
    places = mem_zalloc(l->set.conns * sizeof *places);
    for (uint64_t i = 0; i < l->set.conns; i++) {
        places[i].load = l;
        places[i].watch.fd = -1;
    }
    load_warm(l);
    memset(tallies, 0, sizeof tallies);
    load_measure(l, NULL);
    l->counts.cycles = tallies[LEAVE].done + tallies[RESET].done;
    for (int k = 0; k < KINDS; k++)
        l->opened += tallies[k].opened;
}

static uint64_t held(const struct load *l, enum kind kind)
{
    uint64_t n = 0;

    for (uint64_t i = 0; i < l->set.conns; i++)
        n += places[i].kind == kind && places[i].watch.fd >= 0 && places[i].connected;
    return n;
}

static void tally_report(const struct load *l, const char *name, enum kind kind)
{
    const struct tally *t = &tallies[kind];
    double seconds = l->measured.seconds;

    report_open(name);
    report_count("held", held(l, kind));
    report_count("opened", t->opened);
    report_number("opened_s", 1, (double)t->opened / seconds);
    report_count("done", t->done);
    report_number("done_s", 1, (double)t->done / seconds);
    report_count("cut", t->cut);
    report_number("cut_s", 1, (double)t->cut / seconds);
    report_count("refused", t->refused);
    report_count("failed", t->failed);
    report_close();
}

static void flood_report(const struct load *l)
{
    report_open("flood");
#define X(name, share) tally_report(l, #share, name);
    KINDS_MAP(X)
#undef X
    report_close();
}

const struct mode mode_flood = {
    .name = "flood", .run = flood_run, .turn = flood_turn, .report = flood_report, .cycles = true};

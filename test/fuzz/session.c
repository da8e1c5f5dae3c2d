/* A whole session between two peers that do what the input says, against the model of the tests on
 * a loop: nothing is lost, doubled, reordered or altered, all is counted, all is given back.
 *
 * An input is four bytes of circumstances, then events: a byte that says which, whose and what
 * passes behind it, and what the event asks for. Time stands still but for what the events let
 * pass, and begins anew with each input, as the loop does: the same input does the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/log.h"
#include "fuzz/input.h"
#include "loop/lib/stage.h"
#include <stdlib.h>

#define COUNT(a) (sizeof(a) / sizeof(*(a)))

/* ms: less than a heartbeat's interval, and more than any timer may be late without excuse. */
enum { STEP = STAGE_INTERVAL - 1, STALL = 5000 };

/* What a run may cost: bytes that are said, events, heartbeats' and other turns waited for, rests.
 */
enum { BYTES = 400000, EVENTS = 300, WAITS = 500, RESTS = 3 };

static struct run {
    struct stage stage;
    const uint8_t *p; /* the script */
    size_t left;
    size_t bytes;          /* that may still be said */
    unsigned waits, rests; /* that it may still take */
} run;

static uint8_t next(void)
{
    if (run.left == 0)
        return 0;
    run.left--;
    return *run.p++;
}

static const uint8_t *next_bytes(size_t *n)
{
    const uint8_t *p = run.p;
    *n = *n < run.left ? *n : run.left;
    run.p += *n;
    run.left -= *n;
    return p;
}

/* A frame's payload, so far as the run's share allows. */
static size_t may_say(size_t n)
{
    n = n < run.bytes ? n : run.bytes;
    size_t wire = n + FRAME_HEAD_MAX;
    run.bytes -= wire < run.bytes ? wire : run.bytes;
    return n;
}

/* Small ones, and what lies around the edges of chunks, reads and cuts. */
static size_t next_size(void)
{
    static const size_t edges[] = {512, 4096, 16336, 32672, 65536, 65536, 131072, 140000};
    uint8_t b = next();
    return may_say(b < 200 ? b : edges[b % COUNT(edges)] + next() - 128);
}

/* ---- what an end may do ---- */

static void message(struct end *e)
{
    uint8_t how = next();
    uint8_t opcode = (uint8_t)((how & 1 ? 1 : 2) | (how & 2 ? 0x40 : 0));
    end_fragment(e, opcode, next_size(), !(how & 4));
}

static void messages(struct end *e)
{
    size_t n = next() & 63, size = next();
    for (; n > 0 && run.bytes > 0; n--)
        end_fragment(e, 1, may_say(size), true);
}

static void fragments(struct end *e)
{
    uint8_t n = next(), how = next();
    for (; n > 0 && run.bytes > 0; n--)
        end_fragment(e, 2, may_say(how & 15), n == 1 && (how & 16));
}

static void control(struct end *e)
{
    uint8_t how = next();
    size_t n = may_say(how & 127);
    const uint8_t *p = next_bytes(&n);
    wspeer_frame(&e->peer, true, how & 128 ? 10 : 9, p, n);
}

static void say_close(struct end *e)
{
    static const uint16_t codes[] = {1000, 1001, 1005, 1008, 1011, 1012, 3000, 4999};
    uint8_t which = next();
    if (which < COUNT(codes)) {
        wspeer_say_close(&e->peer, codes[which], which & 1 ? "gone" : "");
        return;
    }
    size_t n = which & 127;
    const uint8_t *p = next_bytes(&n);
    e->peer.sent_close = true;
    wspeer_frame(&e->peer, true, 8, p, n);
}

static void raw(struct end *e)
{
    size_t n = may_say(next() & 63);
    const uint8_t *p = next_bytes(&n);
    wspeer_raw(&e->peer, p, n);
    run.stage.crooked = true;
}

static void odd_frame(struct end *e)
{
    uint8_t first = next();
    size_t n = may_say(next());
    const uint8_t *p = next_bytes(&n);
    wspeer_frame(&e->peer, first & 0x80, first & 0x7f, p, n);
}

static void reading(struct end *e)
{
    uint8_t how = next();
    e->peer.most = how > 1 ? how * 16u : 0;
    e->dull = true;
    wspeer_stop(&e->peer, how == 1);
}

static void writing(struct end *e)
{
    e->peer.slice = next();
    e->dull = true;
}

static void manners(struct end *e)
{
    uint8_t how = next();
    e->peer.deaf = how & 1;
    e->peer.close_back = !(how & 2);
    e->dull = true;
}

/* What waits to be written goes before it, or is lost. */
static void half_close(struct end *e)
{
    if (next() & 1)
        buf_clear(&e->peer.out);
    if (e->peer.out.len == 0 && !e->peer.mute)
        wspeer_shutdown(&e->peer);
}

static void leave(struct end *e)
{
    (next() & 1 ? wspeer_reset : wspeer_close)(&e->peer);
}

/* ---- what else may happen ---- */

static void time_passes(struct end *e)
{
    uint8_t n = next();
    (void)e;
    if (n == 255)
        stage_pass(&run.stage, STALL);
    else
        for (n &= 31; n > 0 && run.waits > 0; n--, run.waits--)
            stage_pass(&run.stage, STEP);
}

static void turns_pass(struct end *e)
{
    (void)e;
    unsigned n = 1 + (next() & 31), may = n < run.waits ? n : run.waits;
    stage_turn(&run.stage, may);
    run.waits -= may;
}

static void drain(struct end *e)
{
    uint8_t how = next();
    (void)e;
    if ((how & 7) == 7)
        stage_drain(&run.stage, how & 8 ? how : STAGE_DAY);
}

static void rest(struct end *e)
{
    (void)e;
    if (run.rests > 0)
        stage_rest(&run.stage);
    run.rests -= run.rests > 0;
}

/* Of the events the first speak, and then come others of an end. */
enum { SPEAKING = 7, OF_AN_END = 12 };

/* What an event's byte says. */
enum { WHICH = 15, BACKEND = 16, MS = 32, GLUED = 64 };

static void (*const events[])(struct end *e) = {
    message, messages, fragments,  control, say_close,   raw,        odd_frame, reading,
    writing, manners,  half_close, leave,   time_passes, turns_pass, drain,     rest};
_Static_assert(COUNT(events) == WHICH + 1, "four bits say which");

static void do_next(void)
{
    uint8_t b = next();
    struct pair *p = &run.stage.pair;
    struct end *e = b & BACKEND ? &p->backend : &p->client;
    unsigned which = b & WHICH;
    bool can = (which >= SPEAKING || run.bytes > 0) && (which >= OF_AN_END || !e->peer.closed);
    if (can)
        events[which](e);
    if (!(b & GLUED))
        stage_pass(&run.stage, b & MS ? 1 : 0);
}

/* ---- a run ---- */

/* What the first two bytes say. */
enum { BUFFER = 3, KEEP = 4, DEFLATE = 8, RESTLESS = 16, KILLED = 32, BY_RESET = 64 };
enum { LIMIT = 3, PING_CLIENT = 4, PING_BACKEND = 8, HASTY = 16 };

static struct faults next_network(void)
{
    static const uint64_t reads[] = {0, 5000, 100, 1};
    uint8_t b = next();
    return (struct faults){.seed = next(),
                           .eagain = (b & 3) * 12,
                           .cut = (b >> 2 & 3) * 30,
                           .read = reads[b >> 4 & 3],
                           .reset = b >> 6 == 3 ? 5000 : 0};
}

static void run_open(uint8_t how)
{
    static const int buffers[] = {0, 4608, 20000, 70000};
    /* The last two are less than the conf file allows. */
    static const uint64_t limits[] = {262144, 135168, 4096, 600};
    uint8_t conf = next();
    run.bytes = BYTES;
    run.waits = WAITS;
    run.rests = RESTS;
    stage_open(&run.stage, &(struct stage_setup){.keep = how & KEEP,
                                                 .deflate = how & DEFLATE,
                                                 .ping_client = conf & PING_CLIENT,
                                                 .ping_backend = conf & PING_BACKEND,
                                                 .buffer = buffers[how & BUFFER],
                                                 .limit = limits[conf & LIMIT],
                                                 .close = conf & HASTY ? 50 : STAGE_DAY,
                                                 .network = next_network()});
}

/* Outside of cmocka's own tests a failed assertion only exits. */
static void prepare(void)
{
    setenv("CMOCKA_TEST_ABORT", "1", 1);
    log_set(LOG_TEXT, LOG_ERROR);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    prepare();
    run.p = data;
    run.left = n;
    uint8_t how = next();
    run_open(how);
    for (unsigned k = 0; k < EVENTS && run.left > 0; k++)
        do_next();
    if (!(how & RESTLESS))
        stage_rest(&run.stage);
    if (how & KILLED)
        stage_kill(&run.stage);
    stage_close(&run.stage, how & BY_RESET ? wspeer_reset : wspeer_close);
    return 0;
}

/* load: clients of a WebSocket proxy, as many and as busy as asked for; one thread. What came of it
 * is one line of JSON on stdout.
 *
 * This file starts a run, and has what the modes' scripts are made of. Nothing is measured while
 * sessions are being opened: a script opens them, warms up, measures, and drains. */
#include "load.h"

#include "report.h"

#include "lib/clock.h"
#include "lib/net.h"
#include "lib/pattern.h"

#include "base/mem.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

#define SETUP_SECONDS  60
#define DRAIN_SECONDS  5
#define CYCLE_SOURCES  8     /* a closed connection's port rests a while: 28,000 for each address */
#define SOURCE_SESSION 20000 /* sessions that come from one address */

static uint64_t pending(const struct load *l)
{
    return l->in_state[CLIENT_CONNECTING] + l->in_state[CLIENT_ASKING];
}

static void begin_more(struct load *l)
{
    while (l->begun < l->count && pending(l) < l->set.ramp)
        client_open(&l->clients[l->begun++]);
}

void load_begin(struct load *l)
{
    l->count = l->set.conns;
    l->clients = mem_zalloc(l->count * sizeof *l->clients);
    l->in_state[CLIENT_NONE] = l->count;
    for (uint32_t i = 0; i < l->count; i++) {
        l->clients[i].load = l;
        l->clients[i].id = i;
    }
}

void load_pump(struct load *l, uint64_t ns, bool (*done)(const struct load *l))
{
    uint64_t now = clock_ns(), until = now + ns;

    for (; now < until && !(done && done(l)); now = clock_ns()) {
        uint64_t wait = l->mode->turn ? l->mode->turn(l, now) : UINT64_MAX;

        begin_more(l);
        watch_turn(wait < until - now ? wait : until - now);
    }
}

static bool settled(const struct load *l)
{
    return l->begun == l->count && pending(l) == 0 && l->outstanding == 0;
}

void load_open_all(struct load *l)
{
    uint64_t begun = clock_ns();

    load_begin(l);
    load_pump(l, SETUP_SECONDS * SECOND, settled);
    l->setup = (double)(clock_ns() - begun) / 1e9;
    l->opened = l->counts.opened;
}

void load_warm(struct load *l)
{
    load_pump(l, (uint64_t)(l->set.warm * 1e9), NULL);
}

void load_measure(struct load *l, bool (*done)(const struct load *l))
{
    struct measured *m = &l->measured;
    struct usage_cpu proxy = usage_cpu(&l->set.pids), backend = usage_cpu(&l->set.bpids);
    struct usage_cpu own = usage_cpu_own();
    uint64_t begun = clock_ns();

    l->measuring = true;
    load_pump(l, (uint64_t)(l->set.seconds * 1e9), done);
    l->measuring = false;
    m->seconds = (double)(clock_ns() - begun) / 1e9;
    m->proxy = usage_since(usage_cpu(&l->set.pids), proxy);
    m->backend = usage_since(usage_cpu(&l->set.bpids), backend);
    m->own = usage_since(usage_cpu_own(), own);
    m->after = usage_memory(&l->set.pids);
}

static bool drained(const struct load *l)
{
    return l->outstanding == 0 && (!l->mode->cycles || l->in_state[CLIENT_NONE] == l->count);
}

void load_drain(struct load *l)
{
    l->sending = false;
    load_pump(l, DRAIN_SECONDS * SECOND, drained);
}

int load_connect(struct load *l)
{
    struct sockaddr_in from = net_local(0);

    from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 + (uint32_t)(l->connects++ % l->sources));
    return net_connect(&l->target, l->sources > 1 ? &from : NULL);
}

static const struct mode *mode_of(const char *name)
{
    static const struct mode *const all[] = {&mode_echo, &mode_source, &mode_idle, &mode_churn,
                                             &mode_flood};

    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (strcmp(all[i]->name, name) == 0)
            return all[i];
    return NULL;
}

static bool load_init(struct load *l, int argc, char **argv)
{
    if (!settings_read(&l->set, argc, argv))
        return false;
    l->mode = mode_of(l->set.mode);
    l->target = net_local((uint16_t)l->set.port);
    if (!l->mode || inet_pton(AF_INET, l->set.host, &l->target.sin_addr) != 1) {
        fputs("load: --mode or --host: not understood\n", stderr);
        return false;
    }
    l->sources = (l->set.conns + SOURCE_SESSION - 1) / SOURCE_SESSION;
    if (l->mode->cycles)
        l->sources = CYCLE_SOURCES;
    if (l->set.srcs)
        l->sources = l->set.srcs;
    return true;
}

int main(int argc, char **argv)
{
    static struct load l;

    if (!load_init(&l, argc, argv))
        return 2;
    net_init();
    watch_init();
    pattern_init();
    prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0); /* ns: what is paced is due to the microsecond */
    l.measured.before = usage_memory(&l.set.pids);
    l.mode->run(&l);
    report(&l);
    return 0;
}

/* backend PORT: what stands behind a proxy that is measured, on 127.0.0.1; port 0 is the kernel's
 * choice, and the first line on stdout tells it: "listening PORT". One thread.
 *
 * WebSocket
 *   /echo                      every frame goes back as it came
 *   /sink                      swallows
 *   /source?size=&batch=&n=    sends as fast as it can: n messages, or without end
 *   /source?size=&total=       … so many bytes of payload, then a Close
 *   /tick?ms=&size=&batch=     a message every so often, or several in one write
 * HTTP
 *   /health                    ok
 *   /bytes?n=                  n bytes of the pattern (lib/pattern)
 *   POST and PUT               swallow a body of any length and answer how long it was
 *   anything else              1 KiB
 *
 * This file accepts connections and runs the clock. */
#include "conn.h"

#include "http.h"

#include "lib/clock.h"
#include "lib/net.h"
#include "lib/pattern.h"

#include <stdio.h>
#include <stdlib.h>

#define ACCEPTS 64 /* at a time, before those that are there have their turn again */

struct wheel wheel;

uint64_t now_ms(void)
{
    return clock_ns() / 1000000;
}

static void on_accept(struct watch *w, uint32_t events)
{
    int fd;

    (void)events;
    for (int i = 0; i < ACCEPTS && (fd = net_accept(w->fd)) >= 0; i++)
        conn_open(fd);
}

static uint64_t wait_ns(void)
{
    uint64_t now = now_ms(), next = wheel_next(&wheel);

    if (next == WHEEL_NEVER)
        return SECOND;
    return next > now ? (next - now) * 1000000 : 0;
}

int main(int argc, char **argv)
{
    struct watch listener;

    if (argc != 2) {
        fputs("usage: backend PORT\n", stderr);
        return 2;
    }
    net_init();
    watch_init();
    pattern_init();
    http_init();
    wheel_init(&wheel, now_ms());
    watch_open(&listener, net_listen((uint16_t)atoi(argv[1])), EPOLLIN, on_accept);
    for (;;) {
        watch_turn(wait_ns());
        wheel_run(&wheel, now_ms());
    }
}

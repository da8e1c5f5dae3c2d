/* What processes have used up, from /proc; one that is gone counts as nothing. */
#ifndef LOAD_LIB_USAGE_H
#define LOAD_LIB_USAGE_H

#include <stdbool.h>
#include <stdint.h>

#define PIDS_MAX 64

struct pids {
    int pid[PIDS_MAX];
    unsigned count;
};

bool pids_parse(struct pids *p, const char *text); /* "12,34" */

/* CPU time so far, of all threads; user and system have the grain of a tick (10 ms). */
struct usage_cpu {
    double seconds, user, system;
};
struct usage_cpu usage_cpu(const struct pids *p);
struct usage_cpu usage_cpu_own(void);
struct usage_cpu usage_since(struct usage_cpu now, struct usage_cpu then);

/* KiB. Looking costs those looked at some time: not within a measurement. */
struct usage_memory {
    uint64_t rss, pss;
    uint64_t peak;    /* the greatest RSS there was */
    uint64_t sockets; /* what the kernel holds for all TCP connections of the machine */
};
struct usage_memory usage_memory(const struct pids *p);

#endif

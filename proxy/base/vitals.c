/* What the kernel says of this process: see vitals.h. Owns nothing. What cannot be read keeps its
 * last value. */
#include "base/vitals.h"
#include "base/log.h"
#include <dirent.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static uint64_t now_ms(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

void vitals_start(struct metrics *m)
{
    metric_set(m, METRIC_PROCESS_START, now_ms(CLOCK_REALTIME));
    metric_set(m, METRIC_BUILD_INFO, 1);
}

static void look_at_memory(struct metrics *m)
{
    unsigned long pages, resident, page = (unsigned long)sysconf(_SC_PAGESIZE);
    FILE *f = fopen("/proc/self/statm", "re");
    if (!f)
        return;
    if (fscanf(f, "%lu %lu", &pages, &resident) == 2) {
        metric_set(m, METRIC_PROCESS_VIRTUAL, pages * page);
        metric_set(m, METRIC_PROCESS_RESIDENT, resident * page);
    }
    fclose(f);
}

uint64_t vitals_count_descriptors(void)
{
    uint64_t n = 0;
    DIR *d = opendir("/proc/self/fd");
    if (!d)
        return 0;
    while (readdir(d))
        n++;
    closedir(d);
    return n - 3; /* `.`, `..`, and the one that it takes to look */
}

/* From Linux 6.2 on the size says how many there are; to count 20,000 takes 15 ms. */
static void look_at_descriptors(struct metrics *m)
{
    struct stat s;
    struct rlimit limit;
    if (stat("/proc/self/fd", &s) == 0)
        metric_set(m, METRIC_PROCESS_FDS,
                   s.st_size > 0 ? (uint64_t)s.st_size : vitals_count_descriptors());
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
        metric_set(m, METRIC_PROCESS_FDS_LIMIT, limit.rlim_cur);
}

/* The loops' clocks are read once a turn, and may be a little ahead of each other. */
static uint64_t oldest_headless(struct metrics *const *loops, unsigned n)
{
    uint64_t now = now_ms(CLOCK_MONOTONIC), oldest = now;
    for (unsigned i = 0; i < n; i++) {
        uint64_t since = atomic_load_explicit(&loops[i]->headless_since, memory_order_relaxed);
        if (since > 0 && since < oldest)
            oldest = since;
    }
    return now - oldest;
}

void vitals_look(struct metrics *const *loops, unsigned n)
{
    struct metrics *m = loops[0];
    metric_set(m, METRIC_PROCESS_CPU, now_ms(CLOCK_PROCESS_CPUTIME_ID));
    look_at_memory(m);
    look_at_descriptors(m);
    metric_set(m, METRIC_HEADLESS_OLDEST, oldest_headless(loops, n));
    metric_set(m, METRIC_LOG_DROPPED, log_dropped());
}

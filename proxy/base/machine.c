/* What the kernel and the cgroup let the process use: see machine.h. Owns nothing. */
#include "base/machine.h"

#include "base/log.h"
#include <stdio.h>
#include <sys/resource.h>
#include <uv.h>

/* Descriptors that no session may take: listeners, loops, the log, the admin's connections. */
#define RESERVED_FDS 64u

uint64_t machine_connections(uint64_t wanted)
{
    struct rlimit r;
    if (getrlimit(RLIMIT_NOFILE, &r) < 0)
        return wanted;
    r.rlim_cur = r.rlim_max;
    setrlimit(RLIMIT_NOFILE, &r);
    getrlimit(RLIMIT_NOFILE, &r);
    uint64_t most = r.rlim_cur > RESERVED_FDS + 2 ? (r.rlim_cur - RESERVED_FDS) / 2 : 1;
    if (wanted <= most)
        return wanted;
    log_warn("connections_clamped", LOG_U("limit", wanted), LOG_U("now", most),
             LOG_U("descriptors", r.rlim_cur));
    return most;
}

unsigned machine_cpus(void)
{
    unsigned n = uv_available_parallelism();
    unsigned long quota, period;
    FILE *f = fopen("/sys/fs/cgroup/cpu.max", "re");
    if (!f)
        return n;
    if (fscanf(f, "%lu %lu", &quota, &period) == 2 && period > 0 && quota / period < n)
        n = quota < period ? 1 : (unsigned)(quota / period);
    fclose(f);
    return n;
}

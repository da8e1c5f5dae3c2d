/* Reads /proc. Owns nothing. */
#include "usage.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

bool pids_parse(struct pids *p, const char *text)
{
    p->count = 0;
    while (*text) {
        char *end;
        long pid = strtol(text, &end, 10);

        if (pid < 1 || pid > INT32_MAX || (*end && *end != ',') || p->count == PIDS_MAX)
            return false;
        p->pid[p->count++] = (int)pid;
        text = *end ? end + 1 : end;
    }
    return true;
}

/* The file's text in a buffer that the next call overwrites; empty where there is none. */
static const char *text_of(const char *path)
{
    static char text[8192];
    FILE *f = fopen(path, "re");
    size_t n = 0;

    if (f) {
        n = fread(text, 1, sizeof text - 1, f);
        fclose(f);
    }
    text[n] = '\0';
    return text;
}

/* The number that follows the first appearance of a word; 0 without it. */
static uint64_t number_after(const char *text, const char *word)
{
    const char *at = strstr(text, word);

    return at ? strtoull(at + strlen(word), NULL, 10) : 0;
}

/* The scheduler's own account, in ns: /proc/PID/stat knows only ticks. */
static double thread_seconds(int pid)
{
    char path[64];
    double sum = 0;
    struct dirent *entry;
    DIR *tasks;

    snprintf(path, sizeof path, "/proc/%d/task", pid);
    tasks = opendir(path);
    while (tasks && (entry = readdir(tasks))) {
        if (*entry->d_name == '.')
            continue;
        snprintf(path, sizeof path, "/proc/%d/task/%.20s/schedstat", pid, entry->d_name);
        sum += (double)strtoull(text_of(path), NULL, 10) / 1e9;
    }
    if (tasks)
        closedir(tasks);
    return sum;
}

static void add_ticks(struct usage_cpu *u, int pid)
{
    double tick = 1.0 / (double)sysconf(_SC_CLK_TCK);
    unsigned long user, system;
    char path[64];
    const char *name_end;

    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    name_end = strrchr(text_of(path), ')');
    if (name_end && sscanf(name_end + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu",
                           &user, &system) == 2) {
        u->user += (double)user * tick;
        u->system += (double)system * tick;
    }
}

struct usage_cpu usage_cpu(const struct pids *p)
{
    struct usage_cpu u = {0};

    for (unsigned i = 0; i < p->count; i++) {
        u.seconds += thread_seconds(p->pid[i]);
        add_ticks(&u, p->pid[i]);
    }
    return u;
}

struct usage_cpu usage_cpu_own(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (struct usage_cpu){.seconds = (double)t.tv_sec + (double)t.tv_nsec / 1e9};
}

struct usage_cpu usage_since(struct usage_cpu now, struct usage_cpu then)
{
    return (struct usage_cpu){now.seconds - then.seconds, now.user - then.user,
                              now.system - then.system};
}

struct usage_memory usage_memory(const struct pids *p)
{
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE) / 1024;
    struct usage_memory u = {0};
    char path[64];

    for (unsigned i = 0; i < p->count; i++) {
        const char *text;

        snprintf(path, sizeof path, "/proc/%d/smaps_rollup", p->pid[i]);
        text = text_of(path);
        u.rss += number_after(text, "\nRss:");
        u.pss += number_after(text, "\nPss:");
        snprintf(path, sizeof path, "/proc/%d/status", p->pid[i]);
        u.peak += number_after(text_of(path), "\nVmHWM:");
    }
    u.sockets = number_after(text_of("/proc/net/sockstat"), " mem ") * page; /* TCP comes first */
    return u;
}

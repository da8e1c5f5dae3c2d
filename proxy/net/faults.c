/* The fault layer of test builds: stands between transport and the kernel, and worsens single reads
 * and writes.
 *
 * Owns the settings, read from the environment before main, and a random sequence per thread. Never
 * changes the order or the content of bytes, and never fails what a real network could not fail.
 * Empty in a release build. */
#include "net/faults.h"

#ifdef WSKEEP_FAULTS

#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>

#define PIECES                                                                                     \
    16 /* of one call; what lies behind is a short write or a short read like any other */

static struct faults faults;
static atomic_uint threads;
static _Thread_local uint64_t sequence; /* 0: not begun */

static const struct word {
    const char *name;
    size_t at;
    uint64_t most;
} words[] = {
#define X(word, field, most) {word, offsetof(struct faults, field), most},
    FAULTS_MAP(X)
#undef X
};
#define WORDS (sizeof(words) / sizeof(words[0]))

static uint64_t *value_of(struct faults *f, const struct word *w)
{
    return (uint64_t *)((char *)f + w->at);
}

/* splitmix64 (Steele, Lea, Flood 2014): every seed is a good one, 0 too. */
static uint64_t draw(void)
{
    if (sequence == 0)
        sequence = faults.seed + atomic_fetch_add(&threads, 1) + 1;
    uint64_t z = sequence += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static bool chance(uint64_t share, uint64_t of)
{
    return share > 0 && draw() % of < share;
}

void faults_set(const struct faults *f)
{
    faults = *f;
    atomic_store(&threads, 0);
    sequence = 0;
}

/* An error that comes instead of the call; 0: none. */
static int refuse(int fd)
{
    if (chance(faults.reset, 1000000)) {
        /* So that both ends see the connection end, as after a real one. */
        shutdown(fd, SHUT_RDWR);
        return ECONNRESET;
    }
    return chance(faults.eagain, 100) ? EAGAIN : 0;
}

static size_t total(const struct iovec *v, int n)
{
    size_t sum = 0;
    for (int i = 0; i < n; i++)
        sum += v[i].iov_len;
    return sum;
}

static ssize_t limited(int fd, const struct iovec *v, int n, size_t most, faults_io *io)
{
    struct iovec less[PIECES];
    int used = 0;
    while (used < n && used < PIECES && most > 0) {
        less[used] = v[used];
        if (less[used].iov_len > most)
            less[used].iov_len = most;
        most -= less[used++].iov_len;
    }
    return io(fd, less, used);
}

ssize_t faults_read(int fd, const struct iovec *v, int n, faults_io *io)
{
    errno = refuse(fd);
    if (errno != 0)
        return -1;
    return faults.read > 0 ? limited(fd, v, n, faults.read, io) : io(fd, v, n);
}

ssize_t faults_write(int fd, const struct iovec *v, int n, faults_io *io)
{
    errno = refuse(fd);
    if (errno != 0)
        return -1;
    size_t all = total(v, n);
    return all > 1 && chance(faults.cut, 100) ? limited(fd, v, n, 1 + draw() % (all - 1), io)
                                              : io(fd, v, n);
}

_Noreturn static void refuse_setting(const char *item, size_t n)
{
    fprintf(stderr, "WSKEEP_FAULTS: \"%.*s\" is not one of", (int)n, item);
    for (size_t i = 0; i < WORDS; i++)
        fprintf(stderr, "%s %s=0..%" PRIu64, i > 0 ? "," : "", words[i].name, words[i].most);
    fprintf(stderr, "\n");
    exit(2);
}

/* One "word=number" of n bytes. */
static void set_item(struct faults *f, const char *item, size_t n)
{
    for (const struct word *w = words; w < words + WORDS; w++) {
        size_t name = strlen(w->name);
        if (n < name + 2 || memcmp(item, w->name, name) != 0 || item[name] != '=')
            continue;
        size_t digits = strspn(item + name + 1, "0123456789");
        errno = 0;
        uint64_t value = strtoull(item + name + 1, NULL, 10);
        if (digits != n - name - 1 || errno != 0 || value > w->most)
            break;
        *value_of(f, w) = value;
        return;
    }
    refuse_setting(item, n);
}

/* Before main, so that nothing outside this file knows of it. */
__attribute__((constructor)) static void faults_from_environment(void)
{
    const char *text = getenv("WSKEEP_FAULTS");
    if (text == NULL || *text == '\0')
        return;
    struct faults f = {0};
    if (getrandom(&f.seed, sizeof(f.seed), 0) < 0)
        f.seed = 0;
    for (const char *item = text;; item++) {
        size_t n = strcspn(item, ",");
        set_item(&f, item, n);
        item += n;
        if (*item == '\0')
            break;
    }
    fprintf(stderr, "WSKEEP_FAULTS:");
    for (size_t i = 0; i < WORDS; i++)
        fprintf(stderr, " %s=%" PRIu64, words[i].name, *value_of(&f, &words[i]));
    fprintf(stderr, "\n");
    faults_set(&f);
}

#endif

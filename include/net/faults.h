/* A bad network on purpose, under the transports of test builds (-DWSKEEP_FAULTS): a share of reads
 * and writes that answer EAGAIN, writes cut short, reads capped, resets.
 *
 * Nothing hangs by it: what is refused once is still readable or writable, and poll, being
 * level-triggered, says so again. A release build has only the two inline functions at the end, and
 * they are nothing. */
#ifndef WSKEEP_NET_FAULTS_H
#define WSKEEP_NET_FAULTS_H

#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

/* As recv and send, with errno. */
typedef ssize_t faults_io(int fd, const struct iovec *v, int n);

#ifdef WSKEEP_FAULTS

/* The words of the environment variable WSKEEP_FAULTS
 * ("seed=42,eagain=10,short=20,read=1000,reset=5"), where each goes, the most it may be. */
#define FAULTS_MAP(X)                                                                              \
    X("seed", seed, UINT64_MAX) /* of the random sequence; one is drawn where it is missing */     \
    X("eagain", eagain, 90)     /* % of reads and of writes */                                     \
    X("short", cut, 100)        /* % of writes cut to a random length of at least 1 */             \
    X("read", read, 1u << 30)   /* the most bytes that a read gives; 0: no limit */                \
    X("reset", reset, 1000000)  /* per million reads and writes: shut down, ECONNRESET */

struct faults {
#define X(word, field, most) uint64_t field;
    FAULTS_MAP(X)
#undef X
};

/* In place of the environment's; restarts the calling thread's sequence. Before other threads
 * start. Each thread has its own sequence, from the seed and the order in which the threads first
 * came here. */
void faults_set(const struct faults *f);

ssize_t faults_read(int fd, const struct iovec *v, int n, faults_io *io);
ssize_t faults_write(int fd, const struct iovec *v, int n, faults_io *io);

#else

static inline ssize_t faults_read(int fd, const struct iovec *v, int n, faults_io *io)
{
    return io(fd, v, n);
}

static inline ssize_t faults_write(int fd, const struct iovec *v, int n, faults_io *io)
{
    return io(fd, v, n);
}

#endif

#endif

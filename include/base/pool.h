/* Chunks for journals: 512 bytes and 16 KiB, cut from aligned 64 KiB slabs.
 *
 * A slab whose chunks are all free is a spare; pool_trim, called now and then, gives those back to
 * the system that were not needed since its last call: a loop that fills and empties at every turn
 * does not map and unmap at every turn. One pool a loop; no locks. */
#ifndef WSKEEP_BASE_POOL_H
#define WSKEEP_BASE_POOL_H

#include "base/list.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct chunk {
    struct chunk *next; /* the owner's, while it has the chunk */
    uint32_t cap;       /* bytes of data[] */
    uint32_t len;       /* the owner's, 0 at pool_get */
    uint8_t data[];
};

struct slab;
struct pool_class {
    struct list partial;       /* slabs with some chunks out and some free */
    struct list spare;         /* empty ones */
    unsigned spares, unneeded; /* how many; the fewest since the last trim */
};
struct pool {
    struct pool_class small, large;
    size_t held; /* bytes of chunks that are out */
    size_t mapped;
};

#define POOL_SLAB  65536u
#define POOL_SMALL 512u   /* a chunk with its head */
#define POOL_LARGE 16352u /* four to a slab, with the slab's own head */

void pool_init(struct pool *p);
void pool_fini(struct pool *p); /* every chunk must be back */
/* A small chunk where want fits into one, else a large one, whatever want is. Never NULL. */
struct chunk *pool_get(struct pool *p, size_t want);
void pool_put(struct pool *p, struct chunk *c);
void pool_trim(
    struct pool *p); /* what has been spare since the last call goes back to the system */
bool pool_spare(const struct pool *p);     /* there are spares: pool_trim is worth calling */
size_t pool_charge(const struct chunk *c); /* bytes that it occupies, for budgets */

#endif

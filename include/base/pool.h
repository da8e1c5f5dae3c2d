/* Chunks for journals: 512 bytes and 16 KiB, cut from aligned 64 KiB slabs.
 *
 * A slab whose chunks are all free goes back to the system (but for one spare of each size, so that
 * a loop which empties and fills does not map and unmap at every turn). One pool a loop; no locks.
 */
#ifndef WSKEEP_BASE_POOL_H
#define WSKEEP_BASE_POOL_H

#include "base/list.h"
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
    struct list partial; /* slabs with some chunks out and some free */
    struct slab *spare;  /* one that is empty, or NULL */
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
void pool_trim(struct pool *p);            /* the spares too go back to the system */
size_t pool_charge(const struct chunk *c); /* bytes that it occupies, for budgets */

#endif

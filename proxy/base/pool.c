/* Chunks from slabs. Owns the slabs; a chunk that is out is its taker's. Never moves a chunk, and
 * never touches a page of a slab before a chunk on it is taken.
 *
 * A slab lies at a multiple of its size, so the address of a chunk, masked, is its slab. Its head
 * comes first, then the chunks: 127 small ones, or 4 large ones. A slab is in `partial` (some
 * chunks out, some free), in `spare` (none out), or in no list (all out).
 */
#include "base/pool.h"

#include "base/err.h"
#include "base/mem.h"

#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>

#ifdef WSKEEP_CHECK
#include <sanitizer/asan_interface.h>
#endif

#define SLAB_HEAD 128u /* what four large chunks leave */

struct slab {
    struct list node; /* in partial, or spare */
    struct chunk *free;
    uint32_t size;  /* of its chunks */
    uint32_t out;   /* chunks that are taken */
    uint32_t fresh; /* where the chunks begin that never were taken */
};
_Static_assert(sizeof(struct slab) <= SLAB_HEAD, "the head fits before the chunks");
_Static_assert(SLAB_HEAD + 4 * POOL_LARGE == POOL_SLAB, "four large chunks fill a slab");

#ifdef WSKEEP_CHECK
static void check_class(const struct pool_class *k)
{
    for (const struct list *l = k->partial.next; l != &k->partial; l = l->next) {
        const struct slab *s = CONTAINER_OF(l, struct slab, node);

        BUG_ON(s->out == 0);
        BUG_ON(SLAB_HEAD + s->out * s->size > s->fresh);
    }
    unsigned spares = 0;
    for (const struct list *l = k->spare.next; l != &k->spare; l = l->next, spares++)
        BUG_ON(CONTAINER_OF(l, struct slab, node)->out != 0);
    BUG_ON(k->spares != spares || k->unneeded > spares);
}

static void pool_check(const struct pool *p)
{
    check_class(&p->small);
    check_class(&p->large);
    BUG_ON(p->held > p->mapped || p->mapped % POOL_SLAB != 0);
}

static void poison(struct chunk *c, size_t size)
{
    memset(c, 0xdb, size);
    ASAN_POISON_MEMORY_REGION(c, size);
}

static void unpoison(void *p, size_t size)
{
    ASAN_UNPOISON_MEMORY_REGION(p, size);
}
#else
#define pool_check(p)     ((void)0)
#define poison(c, size)   ((void)0)
#define unpoison(p, size) ((void)0)
#endif

static void class_init(struct pool_class *k)
{
    list_init(&k->partial);
    list_init(&k->spare);
    k->spares = k->unneeded = 0;
}

void pool_init(struct pool *p)
{
    class_init(&p->small);
    class_init(&p->large);
    p->held = p->mapped = 0;
}

/* Twice the size holds an aligned slab somewhere; what is around it goes back. */
static void *map_aligned(void)
{
    uint8_t *all =
        mmap(NULL, 2 * POOL_SLAB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (all == MAP_FAILED)
        mem_exhausted();
    size_t before = -(uintptr_t)all % POOL_SLAB;
    if (before)
        munmap(all, before);
    munmap(all + before + POOL_SLAB, POOL_SLAB - before);
    return all + before;
}

static struct slab *slab_new(struct pool *p, uint32_t size)
{
    struct slab *s = map_aligned();

    *s = (struct slab){.size = size, .fresh = SLAB_HEAD};
    list_init(&s->node);
    p->mapped += POOL_SLAB;
    return s;
}

static void slab_free(struct pool *p, struct slab *s)
{
    unpoison(s, POOL_SLAB);
    munmap(s, POOL_SLAB);
    p->mapped -= POOL_SLAB;
}

static struct slab *spare_take(struct pool_class *k)
{
    struct slab *s = CONTAINER_OF(k->spare.prev, struct slab, node); /* the warmest */

    list_del(&s->node);
    k->spares--;
    if (k->unneeded > k->spares)
        k->unneeded = k->spares;
    return s;
}

static void class_trim(struct pool *p, struct pool_class *k)
{
    for (unsigned n = k->unneeded; n > 0; n--)
        slab_free(p, spare_take(k));
    k->unneeded = k->spares;
}

void pool_trim(struct pool *p)
{
    class_trim(p, &p->small);
    class_trim(p, &p->large);
    pool_check(p);
}

bool pool_spare(const struct pool *p)
{
    return p->small.spares + p->large.spares > 0;
}

void pool_fini(struct pool *p)
{
    BUG_ON(p->held != 0);
    pool_trim(p); /* marks all as not needed */
    pool_trim(p);
}

static bool slab_full(const struct slab *s)
{
    return !s->free && s->fresh + s->size > POOL_SLAB;
}

/* A slab that has room, in `partial`. */
static struct slab *slab_with_room(struct pool *p, struct pool_class *k, uint32_t size)
{
    if (list_empty(&k->partial)) {
        struct slab *s = k->spares > 0 ? spare_take(k) : slab_new(p, size);

        list_add(&k->partial, &s->node);
    }
    return CONTAINER_OF(k->partial.next, struct slab, node);
}

/* The chunk that was freed last, as it is most likely still in the cache; else one that never was
 * taken. */
static struct chunk *slab_take(struct slab *s)
{
    struct chunk *c = s->free;

    if (c) {
        unpoison(c, s->size);
        s->free = c->next;
    } else {
        c = (struct chunk *)((uint8_t *)s + s->fresh);
        s->fresh += s->size;
    }
    s->out++;
    return c;
}

struct chunk *pool_get(struct pool *p, size_t want)
{
    pool_check(p);
    bool small = want <= POOL_SMALL - sizeof(struct chunk);
    struct slab *s =
        small ? slab_with_room(p, &p->small, POOL_SMALL) : slab_with_room(p, &p->large, POOL_LARGE);
    struct chunk *c = slab_take(s);

    if (slab_full(s))
        list_del(&s->node);
    *c = (struct chunk){.cap = s->size - (uint32_t)sizeof *c};
    p->held += s->size;
    pool_check(p);
    return c;
}

void pool_put(struct pool *p, struct chunk *c)
{
    struct slab *s = (struct slab *)((uintptr_t)c & ~(uintptr_t)(POOL_SLAB - 1));
    struct pool_class *k = s->size == POOL_SMALL ? &p->small : &p->large;

    pool_check(p);
    BUG_ON(c->cap != s->size - sizeof *c);
    if (list_empty(&s->node))
        list_add(&k->partial, &s->node);
    poison(c, s->size);
    unpoison(c, sizeof *c);
    c->next = s->free;
    s->free = c;
    s->out--;
    p->held -= s->size;
    if (s->out == 0) {
        list_del(&s->node);
        list_add(&k->spare, &s->node);
        k->spares++;
    }
    pool_check(p);
}

size_t pool_charge(const struct chunk *c)
{
    return c->cap + sizeof *c;
}

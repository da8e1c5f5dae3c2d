/* The look-up cache of a loop, and the look-up under way.
 *
 * Owns the names that someone waits for or whose answer is fresh. Never has two look-ups in flight:
 * they share libuv's four threads with everything else, and a dead name server holds each for
 * seconds. */
#include "net/resolve.h"

#include "base/err.h"
#include "base/mem.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A backend that moves is found by a dial soon after; a burst of dials asks once. */
#define KEPT_MS 5000

struct name {
    struct list node;
    struct list waiting;     /* of struct lookup */
    struct addresses *found; /* NULL: none yet */
    uint64_t until;          /* ms: found is fresh before it */
    uint16_t port;
    char host[];
};

struct resolver {
    struct loop *lp;
    struct list names;
    struct query *running; /* NULL: none */
};

struct query {
    uv_getaddrinfo_t req;
    struct resolver *owner; /* NULL: disowned */
    struct name *name;
};

static void start_next(struct resolver *r);

void lookup_init(struct lookup *q, lookup_fn *fn)
{
    list_init(&q->node);
    q->fn = fn;
}

void lookup_cancel(struct lookup *q)
{
    list_del(&q->node);
}

static struct name *name_new(struct resolver *r, const struct address *of)
{
    size_t n = strlen(of->host) + 1;
    struct name *name = mem_zalloc(sizeof(*name) + n);
    memcpy(name->host, of->host, n);
    name->port = of->port;
    list_init(&name->waiting);
    list_add(&r->names, &name->node);
    return name;
}

static void name_free(struct name *name)
{
    list_del(&name->node);
    addresses_unref(name->found);
    free(name);
}

static bool in_use(const struct resolver *r, const struct name *name)
{
    return !list_empty(&name->waiting) || (r->running != NULL && r->running->name == name) ||
           (name->found != NULL && r->lp->now < name->until);
}

/* Drops what is no longer fresh on the way. */
static struct name *name_find(struct resolver *r, const struct address *of)
{
    struct name *match = NULL;
    for (struct list *i = r->names.next, *next; i != &r->names; i = next) {
        struct name *name = CONTAINER_OF(i, struct name, node);
        next = i->next;
        if (!in_use(r, name))
            name_free(name);
        else if (name->port == of->port && strcmp(name->host, of->host) == 0)
            match = name;
    }
    return match;
}

static void tell_waiting(struct name *name, int err)
{
    while (!list_empty(&name->waiting)) {
        struct lookup *q = CONTAINER_OF(name->waiting.next, struct lookup, node);
        list_del(&q->node);
        q->fn(q, err, err < 0 ? NULL : addresses_ref(name->found));
    }
}

static void on_answer(uv_getaddrinfo_t *req, int status, struct addrinfo *list)
{
    struct query *query = CONTAINER_OF(req, struct query, req);
    struct resolver *r = query->owner;
    struct name *name = query->name;
    struct addresses *found = status < 0 ? NULL : addresses_found(list);

    uv_freeaddrinfo(list);
    free(query);
    if (r == NULL) {
        addresses_unref(found);
        return;
    }
    loop_enter(r->lp);
    r->running = NULL;
    if (found != NULL) {
        addresses_unref(name->found);
        name->found = found;
        name->until = r->lp->now + KEPT_MS;
        tell_waiting(name, 0);
    } else {
        tell_waiting(name, status < 0 ? status : UV_EAI_NODATA);
    }
    start_next(r);
}

static int start(struct resolver *r, struct name *name)
{
    char port[sizeof("65535")];
    snprintf(port, sizeof(port), "%u", (unsigned)name->port);
    struct query *query = mem_zalloc(sizeof(*query));
    query->owner = r;
    query->name = name;
    int err =
        uv_getaddrinfo(&r->lp->uv, &query->req, on_answer, name->host, port, &addresses_hints);
    if (err < 0)
        free(query);
    else
        r->running = query;
    return err;
}

/* Only from a loop entry: a name that cannot even be asked for is told at once. */
static void start_next(struct resolver *r)
{
    for (struct list *i = r->names.next; i != &r->names && r->running == NULL; i = i->next) {
        struct name *name = CONTAINER_OF(i, struct name, node);
        int err = list_empty(&name->waiting) ? 0 : start(r, name);
        if (err < 0)
            tell_waiting(name, err);
    }
}

int resolver_find(struct loop *lp, const struct address *of, struct lookup *q,
                  struct addresses **out)
{
    struct resolver *r = lp->resolver;
    int err = addresses_literal(of, out);
    if (err < 0 || *out != NULL)
        return err;
    struct name *name = name_find(r, of);
    if (name != NULL && name->found != NULL && lp->now < name->until) {
        *out = addresses_ref(name->found);
        return 0;
    }
    if (name == NULL)
        name = name_new(r, of);
    err = r->running == NULL ? start(r, name) : 0;
    if (err < 0)
        name_free(name);
    else
        list_add(&name->waiting, &q->node);
    return err;
}

int resolver_open(struct loop *lp)
{
    struct resolver *r = mem_zalloc(sizeof(*r));
    r->lp = lp;
    list_init(&r->names);
    lp->resolver = r;
    return 0;
}

bool resolver_close(struct loop *lp)
{
    struct resolver *r = lp->resolver;
    bool runs = false;

    if (r->running != NULL) {
        r->running->owner = NULL;
        runs = uv_cancel((uv_req_t *)&r->running->req) < 0;
    }
    for (struct list *i = r->names.next, *next; i != &r->names; i = next) {
        struct name *name = CONTAINER_OF(i, struct name, node);
        next = i->next;
        BUG_ON(!list_empty(&name->waiting));
        name_free(name);
    }
    free(r);
    lp->resolver = NULL;
    return runs;
}

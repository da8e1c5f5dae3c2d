/* The admin's pages: see pages.h. */
#include "admin/pages.h"
#include "base/vitals.h"
#include <string.h>

static unsigned healthz(const struct admin_source *from, struct buf *body)
{
    (void)from;
    buf_adds(body, "ok\n");
    return 200;
}

static unsigned readyz(const struct admin_source *from, struct buf *body)
{
    buf_adds(body, from->stopping ? "draining\n" : from->ready ? "ready\n" : "backend not ready\n");
    return from->ready && !from->stopping ? 200 : 503;
}

static unsigned metrics(const struct admin_source *from, struct buf *body)
{
    vitals_look(from->loops, from->n);
    metrics_print(from->loops, from->n, body);
    return 200;
}

static const struct page pages[] = {
    {"/healthz", "text/plain; charset=utf-8", healthz},
    {"/readyz", "text/plain; charset=utf-8", readyz},
    {"/metrics", "text/plain; version=0.0.4; charset=utf-8", metrics},
};

const struct page *page_find(struct str target)
{
    const char *query = memchr(target.p, '?', target.n);
    if (query)
        target.n = (size_t)(query - target.p);
    for (size_t i = 0; i < sizeof(pages) / sizeof(*pages); i++)
        if (str_eq(target, pages[i].path))
            return &pages[i];
    return NULL;
}

/* The admin's pages: see pages.h. */
#include "admin/pages.h"
#include "base/vitals.h"

static unsigned healthz(const struct admin_source *from, struct buf *body)
{
    (void)from;
    buf_adds(body, "ok\n");
    return 200;
}

unsigned page_readyz(bool ready, bool stopping, const char **text)
{
    *text = stopping ? "draining" : ready ? "ready" : "backend not ready";
    return ready && !stopping ? 200 : 503;
}

static unsigned readyz(const struct admin_source *from, struct buf *body)
{
    const char *text;
    unsigned status = page_readyz(from->ready, from->stopping, &text);
    buf_addf(body, "%s\n", text);
    return status;
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

const struct page *page_find(struct str path)
{
    for (size_t i = 0; i < sizeof(pages) / sizeof(*pages); i++)
        if (str_eq(path, pages[i].path))
            return &pages[i];
    return NULL;
}

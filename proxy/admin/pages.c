/* The admin's pages: see pages.h. */
#include "admin/pages.h"
#include "base/json.h"
#include "base/vitals.h"
#include <string.h>

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

static void json_time(struct json *j, const char *key, time_t at)
{
    char text[sizeof("2026-11-24T20:23:46Z")];
    struct tm tm;
    gmtime_r(&at, &tm);
    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
    json_str(j, key, str_of(text));
}

/* Where it is off: 404, so that no balancer takes that for health, and nobody for an outage. */
static unsigned websocket(const struct admin_source *from, struct buf *body)
{
    static const struct {
        const char *name;
        unsigned status;
    } states[] = {
        [PROBE_OFF] = {"off", 404},
        [PROBE_UNKNOWN] = {"unknown", 503},
        [PROBE_OK] = {"ok", 200},
        [PROBE_FAILING] = {"failing", 503},
    };
    const struct probe_report *r = from->probe;
    struct json j;
    json_init(&j, body);
    json_open(&j, NULL, '{');
    json_str(&j, "status", str_of(states[r->state].name));
    json_time(&j, "since", r->since);
    json_str(&j, "why", str_of(r->why));
    if (r->last)
        json_time(&j, "last", r->last);
    if (r->handshake_us)
        json_seconds(&j, "handshake_ms", r->handshake_us); /* thousandths either way */
    if (r->pong_us)
        json_seconds(&j, "ping_ms", r->pong_us);
    json_uint(&j, "failures", r->failures);
    json_close(&j, '}');
    buf_adds(body, "\n");
    return states[r->state].status;
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
    {"/healthz/websocket", "application/json", websocket},
    {"/metrics", "text/plain; version=0.0.4; charset=utf-8", metrics},
};

const struct page *page_find(struct str path)
{
    for (size_t i = 0; i < sizeof(pages) / sizeof(*pages); i++)
        if (str_eq(path, pages[i].path))
            return &pages[i];
    return NULL;
}

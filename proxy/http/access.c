/* The line of a request that has ended. Owns nothing; costs nothing where it is not written. */
#include "http/access.h"
#include "config/conf.h"
#include "wire/trace.h"

static enum log_level level_of(const struct access *a)
{
    const struct reason_row *row = &reasons[a->reason];
    if (!a->why)
        return a->status >= 500 ? LOG_WARN : LOG_DEBUG;
    return row->clean || row->by == BY_CLIENT ? LOG_INFO : LOG_WARN;
}

static bool is_wanted(enum log_level level, uint64_t now, uint64_t *suppressed)
{
    static _Thread_local struct log_limit limit[LOG_WARN + 1];
    *suppressed = 0;
    if (log_on(LOG_DEBUG))
        return true;
    return log_on(level) && log_allow(&limit[level], now, suppressed);
}

struct log_request access_request(const struct access *a)
{
    struct log_request r = {
        .ip = a->peer,
        .status = a->status,
        .latency = a->latency,
        .response_size = a->answer,
    };
    if (a->head) {
        r.method = head_method(a->head);
        r.url = target_shown(head_target(a->head));
        r.protocol = a->head->minor ? STR("HTTP/1.1") : STR("HTTP/1.0");
        r.request_size = a->head->text.len + a->body;
        head_get(a->head, "User-Agent", &r.agent);
    }
    return r;
}

void access_tell(const struct loop *lp, const struct access *a)
{
    enum log_level level = level_of(a);
    uint64_t suppressed;
    if (!is_wanted(level, lp->now, &suppressed))
        return;
    struct log_request r = access_request(a);
    struct trace t = a->head ? trace_of(a->head) : (struct trace){.known = false};
    struct log_field f[6] = {LOG_REQUEST(&r), LOG_TRACE(&t, lp->conf->log.project)};
    unsigned n = 2;
    if (a->reason != REASON_NONE)
        f[n++] = LOG_S("reason", reasons[a->reason].label);
    if (a->why)
        f[n++] = LOG_S("why", a->why);
    if (suppressed > 0)
        f[n++] = LOG_U("suppressed", suppressed);
    log_write(level, "http_request", f);
}

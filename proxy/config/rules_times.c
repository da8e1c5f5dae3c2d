/* The rules about wskeep's own times, and what all rules write with. Owns nothing. */
#include "config/quantity.h"
#include "config/rules.h"
#include "config/table.h"
#include <string.h>

#define LONGEST  (3600 * SECOND) /* a request on Cloud Run */
#define PATIENCE (10 * SECOND)   /* of Cloud Run, between SIGTERM and SIGKILL */

enum verdict verdict(bool holds)
{
    return holds ? HOLDS : BROKEN;
}

/* ---- what was seen, and what is to be instead */

void see_duration(struct finding *f, uint64_t ms, const char *after)
{
    if (ms == 0)
        buf_adds(&f->saw, "off");
    else
        quantity_print(quantity_durations, ms, &f->saw);
    buf_adds(&f->saw, after);
}

/* assumed: nobody said it. */
static void see_path(struct finding *f, uint64_t ms, bool assumed)
{
    see_duration(f, ms, assumed ? " (assumed)" : "");
}

void see_kept(const struct subject *s, struct finding *f)
{
    see_path(f, s->kept, s->c->platform.lb_timeout == 0);
}

void see_request(const struct subject *s, struct finding *f)
{
    see_path(f, s->request, s->c->platform.request_timeout == 0);
}

void mend_duration(struct finding *f, uint64_t ms)
{
    buf_adds(&f->value, "\"");
    quantity_print(quantity_durations, ms, &f->value);
    buf_adds(&f->value, "\"");
}

/* A flag takes whole seconds. */
void mend_seconds(struct finding *f, uint64_t ms)
{
    buf_addu(&f->value, (ms + SECOND - 1) / SECOND);
}

/* ---- heartbeats */

static bool is_pinged(const struct subject *s, const struct finding *f)
{
    return f->rule->of == OF_CLIENT ? s->c->heartbeat.client : s->c->heartbeat.backend;
}

enum verdict judge_pinged(const struct subject *s, struct finding *f)
{
    buf_adds(&f->saw, is_pinged(s, f) ? "true" : "false");
    buf_adds(&f->value, "true");
    return verdict(is_pinged(s, f));
}

enum verdict judge_pongs(const struct subject *s, struct finding *f)
{
    const uint64_t interval = s->c->heartbeat.interval;
    const uint64_t timeout =
        f->rule->of == OF_CLIENT ? s->c->heartbeat.timeout : s->c->heartbeat.backend_timeout;
    if (timeout == 0 || !is_pinged(s, f))
        return SILENT;
    buf_adds(&f->saw, "2 x ");
    see_duration(f, interval, " and ");
    see_duration(f, timeout, "");
    mend_duration(f, 3 * interval);
    return verdict(2 * interval < timeout);
}

/* The shortest counts; half of it leaves room for a late ping. */
enum verdict judge_idle(const struct subject *s, struct finding *f)
{
    const struct conf *c = s->c;
    const struct {
        const char *name;
        uint64_t ms;
    } idle[] = {
        {" of the balancer", s->kept},
        {" (platform.backend_timeout)", c->platform.backend_timeout},
        {" (timeouts.connection)", c->timeouts.connection},
    };
    const uint64_t advised = 25 * SECOND, least = setting_find("heartbeat.interval")->least;
    unsigned first = 0;
    for (unsigned i = 1; i < sizeof(idle) / sizeof(*idle); i++)
        if (idle[i].ms > 0 && idle[i].ms < idle[first].ms)
            first = i;
    see_duration(f, c->heartbeat.interval, " and ");
    see_path(f, idle[first].ms, first == 0 && c->platform.lb_timeout == 0);
    buf_adds(&f->saw, idle[first].name);
    uint64_t half = idle[first].ms / 2;
    mend_duration(f, half > advised ? advised : half < least ? least : half);
    return verdict(c->heartbeat.interval < idle[first].ms);
}

/* ---- what wskeep's own times are to be */

enum verdict judge_connection_least(const struct subject *s, struct finding *f)
{
    see_duration(f, s->c->timeouts.connection, "");
    mend_duration(f, 900 * SECOND);
    return verdict(s->c->timeouts.connection == 0 || s->c->timeouts.connection >= 600 * SECOND);
}

enum verdict judge_connection_most(const struct subject *s, struct finding *f)
{
    see_duration(f, s->c->timeouts.connection, "");
    mend_duration(f, 900 * SECOND);
    return verdict(s->c->timeouts.connection > 0 && s->c->timeouts.connection <= 900 * SECOND);
}

enum verdict judge_listen_keepalive(const struct subject *s, struct finding *f)
{
    see_duration(f, s->c->listen.keepalive_timeout, " and ");
    see_kept(s, f);
    mend_duration(f, s->kept + 20 * SECOND);
    return verdict(s->c->listen.keepalive_timeout > s->kept);
}

enum verdict judge_drain(const struct subject *s, struct finding *f)
{
    see_duration(f, s->c->timeouts.drain, "");
    mend_duration(f, 9 * SECOND);
    return verdict(s->c->timeouts.drain < PATIENCE);
}

/* Half of it leaves as much for those who are there. */
enum verdict judge_lameduck(const struct subject *s, struct finding *f)
{
    const uint64_t lameduck = s->c->timeouts.lameduck, drain = s->c->timeouts.drain;
    if (lameduck == 0)
        return SILENT;
    see_duration(f, lameduck, " and ");
    see_duration(f, drain, "");
    mend_duration(f, drain / 2);
    return verdict(lameduck < drain);
}

enum verdict judge_probe(const struct subject *s, struct finding *f)
{
    const uint64_t period = s->c->probe.period, handshake = s->c->backend.handshake_timeout;
    if (!*s->c->probe.path)
        return SILENT;
    see_duration(f, period, " and ");
    see_duration(f, handshake, "");
    mend_duration(f, handshake);
    return verdict(period >= handshake);
}

enum verdict judge_admin(const struct subject *s, struct finding *f)
{
    const struct address *a = &s->c->admin.address;
    bool every = a->host && (*a->host == '\0' || strcmp(a->host, "0.0.0.0") == 0 ||
                             strcmp(a->host, "::") == 0);
    buf_adds(&f->saw, a->host ? a->text : "off");
    buf_addf(&f->value, "\"127.0.0.1:%u\"", a->port);
    return verdict(!every);
}

/* ---- the platform's limit on a request */

/* What nobody said is no more than likely: that is left to the rule below. */
enum verdict judge_request_balancer(const struct subject *s, struct finding *f)
{
    if (s->c->platform.request_timeout == 0)
        return SILENT;
    see_duration(f, s->request, " and ");
    see_kept(s, f);
    mend_seconds(f, LONGEST);
    return verdict(s->request >= s->kept);
}

enum verdict judge_request_longest(const struct subject *s, struct finding *f)
{
    if (s->c->platform.request_timeout > 0 && s->request < s->kept)
        return SILENT;
    see_request(s, f);
    mend_seconds(f, LONGEST);
    return verdict(s->request >= LONGEST);
}

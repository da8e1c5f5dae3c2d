/* The rules about the server behind, as far as its command line says what they need. Owns nothing.
 */
#include "config/rules.h"
#include "config/table.h"

#define THREADS           "100" /* as many WebSockets at a time for each worker: a beginning */
#define APPLICATION_START (10 * SECOND) /* until it answers: imports, connections of its own */

enum verdict judge_backend_known(const struct subject *s, struct finding *f)
{
    const enum server_kind kind = s->server.kind;
    if (kind == SERVER_NONE)
        buf_adds(&f->saw, "nothing");
    else
        server_print(&s->server, &f->saw);
    return verdict(kind == SERVER_GUNICORN || kind == SERVER_UVICORN);
}

enum verdict judge_backend_clear(const struct subject *s, struct finding *f)
{
    if (s->server.kind == SERVER_NONE)
        return SILENT;
    buf_adds(&f->saw, s->server.unclear ? s->server.unclear : "all of them");
    return verdict(!s->server.unclear);
}

enum verdict judge_backend_timeout(const struct subject *s, struct finding *f)
{
    if (s->c->platform.backend_timeout == 0)
        return SILENT;
    see_duration(f, s->c->platform.backend_timeout, " and ");
    see_kept(s, f);
    mend_duration(f, s->kept);
    return verdict(s->c->platform.backend_timeout >= s->kept);
}

/* In ms; false where the flag is not known to be one. */
static bool flag_ms(const struct subject *s, enum flag flag, uint64_t *ms)
{
    uint64_t n;
    if (!server_number(&s->server, flag, &n))
        return false;
    if (__builtin_mul_overflow(n, (uint64_t)SECOND, ms))
        *ms = UINT64_MAX / SECOND * SECOND;
    return true;
}

/* --timeout 0 is none. */
enum verdict judge_worker(const struct subject *s, struct finding *f)
{
    uint64_t ms;
    if (server_worker(&s->server) != f->rule->of || !flag_ms(s, FLAG_TIMEOUT, &ms))
        return SILENT;
    server_print_flag(&s->server, FLAG_WORKER_CLASS, &f->saw);
    buf_adds(&f->saw, " ");
    server_print_flag(&s->server, FLAG_TIMEOUT, &f->saw);
    buf_adds(&f->saw, " and ");
    see_kept(s, f);
    mend_seconds(f, s->kept);
    return verdict(ms == 0 || ms >= s->kept);
}

enum verdict judge_worker_room(const struct subject *s, struct finding *f)
{
    const enum worker_class worker = server_worker(&s->server);
    uint64_t threads = 0;
    if (worker == WORKER_UNCLEAR || worker == WORKER_UNKNOWN ||
        !server_number(&s->server, FLAG_THREADS, &threads))
        return SILENT;
    server_print_flag(&s->server, FLAG_WORKER_CLASS, &f->saw);
    buf_adds(&f->saw, " ");
    server_print_flag(&s->server, FLAG_THREADS, &f->saw);
    buf_adds(&f->value, THREADS);
    return verdict(worker != WORKER_SYNC && (worker != WORKER_GTHREAD || threads > 1));
}

/* sync closes after each answer and says so, as all but uvicorn do with --keep-alive 0: then there
 * is nothing to race with. */
static bool keeps(const struct subject *s, enum flag *flag, uint64_t *ms)
{
    const enum worker_class worker = server_worker(&s->server);
    bool gunicorn = s->server.kind == SERVER_GUNICORN;
    *flag = gunicorn ? FLAG_KEEP_ALIVE : FLAG_UVICORN_KEEP_ALIVE;
    if (gunicorn && (worker == WORKER_SYNC || worker == WORKER_UNCLEAR))
        return false;
    return flag_ms(s, *flag, ms) && (*ms > 0 || worker == WORKER_UVICORN || !gunicorn);
}

enum verdict judge_keep_alive(const struct subject *s, struct finding *f)
{
    const uint64_t own = s->c->backend.keepalive_timeout;
    enum flag flag;
    uint64_t ms;
    if (!keeps(s, &flag, &ms) || ms == 0)
        return SILENT;
    see_duration(f, own, " and ");
    server_print_flag(&s->server, flag, &f->saw);
    mend_duration(f, ms / 2);
    return verdict(own < ms);
}

/* 0 with uvicorn: measured, it closes at once and does not say so. */
enum verdict judge_kept(const struct subject *s, struct finding *f)
{
    enum flag flag;
    uint64_t ms;
    if (!keeps(s, &flag, &ms) || flag != f->rule->of || ms > 0)
        return SILENT;
    server_print_flag(&s->server, flag, &f->saw);
    mend_seconds(f, 2 * s->c->backend.keepalive_timeout);
    return BROKEN;
}

enum verdict judge_graceful(const struct subject *s, struct finding *f)
{
    uint64_t ms;
    if (!flag_ms(s, f->rule->of, &ms))
        return SILENT;
    server_print_flag(&s->server, f->rule->of, &f->saw);
    buf_adds(&f->saw, " and ");
    see_duration(f, s->c->timeouts.drain, "");
    mend_seconds(f, s->c->timeouts.drain);
    return verdict(ms >= s->c->timeouts.drain);
}

/* What is longer than can be set has no mending here. */
enum verdict judge_restart(const struct subject *s, struct finding *f)
{
    const uint64_t window = s->c->reconnect.window, most = setting_find("reconnect.window")->most;
    uint64_t ms;
    if (window == 0 || !flag_ms(s, FLAG_GRACEFUL, &ms))
        return SILENT;
    see_duration(f, window, " and ");
    server_print_flag(&s->server, FLAG_GRACEFUL, &f->saw);
    f->mendable = ms <= most - APPLICATION_START;
    if (f->mendable)
        mend_duration(f, ms + APPLICATION_START);
    return verdict(window >= APPLICATION_START && window - APPLICATION_START >= ms);
}

enum verdict judge_gunicorn_recycling(const struct subject *s, struct finding *f)
{
    uint64_t n;
    if (!server_number(&s->server, FLAG_MAX_REQUESTS, &n))
        return SILENT;
    server_print_flag(&s->server, FLAG_MAX_REQUESTS, &f->saw);
    buf_adds(&f->value, "0");
    return verdict(n == 0);
}

/* To uvicorn 0 is a limit too, so the flag must go. */
enum verdict judge_uvicorn_recycling(const struct subject *s, struct finding *f)
{
    if (s->server.kind != SERVER_UVICORN)
        return SILENT;
    server_print_flag(&s->server, FLAG_UVICORN_MAX_REQUESTS, &f->saw);
    return verdict(!server_given(&s->server, FLAG_UVICORN_MAX_REQUESTS));
}

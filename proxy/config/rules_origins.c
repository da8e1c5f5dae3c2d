/* The rules about which pages may connect, by the name of the environment. Owns nothing. */
#include "base/json.h"
#include "config/rules.h"
#include <string.h>

/* The host of "scheme://host:port", with or without the scheme. */
static struct str origin_host(const char *origin)
{
    const char *scheme = strstr(origin, "://"), *host = scheme ? scheme + 3 : origin;
    if (*host == '[')
        return (struct str){host, strcspn(host, "]")};
    return (struct str){host, strcspn(host, ":/")};
}

static bool ends_in(struct str s, struct str end)
{
    return s.n > end.n && str_isame((struct str){s.p + s.n - end.n, end.n}, end);
}

/* 127.0.0.0/8. */
static bool is_loopback(struct str host)
{
    return host.n > 4 && memcmp(host.p, "127.", 4) == 0 && strspn(host.p, "0123456789.") >= host.n;
}

static bool is_localhost(const char *origin)
{
    struct str host = origin_host(origin);
    return str_ieq(host, "localhost") || ends_in(host, STR(".localhost")) || /* RFC 6761 §6.3 */
           str_eq(host, "[::1") || str_eq(host, "0.0.0.0") || is_loopback(host);
}

static void see_origins(const struct subject *s, struct finding *f)
{
    buf_adds(&f->saw, s->origins->n == 0 ? "[] (any)" : "");
    for (unsigned i = 0; i < s->origins->n; i++)
        buf_addf(&f->saw, "%s%s", i == 0 ? "" : " ", s->origins->v[i]);
}

static bool is_stage(const struct subject *s, enum stage stage)
{
    return strcmp(s->environment, stage == STAGE_PRODUCTION ? "production" : "staging") == 0;
}

enum verdict judge_origins_set(const struct subject *s, struct finding *f)
{
    if (!s->origins || !is_stage(s, STAGE_PRODUCTION))
        return SILENT;
    see_origins(s, f);
    return verdict(s->origins->n > 0);
}

/* What is left is the advice; but an empty list would let any in. */
static void mend_origins(const struct strings *origins, struct finding *f)
{
    unsigned n = 0;
    buf_adds(&f->value, "[");
    for (unsigned i = 0; i < origins->n; i++) {
        if (is_localhost(origins->v[i]))
            continue;
        buf_adds(&f->value, n++ == 0 ? "" : ", ");
        json_quote(&f->value, str_of(origins->v[i]), SIZE_MAX);
    }
    buf_adds(&f->value, "]");
    f->mendable = n > 0;
}

enum verdict judge_localhost(const struct subject *s, struct finding *f)
{
    bool local = false;
    if (!s->origins || s->origins->n == 0 || !is_stage(s, f->rule->of))
        return SILENT;
    for (unsigned i = 0; i < s->origins->n; i++)
        local = local || is_localhost(s->origins->v[i]);
    see_origins(s, f);
    mend_origins(s->origins, f);
    return verdict(!local);
}

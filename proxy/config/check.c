/* wskeep --check: the run through its rules.
 *
 * Owns its findings. Never changes a conf, reads no file, and knows nothing of the machine: where
 * nobody said what the path is like, it takes it for Google's. */
#include "config/check.h"

#include "base/mem.h"
#include "config/rules.h"
#include <stdlib.h>

#define KEPT    (600 * SECOND) /* by Google's balancers, an idle connection; not settable */
#define REQUEST (300 * SECOND) /* on Cloud Run, unless set */

static void finding_fini(struct finding *f)
{
    buf_fini(&f->saw);
    buf_fini(&f->value);
}

static void rule_run(struct check *k, const struct subject *s, const struct rule *r)
{
    struct finding *f = &k->v[k->n];
    *f = (struct finding){.rule = r, .mendable = r->mend.kind != NULL};
    switch (r->judge(s, f)) {
    case SILENT:
        finding_fini(f);
        return;
    case BROKEN:
        f->result = r->broken;
        break;
    case HOLDS:
        f->result = RESULT_OK;
        f->mendable = false;
        break;
    }
    k->n++;
}

void check_init(struct check *k, const struct conf *c, const struct strings *origins,
                const char *environment)
{
    struct subject s = {
        .c = c,
        .origins = origins,
        .environment = environment ? environment : "",
        .kept = c->platform.lb_timeout ? c->platform.lb_timeout : KEPT,
        .request = c->platform.request_timeout ? c->platform.request_timeout : REQUEST,
    };
    *k = (struct check){.v = mem_alloc(rules_count * sizeof(*k->v)), .environment = s.environment};
    server_init(&s.server, c->platform.backend_command);
    for (unsigned i = 0; i < rules_count; i++)
        rule_run(k, &s, &rules[i]);
    server_fini(&s.server);
}

void check_fini(struct check *k)
{
    for (unsigned i = 0; i < k->n; i++)
        finding_fini(&k->v[i]);
    free(k->v);
    *k = (struct check){0};
}

unsigned check_count(const struct check *k, enum result result)
{
    unsigned n = 0;
    for (unsigned i = 0; i < k->n; i++)
        n += k->v[i].result == result;
    return n;
}

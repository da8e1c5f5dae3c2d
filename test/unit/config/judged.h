/* One rule of --check on one conf: rows that say what comes of it. */
#ifndef TEST_CONFIG_JUDGED_H
#define TEST_CONFIG_JUDGED_H

#include "config/rules.h"
#include "config/table.h"
#include <stdio.h>
#include <string.h>

#define NO_ROW RESULT_COUNT /* the rule has nothing to judge */

struct row {
    const char *rule, *settings; /* "KEY=VALUE|KEY=VALUE": what is not the default */
    enum result want;
    const char *saw, *value; /* NULL: not looked at; value of what is not ok */
    const char *why;
};

static inline void settings_apply(struct conf *c, const char *text)
{
    while (*text != '\0') {
        char key[64];
        size_t k = strcspn(text, "="), n = strcspn(text + k + 1, "|");
        snprintf(key, sizeof(key), "%.*s", (int)k, text);
        const struct setting *s = setting_find(key);
        if (!s || setting_set(s, c, (struct str){text + k + 1, n}, false) < 0)
            fail_msg("%s", text);
        text += k + 1 + n;
        text += *text == '|';
    }
}

static inline const struct finding *finding_of(const struct check *k, const char *rule)
{
    for (unsigned i = 0; i < k->n; i++)
        if (strcmp(k->v[i].rule->id, rule) == 0)
            return &k->v[i];
    return NULL;
}

static inline void assert_text(const struct buf *have, const char *want, const char *why)
{
    if (want && !str_eq((struct str){(const char *)have->data, have->len}, want))
        fail_msg("%s: %.*s instead of %s", why, (int)have->len, (const char *)have->data, want);
}

static inline void assert_judged(const struct row *r, const struct strings *origins,
                                 const char *environment)
{
    struct conf *c = conf_new();
    struct check k;
    settings_apply(c, r->settings);
    check_init(&k, c, origins, environment);
    const struct finding *f = finding_of(&k, r->rule);
    enum result have = f ? f->result : NO_ROW;
    if (have != r->want)
        fail_msg("%s with %s: result %d instead of %d (%s)", r->rule, r->settings, have, r->want,
                 r->why);
    if (f)
        assert_text(&f->saw, r->saw, r->why);
    if (f && f->result != RESULT_OK)
        assert_text(&f->value, r->value, r->why);
    check_fini(&k);
    conf_unref(c);
}

#endif

/* Settings as text, made into a conf: see settings.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config/load.h"
#include "loop/lib/settings.h"

enum { SETTINGS = 32 };

static unsigned add(struct conf_override *o, unsigned n, const struct setting_text *s)
{
    for (; s && s->path; s++) {
        assert_true(n < SETTINGS);
        o[n++] = (struct conf_override){s->path, s->value, "test"};
    }
    return n;
}

struct conf *settings_conf(const struct setting_text *first, const struct setting_text *more)
{
    struct conf_override o[SETTINGS];
    unsigned n = add(o, add(o, 0, first), more);
    struct conf *c;
    struct buf why;
    buf_init(&why);
    if (conf_load(&(struct conf_sources){.overrides = o, .n = n}, &c, NULL, &why) < 0)
        fail_msg("%.*s", (int)why.len, (char *)why.data);
    buf_fini(&why);
    return c;
}

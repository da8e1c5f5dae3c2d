/* A conf's life: made with every default, held by reference, freed with its last one. */
#include "config/conf.h"

#include "base/err.h"
#include "base/mem.h"
#include "config/table.h"
#include <stdlib.h>

struct conf *conf_new(void)
{
    struct conf *c = mem_zalloc(sizeof(*c));
    atomic_init(&c->refs, 1);
    for (unsigned i = 0; i < settings_count; i++) {
        int err = setting_set(&settings[i], c, str_of(settings[i].initial), false);
        BUG_ON(err < 0);
    }
    return c;
}

struct conf *conf_ref(struct conf *c)
{
    atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
    return c;
}

/* acq_rel: the thread that frees it must see all that the others did with it. */
void conf_unref(struct conf *c)
{
    if (!c || atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel) > 1)
        return;
    for (unsigned i = 0; i < settings_count; i++)
        setting_fini(&settings[i], c);
    free(c);
}

/* Tells two confs apart, setting by setting: see change.h. Owns nothing, and changes only a conf
 * that nobody else holds yet. */
#include "config/change.h"

#include "base/err.h"
#include "config/table.h"
#include <string.h>

/* By what is printed: a conf that prints alike is the same. */
static bool differs(const struct setting *s, const struct conf *a, const struct conf *b)
{
    struct buf one = {0}, other = {0};
    setting_print(s, a, &one);
    setting_print(s, b, &other);
    bool same = one.len == other.len && memcmp(one.data, other.data, one.len) == 0;
    buf_fini(&one);
    buf_fini(&other);
    return !same;
}

static void add_name(struct buf *names, const struct setting *s)
{
    buf_addf(names, "%s%s", names->len > 0 ? ", " : "", s->path);
}

void conf_changes(const struct conf *from, const struct conf *to, struct buf *names)
{
    for (unsigned i = 0; i < settings_count; i++)
        if (differs(&settings[i], from, to))
            add_name(names, &settings[i]);
}

void conf_defer(struct conf *to, const struct conf *from, struct buf *names)
{
    for (unsigned i = 0; i < settings_count; i++) {
        const struct setting *s = &settings[i];
        if (s->reload != RELOAD_RESTART || !differs(s, from, to))
            continue;
        add_name(names, s);
        setting_copy(s, to, from);
    }
}

void conf_keep(struct conf *to, const struct conf *from, const char *path)
{
    const struct setting *s = setting_find(path);
    BUG_ON(!s);
    setting_copy(s, to, from);
}

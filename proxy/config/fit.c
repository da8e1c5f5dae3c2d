/* Which settings must fit each other for a conf to be taken, a row each. What merely does not help
 * is left to --check. Owns nothing. */
#include "config/fit.h"

#include "config/text.h"

static bool backoffs_fit(const struct conf *c)
{
    return c->reconnect.backoff_min <= c->reconnect.backoff_max;
}

static bool answers_fit(const struct conf *c)
{
    return (*c->answer.of.field == '\0') == (*c->answer.by.field == '\0');
}

#define BOTH "to set both or neither"

const struct fit fits[] = {
    {"reconnect.backoff_min", "reconnect.backoff_max", backoffs_fit, "no more than that"},
    {"reconnect.backoff_max", "reconnect.backoff_min", backoffs_fit, "no less than that"},
    {"answer.of.field", "answer.by.field", answers_fit, BOTH},
    {"answer.by.field", "answer.of.field", answers_fit, BOTH},
};
const unsigned fits_count = sizeof(fits) / sizeof(*fits);

static void print_value(const char *path, const struct conf *c, struct buf *out)
{
    struct buf value = {0};
    setting_print(setting_find(path), c, &value);
    if (value.len > TEXT_FOUND_MAX)
        buf_adds(out, "a long text");
    else
        buf_add(out, value.data, value.len);
    buf_fini(&value);
}

void fit_print(const struct fit *f, const struct conf *c, struct buf *out)
{
    print_value(f->path, c, out);
    buf_addf(out, " with %s ", f->other);
    print_value(f->other, c, out);
    buf_addf(out, ", allowed is %s", f->allowed);
}

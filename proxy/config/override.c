/* What environment variables and the command line change: which variable counts for which setting,
 * and which is ours no more than its name.
 *
 * Owns nothing. Never reads the process's environment itself. */
#include "config/override.h"

#include "base/err.h"
#include "config/table.h"
#include "config/text.h"
#include <string.h>

/* Where a name of ours stands for something else: the bad network of test builds, `make bench`. */
static const char *const others[] = {"WSKEEP_FAULTS", "WSKEEP_BENCH_"};

void note_add(struct strings *notes, struct buf *text)
{
    text_one_line(text);
    strings_add(notes, (struct str){(const char *)text->data, text->len});
    buf_fini(text);
}

/* ---- one setting */

static int refuse(const char *origin, const char *value, struct buf *why)
{
    buf_addf(why, "%s: found ", origin);
    text_found(str_of(value), why);
    buf_adds(why, ", allowed is ");
    return ERR_SYNTAX;
}

int override_set(struct conf *c, const struct conf_override *o, struct buf *why)
{
    const struct setting *s = setting_find(o->path);
    BUG_ON(!s);
    int err = setting_set(s, c, str_of(o->value), true);
    if (err == 0)
        return 0;
    refuse(o->origin, o->value, why);
    setting_allowed(s, why);
    return err;
}

/* A Unix path was chosen by someone who knows this deployment; the port is what the platform gives
 * to any. */
static int port_set(const struct setting *s, struct conf *c, const char *value,
                    struct strings *notes, struct buf *why)
{
    if (!setting_has_port(s, c)) {
        struct buf note = {0};
        buf_addf(&note, "%s: %s is a Unix path, which has no port; ignored", s->kept, s->path);
        note_add(notes, &note);
        return 0;
    }
    int err = setting_set_port(s, c, str_of(value));
    if (err == 0)
        return 0;
    refuse(s->kept, value, why);
    buf_adds(why, "a port of 0 to 65535");
    return err;
}

/* ---- the environment */

const char *environment_get(char *const *environment, const char *name)
{
    size_t n = strlen(name);
    for (; environment && *environment; environment++)
        if (strncmp(*environment, name, n) == 0 && (*environment)[n] == '=')
            return (*environment)[n + 1] == '\0' ? NULL : *environment + n + 1;
    return NULL;
}

/* The name that the path gives wins over the kept one: it was set for wskeep alone. */
const char *override_find(const struct setting *s, char *const *environment, struct buf *name)
{
    setting_variable(s, name);
    buf_add(name, "", 1);
    const char *own = environment_get(environment, (const char *)name->data);
    if (own || !s->kept)
        return own;
    buf_clear(name);
    buf_add(name, s->kept, strlen(s->kept) + 1);
    return environment_get(environment, s->kept);
}

static int set_from(const struct setting *s, struct conf *c, char *const *environment,
                    struct strings *notes, struct buf *why)
{
    struct buf found = {0};
    const char *value = override_find(s, environment, &found), *name = (const char *)found.data;
    int err = 0;
    if (value && s->type == SETTING_BIND && s->kept && strcmp(name, s->kept) == 0)
        err = port_set(s, c, value, notes, why);
    else if (value)
        err = override_set(c, &(struct conf_override){s->path, value, name}, why);
    buf_fini(&found);
    return err;
}

static bool is_setting(struct str variable)
{
    struct buf name = {0};
    bool is = false;
    for (unsigned i = 0; i < settings_count && !is; i++) {
        buf_clear(&name);
        setting_variable(&settings[i], &name);
        is = name.len == variable.n && memcmp(name.data, variable.p, name.len) == 0;
    }
    buf_fini(&name);
    return is;
}

static bool is_other(const char *variable)
{
    for (unsigned i = 0; i < sizeof(others) / sizeof(*others); i++)
        if (strncmp(variable, others[i], strlen(others[i])) == 0)
            return true;
    return false;
}

/* For a service of our name Kubernetes sets WSKEEP_SERVICE_HOST and more: so no error. */
static void note_unknown(const char *variable, struct strings *notes)
{
    struct str name = {variable, strcspn(variable, "=")};
    bool empty = variable[name.n] == '\0' || variable[name.n + 1] == '\0';
    if (strncmp(variable, SETTING_PREFIX, strlen(SETTING_PREFIX)) != 0 || empty ||
        is_setting(name) || is_other(variable))
        return;
    struct buf note = {0};
    buf_add(&note, name.p, name.n);
    buf_adds(&note, ": there is no such setting; ignored");
    note_add(notes, &note);
}

int override_environment(struct conf *c, char *const *environment, struct strings *notes,
                         struct buf *why)
{
    int err = 0;
    for (unsigned i = 0; i < settings_count && err == 0; i++)
        err = set_from(&settings[i], c, environment, notes, why);
    for (; environment && *environment; environment++)
        note_unknown(*environment, notes);
    return err;
}

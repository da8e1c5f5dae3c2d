/* Makes a conf: the defaults, what the file changes, what the command line changes; or one line
 * that says what is wrong.
 *
 * Never judges one setting by another, and never logs. */
#include "config/load.h"

#include "base/err.h"
#include "base/json.h"
#include "config/document.h"
#include "config/table.h"
#include <string.h>

#define FOUND_MAX 120 /* bytes of a value that an error message shows: a Unix path fits */

struct loader {
    struct conf *conf;
    const struct document *doc;
    struct buf *why;
};

static int load_group(struct loader *l, const cJSON *object, const char *group);

/* ---- what is wrong */

/* "FILE:LINE: PATH: found " */
static void say_place(const struct loader *l, const cJSON *value, const char *path)
{
    buf_addf(l->why, "%s:%u: %s: found ", l->doc->file, document_line(l->doc, value), path);
}

static void say_value(struct buf *why, const cJSON *value)
{
    if (cJSON_IsString(value)) {
        json_quote(why, str_of(value->valuestring), FOUND_MAX);
    } else if (cJSON_IsArray(value)) {
        buf_adds(why, "a list");
    } else if (cJSON_IsObject(value)) {
        buf_adds(why, "an object");
    } else {
        char *text = cJSON_PrintUnformatted(value);
        buf_adds(why, text);
        cJSON_free(text);
    }
}

static int refuse_value(struct loader *l, const struct setting *s, const cJSON *value, int err)
{
    say_place(l, value, s->path);
    say_value(l->why, value);
    buf_adds(l->why, ", allowed is ");
    setting_allowed(s, l->why);
    return err;
}

static int refuse_group(struct loader *l, const cJSON *value, const char *path)
{
    say_place(l, value, path);
    say_value(l->why, value);
    buf_adds(l->why, ", allowed is an object with ");
    group_names(str_of(path), l->why);
    return ERR_SYNTAX;
}

static int refuse_name(struct loader *l, const cJSON *value, const char *path, const char *found,
                       const char *allowed)
{
    say_place(l, value, path);
    buf_addf(l->why, "%s, allowed is %s", found, allowed);
    return ERR_SYNTAX;
}

/* group: where `path` would stand, a group that there is. */
static int say_unknown(struct buf *why, struct str group, const char *path)
{
    const char *near = setting_near(path);
    buf_adds(why, "an unknown name, allowed is ");
    group_names(group, why);
    if (near)
        buf_addf(why, "; did you mean %s?", near);
    return ERR_UNKNOWN;
}

/* ---- the file */

static bool type_fits(const struct setting *s, const cJSON *value)
{
    switch (s->type) {
    case SETTING_BIND:
    case SETTING_DIAL:
    case SETTING_WORD:
        return cJSON_IsString(value);
    case SETTING_DURATION:
    case SETTING_SIZE: /* a bare 0 is as good as "0"; any other number lacks its unit */
        return cJSON_IsString(value) || cJSON_IsNumber(value);
    case SETTING_COUNT:
        return cJSON_IsNumber(value) ||
               (cJSON_IsString(value) && s->zero && strcmp(value->valuestring, s->zero) == 0);
    case SETTING_BOOL:
        return cJSON_IsBool(value);
    case SETTING_NETWORKS:
        return cJSON_IsArray(value);
    }
    return false;
}

static int load_list(struct loader *l, const struct setting *s, const cJSON *list)
{
    setting_clear(s, l->conf);
    for (const cJSON *element = list->child; element; element = element->next) {
        int err = cJSON_IsString(element) ? setting_add(s, l->conf, str_of(element->valuestring))
                                          : ERR_SYNTAX;
        if (err < 0)
            return refuse_value(l, s, element, err);
    }
    return 0;
}

static int load_value(struct loader *l, const struct setting *s, const cJSON *value)
{
    if (!type_fits(s, value))
        return refuse_value(l, s, value, ERR_SYNTAX);
    if (cJSON_IsArray(value))
        return load_list(l, s, value);
    char *printed = cJSON_IsString(value) ? NULL : cJSON_PrintUnformatted(value);
    int err = setting_set(s, l->conf, str_of(printed ? printed : value->valuestring), false);
    cJSON_free(printed);
    return err < 0 ? refuse_value(l, s, value, err) : 0;
}

/* cJSON keeps both of two members with one name. */
static bool is_repeated(const cJSON *object, const cJSON *member)
{
    const cJSON *other = object->child;
    while (other != member && strcmp(other->string, member->string) != 0)
        other = other->next;
    return other != member;
}

static int load_member(struct loader *l, const cJSON *object, const cJSON *member, struct str group,
                       const char *path)
{
    if (strchr(member->string, '.'))
        return refuse_name(l, member, path, "a name with a dot",
                           "an object within an object, as {\"listen\": {\"address\": \":8080\"}}");
    if (is_repeated(object, member))
        return refuse_name(l, member, path, "a second time", "once");
    const struct setting *s = setting_find(path);
    if (s)
        return load_value(l, s, member);
    if (*path != '\0' && group_find(str_of(path)))
        return cJSON_IsObject(member) ? load_group(l, member, path) : refuse_group(l, member, path);
    say_place(l, member, path);
    return say_unknown(l->why, group, path);
}

static int load_group(struct loader *l, const cJSON *object, const char *group)
{
    struct buf path = {0};
    int err = 0;
    for (const cJSON *member = object->child; member && err == 0; member = member->next) {
        buf_clear(&path);
        buf_addf(&path, "%s%s%s", group, *group ? "." : "", member->string);
        buf_add(&path, "", 1);
        err = load_member(l, object, member, str_of(group), (const char *)path.data);
    }
    buf_fini(&path);
    return err;
}

static int load_file(struct conf *c, const char *file, struct buf *why)
{
    struct document doc;
    int err = document_init(&doc, file, why);
    if (err < 0)
        return err;
    struct loader l = {.conf = c, .doc = &doc, .why = why};
    err = load_group(&l, doc.root, "");
    document_fini(&doc);
    return err;
}

/* ---- the command line */

static int load_override(struct conf *c, const struct conf_override *o, struct buf *why)
{
    const struct setting *s = setting_find(o->path);
    int err = s ? setting_set(s, c, str_of(o->value), true) : ERR_UNKNOWN;
    if (err == 0)
        return 0;
    buf_addf(why, "%s: found ", o->origin);
    if (!s)
        return say_unknown(why, STR(""), o->path);
    json_quote(why, str_of(o->value), FOUND_MAX);
    buf_adds(why, ", allowed is ");
    setting_allowed(s, why);
    return err;
}

/* Names of files and of settings stand in the message as they are: it stays one line all the same.
 */
static void one_line(struct buf *why)
{
    for (size_t i = 0; i < why->len; i++)
        if (why->data[i] < 0x20 || why->data[i] == 0x7f)
            why->data[i] = '?';
}

int conf_load(const char *file, const struct conf_override *overrides, unsigned n,
              struct conf **out, struct buf *why)
{
    struct conf *c = conf_new();
    buf_clear(why);
    int err = file ? load_file(c, file, why) : 0;
    for (unsigned i = 0; i < n && err == 0; i++)
        err = load_override(c, &overrides[i], why);
    if (err == 0) {
        *out = c;
        return 0;
    }
    one_line(why);
    conf_unref(c);
    return err;
}

/* Makes a conf: the defaults, what the file changes, what its section for ENVIRONMENT changes, then
 * what override.c adds; or one line that says what is wrong.
 *
 * Never judges one setting by another (fit.c does), and never logs. */
#include "config/load.h"

#include "base/err.h"
#include "base/json.h"
#include "config/document.h"
#include "config/fit.h"
#include "config/override.h"
#include "config/table.h"
#include "config/text.h"
#include <string.h>

#define SECTIONS "environments" /* the name in the file of those that ENVIRONMENT chooses from */

struct loader {
    struct conf *conf;
    const struct document *doc;
    struct buf *why;
    const cJSON *chosen; /* of SECTIONS; NULL: none */
    const char *section; /* that is being read, of SECTIONS; NULL: none */
};

static int load_group(struct loader *l, const cJSON *object, const char *group);
static int load_sections(struct loader *l, const cJSON *sections);

/* ---- what is wrong */

/* "FILE:LINE: PATH: found " */
static void say_place(const struct loader *l, const cJSON *value, const char *path)
{
    buf_addf(l->why, "%s:%u: ", l->doc->file, document_line(l->doc, value));
    if (l->section)
        buf_addf(l->why, SECTIONS ".%s%s", l->section, *path ? "." : "");
    buf_addf(l->why, "%s: found ", path);
}

static void say_value(struct buf *why, const cJSON *value)
{
    if (cJSON_IsString(value)) {
        text_found(str_of(value->valuestring), why);
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
static int refuse_unknown(struct loader *l, const cJSON *value, const char *path, struct str group)
{
    const char *near = setting_near(path);
    say_place(l, value, path);
    buf_adds(l->why, "an unknown name, allowed is ");
    group_names(group, l->why);
    if (group.n == 0 && !l->section)
        buf_adds(l->why, ", or " SECTIONS);
    if (near)
        buf_addf(l->why, "; did you mean %s?", near);
    return ERR_UNKNOWN;
}

/* ---- the file */

static bool type_fits(const struct setting *s, const cJSON *value)
{
    switch (s->type) {
    case SETTING_BIND:
    case SETTING_DIAL:
    case SETTING_WORD:
    case SETTING_TEXT:
    case SETTING_PATH:
    case SETTING_JSON:
        return cJSON_IsString(value);
    case SETTING_DURATION:
    case SETTING_SIZE: /* a bare 0 is as good as "0"; any other number lacks its unit */
        return cJSON_IsString(value) || cJSON_IsNumber(value);
    case SETTING_COUNT:
        return cJSON_IsNumber(value) ||
               (cJSON_IsString(value) && s->zero && strcmp(value->valuestring, s->zero) == 0);
    case SETTING_BOOL:
        return cJSON_IsBool(value);
    case SETTING_TEXTS:
    case SETTING_NETWORKS:
    case SETTING_ORIGINS:
    case SETTING_PLACES:
    case SETTING_CODES:
        return cJSON_IsArray(value);
    }
    return false;
}

static bool element_fits(const struct setting *s, const cJSON *element)
{
    return s->type == SETTING_CODES ? cJSON_IsNumber(element) : cJSON_IsString(element);
}

static int load_scalar(struct loader *l, const struct setting *s, const cJSON *value, bool element)
{
    char *printed = cJSON_IsString(value) ? NULL : cJSON_PrintUnformatted(value);
    struct str text = str_of(printed ? printed : value->valuestring);
    int err = element ? setting_add(s, l->conf, text) : setting_set(s, l->conf, text, false);
    cJSON_free(printed);
    return err < 0 ? refuse_value(l, s, value, err) : 0;
}

static int load_list(struct loader *l, const struct setting *s, const cJSON *list)
{
    int err = 0;
    setting_clear(s, l->conf);
    for (const cJSON *element = list->child; element && err == 0; element = element->next)
        err = element_fits(s, element) ? load_scalar(l, s, element, true)
                                       : refuse_value(l, s, element, ERR_SYNTAX);
    return err;
}

static int load_value(struct loader *l, const struct setting *s, const cJSON *value)
{
    if (!type_fits(s, value))
        return refuse_value(l, s, value, ERR_SYNTAX);
    return cJSON_IsArray(value) ? load_list(l, s, value) : load_scalar(l, s, value, false);
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
    if (!l->section && strcmp(path, SECTIONS) == 0)
        return load_sections(l, member);
    const struct setting *s = setting_find(path);
    if (s)
        return load_value(l, s, member);
    if (*path != '\0' && group_find(str_of(path)))
        return cJSON_IsObject(member) ? load_group(l, member, path) : refuse_group(l, member, path);
    return refuse_unknown(l, member, path, group);
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

/* ---- its environments */

static int load_section(struct loader *l, const cJSON *section)
{
    l->section = section->string;
    return load_group(l, section, "");
}

static int check_section(struct loader *l, const cJSON *sections, const cJSON *section)
{
    l->section = section->string;
    if (*section->string == '\0')
        return refuse_name(l, section, "", "an empty name", "a name that ENVIRONMENT can have");
    if (is_repeated(sections, section))
        return refuse_name(l, section, "", "a second time", "once");
    return cJSON_IsObject(section) ? load_section(l, section) : refuse_group(l, section, "");
}

/* Judges them all, so that a mistake in one does not wait for the day on which it is chosen. */
static int load_sections(struct loader *l, const cJSON *sections)
{
    if (!cJSON_IsObject(sections)) {
        say_place(l, sections, SECTIONS);
        say_value(l->why, sections);
        buf_adds(l->why, ", allowed is an object with an object for each environment");
        return ERR_SYNTAX;
    }
    struct loader aside = {.conf = conf_new(), .doc = l->doc, .why = l->why};
    int err = 0;
    for (const cJSON *section = sections->child; section && err == 0; section = section->next)
        err = check_section(&aside, sections, section);
    conf_unref(aside.conf);
    return err;
}

static void note_unchosen(const struct loader *l, const cJSON *sections, const char *name,
                          struct strings *notes)
{
    struct buf note = {0};
    buf_adds(&note, "ENVIRONMENT: found ");
    if (name)
        json_quote(&note, str_of(name), TEXT_FOUND_MAX);
    else
        buf_adds(&note, "nothing, on Cloud Run");
    buf_adds(&note, ", allowed is ");
    unsigned i = 0, n = (unsigned)cJSON_GetArraySize(sections);
    for (const cJSON *section = sections->child; section; section = section->next)
        alternative_add(&note, i++, n, str_of(section->string));
    buf_addf(&note, " (%s); none of them applies", l->doc->file);
    note_add(notes, &note);
}

/* K_SERVICE is there on Cloud Run, where ENVIRONMENT has been forgotten rather than left out. */
static int load_chosen(struct loader *l, const cJSON *sections, char *const *environment,
                       struct strings *notes)
{
    const char *name = environment_get(environment, "ENVIRONMENT");
    l->chosen = name ? cJSON_GetObjectItemCaseSensitive(sections, name) : NULL;
    if (l->chosen)
        return load_section(l, l->chosen);
    if (sections->child && (name || environment_get(environment, "K_SERVICE")))
        note_unchosen(l, sections, name, notes);
    return 0;
}

/* ---- settings together */

/* Of an object that was loaded: no name in it has a dot. */
static const cJSON *value_at(const cJSON *object, const char *path)
{
    for (const cJSON *member = object->child; member; member = member->next) {
        size_t n = strlen(member->string);
        if (strncmp(path, member->string, n) != 0)
            continue;
        if (path[n] == '\0')
            return member;
        if (path[n] == '.')
            return value_at(member, path + n + 1);
    }
    return NULL;
}

static bool say_origin_in_file(struct loader *l, const char *path)
{
    const cJSON *value = l->chosen ? value_at(l->chosen, path) : NULL;
    l->section = value ? l->chosen->string : NULL;
    if (!value && l->doc->root)
        value = value_at(l->doc->root, path);
    if (value)
        say_place(l, value, path);
    return value != NULL;
}

/* Where its value comes from, the last layer first; false: from nowhere, it is the default. */
static bool say_origin(struct loader *l, const struct conf_sources *from, const char *path)
{
    for (unsigned i = from->n; i-- > 0;) {
        if (strcmp(from->overrides[i].path, path) != 0)
            continue;
        buf_addf(l->why, "%s: found ", from->overrides[i].origin);
        return true;
    }
    struct buf name = {0};
    bool is = override_find(setting_find(path), from->environment, &name);
    if (is)
        buf_addf(l->why, "%s: found ", (const char *)name.data);
    buf_fini(&name);
    return is || say_origin_in_file(l, path);
}

/* One of two that do not fit was set, since the defaults do. */
static int check_fits(struct loader *l, const struct conf_sources *from)
{
    for (unsigned i = 0; i < fits_count; i++) {
        if (fits[i].holds(l->conf) || !say_origin(l, from, fits[i].path))
            continue;
        fit_print(&fits[i], l->conf, l->why);
        return ERR_RANGE;
    }
    return 0;
}

/* ---- the whole */

static int load_file(struct loader *l, struct document *doc, const struct conf_sources *from,
                     struct strings *notes)
{
    int err = document_init(doc, from->file, l->why);
    if (err < 0)
        return err;
    const cJSON *sections = cJSON_GetObjectItemCaseSensitive(doc->root, SECTIONS);
    err = load_group(l, doc->root, "");
    if (err == 0 && sections)
        err = load_chosen(l, sections, from->environment, notes);
    return err;
}

static int load_all(struct conf *c, const struct conf_sources *from, struct strings *notes,
                    struct buf *why)
{
    struct document doc = {0};
    struct loader l = {.conf = c, .doc = &doc, .why = why};
    int err = from->file ? load_file(&l, &doc, from, notes) : 0;
    if (err == 0)
        err = override_environment(c, from->environment, notes, why);
    for (unsigned i = 0; i < from->n && err == 0; i++)
        err = override_set(c, &from->overrides[i], why);
    if (err == 0)
        err = check_fits(&l, from);
    document_fini(&doc);
    return err;
}

int conf_load(const struct conf_sources *from, struct conf **out, struct strings *notes,
              struct buf *why)
{
    struct conf *c = conf_new();
    struct strings unasked = {0};
    buf_clear(why);
    int err = load_all(c, from, notes ? notes : &unasked, why);
    strings_fini(&unasked);
    if (err == 0) {
        *out = c;
        return 0;
    }
    text_one_line(why); /* names of files and of settings stand in it as they are */
    conf_unref(c);
    return err;
}

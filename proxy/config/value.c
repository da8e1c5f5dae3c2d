/* The value of a setting: from text into its field, from its field to JSON, by one switch over the
 * types each.
 *
 * Owns nothing: what a field holds belongs to its conf. Never leaves a field half changed. */
#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "config/form.h"
#include "config/load.h"
#include "config/network.h"
#include "config/origin.h"
#include "config/quantity.h"
#include "config/table.h"
#include "config/text.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Where the setting lies in a conf. */
union field {
    void *at;
    struct address *address;
    struct strings *strings;
    char **text;
    uint64_t *n;
    unsigned *word;
    bool *yes;
};

static union field field_of(const struct setting *s, const struct conf *c)
{
    return (union field){.at = (char *)(uintptr_t)c + s->offset};
}

const struct unit *setting_units(const struct setting *s)
{
    return s->type == SETTING_DURATION ? quantity_durations : quantity_sizes;
}

static int quantity_set(const struct setting *s, struct str text, bool bare_seconds,
                        uint64_t *field)
{
    uint64_t n, bare = bare_seconds && s->type == SETTING_DURATION ? SECOND : 0;
    int err = quantity_parse(setting_units(s), text, bare, &n);
    if (err < 0)
        return err;
    if (n == 0 ? s->zero == NULL : n < s->least || n > s->most)
        return ERR_RANGE;
    *field = n;
    return 0;
}

static int count_set(const struct setting *s, struct str text, uint64_t *field)
{
    if (s->zero && str_eq(text, s->zero)) {
        *field = 0;
        return 0;
    }
    uint64_t n;
    int err = digits_parse(&text, &n);
    if (err < 0)
        return err;
    if (text.n > 0)
        return ERR_SYNTAX;
    if (n < s->least || n > s->most)
        return ERR_RANGE;
    *field = n;
    return 0;
}

static int bool_set(struct str text, bool *field)
{
    bool yes = str_eq(text, "true");
    if (!yes && !str_eq(text, "false"))
        return ERR_SYNTAX;
    *field = yes;
    return 0;
}

static int word_set(const struct setting *s, struct str text, unsigned *field)
{
    for (unsigned i = 0; s->words[i]; i++) {
        if (str_eq(text, s->words[i])) {
            *field = i;
            return 0;
        }
    }
    return ERR_SYNTAX;
}

static int address_set(const struct setting *s, struct str text, struct address *field)
{
    struct address a = {0};
    if (s->zero && text.n == 0) {
        a.text = mem_strdup("");
    } else {
        int err = address_parse(text, &a);
        if (err < 0)
            return err;
    }
    if (s->type == SETTING_DIAL && !a.unix_path && (a.port == 0 || a.host[0] == '\0')) {
        address_fini(&a);
        return ERR_RANGE;
    }
    address_fini(field);
    *field = a;
    return 0;
}

static bool text_fits(const struct setting *s, struct str text)
{
    if (text.n == 0)
        return s->zero != NULL;
    return s->type == SETTING_PATH   ? form_path(text)
           : s->type == SETTING_JSON ? form_json(text)
                                     : true;
}

static int text_set(const struct setting *s, struct str text, char **field)
{
    if (!text_fits(s, text))
        return ERR_SYNTAX;
    free(*field);
    *field = text_copy(text);
    return 0;
}

void strings_add(struct strings *list, struct str text)
{
    list->v = mem_realloc(list->v, (list->n + 1) * sizeof(*list->v));
    list->v[list->n++] = text_copy(text);
}

void strings_fini(struct strings *list)
{
    for (unsigned i = 0; i < list->n; i++)
        free(list->v[i]);
    free(list->v);
    *list = (struct strings){0};
}

static bool is_list(const struct setting *s)
{
    return s->type >= SETTING_TEXTS;
}

static bool network_valid(struct str text)
{
    struct network n;
    return str_eq(text, "*") || network_parse(text, &n) == 0;
}

static bool element_fits(const struct setting *s, struct str text)
{
    return s->type == SETTING_NETWORKS  ? network_valid(text)
           : s->type == SETTING_ORIGINS ? origin_valid(text)
           : s->type == SETTING_PLACES  ? form_place(text)
                                        : text.n > 0;
}

/* Kept the one way in which JSON may write it: no 04000. */
static int code_add(const struct setting *s, struct strings *list, struct str text)
{
    struct buf digits = {0};
    uint64_t code;
    int err = count_set(s, text, &code);
    if (err < 0)
        return err;
    buf_addu(&digits, code);
    strings_add(list, (struct str){(const char *)digits.data, digits.len});
    buf_fini(&digits);
    return 0;
}

static int element_add(const struct setting *s, struct strings *list, struct str text)
{
    if (s->type == SETTING_CODES)
        return code_add(s, list, text);
    /* What stands in a list is printed again as well. */
    if (text_clean(text, false) < text.n || !element_fits(s, text))
        return ERR_SYNTAX;
    strings_add(list, text);
    return 0;
}

static int list_set(const struct setting *s, struct str text, struct strings *field)
{
    struct strings list = {0};
    struct str item;
    while (str_list(&text, &item)) {
        int err = element_add(s, &list, item);
        if (err < 0) {
            strings_fini(&list);
            return err;
        }
    }
    strings_fini(field);
    *field = list;
    return 0;
}

int setting_set(const struct setting *s, struct conf *c, struct str text, bool bare_seconds)
{
    union field f = field_of(s, c);
    /* What is printed again, in one line of a log or a file, must be text. */
    if (text_clean(text, false) < text.n)
        return ERR_SYNTAX;
    switch (s->type) {
    case SETTING_BIND:
    case SETTING_DIAL:
        return address_set(s, text, f.address);
    case SETTING_DURATION:
    case SETTING_SIZE:
        return quantity_set(s, text, bare_seconds, f.n);
    case SETTING_COUNT:
        return count_set(s, text, f.n);
    case SETTING_BOOL:
        return bool_set(text, f.yes);
    case SETTING_WORD:
        return word_set(s, text, f.word);
    case SETTING_TEXT:
    case SETTING_PATH:
    case SETTING_JSON:
        return text_set(s, text, f.text);
    case SETTING_TEXTS:
    case SETTING_NETWORKS:
    case SETTING_ORIGINS:
    case SETTING_PLACES:
    case SETTING_CODES:
        return list_set(s, text, f.strings);
    }
    return ERR_SYNTAX;
}

bool setting_has_port(const struct setting *s, const struct conf *c)
{
    const struct address *a = field_of(s, c).address;
    return *a->text != '\0' && !a->unix_path;
}

/* As text: what the host is written as, its brackets too, stays to the byte. */
int setting_set_port(const struct setting *s, struct conf *c, struct str text)
{
    const char *whole = field_of(s, c).address->text;
    struct buf changed = {0};
    BUG_ON(!setting_has_port(s, c));
    buf_add(&changed, whole, (size_t)(strrchr(whole, ':') + 1 - whole));
    buf_add(&changed, text.p, text.n);
    int err = setting_set(s, c, (struct str){(const char *)changed.data, changed.len}, false);
    buf_fini(&changed);
    return err;
}

void setting_clear(const struct setting *s, struct conf *c)
{
    BUG_ON(!is_list(s));
    strings_fini(field_of(s, c).strings);
}

int setting_add(const struct setting *s, struct conf *c, struct str element)
{
    BUG_ON(!is_list(s));
    return element_add(s, field_of(s, c).strings, element);
}

void setting_fini(const struct setting *s, struct conf *c)
{
    switch (s->type) {
    case SETTING_BIND:
    case SETTING_DIAL:
        address_fini(field_of(s, c).address);
        break;
    case SETTING_TEXT:
    case SETTING_PATH:
    case SETTING_JSON:
        free(*field_of(s, c).text);
        *field_of(s, c).text = NULL;
        break;
    case SETTING_TEXTS:
    case SETTING_NETWORKS:
    case SETTING_ORIGINS:
    case SETTING_PLACES:
    case SETTING_CODES:
        setting_clear(s, c);
        break;
    case SETTING_DURATION:
    case SETTING_SIZE:
    case SETTING_COUNT:
    case SETTING_BOOL:
    case SETTING_WORD:
        break;
    }
}

static void strings_copy(struct strings *to, const struct strings *from)
{
    strings_fini(to);
    for (unsigned i = 0; i < from->n; i++)
        strings_add(to, str_of(from->v[i]));
}

void setting_copy(const struct setting *s, struct conf *to, const struct conf *from)
{
    const union field t = field_of(s, to), f = field_of(s, from);
    switch (s->type) {
    case SETTING_BIND:
    case SETTING_DIAL:
        BUG_ON(address_set(s, str_of(f.address->text), t.address) < 0);
        break;
    case SETTING_DURATION:
    case SETTING_SIZE:
    case SETTING_COUNT:
        *t.n = *f.n;
        break;
    case SETTING_BOOL:
        *t.yes = *f.yes;
        break;
    case SETTING_WORD:
        *t.word = *f.word;
        break;
    case SETTING_TEXT:
    case SETTING_PATH:
    case SETTING_JSON:
        text_set(s, str_of(*f.text), t.text);
        break;
    case SETTING_TEXTS:
    case SETTING_NETWORKS:
    case SETTING_ORIGINS:
    case SETTING_PLACES:
    case SETTING_CODES:
        strings_copy(t.strings, f.strings);
        break;
    }
}

static void strings_print(const struct strings *list, bool numbers, struct buf *out)
{
    buf_adds(out, "[");
    for (unsigned i = 0; i < list->n; i++) {
        buf_adds(out, i == 0 ? "" : ", ");
        if (numbers)
            buf_adds(out, list->v[i]);
        else
            json_quote(out, str_of(list->v[i]), SIZE_MAX);
    }
    buf_adds(out, "]");
}

void setting_print(const struct setting *s, const struct conf *c, struct buf *out)
{
    const union field f = field_of(s, c);
    switch (s->type) {
    case SETTING_BIND:
    case SETTING_DIAL:
        json_quote(out, str_of(f.address->text), SIZE_MAX);
        break;
    case SETTING_DURATION:
    case SETTING_SIZE:
        buf_adds(out, "\"");
        quantity_print(setting_units(s), *f.n, out);
        buf_adds(out, "\"");
        break;
    case SETTING_COUNT:
        if (*f.n == 0 && s->zero)
            json_quote(out, str_of(s->zero), SIZE_MAX);
        else
            buf_addf(out, "%" PRIu64, *f.n);
        break;
    case SETTING_BOOL:
        buf_adds(out, *f.yes ? "true" : "false");
        break;
    case SETTING_WORD:
        json_quote(out, str_of(s->words[*f.word]), SIZE_MAX);
        break;
    case SETTING_TEXT:
    case SETTING_PATH:
    case SETTING_JSON:
        json_quote(out, str_of(*f.text), SIZE_MAX);
        break;
    case SETTING_TEXTS:
    case SETTING_NETWORKS:
    case SETTING_ORIGINS:
    case SETTING_PLACES:
    case SETTING_CODES:
        strings_print(f.strings, s->type == SETTING_CODES, out);
        break;
    }
}

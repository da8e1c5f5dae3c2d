/* A start line and its fields, as offsets into the text that came.
 *
 * Owns that text. Parses nothing and checks nothing: http1 fills it, strict judges it. */
#include "base/mem.h"
#include "wire/strict.h"
#include <stdlib.h>
#include <string.h>

void head_init(struct head *h)
{
    *h = (struct head){.fields = NULL};
    buf_init(&h->text);
}

void head_fini(struct head *h)
{
    buf_fini(&h->text);
    free(h->fields);
    head_init(h);
}

void head_clear(struct head *h)
{
    struct head kept = {.text = h->text, .fields = h->fields, .cap = h->cap};
    if (kept.text.cap > HEAD_KEEP)
        buf_fini(&kept.text);
    buf_clear(&kept.text);
    if (kept.cap * sizeof(*kept.fields) > HEAD_KEEP) {
        free(kept.fields);
        kept.fields = NULL;
        kept.cap = 0;
    }
    *h = kept;
}

static struct str head_cut(const struct head *h, uint32_t at, uint32_t len)
{
    return (struct str){len ? (const char *)h->text.data + at : "", len};
}

struct str head_method(const struct head *h)
{
    return head_cut(h, 0, h->method_len);
}

struct str head_target(const struct head *h)
{
    return head_cut(h, h->target, h->target_len);
}

struct str head_path(const struct head *h)
{
    struct str target = head_target(h);
    strict_authority(&target);
    return str_before(target, "?");
}

struct str target_shown(struct str target)
{
    strict_authority(&target);
    return str_before(target, "?#;");
}

struct str head_phrase(const struct head *h)
{
    return head_target(h);
}

struct field head_at(const struct head *h, uint32_t i)
{
    const struct field_at *f = &h->fields[i];
    return (struct field){head_cut(h, f->name, f->name_len), head_cut(h, f->value, f->value_len)};
}

/* The first field of that name at or after i; count where there is none. */
static uint32_t head_find(const struct head *h, struct str name, uint32_t i)
{
    while (i < h->count && !str_isame(head_cut(h, h->fields[i].name, h->fields[i].name_len), name))
        i++;
    return i;
}

unsigned head_get(const struct head *h, const char *name, struct str *value)
{
    struct str which = str_of(name);
    unsigned found = 0;
    for (uint32_t i = head_find(h, which, 0); i < h->count; i = head_find(h, which, i + 1)) {
        if (found++ == 0)
            *value = head_at(h, i).value;
    }
    return found;
}

bool head_has(const struct head *h, const char *name, const char *token)
{
    struct str which = str_of(name);
    for (uint32_t i = head_find(h, which, 0); i < h->count; i = head_find(h, which, i + 1)) {
        struct str list = head_at(h, i).value, item;
        while (str_list(&list, &item)) {
            if (str_ieq(item, token))
                return true;
        }
    }
    return false;
}

/* Finds one field in a JSON text, token by token. Owns nothing; builds no tree.
 *
 * cJSON makes doubles of numbers, which ids beyond 2^53 do not survive, ends strings at \u0000, and
 * cannot read the beginning of a text: only what escapes mean is left to it. */
#include "session/field.h"
#include "config/lex.h"
#include <cjson/cJSON.h>
#include <string.h>

/* Adds what a string says. */
static bool unquote(struct str s, struct buf *out)
{
    if (memchr(s.p, '\0', s.n))
        return false;
    if (!memchr(s.p, '\\', s.n)) {
        buf_add(out, s.p + 1, s.n - 2);
        return true;
    }
    cJSON *v = lex_hides_nul(s) ? NULL : cJSON_ParseWithLength(s.p, s.n);
    bool good = v && v->valuestring;
    if (good)
        buf_adds(out, v->valuestring);
    cJSON_Delete(v);
    return good;
}

static bool says(struct str quoted, struct str name)
{
    struct buf b;
    buf_init(&b);
    bool same = unquote(quoted, &b) && b.len == name.n && memcmp(b.data, name.p, name.n) == 0;
    buf_fini(&b);
    return same;
}

/* A name without escapes is compared where it stands. */
static bool is_name(struct str quoted, struct str name)
{
    if (quoted.n == name.n + 2 && memcmp(quoted.p + 1, name.p, name.n) == 0)
        return true;
    return memchr(quoted.p, '\\', quoted.n) && says(quoted, name);
}

/* The value that begins at *at, which is moved past it; what is there of it, where the text ends
 * before. */
static struct str value(struct str text, size_t *at)
{
    struct lexeme t = lex_next(text, at);
    const char *from = t.s.p;
    for (size_t depth = 0;; t = lex_next(text, at)) {
        if (t.kind == '{' || t.kind == '[')
            depth++;
        else if (depth > 0 && (t.kind == '}' || t.kind == ']'))
            depth--;
        if (depth == 0 || t.kind == 0 || t.kind == '?')
            return (struct str){from, (size_t)(text.p + *at - from)};
    }
}

/* The value of the object's member; empty: there is none. A word at the end of the text may go on
 * behind it, so it does not count; of an object at least the beginning is there. */
static struct str member(struct str object, struct str name)
{
    struct str found = {object.p, 0};
    size_t at = 0;
    struct lexeme t = lex_next(object, &at);
    if (t.kind != '{')
        return found;
    do {
        struct lexeme key = lex_next(object, &at);
        if (key.kind != '"' || lex_next(object, &at).kind != ':')
            break;
        struct str v = value(object, &at);
        t = lex_next(object, &at);
        bool ends = t.kind == ',' || t.kind == '}';
        if (v.n > 0 && (ends || *v.p == '{') && is_name(key.s, name))
            found = v;
    } while (t.kind == ',');
    return found;
}

bool field_read(struct str json, const char *path, struct buf *out)
{
    struct str v = json;
    for (;;) {
        size_t n = strcspn(path, ".");
        v = member(v, (struct str){path, n});
        if (path[n] == '\0')
            break;
        path += n + 1;
    }
    if (v.n > 0 && *v.p == '"')
        return unquote(v, out);
    if (!lex_is_value(v) || str_eq(v, "null"))
        return false;
    buf_add(out, v.p, v.n);
    return true;
}

/* Printable ASCII that JSON may write as it is or by its number, and in no third way. */
static bool is_plain(const char *s)
{
    for (; *s; s++)
        if (*s < ' ' || *s > '~' || strchr("\"\\/", *s))
            return false;
    return true;
}

/* Whether there is a character by its number that need not be: \u0020 to \u007f. */
static bool hides_plain(struct str text)
{
    const char *end = text.p + text.n, *p = text.p;
    while (end - p > 5 && (p = memchr(p, '\\', (size_t)(end - p - 5)))) {
        if (memcmp(p + 1, "u00", 3) == 0 && p[4] >= '2' && p[4] <= '7')
            return true;
        p += 2;
    }
    return false;
}

static bool may_match(struct str text, const struct strings *values)
{
    for (unsigned i = 0; i < values->n; i++) {
        const char *v = values->v[i];
        if (memmem(text.p, text.n, v, strlen(v)) || !is_plain(v))
            return true;
    }
    return hides_plain(text);
}

bool field_matches(struct str json, const struct match *m)
{
    if (!*m->field || !may_match(json, &m->values))
        return false;
    struct buf text;
    bool matches = false;
    buf_init(&text);
    if (field_read(json, m->field, &text))
        for (unsigned i = 0; i < m->values.n && !matches; i++)
            matches = str_eq((struct str){(char *)text.data, text.len}, m->values.v[i]);
    buf_fini(&text);
    return matches;
}

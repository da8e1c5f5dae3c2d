/* Comments, and JSON's grammar: token by token, with a stack of open brackets. Owns nothing; keeps
 * no value, unescapes nothing. */
#include "config/scan.h"

#include "base/err.h"
#include "config/lex.h"
#include "config/text.h"
#include <string.h>

#define DECIMAL(macro)   DECIMAL_(macro)
#define DECIMAL_(digits) #digits

static bool fail(struct scan_fault *f, size_t at, const char *found, const char *allowed)
{
    *f = (struct scan_fault){.at = at, .found = str_of(found), .allowed = allowed};
    return false;
}

/* ---- comments */

static size_t line_len(const char *p, size_t n)
{
    const char *end = memchr(p, '\n', n);
    return end ? (size_t)(end - p) : n;
}

/* The bytes of the comment that begins at p; 0: there is none, SIZE_MAX: nothing ends it. */
static size_t comment_len(const char *p, size_t n)
{
    if (n < 2 || p[0] != '/')
        return 0;
    if (p[1] == '/')
        return line_len(p, n);
    if (p[1] != '*')
        return 0;
    const char *end = memmem(p + 2, n - 2, "*/", 2);
    return end ? (size_t)(end + 2 - p) : SIZE_MAX;
}

static void blank(char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (p[i] != '\n')
            p[i] = ' ';
}

bool scan_blank(char *text, size_t n, struct scan_fault *f)
{
    size_t clean = text_clean((struct str){text, n}, true);
    if (clean < n)
        return fail(f, clean, "a byte that is no text", "UTF-8 without control characters");
    if (n >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
        blank(text, 3);
    for (size_t i = 0; i < n;) {
        size_t comment = comment_len(text + i, n - i);
        if (comment == SIZE_MAX)
            return fail(f, i, "a comment without its end", "\"*/\" behind it");
        blank(text + i, comment);
        i += comment;
        if (i < n && comment == 0) {
            size_t string = text[i] == '"' ? lex_string(text + i, n - i) : 1;
            i += string ? string : line_len(text + i, n - i);
        }
    }
    return true;
}

/* ---- grammar */

enum place {
    AT_TOP,
    AT_NAME_OR_END,
    AT_NAME,
    AT_COLON,
    AT_VALUE,
    AT_VALUE_OR_END,
    BEHIND_VALUE,
    BEHIND_ALL
};

struct grammar {
    enum place place;
    unsigned depth;
    char open[SCAN_DEPTH]; /* { or [ */
};

static char innermost(const struct grammar *g)
{
    return g->open[g->depth - 1];
}

static const char *allowed_at(const struct grammar *g)
{
    switch (g->place) {
    case AT_TOP:
        return "an object: \"{\", settings, \"}\"";
    case AT_NAME_OR_END:
        return "a name in double quotes, or \"}\"";
    case AT_NAME:
        return "a name in double quotes (the last setting has no comma behind it)";
    case AT_COLON:
        return "\":\" between a name and its value";
    case AT_VALUE:
        return "a value: text in double quotes, a number, true, false, \"[\" or \"{\"";
    case AT_VALUE_OR_END:
        return "a value, or \"]\"";
    case BEHIND_VALUE:
        return innermost(g) == '{' ? "\",\" or \"}\"" : "\",\" or \"]\"";
    case BEHIND_ALL:
        return "nothing behind the object";
    }
    return NULL;
}

static bool open_bracket(struct grammar *g, char kind)
{
    if (g->depth == SCAN_DEPTH)
        return false;
    g->open[g->depth++] = kind;
    g->place = kind == '{' ? AT_NAME_OR_END : AT_VALUE_OR_END;
    return true;
}

static bool behind_value(struct grammar *g)
{
    g->place = g->depth > 0 ? BEHIND_VALUE : BEHIND_ALL;
    return true;
}

static bool close_bracket(struct grammar *g, char kind)
{
    if (kind != (innermost(g) == '{' ? '}' : ']'))
        return false;
    g->depth--;
    return behind_value(g);
}

static bool take_value(struct grammar *g, const struct lexeme *t)
{
    if (t->kind == '{' || t->kind == '[')
        return open_bracket(g, t->kind);
    return (t->kind == '"' || (t->kind == 'w' && lex_is_value(t->s))) && behind_value(g);
}

static bool move(struct grammar *g, enum place to, bool fits)
{
    if (fits)
        g->place = to;
    return fits;
}

/* Whether the token may stand here; moves past it. */
static bool take(struct grammar *g, const struct lexeme *t)
{
    switch (g->place) {
    case AT_TOP:
        return t->kind == '{' && open_bracket(g, '{');
    case AT_NAME_OR_END:
        return close_bracket(g, t->kind) || move(g, AT_COLON, t->kind == '"');
    case AT_NAME:
        return move(g, AT_COLON, t->kind == '"');
    case AT_COLON:
        return move(g, AT_VALUE, t->kind == ':');
    case AT_VALUE_OR_END:
        return close_bracket(g, t->kind) || take_value(g, t);
    case AT_VALUE:
        return take_value(g, t);
    case BEHIND_VALUE:
        return close_bracket(g, t->kind) ||
               move(g, innermost(g) == '{' ? AT_NAME : AT_VALUE, t->kind == ',');
    case BEHIND_ALL:
        return false;
    }
    return false;
}

static bool refuse(const struct grammar *g, struct str text, const struct lexeme *t,
                   struct scan_fault *f)
{
    size_t at = (size_t)(t->s.p - text.p);
    if (t->kind == 0) /* the line that the text ends in, not the empty one behind it */
        return fail(f, at > 0 ? at - 1 : 0, "the end of the file", allowed_at(g));
    if (t->kind == '"' && lex_hides_nul(t->s))
        return fail(f, at, "the character \\u0000", "text without control characters");
    if (t->kind == '?' && *t->s.p == '"')
        return fail(f, at, "text without its closing quote", "text on one line, in double quotes");
    if (g->depth == SCAN_DEPTH && (t->kind == '{' || t->kind == '['))
        return fail(f, at, "too many brackets within each other", "at most " DECIMAL(SCAN_DEPTH));
    *f = (struct scan_fault){.at = at, .found = t->s, .quote = true, .allowed = allowed_at(g)};
    if (t->kind == '"') /* it will get quotes again */
        f->found = (struct str){t->s.p + 1, t->s.n - 2};
    return false;
}

static bool check_from(enum place place, struct str text, struct scan_fault *f)
{
    struct grammar g = {.place = place};
    for (size_t at = 0;;) {
        struct lexeme t = lex_next(text, &at);
        if (g.place == BEHIND_ALL && t.kind == 0)
            return true;
        if ((t.kind == '"' && lex_hides_nul(t.s)) || !take(&g, &t))
            return refuse(&g, text, &t, f);
    }
}

bool scan_check(struct str text, struct scan_fault *f)
{
    return check_from(AT_TOP, text, f);
}

bool scan_is_value(struct str text)
{
    struct scan_fault f;
    return check_from(AT_VALUE, text, &f);
}

size_t scan_value(struct str text, unsigned nth)
{
    unsigned n = 0;
    for (size_t at = 0;;) {
        struct lexeme t = lex_next(text, &at);
        BUG_ON(t.kind == 0);
        /* A name is counted as a value until its colon takes that back: so the nth value is met at
         * its name. */
        if (t.kind == ':')
            n--;
        else if (strchr("{[\"w", t.kind) && n++ == nth)
            return (size_t)(t.s.p - text.p);
    }
}

unsigned scan_line(struct str text, size_t at)
{
    unsigned line = 1;
    for (size_t i = 0; i < at; i++)
        line += text.p[i] == '\n';
    return line;
}

/* Cuts a command line into words. Owns the words. Never expands anything, and never refuses: what
 * is no plain command line gives words all the same. */
#include "config/words.h"

#include "base/mem.h"
#include "config/text.h"
#include <stdlib.h>
#include <string.h>

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* Of what stands at the front of `s`: whether a shell would put something else in its place. */
static bool is_expanded(struct str s)
{
    return s.p[0] == '`' || (s.p[0] == '$' && s.n > 1 && !is_blank(s.p[1]) && s.p[1] != '"');
}

/* Within double quotes a backslash goes before these alone (POSIX, 2.2.3). */
static bool is_escape(struct str s, char quote)
{
    if (s.p[0] != '\\' || quote == '\'' || s.n < 2)
        return false;
    return quote == 0 || strchr("$`\"\\", s.p[1]);
}

/* The word at the front of *s, which is moved past it. */
static void word_cut(struct str *s, struct buf *word, bool *expands, bool *open)
{
    char quote = 0;
    for (; s->n > 0 && (quote || !is_blank(*s->p)); *s = (struct str){s->p + 1, s->n - 1}) {
        if (is_escape(*s, quote)) {
            *s = (struct str){s->p + 1, s->n - 1};
        } else if (quote ? *s->p == quote : *s->p == '\'' || *s->p == '"') {
            quote = quote ? 0 : *s->p;
            continue;
        } else if (word->len == 0 && quote != '\'') {
            *expands = is_expanded(*s);
        }
        buf_add(word, s->p, 1);
    }
    *open = quote != 0;
}

static void words_add(struct words *w, const struct buf *word, bool expands)
{
    char *copy = text_copy((struct str){(const char *)word->data, word->len});
    w->v = mem_realloc(w->v, (w->n + 1) * sizeof(*w->v));
    w->v[w->n++] = copy;
    if (expands && !w->expands)
        w->expands = copy;
}

void words_init(struct words *w, struct str text)
{
    struct buf word = {0};
    *w = (struct words){0};
    for (;;) {
        bool expands = false;
        while (text.n > 0 && is_blank(*text.p))
            text = (struct str){text.p + 1, text.n - 1};
        if (text.n == 0)
            break;
        buf_clear(&word);
        word_cut(&text, &word, &expands, &w->open);
        words_add(w, &word, expands);
    }
    buf_fini(&word);
}

void words_fini(struct words *w)
{
    for (unsigned i = 0; i < w->n; i++)
        free(w->v[i]);
    free(w->v);
    *w = (struct words){0};
}

/* Writes a conf as a conf file: bare, or with what the table says of each setting as comments. Owns
 * nothing. */
#include "base/json.h"
#include "config/load.h"
#include "config/table.h"
#include <string.h>

#define INDENT 4
#define WIDTH  100 /* of a line of comment */

struct printer {
    struct buf *out;
    unsigned depth; /* open objects */
    bool first;     /* nothing stands in the innermost yet */
    bool comments;
};

static void new_line(struct printer *p)
{
    buf_addf(p->out, "\n%*s", (int)(INDENT * p->depth), "");
}

/* Broken between words. */
static void print_comment(struct printer *p, const char *text)
{
    size_t room = WIDTH - INDENT * p->depth - strlen("// ");
    while (*text != '\0') {
        size_t n = strlen(text);
        if (n > room) {
            const char *space = memrchr(text, ' ', room + 1);
            n = space ? (size_t)(space - text) : n;
        }
        new_line(p);
        buf_addf(p->out, "// %.*s", (int)n, text);
        text += n + (text[n] == ' ');
    }
}

static void print_name(struct printer *p, struct str name, const char *comment)
{
    buf_adds(p->out, p->first ? "" : ",");
    if (p->comments) {
        buf_adds(p->out, p->first ? "" : "\n");
        print_comment(p, comment);
    }
    p->first = false;
    new_line(p);
    json_quote(p->out, name, SIZE_MAX);
    buf_adds(p->out, ": ");
}

static void open_object(struct printer *p)
{
    buf_adds(p->out, "{");
    p->depth++;
    p->first = true;
}

static void close_object(struct printer *p)
{
    p->depth--;
    p->first = false;
    new_line(p);
    buf_adds(p->out, "}");
}

/* The settings of a group, as an object, from the ith on; returns the first that lies in it no
 * more. */
static unsigned print_group(struct printer *p, const struct conf *c, unsigned i, struct str group)
{
    open_object(p);
    while (i < settings_count) {
        const struct setting *s = &settings[i];
        struct str name = setting_name(s, group);
        if (name.n == 0)
            break;
        struct str path = {s->path, (size_t)(name.p + name.n - s->path)};
        if (path.p[path.n] == '.') {
            print_name(p, name, group_find(path)->doc);
            i = print_group(p, c, i, path);
        } else {
            print_name(p, name, s->doc);
            setting_print(s, c, p->out);
            i++;
        }
    }
    close_object(p);
    return i;
}

void conf_print(const struct conf *c, struct buf *out)
{
    struct printer p = {.out = out};
    print_group(&p, c, 0, STR(""));
    buf_adds(out, "\n");
}

void conf_example(struct buf *out)
{
    struct printer p = {.out = out, .comments = true};
    struct conf *c = conf_new();
    buf_adds(out, "// Every setting of wskeep, with its default. Keep the lines that you change "
                  "and leave out\n"
                  "// the rest. What each of them allows: conf/README.md, or wskeep.conf(5).\n");
    print_group(&p, c, 0, STR(""));
    buf_adds(out, "\n");
    conf_unref(c);
}

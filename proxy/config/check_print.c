/* Writes the findings of --check: as a table that a person reads, and as JSON. Owns nothing. */
#include "base/json.h"
#include "config/check.h"
#include "config/rules.h"
#include <string.h>

#define RESULT_WIDTH 6
#define LEFT_WIDTH   44
#define RIGHT_WIDTH  58 /* with two gaps of two: 112 columns */

static const char *const results[RESULT_COUNT] = {
#define X(id, name) name,
    RESULT_MAP(X)
#undef X
};

/* ---- the change, in words */

/* "heartbeat.interval" becomes "heartbeat": {"interval": ...}: the line in the conf file. */
static void print_conf_line(const char *key, struct str value, struct buf *out)
{
    const char *dot = strchr(key, '.');
    if (dot)
        buf_addf(out, "\"%.*s\": {\"%s\": %.*s}", (int)(dot - key), key, dot + 1, (int)value.n,
                 value.p);
    else
        buf_addf(out, "\"%s\": %.*s", key, (int)value.n, value.p);
}

static void print_change(const struct finding *f, struct buf *out)
{
    const struct rule *r = f->rule;
    struct str value = {(const char *)f->value.data, f->value.len};
    if (strcmp(r->mend.kind, "conf") == 0)
        print_conf_line(r->mend.key, value, out);
    else if (value.n == 0)
        buf_addf(out, "%s without %s", r->mend.kind, r->mend.key);
    else
        buf_addf(out, "%s %s%s %.*s", r->mend.kind,
                 strcmp(r->mend.kind, "gcloud") == 0 ? "run services update SERVICE " : "... ",
                 r->mend.key, (int)value.n, value.p);
    if (r->mend.then_key) {
        buf_adds(out, ", then ");
        print_conf_line(r->mend.then_key, str_of(r->mend.then_value), out);
    }
}

/* ---- the table */

static size_t columns(struct str s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        n += (s.p[i] & 0xc0) != 0x80; /* a byte that begins a character of UTF-8 */
    return n;
}

/* The next line of at most `width` columns: broken at a line break, else between words, else where
 * it must be. */
static struct str line_cut(struct str *rest, size_t width)
{
    size_t n = 0, used = 0, space = 0;
    while (n < rest->n && rest->p[n] != '\n') {
        if (used == width && (rest->p[n] & 0xc0) != 0x80)
            break;
        used += (rest->p[n] & 0xc0) != 0x80;
        n++;
        if (n == rest->n || strchr(" \n", rest->p[n]))
            space = n;
    }
    if (n < rest->n && space > 0)
        n = space;
    struct str line = {rest->p, n};
    n += n < rest->n && strchr(" \n", rest->p[n]);
    *rest = (struct str){rest->p + n, rest->n - n};
    return line;
}

static void print_cell(struct buf *out, struct str text, size_t width)
{
    size_t n = columns(text);
    buf_addf(out, "%.*s%*s", (int)text.n, text.p, n < width ? (int)(width - n) : 0, "");
}

static void print_row(struct buf *out, const char *result, struct str left, struct str right)
{
    while (left.n > 0 || right.n > 0) {
        struct str text = line_cut(&right, RIGHT_WIDTH);
        print_cell(out, str_of(result), RESULT_WIDTH);
        print_cell(out, line_cut(&left, LEFT_WIDTH), text.n > 0 ? LEFT_WIDTH + 2 : 0);
        buf_addf(out, "%.*s\n", (int)text.n, text.p);
        result = "";
    }
}

static void print_finding(const struct finding *f, struct buf *out)
{
    struct buf left = {0}, right = {0};
    buf_addf(&left, "%s\n%.*s", f->rule->compares, (int)f->saw.len, (const char *)f->saw.data);
    buf_adds(&right, f->rule->fact);
    if (f->mendable) {
        buf_adds(&right, "\nMend: ");
        print_change(f, &right);
    }
    print_row(out, results[f->result], (struct str){(const char *)left.data, left.len},
              (struct str){(const char *)right.data, right.len});
    buf_adds(out, "\n");
    buf_fini(&left);
    buf_fini(&right);
}

void check_print(const struct check *k, struct buf *out)
{
    print_row(out, "", STR("What should hold, and what was found"), STR("Why, and what mends it"));
    buf_adds(out, "\n");
    for (unsigned i = 0; i < k->n; i++)
        print_finding(&k->v[i], out);
    buf_addf(out, "%u ok, %u warn, %u fail\n", check_count(k, RESULT_OK),
             check_count(k, RESULT_WARN), check_count(k, RESULT_FAIL));
}

/* ---- JSON */

static void json_change(struct json *j, const struct finding *f)
{
    const struct rule *r = f->rule;
    json_open(j, "change", '{');
    json_str(j, "kind", str_of(r->mend.kind));
    json_str(j, "key", str_of(r->mend.key));
    if (strcmp(r->mend.kind, "conf") == 0)
        buf_addf(j->out, ",\"value\":%.*s", (int)f->value.len, (const char *)f->value.data);
    else if (f->value.len > 0)
        json_str(j, "value", (struct str){(const char *)f->value.data, f->value.len});
    if (r->mend.then_key) {
        json_open(j, "then", '{');
        json_str(j, "kind", STR("conf"));
        json_str(j, "key", str_of(r->mend.then_key));
        buf_addf(j->out, ",\"value\":%s", r->mend.then_value);
        json_close(j, '}');
    }
    json_close(j, '}');
}

void check_json(const struct check *k, struct buf *out)
{
    struct json j;
    json_init(&j, out);
    json_open(&j, NULL, '{');
    json_str(&j, "environment", str_of(k->environment));
    for (unsigned r = 0; r < RESULT_COUNT; r++)
        json_uint(&j, results[r], check_count(k, r));
    json_open(&j, "findings", '[');
    for (unsigned i = 0; i < k->n; i++) {
        const struct finding *f = &k->v[i];
        json_open(&j, NULL, '{');
        json_str(&j, "rule", str_of(f->rule->id));
        json_str(&j, "result", str_of(results[f->result]));
        json_str(&j, "compares", str_of(f->rule->compares));
        json_str(&j, "saw", (struct str){(const char *)f->saw.data, f->saw.len});
        json_str(&j, "fact", str_of(f->rule->fact));
        if (f->mendable)
            json_change(&j, f);
        json_close(&j, '}');
    }
    json_close(&j, ']');
    json_close(&j, '}');
    buf_adds(out, "\n");
}

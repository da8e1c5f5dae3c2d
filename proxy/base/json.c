/* Writes JSON, and nothing that is not JSON whatever bytes come in. Owns nothing: all goes into the
 * caller's buf. Never reads JSON, and does not check that brackets match. */
#include "base/json.h"

#include "base/utf8.h"

#include <string.h>

#define REPLACEMENT "\xEF\xBF\xBD" /* U+FFFD */
#define ELLIPSIS    "\xE2\x80\xA6" /* U+2026 */

void json_init(struct json *j, struct buf *out)
{
    *j = (struct json){.out = out, .max = SIZE_MAX};
}

static const char *short_escape(uint8_t c)
{
    switch (c) {
    case '"':
        return "\\\"";
    case '\\':
        return "\\\\";
    case '\n':
        return "\\n";
    case '\r':
        return "\\r";
    case '\t':
        return "\\t";
    }
    return NULL;
}

/* U+2028 to U+202E, U+2066 to U+2069: separators, at which some readers end a line, and what shows
 * the rest of a line in another order. */
static bool changes_lines(const uint8_t *p)
{
    return p[0] == 0xe2 && ((p[1] == 0x80 && p[2] >= 0xa8 && p[2] <= 0xae) ||
                            (p[1] == 0x81 && p[2] >= 0xa6 && p[2] <= 0xa9));
}

/* Writes one character of p and tells how many bytes it took. Escaped too, though JSON does not ask
 * for it, are those that change lines and the control characters above ASCII (U+0080 to U+009F):
 * U+009B begins a terminal's escape sequence. */
static size_t add_char(struct buf *out, const uint8_t *p, size_t n)
{
    bool good;
    size_t len = utf8_char(p, n, &good);
    const char *known = short_escape(*p);

    if (!good)
        buf_adds(out, REPLACEMENT);
    else if (known)
        buf_adds(out, known);
    else if (*p < 0x20 || *p == 0x7f)
        buf_addf(out, "\\u%04x", *p);
    else if (*p == 0xc2 && p[1] < 0xa0)
        buf_addf(out, "\\u%04x", p[1]);
    else if (changes_lines(p))
        buf_addf(out, "\\u%04x", 0x2000u | (p[1] & 3u) << 6 | (p[2] & 0x3fu));
    else
        buf_add(out, p, len);
    return len;
}

/* How many bytes at p stand for themselves. */
static size_t plain_run(const uint8_t *p, size_t n)
{
    size_t run = 0;

    while (run < n && p[run] >= 0x20 && p[run] < 0x7f && p[run] != '"' && p[run] != '\\')
        run++;
    return run;
}

/* Up to `safe` bytes an ellipsis fits behind; nothing passes that mark but character by character.
 */
void json_quote(struct buf *out, struct str v, size_t max)
{
    const uint8_t *p = (const uint8_t *)v.p;
    size_t safe = max - strlen(ELLIPSIS);

    buf_adds(out, "\"");
    size_t start = out->len, len = 0, cut = start;
    for (size_t i = 0; i < v.n;) {
        size_t run = len < safe ? plain_run(p + i, v.n - i < safe - len ? v.n - i : safe - len) : 0;

        buf_add(out, p + i, run);
        i += run ? run : add_char(out, p + i, v.n - i);
        len = out->len - start;
        if (len > max) {
            out->len = cut;
            buf_adds(out, ELLIPSIS);
            break;
        }
        if (len <= safe)
            cut = out->len;
    }
    buf_adds(out, "\"");
}

/* What stands before a value. */
static void begin(struct json *j, const char *key)
{
    if (j->comma)
        buf_add(j->out, ",", 1);
    if (key) {
        size_t n = strlen(key);
        uint8_t *p = buf_room(j->out, n + 3);
        *p = '"';
        memcpy(p + 1, key, n + 1);
        p[n + 1] = '"'; /* in the place of the NUL */
        p[n + 2] = ':';
        j->out->len += n + 3;
    }
    j->comma = true;
}

void json_open(struct json *j, const char *key, char bracket)
{
    begin(j, key);
    buf_add(j->out, &bracket, 1);
    j->comma = false;
}

void json_close(struct json *j, char bracket)
{
    buf_add(j->out, &bracket, 1);
    j->comma = true;
}

void json_str(struct json *j, const char *key, struct str v)
{
    begin(j, key);
    json_quote(j->out, v, j->max);
}

void json_uint(struct json *j, const char *key, uint64_t v)
{
    begin(j, key);
    buf_addu(j->out, v);
}

void json_thousandths(char out[3], uint64_t n)
{
    for (size_t i = 3; i-- > 0; n /= 10)
        out[i] = (char)('0' + n % 10);
}

void json_seconds(struct json *j, const char *key, uint64_t ms)
{
    begin(j, key);
    char part[4] = {'.'};
    json_thousandths(part + 1, ms);
    buf_addu(j->out, ms / 1000);
    buf_add(j->out, part, sizeof(part));
}

void json_bool(struct json *j, const char *key, bool v)
{
    begin(j, key);
    buf_adds(j->out, v ? "true" : "false");
}

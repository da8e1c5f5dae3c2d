/* What llhttp's strict mode lets pass, and a proxy must not: what two parsers could read in two
 * ways is refused, not mended, and so never reaches a backend.
 *
 * Owns nothing. It parses no head of its own: it checks that the spans which llhttp found lie side
 * by side with nothing between them but what the grammar wants there (so an obs-fold, a bare CR or
 * LF, a space before a colon cannot hide), and then judges the fields that frame and route. */
#include "wire/strict.h"
#include <string.h>
#include <strings.h>

#define VERSION "HTTP/1."

bool strict_tchar(char c)
{
    static const char others[] = "!#$%&'*+-.^_`|~";
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           memchr(others, c, sizeof(others) - 1);
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static int refuse(int status, const char *reason, const char **why)
{
    *why = reason;
    return status;
}

/* Where text[at] begins with CRLF: what follows it, else 0. */
static size_t after_crlf(const struct head *h, size_t at)
{
    return at + 2 <= h->text.len && !memcmp(h->text.data + at, "\r\n", 2) ? at + 2 : 0;
}

/* METHOD SP target SP HTTP/1.x CRLF, by the spans; where it ends, else 0. */
static size_t request_line(const struct head *h)
{
    const char *text = (const char *)h->text.data;
    size_t end = h->target + h->target_len,
           tail = end + 1 + sizeof(VERSION); /* SP, and the digit instead of the NUL */
    if (tail > h->text.len || text[h->method_len] != ' ' || h->target != h->method_len + 1)
        return 0;
    if (memcmp(text + end, " " VERSION, sizeof(VERSION)) != 0 || !is_digit(text[tail - 1]))
        return 0;
    return after_crlf(h, tail);
}

/* HTTP/1.x SP 3DIGIT [SP phrase] CRLF; sets the phrase; where it ends, else 0. */
static size_t status_line(struct head *h)
{
    static const char shape[] = VERSION "x ddd";
    const char *text = (const char *)h->text.data, *end = memchr(text, '\r', h->text.len);
    size_t n = end ? (size_t)(end - text) : 0, code = sizeof(shape) - 1;
    if (n < code || memcmp(text, VERSION, sizeof(VERSION) - 1) != 0 || text[code - 4] != ' ')
        return 0;
    if (!is_digit(text[code - 3]) || !is_digit(text[code - 2]) || !is_digit(text[code - 1]))
        return 0;
    if (n > code && text[code] != ' ')
        return 0;
    h->target = (uint32_t)(n > code ? code + 1 : n);
    h->target_len = (uint32_t)n - h->target;
    for (size_t i = h->target; i < n; i++) {
        if (((unsigned char)text[i] < ' ' && text[i] != '\t') || text[i] == 0x7f)
            return 0;
    }
    return after_crlf(h, n);
}

static size_t skip_space(const struct head *h, size_t at)
{
    while (at < h->text.len && (h->text.data[at] == ' ' || h->text.data[at] == '\t'))
        at++;
    return at;
}

/* name ":" OWS value OWS CRLF at `at`, by the spans; trims the value; where it ends, else 0. */
static size_t field_line(struct head *h, struct field_at *f, size_t at)
{
    const char *text = (const char *)h->text.data;
    size_t colon = f->name + f->name_len, value = skip_space(h, colon + 1),
           end = value + f->value_len;
    if (f->name != at || f->name_len == 0 || end > h->text.len || text[colon] != ':')
        return 0;
    if (memchr(text + value, '\r', f->value_len))
        return 0;
    size_t next = after_crlf(h, skip_space(h, end));
    while (end > value && (text[end - 1] == ' ' || text[end - 1] == '\t'))
        end--;
    f->value = (uint32_t)value;
    f->value_len = (uint32_t)(end - value);
    return next;
}

/* The field lines from `at` on, and the empty line, and nothing else. */
static bool field_lines(struct head *h, size_t at)
{
    for (uint32_t i = 0; i < h->count; i++) {
        at = field_line(h, &h->fields[i], at);
        if (!at)
            return false;
    }
    return after_crlf(h, at) == h->text.len;
}

/* What the fields that frame and route say. */
struct facts {
    unsigned hosts, lengths, codings, options;
    struct str host, length, coding; /* of the last one */
    bool close, keep_alive;
};

static void connection_facts(struct facts *f, struct str list)
{
    struct str option;
    while (str_list(&list, &option)) {
        f->options++;
        f->close |= str_ieq(option, "close");
        f->keep_alive |= str_ieq(option, "keep-alive");
    }
}

static struct facts facts_of(const struct head *h)
{
    struct facts f = {.hosts = 0};
    for (uint32_t i = 0; i < h->count; i++) {
        struct field x = head_at(h, i);
        if (x.name.n == 4 && str_ieq(x.name, "Host")) {
            f.hosts++;
            f.host = x.value;
        } else if (x.name.n == 10 && str_ieq(x.name, "Connection")) {
            connection_facts(&f, x.value);
        } else if (x.name.n == 14 && str_ieq(x.name, "Content-Length")) {
            f.lengths++;
            f.length = x.value;
        } else if (x.name.n == 17 && str_ieq(x.name, "Transfer-Encoding")) {
            f.codings++;
            f.coding = x.value;
        }
    }
    return f;
}

static bool in_address(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || c == ':' || c == '.';
}

/* Of a registered name (RFC 3986 §3.2.2). No comma: no name has one, and it would make a list of
 * X-Forwarded-Host. */
static bool in_name(char c)
{
    return c != '#' && c != '^' && c != '`' && c != '|' &&
           (strict_tchar(c) || c == '(' || c == ')' || c == ';' || c == '=');
}

/* RFC 3986 §3.2, without user information (RFC 9110 §4.2.4). */
static bool is_authority(struct str a)
{
    bool bracket = a.n && a.p[0] == '[';
    size_t i = bracket;
    while (i < a.n && (bracket ? in_address(a.p[i]) : in_name(a.p[i])))
        i++;
    if (i == bracket || (bracket && (i == a.n || a.p[i++] != ']')))
        return false;
    if (i < a.n && a.p[i++] != ':')
        return false;
    while (i < a.n && is_digit(a.p[i]))
        i++;
    return i == a.n;
}

struct str strict_authority(struct str *target)
{
    static const char *const schemes[] = {"http://", "https://", "ws://", "wss://"};
    for (size_t i = 0; i < sizeof(schemes) / sizeof(*schemes); i++) {
        size_t n = strlen(schemes[i]);
        if (target->n < n || strncasecmp(target->p, schemes[i], n) != 0)
            continue;
        struct str a = {target->p + n, 0};
        while (n + a.n < target->n && a.p[a.n] != '/' && a.p[a.n] != '?')
            a.n++;
        *target = (struct str){a.p + a.n, target->n - n - a.n};
        return a;
    }
    return (struct str){"", 0};
}

/* RFC 9112 §3.2: origin-form, absolute-form, or the asterisk of OPTIONS; a fragment is part of
 * none. */
static bool is_target(const struct head *h)
{
    struct str t = head_target(h);
    if (memchr(t.p, '#', t.n))
        return false;
    if (t.p[0] == '/')
        return true;
    if (t.p[0] == '*')
        return t.n == 1 && str_eq(head_method(h), "OPTIONS");
    return is_authority(strict_authority(&t));
}

static bool is_length(struct str s, uint64_t *length)
{
    *length = 0;
    for (size_t i = 0; i < s.n; i++) {
        if (!is_digit(s.p[i]) || __builtin_mul_overflow(*length, 10u, length) ||
            __builtin_add_overflow(*length, (uint64_t)(s.p[i] - '0'), length))
            return false;
    }
    return s.n > 0;
}

static int coding(struct str list, const char **why)
{
    struct str first;
    if (str_ieq(list, "chunked"))
        return 0;
    if (str_list(&list, &first) && !str_ieq(first, "chunked"))
        return refuse(501, "a transfer coding other than chunked", why);
    return refuse(400, "chunked is not the last and only transfer coding", why);
}

/* RFC 9112 §6.1-6.3, what both kinds of message have in common. */
static int framing(struct http1_view *m, const struct facts *f, const char **why)
{
    m->body = f->codings ? HTTP1_CHUNKED : f->lengths ? HTTP1_LENGTH : HTTP1_NO_BODY;
    if (f->lengths && f->codings)
        return refuse(400, "both Content-Length and Transfer-Encoding", why);
    if (f->lengths > 1 || (f->lengths && !is_length(f->length, &m->length)))
        return refuse(400, "bad Content-Length", why);
    if (f->codings && m->head.minor == 0)
        return refuse(400, "Transfer-Encoding in HTTP/1.0", why);
    if (f->codings > 1)
        return refuse(400, "more than one Transfer-Encoding", why);
    return f->codings ? coding(f->coding, why) : 0;
}

/* RFC 9112 §9.3: `close` outweighs `keep-alive`. */
static bool lives_on(const struct http1_view *m, const struct facts *f)
{
    return !f->close && (m->head.minor == 1 || f->keep_alive) && m->body != HTTP1_UNTIL_EOF;
}

static int routing(const struct head *h, const struct facts *f, const char **why)
{
    if (str_eq(head_method(h), "CONNECT"))
        return refuse(405, "CONNECT", why);
    if (!is_target(h))
        return refuse(400, "bad request target", why);
    if (f->hosts > 1 || (f->hosts == 0 && h->minor == 1))
        return refuse(400, "not one Host", why);
    if (f->hosts && !is_authority(f->host))
        return refuse(400, "bad Host", why);
    return 0;
}

static int lines(struct head *h, size_t start, struct facts *f, const char **why)
{
    if (!field_lines(h, start))
        return refuse(400, "malformed field line", why);
    *f = facts_of(h);
    return f->options > STRICT_OPTIONS ? refuse(400, "too many connection options", why) : 0;
}

int strict_request(struct http1_view *m, const char **why)
{
    struct head *h = &m->head;
    struct facts f = {.hosts = 0};
    if (h->major > 1 || (h->major == 1 && h->minor > 1))
        return refuse(505, "neither HTTP/1.1 nor HTTP/1.0", why);
    size_t start = request_line(h);
    if (!start)
        return refuse(400, "malformed request line", why);
    int status = lines(h, start, &f, why);
    if (!status)
        status = routing(h, &f, why);
    if (!status)
        status = framing(m, &f, why);
    m->keep_alive = lives_on(m, &f);
    return status;
}

int strict_answer(struct http1_view *m, bool to_head, const char **why)
{
    struct head *h = &m->head;
    struct facts f = {.hosts = 0};
    size_t start = status_line(h);
    if (!start || h->status < 100 || h->minor > 1)
        return refuse(502, "malformed status line", why);
    int status = lines(h, start, &f, why);
    /* Their framing fields mean nothing (RFC 9112 §6.3). */
    bool bare = h->status < 200 || h->status == 204;
    if (!status && !bare)
        status = framing(m, &f, why);
    if (bare || to_head || h->status == 304)
        m->body = HTTP1_NO_BODY;
    else if (m->body == HTTP1_NO_BODY)
        m->body = HTTP1_UNTIL_EOF;
    m->keep_alive = lives_on(m, &f);
    return status;
}

int strict_trailers(struct http1_view *m, const char **why)
{
    struct facts f = {.hosts = 0};
    return lines(&m->trailers, 0, &f, why);
}

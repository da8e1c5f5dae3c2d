/* Lines of the log, as text and as JSON. Owns nothing. Never writes a control byte or a newline
 * that came in a value. */
#include "base/log_line.h"

#include "base/err.h"
#include "base/json.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define USUAL 512u /* bytes that a line takes */

/* What begins the names of fields that Cloud Logging takes for its own. */
#define CLOUD "logging.googleapis.com/"

const char *const log_levels[] = {"debug", "info", "warn", "error", NULL};
const char *const log_formats[] = {"text", "json", NULL};
static const char *const padded[] = {" debug ", " info  ", " warn  ", " error "};
static const char *const severities[] = {"DEBUG", "INFO", "WARNING", "ERROR"}; /* Cloud Logging's */

/* What a value of this key may take between its quotes, so that what ends the line still fits
 * behind it. 0: so little that the field is left out; no number takes 32 bytes. */
static size_t room_for(const struct buf *line, const char *key)
{
    size_t used = line->len + strlen(key) + strlen(",\"\":\"\"}\n");

    return used + 32 <= LOG_LINE_CAP ? LOG_LINE_CAP - used : 0;
}

/* RFC 3339, in UTC. What is the same for all lines of a second is made once. */
struct stamp {
    time_t second;
    char text[40];
    size_t fraction; /* where it stands */
};

static const char *stamp_of(struct timespec at)
{
    static _Thread_local struct stamp s = {.second = -1};
    struct tm tm;

    if (at.tv_sec != s.second) {
        gmtime_r(&at.tv_sec, &tm);
        s.fraction = strftime(s.text, sizeof s.text, "%Y-%m-%dT%H:%M:%S.000Z", &tm) - 4;
        s.second = at.tv_sec;
    }
    json_thousandths(s.text + s.fraction, (uint64_t)at.tv_nsec / 1000000);
    return s.text;
}

/* ---- a request */

/* Its fields, in either form: Cloud Logging's names, and types as its HttpRequest has them: a
 * duration, and 64 bits, are strings. */
struct part {
    const char *cloud, *text;
    struct str value;
    bool number; /* in JSON too */
};
enum { PARTS = 9 };

struct digits {
    char text[24];
};

static struct str decimal(struct digits *d, const char *format, uint64_t a, unsigned b)
{
    return (struct str){d->text, (size_t)snprintf(d->text, sizeof d->text, format, a, b)};
}

static void request_parts(const struct log_request *r, struct digits d[4], struct part out[PARTS])
{
    const struct part parts[PARTS] = {
        {"requestMethod", "method", r->method, false},
        {"requestUrl", "url", r->url, false},
        {"status", "status", r->status ? decimal(&d[0], "%" PRIu64, r->status, 0) : STR(""), true},
        {"latency", "latency",
         decimal(&d[1], "%" PRIu64 ".%03us", r->latency / 1000, (unsigned)(r->latency % 1000)),
         false},
        {"remoteIp", "ip", r->ip, false},
        {"protocol", "protocol", r->protocol, false},
        {"requestSize", "request_size", decimal(&d[2], "%" PRIu64, r->request_size, 0), false},
        {"responseSize", "response_size", decimal(&d[3], "%" PRIu64, r->response_size, 0), false},
        {"userAgent", "agent", r->agent, false},
    };
    memcpy(out, parts, sizeof parts);
}

static void json_request(struct json *j, const struct log_request *r)
{
    struct digits d[4];
    struct part parts[PARTS];

    request_parts(r, d, parts);
    json_open(j, "httpRequest", '{');
    for (const struct part *p = parts; p < parts + PARTS; p++) {
        size_t room = room_for(j->out, p->cloud);
        if (p->value.n == 0 || !room)
            continue;
        j->max = room - strlen("}");
        if (p->number)
            json_uint(j, p->cloud, r->status);
        else
            json_str(j, p->cloud, p->value);
    }
    json_close(j, '}');
}

/* ---- a trace */

static struct str hex(char *out, const uint8_t *bytes, size_t n)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < n; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
    return (struct str){out, 2 * n};
}

/* Project ids have 30 characters; a longer one is cut, and its traces are not found. */
static void json_trace(struct json *j, const struct trace *t, const char *project)
{
    char id[2 * sizeof t->id], span[2 * sizeof t->span], name[128];
    struct str trace = hex(id, t->id, sizeof t->id);

    if (project && *project) {
        int n = snprintf(name, sizeof name, "projects/%.64s/traces/%.*s", project, (int)trace.n,
                         trace.p);
        trace = (struct str){name, (size_t)n};
    }
    if (!t->known || j->out->len + sizeof name + 4 * strlen(CLOUD "trace_sampled") > LOG_LINE_CAP)
        return;
    j->max = sizeof name;
    json_str(j, CLOUD "trace", trace);
    if (t->has_span)
        json_str(j, CLOUD "spanId", hex(span, t->span, sizeof t->span));
    json_bool(j, CLOUD "trace_sampled", t->sampled);
}

/* ---- lines */

static void add_field(struct json *j, const char *key, const struct log_field *f)
{
    switch (f->type) {
    case LOG_FIELD_STR:
        json_str(j, key, f->s);
        break;
    case LOG_FIELD_UINT:
        json_uint(j, key, f->u);
        break;
    case LOG_FIELD_BOOL:
        json_bool(j, key, f->b);
        break;
    case LOG_FIELD_SECONDS:
        json_seconds(j, key, f->u);
        break;
    case LOG_FIELD_TRACE:
        json_trace(j, f->trace, f->project);
        break;
    case LOG_FIELD_REQUEST:
        json_request(j, f->request);
        break;
    }
}

static void json_line(struct buf *line, const char *time, enum log_level level, const char *event,
                      const struct log_field *f)
{
    struct json j;

    json_init(&j, line);
    json_open(&j, NULL, '{');
    json_str(&j, "severity", str_of(severities[level]));
    json_str(&j, "time", str_of(time));
    json_str(&j, "message", str_of(event));
    for (; f->key && (j.max = room_for(line, f->key)); f++)
        add_field(&j, f->key, f);
    json_close(&j, '}');
}

/* Whether it can stand in a line of text without quotes. */
static bool is_word(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (c <= ' ' || c >= 0x7f || c == '"' || c == '\\' || c == '=')
            return false;
    }
    return s.n > 0;
}

static void text_key(struct buf *line, const char *key)
{
    size_t n = strlen(key);
    uint8_t *p = buf_room(line, n + 2);

    *p = ' ';
    memcpy(p + 1, key, n + 1);
    p[n + 1] = '='; /* in the place of the NUL */
    line->len += n + 2;
}

static void text_str(struct buf *line, const char *key, struct str s, size_t room)
{
    text_key(line, key);
    if (s.n <= room && is_word(s))
        buf_add(line, s.p, s.n);
    else
        json_quote(line, s, room);
}

static void text_request(struct buf *line, const struct log_request *r)
{
    struct digits d[4];
    struct part parts[PARTS];

    request_parts(r, d, parts);
    for (const struct part *p = parts; p < parts + PARTS; p++) {
        size_t room = room_for(line, p->text);
        if (p->value.n > 0 && room)
            text_str(line, p->text, p->value, room);
    }
}

static void text_field(struct buf *line, const struct log_field *f, size_t room)
{
    char id[2 * sizeof f->trace->id];
    struct json j;

    switch (f->type) {
    case LOG_FIELD_STR:
        text_str(line, f->key, f->s, room);
        break;
    case LOG_FIELD_TRACE:
        if (f->trace->known)
            text_str(line, f->key, hex(id, f->trace->id, sizeof f->trace->id), room);
        break;
    case LOG_FIELD_REQUEST:
        text_request(line, f->request);
        break;
    case LOG_FIELD_UINT:
        text_key(line, f->key);
        buf_addu(line, f->u);
        break;
    case LOG_FIELD_BOOL:
    case LOG_FIELD_SECONDS:
        text_key(line, f->key);
        json_init(&j, line);
        add_field(&j, NULL, f);
        if (f->type == LOG_FIELD_SECONDS)
            buf_adds(line, "s");
        break;
    }
}

static void text_line(struct buf *line, const char *time, enum log_level level, const char *event,
                      const struct log_field *f)
{
    buf_adds(line, time);
    buf_adds(line, padded[level]);
    buf_adds(line, event);
    size_t room;
    for (; f->key && (room = room_for(line, f->key)) > 0; f++)
        text_field(line, f, room);
}

void log_line(struct buf *line, enum log_format format, struct timespec at, enum log_level level,
              const char *event, const struct log_field *fields)
{
    const char *time = stamp_of(at);

    buf_room(line, USUAL);
    switch (format) {
    case LOG_TEXT:
        text_line(line, time, level, event, fields);
        break;
    case LOG_JSON:
        json_line(line, time, level, event, fields);
        break;
    }
    buf_adds(line, "\n");
    BUG_ON(line->len > LOG_LINE_CAP);
}

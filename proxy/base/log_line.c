/* Lines of the log, as text and as JSON. Owns nothing. Never writes a control byte or a newline
 * that came in a value. */
#include "base/log_line.h"

#include "base/err.h"
#include "base/json.h"

#include <string.h>

#define USUAL 256u /* bytes that a line takes */

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
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] <= ' ' || s.p[i] >= 0x7f || strchr("\"\\=", s.p[i]))
            return false;
    return s.n > 0;
}

static void text_field(struct buf *line, const struct log_field *f, size_t room)
{
    struct json j;

    buf_adds(line, " ");
    buf_adds(line, f->key);
    buf_adds(line, "=");
    json_init(&j, line);
    j.max = room;
    if (f->type == LOG_FIELD_STR && f->s.n <= room && is_word(f->s))
        buf_add(line, f->s.p, f->s.n);
    else
        add_field(&j, NULL, f);
    if (f->type == LOG_FIELD_SECONDS)
        buf_adds(line, "s");
}

static void text_line(struct buf *line, const char *time, enum log_level level, const char *event,
                      const struct log_field *f)
{
    size_t room;

    buf_adds(line, time);
    buf_adds(line, padded[level]);
    buf_adds(line, event);
    for (; f->key && (room = room_for(line, f->key)); f++)
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

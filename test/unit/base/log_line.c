/* Lines of the log, byte for byte: whatever the values, a line is one line and well-formed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/log_line.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* 2026-11-24T20:23:46.123Z */
static const struct timespec at = {.tv_sec = 1795551826, .tv_nsec = 123999999};
#define AT "2026-11-24T20:23:46.123Z"

static struct buf line_of(enum log_format format, enum log_level level, const struct log_field *f)
{
    struct buf line;

    buf_init(&line);
    log_line(&line, format, at, level, "event", f);
    return line;
}

static void assert_line(enum log_format format, const struct log_field *f, const char *want)
{
    struct buf line = line_of(format, LOG_INFO, f);

    buf_add(&line, "", 1);
    assert_string_equal((char *)line.data, want);
    buf_fini(&line);
}

static const struct log_field typical[] = {
    {.key = "reason", .type = LOG_FIELD_STR, .s = {"client_close", 12}},
    {.key = "messages", .type = LOG_FIELD_UINT, .u = 3},
    {.key = "clean", .type = LOG_FIELD_BOOL, .b = true},
    {.key = "duration", .type = LOG_FIELD_SECONDS, .u = 1234},
    {.key = NULL},
};

static void text_is_time_level_event_and_fields(void **state)
{
    (void)state;
    assert_line(LOG_TEXT, typical,
                AT " info  event reason=client_close messages=3 clean=true duration=1.234s\n");
    assert_line(LOG_TEXT, typical + 4, AT " info  event\n");
}

static void json_is_one_object_with_severity_time_and_message(void **state)
{
    (void)state;
    assert_line(LOG_JSON, typical,
                "{\"severity\":\"INFO\",\"time\":\"" AT "\",\"message\":\"event\","
                "\"reason\":\"client_close\",\"messages\":3,\"clean\":true,\"duration\":1.234}\n");
}

static void levels_are_words_in_text_and_cloud_loggings_in_json(void **state)
{
    const struct {
        enum log_level level;
        const char *text, *json;
    } rows[] = {{LOG_DEBUG, " debug event\n", "{\"severity\":\"DEBUG\","},
                {LOG_INFO, " info  event\n", "{\"severity\":\"INFO\","},
                {LOG_WARN, " warn  event\n", "{\"severity\":\"WARNING\","},
                {LOG_ERROR, " error event\n", "{\"severity\":\"ERROR\","}};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buf text = line_of(LOG_TEXT, rows[i].level, typical + 4);
        struct buf json = line_of(LOG_JSON, rows[i].level, typical + 4);

        assert_int_equal(text.len, strlen(AT) + strlen(rows[i].text));
        assert_memory_equal(text.data + strlen(AT), rows[i].text, strlen(rows[i].text));
        assert_memory_equal(json.data, rows[i].json, strlen(rows[i].json));
        buf_fini(&text);
        buf_fini(&json);
    }
}

static void text_quotes_what_is_no_plain_word(void **state)
{
    const struct {
        struct str in;
        const char *want;
    } rows[] = {
        {STR("word"), "word"},
        {STR("/path/to?x&y;z"), "/path/to?x&y;z"},
        {STR("[::1]:8080"), "[::1]:8080"},
        {STR(""), "\"\""},
        {STR("two words"), "\"two words\""},
        {STR("a=b"), "\"a=b\""},
        {STR("a\"b"), "\"a\\\"b\""},
        {STR("a\\b"), "\"a\\\\b\""},
        {STR("a\nb"), "\"a\\nb\""},
        {STR("\x1b[31m"), "\"\\u001b[31m\""},
        {STR("a\x7f"), "\"a\\u007f\""},
        {STR("\0"), "\"\\u0000\""},
        {STR("\xc3\xa4"), "\"\xc3\xa4\""},
        {STR("\xff"), "\"\xef\xbf\xbd\""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct log_field f[] = {LOG_STR("k", rows[i].in), {.key = NULL}};
        char want[100];

        snprintf(want, sizeof want, AT " info  event k=%s\n", rows[i].want);
        assert_line(LOG_TEXT, f, want);
    }
}

/* ---- requests and traces ---- */

static const struct log_request get = {
    .method = {"GET", 3},
    .url = {"/a b", 4},
    .ip = {"192.0.2.1", 9},
    .agent = {"curl/7 \"x\"", 10},
    .status = 502,
    .protocol = {"HTTP/1.1", 8},
    .latency = 1234,
    .request_size = UINT64_MAX,
    .response_size = 0,
};

static void a_request_is_cloud_loggings_in_json_and_flat_in_text(void **state)
{
    const struct log_field f[] = {LOG_REQUEST(&get), LOG_U("n", 1), {.key = NULL}};

    (void)state;
    assert_line(
        LOG_JSON, f,
        "{\"severity\":\"INFO\",\"time\":\"" AT "\",\"message\":\"event\",\"httpRequest\":{"
        "\"requestMethod\":\"GET\",\"requestUrl\":\"/a b\",\"status\":502,\"latency\":\"1.234s\","
        "\"remoteIp\":\"192.0.2.1\",\"protocol\":\"HTTP/1.1\","
        "\"requestSize\":\"18446744073709551615\",\"responseSize\":\"0\","
        "\"userAgent\":\"curl/7 \\\"x\\\"\"},\"n\":1}\n");
    assert_line(LOG_TEXT, f,
                AT " info  event method=GET url=\"/a b\" status=502 latency=1.234s ip=192.0.2.1 "
                   "protocol=HTTP/1.1 request_size=18446744073709551615 response_size=0 "
                   "agent=\"curl/7 \\\"x\\\"\" n=1\n");
}

static void what_a_request_has_not_is_left_out(void **state)
{
    const struct log_request none = {.latency = 5};
    const struct log_field f[] = {LOG_REQUEST(&none), {.key = NULL}};

    (void)state;
    assert_line(LOG_JSON, f,
                "{\"severity\":\"INFO\",\"time\":\"" AT "\",\"message\":\"event\",\"httpRequest\":{"
                "\"latency\":\"0.005s\",\"requestSize\":\"0\","
                "\"responseSize\":\"0\"}}\n");
    assert_line(LOG_TEXT, f, AT " info  event latency=0.005s request_size=0 response_size=0\n");
}

static void a_trace_has_the_names_that_cloud_logging_takes_for_the_lines_own(void **state)
{
#define IN_CLOUD "\"logging.googleapis.com/"
#define LINE     "{\"severity\":\"INFO\",\"time\":\"" AT "\",\"message\":\"event\""
#define HEX      "4b000000000000000000000000000036"
    const struct trace full = {{0x4b, [15] = 0x36}, {[7] = 0x4a}, true, true, true};
    const struct trace bare = {{0x4b, [15] = 0x36}, {0}, true, false, false};
    const struct trace none = {.known = false};
    const struct {
        const struct trace *t;
        const char *project, *json, *text;
    } rows[] = {
        {&full, "my-chat",
         "," IN_CLOUD "trace\":\"projects/my-chat/traces/" HEX "\"," IN_CLOUD
         "spanId\":\"000000000000004a\"," IN_CLOUD "trace_sampled\":true",
         " trace=" HEX},
        {&full, "",
         "," IN_CLOUD "trace\":\"" HEX "\"," IN_CLOUD "spanId\":\"000000000000004a\"," IN_CLOUD
         "trace_sampled\":true",
         " trace=" HEX},
        {&bare, NULL, "," IN_CLOUD "trace\":\"" HEX "\"," IN_CLOUD "trace_sampled\":false",
         " trace=" HEX},
        {&none, "my-chat", "", ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct log_field f[] = {
            LOG_TRACE(rows[i].t, rows[i].project), LOG_U("n", 1), {.key = NULL}};
        char json[1024], text[1024];

        snprintf(json, sizeof json, LINE "%s,\"n\":1}\n", rows[i].json);
        snprintf(text, sizeof text, AT " info  event%s n=1\n", rows[i].text);
        assert_line(LOG_JSON, f, json);
        assert_line(LOG_TEXT, f, text);
    }
}

/* ---- the cap ---- */

#define MOST (LOG_LINE_CAP + 100)

/* Quoted values end where they should, and nothing stands between fields but one blank. */
static bool text_is_well_formed(const char *p)
{
    p += strcspn(p, "e"); /* the event */
    p += strcspn(p, " \n");
    while (*p == ' ') {
        p += 1 + strspn(p + 1, "abcdefghijklmnopqrstuvwxyz_");
        if (*p++ != '=')
            return false;
        if (*p == '"') {
            for (p++; *p && *p != '"'; p++)
                if (*p == '\\' && !*++p)
                    return false;
            if (*p++ != '"')
                return false;
        } else {
            p += strcspn(p, " \n\"");
        }
    }
    return strcmp(p, "\n") == 0;
}

static bool json_is_well_formed(const char *p)
{
    const char *end;
    cJSON *read = cJSON_ParseWithOpts(p, &end, false);
    bool good = cJSON_IsObject(read) && strcmp(end, "\n") == 0;

    cJSON_Delete(read);
    return good;
}

static void check_line(enum log_format format, const struct log_field *f)
{
    struct buf line = line_of(format, LOG_INFO, f);

    assert_true(line.len <= LOG_LINE_CAP);
    assert_ptr_equal(memchr(line.data, '\n', line.len), line.data + line.len - 1);
    buf_add(&line, "", 1);
    if (!(format == LOG_JSON ? json_is_well_formed : text_is_well_formed)((char *)line.data))
        fail_msg("%s", line.data);
    buf_fini(&line);
}

static void a_value_of_any_length_keeps_the_line_within_its_cap_and_well_formed(void **state)
{
    const char *const fills[] = {
        "x", "\"", "\n", "\x01", "\xe2\x82\xac", "\xff", "\xf0\x9f\x98\x80", "x y"};
    char *bytes = malloc(MOST);

    (void)state;
    for (size_t k = 0; k < sizeof fills / sizeof *fills; k++) {
        size_t unit = strlen(fills[k]);

        for (size_t i = 0; i < MOST; i++)
            bytes[i] = fills[k][i % unit];
        for (size_t n = 0; n < MOST; n += n < 3900 ? 13 : 1) {
            const struct log_field f[] = {
                LOG_U("before", 1),         LOG_STR("value", ((struct str){bytes, n})),
                LOG_U("after", UINT64_MAX), LOG_MS("time", UINT64_MAX),
                LOG_STR("end", STR("a b")), {.key = NULL}};

            check_line(LOG_TEXT, f);
            check_line(LOG_JSON, f);
        }
    }
    free(bytes);
}

static void so_does_a_request_or_a_trace_at_any_place(void **state)
{
    const struct trace trace = {{1}, {2}, true, true, true};
    char bytes[MOST];

    (void)state;
    memset(bytes, '"', sizeof bytes);
    for (size_t n = 0; n < MOST; n += n < 1500 ? 13 : 1) {
        struct str v = {bytes, n};
        const struct log_request in_url = {.url = v, .agent = v}, behind = {.agent = v};
        const struct log_field rows[][5] = {
            {LOG_REQUEST(&in_url), LOG_TRACE(&trace, "p"), LOG_U("after", UINT64_MAX)},
            {LOG_STR("v", v), LOG_REQUEST(&behind), LOG_U("after", UINT64_MAX)},
            {LOG_STR("v", v), LOG_TRACE(&trace, "p"), LOG_REQUEST(&behind)},
            {LOG_STR("v", ((struct str){bytes, n / 2})), LOG_TRACE(&trace, bytes + MOST - 200),
             LOG_U("after", UINT64_MAX)},
        };

        bytes[sizeof bytes - 1] = '\0';
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
            check_line(LOG_TEXT, rows[i]);
            check_line(LOG_JSON, rows[i]);
        }
        bytes[sizeof bytes - 1] = '"';
    }
}

static void a_line_is_filled_to_its_cap_before_anything_is_cut(void **state)
{
    char bytes[MOST];

    (void)state;
    memset(bytes, 'x', sizeof bytes);
    for (int over = 0; over < 2; over++) {
        size_t head = strlen("{\"severity\":\"INFO\",\"time\":\"" AT
                             "\",\"message\":\"event\",\"k\":\"\"}\n");
        struct str v = {bytes, LOG_LINE_CAP - head + (size_t)over};
        const struct log_field f[] = {LOG_STR("k", v), {.key = NULL}};
        struct buf line = line_of(LOG_JSON, LOG_INFO, f);

        assert_int_equal(line.len, LOG_LINE_CAP);
        assert_memory_equal(line.data + line.len - 7, over ? "x\xe2\x80\xa6\"}\n" : "xxxx\"}\n", 7);
        buf_fini(&line);
    }
}

static void many_fields_are_cut_after_a_whole_one(void **state)
{
    struct log_field f[500];

    (void)state;
    for (unsigned many = 100; many < 500; many++) {
        for (unsigned i = 0; i < many; i++)
            f[i] = LOG_U("number", UINT64_MAX >> (i % 60));
        f[many] = (struct log_field){.key = NULL};
        check_line(LOG_TEXT, f);
        check_line(LOG_JSON, f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_time_level_event_and_fields),
        cmocka_unit_test(json_is_one_object_with_severity_time_and_message),
        cmocka_unit_test(levels_are_words_in_text_and_cloud_loggings_in_json),
        cmocka_unit_test(text_quotes_what_is_no_plain_word),
        cmocka_unit_test(a_request_is_cloud_loggings_in_json_and_flat_in_text),
        cmocka_unit_test(what_a_request_has_not_is_left_out),
        cmocka_unit_test(a_trace_has_the_names_that_cloud_logging_takes_for_the_lines_own),
        cmocka_unit_test(a_value_of_any_length_keeps_the_line_within_its_cap_and_well_formed),
        cmocka_unit_test(so_does_a_request_or_a_trace_at_any_place),
        cmocka_unit_test(a_line_is_filled_to_its_cap_before_anything_is_cut),
        cmocka_unit_test(many_fields_are_cut_after_a_whole_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

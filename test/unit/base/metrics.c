/* What is counted, and that what is printed is Prometheus' text format 0.0.4, line by line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/metrics.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct metrics a, b;
static struct metrics *const loops[] = {&a, &b};

static int reset(void **state)
{
    (void)state;
    memset(&a, 0, sizeof a);
    memset(&b, 0, sizeof b);
    return 0;
}

static struct buf printed(void)
{
    struct buf out;

    buf_init(&out);
    metrics_print(loops, 2, &out);
    buf_add(&out, "", 1);
    return out;
}

/* Whether the line stands in what is printed, whole. */
static bool has(const char *line)
{
    struct buf out = printed();
    char want[300];
    bool found;

    snprintf(want, sizeof want, "\n%s\n", line);
    found = strstr((char *)out.data, want) != NULL;
    buf_fini(&out);
    return found;
}

static unsigned times(const char *part)
{
    struct buf out = printed();
    unsigned n = 0;

    for (const char *p = (char *)out.data; (p = strstr(p, part)); p++)
        n++;
    buf_fini(&out);
    return n;
}

static void counters_are_summed_over_the_loops(void **state)
{
    (void)state;
    metric_add(&a, METRIC_UP_ACCEPTED, 3);
    metric_add(&a, METRIC_UP_ACCEPTED, 4);
    metric_add(&b, METRIC_UP_ACCEPTED, UINT64_C(1) << 63);
    assert_int_equal(metrics_sum(loops, 2, METRIC_UP_ACCEPTED), (UINT64_C(1) << 63) + 7);
    assert_int_equal(metrics_sum(loops, 1, METRIC_UP_ACCEPTED), 7);
    assert_int_equal(metrics_sum(loops, 0, METRIC_UP_ACCEPTED), 0);
    assert_true(
        has("wskeep_messages_total{direction=\"up\",outcome=\"accepted\"} 9223372036854775815"));
}

/* A session that moved from one loop to another is taken off the count where it did not enter it.
 */
static void gauges_sum_right_where_a_cell_has_wrapped(void **state)
{
    (void)state;
    metric_add(&a, METRIC_SESSIONS_LIVE, 5);
    metric_sub(&b, METRIC_SESSIONS_LIVE, 2);
    assert_int_equal(metrics_sum(loops, 2, METRIC_SESSIONS_LIVE), 3);
    assert_true(has("wskeep_sessions{state=\"live\"} 3"));
    metric_sub(&b, METRIC_SESSIONS_LIVE, 4);
    assert_true(has("wskeep_sessions{state=\"live\"} -1"));
}

static void a_row_without_labels_has_no_braces(void **state)
{
    (void)state;
    metric_add(&b, METRIC_JOURNAL_BYTES, 512);
    assert_true(has("wskeep_journal_bytes 512"));
}

/* A counter that appears with its first event has not risen, for who asks for its rate. */
static void every_end_is_printed_before_it_happens(void **state)
{
    (void)state;
    assert_int_equal(times("wskeep_disconnects_total{"), 2 * (REASON_COUNT - 1));
    assert_int_equal(times("# TYPE wskeep_disconnects_total counter\n"), 1);
    assert_int_equal(times("# HELP wskeep_disconnects_total "), 1);
    assert_true(has("wskeep_disconnects_total{side=\"backend\",reason=\"backend_timeout\"} 0"));
    assert_int_equal(times("reason=\"none\""), 0);
}

static void ends_are_counted_by_side_and_reason(void **state)
{
    (void)state;
    metric_disconnect(&a, SIDE_CLIENT, REASON_CLIENT_CLOSE);
    metric_disconnect(&b, SIDE_CLIENT, REASON_CLIENT_CLOSE);
    metric_disconnect(&b, SIDE_BACKEND, REASON_UNREACHABLE);
    assert_true(has("wskeep_disconnects_total{side=\"client\",reason=\"client_close\"} 2"));
    assert_true(has("wskeep_disconnects_total{side=\"backend\",reason=\"unreachable\"} 1"));
    assert_true(has("wskeep_disconnects_total{side=\"client\",reason=\"unreachable\"} 0"));
}

static void reconnects_are_counted_by_what_came_of_them(void **state)
{
    (void)state;
    assert_int_equal(times("wskeep_reconnects_total{"), 2);
    assert_true(has("wskeep_reconnects_total{result=\"ok\"} 0"));
    metric_reconnect(&a, REASON_NONE, 250);
    metric_reconnect(&b, REASON_NONE, 251);
    metric_reconnect(&b, REASON_SHED, 20000);
    assert_true(has("wskeep_reconnects_total{result=\"ok\"} 2"));
    assert_true(has("wskeep_reconnects_total{result=\"shed\"} 1"));
    assert_true(has("wskeep_reconnects_total{result=\"reconnect_window\"} 0"));
    assert_true(has("wskeep_headless_duration_seconds_bucket{le=\"0.25\"} 1"));
    assert_true(has("wskeep_headless_duration_seconds_bucket{le=\"0.5\"} 2"));
    assert_true(has("wskeep_headless_duration_seconds_count 3"));
}

static void closes_are_counted_by_side_and_code(void **state)
{
    const struct {
        uint16_t code;
        const char *label;
    } rows[] = {{1000, "1000"}, {1005, "1005"}, {1014, "1014"}, {1015, "1015"},
                {3000, "3xxx"}, {3999, "3xxx"}, {4000, "4xxx"}, {4999, "4xxx"}};

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char line[100];

        reset(state);
        metric_close(&a, SIDE_BACKEND, rows[i].code);
        metric_close(&b, SIDE_BACKEND, rows[i].code);
        snprintf(line, sizeof line, "wskeep_closes_total{side=\"backend\",code=\"%s\"} 2",
                 rows[i].label);
        assert_true(has(line));
        assert_int_equal(times("wskeep_closes_total{"), 1);
    }
}

static void time_held_back_grows_while_it_lasts(void **state)
{
    (void)state;
    metrics_turn(&a, 100000);
    metric_hold_back(&a, SIDE_CLIENT, true, 100500);
    metric_hold_back(&a, SIDE_CLIENT, true, 101500);
    metric_hold_back(&b, SIDE_CLIENT, true, 7000);
    metrics_turn(&a, 102000); /* 1 s of one, 0.5 s of two */
    assert_true(has("wskeep_backpressure_seconds_total{direction=\"up\"} 2.000"));
    assert_true(has("wskeep_backpressure_sessions{direction=\"up\"} 3"));
    metric_hold_back(&a, SIDE_CLIENT, false, 102001);
    metric_hold_back(&a, SIDE_CLIENT, false, 102011);
    metrics_turn(&b, 7001);
    metrics_turn(&a, 900000);
    assert_true(has("wskeep_backpressure_seconds_total{direction=\"up\"} 2.013"));
    assert_true(has("wskeep_backpressure_sessions{direction=\"up\"} 1"));
    assert_true(has("wskeep_backpressure_seconds_total{direction=\"down\"} 0.000"));
}

static void directions_are_held_back_apart(void **state)
{
    (void)state;
    metric_hold_back(&a, SIDE_BACKEND, true, 1000);
    metrics_turn(&a, 1250);
    assert_true(has("wskeep_backpressure_seconds_total{direction=\"up\"} 0.000"));
    assert_true(has("wskeep_backpressure_seconds_total{direction=\"down\"} 0.250"));
}

static void requests_are_printed_by_status(void **state)
{
    (void)state;
    assert_int_equal(times("wskeep_http_requests_total{"), 3);
    assert_true(has("wskeep_http_requests_total{code=\"503\"} 0"));
    metric_http(&a, 200, 1);
    metric_http(&b, 200, 2);
    metric_http(&b, 599, 3);
    metric_http(&b, 600, 4);
    metric_http(&b, 999, 5);
    metric_http(&b, UINT32_MAX, 6);
    assert_int_equal(times("wskeep_http_requests_total{"), 3 + 3);
    assert_true(has("wskeep_http_requests_total{code=\"200\"} 2"));
    assert_true(has("wskeep_http_requests_total{code=\"599\"} 1"));
    assert_true(has("wskeep_http_requests_total{code=\"other\"} 3"));
    assert_true(has("wskeep_http_request_duration_seconds_count 6"));
    assert_true(has("wskeep_http_request_duration_seconds_sum 0.021"));
}

static void a_value_at_a_bound_is_in_its_bucket(void **state)
{
    const struct {
        uint64_t ms;
        const char *in, *below;
    } rows[] = {
        {1, "0.001", NULL},    {2, "0.005", "0.001"},   {5, "0.005", "0.001"},
        {6, "0.01", "0.005"},  {10, "0.01", "0.005"},   {25, "0.025", "0.01"},
        {50, "0.05", "0.025"}, {100, "0.1", "0.05"},    {101, "0.25", "0.1"},
        {250, "0.25", "0.1"},  {500, "0.5", "0.25"},    {1000, "1", "0.5"},
        {5000, "5", "1"},      {30000, "30", "5"},      {30001, "300", "30"},
        {300000, "300", "30"}, {300001, "+Inf", "300"}, {UINT64_MAX / 4, "+Inf", "300"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *form = "wskeep_http_request_duration_seconds_bucket{le=\"%s\"} %u";
        char line[200];

        reset(state);
        metric_observe(&a, HISTOGRAM_HTTP_DURATION, rows[i].ms);
        snprintf(line, sizeof line, form, rows[i].in, 1);
        assert_true(has(line));
        if (rows[i].below) {
            snprintf(line, sizeof line, form, rows[i].below, 0);
            assert_true(has(line));
        }
    }
}

static void histograms_are_cumulative_over_the_loops(void **state)
{
    const uint64_t ms[] = {0, 900, 1000, 4000, 16000, 86400000, 86400001};

    (void)state;
    for (size_t i = 0; i < sizeof ms / sizeof *ms; i++)
        metric_observe(loops[i % 2], HISTOGRAM_SESSION_DURATION, ms[i]);
    assert_true(has("wskeep_session_duration_seconds_bucket{le=\"1\"} 3"));
    assert_true(has("wskeep_session_duration_seconds_bucket{le=\"5\"} 4"));
    assert_true(has("wskeep_session_duration_seconds_bucket{le=\"15\"} 4"));
    assert_true(has("wskeep_session_duration_seconds_bucket{le=\"30\"} 5"));
    assert_true(has("wskeep_session_duration_seconds_bucket{le=\"7200\"} 5"));
    assert_true(has("wskeep_session_duration_seconds_bucket{le=\"86400\"} 6"));
    assert_true(has("wskeep_session_duration_seconds_bucket{le=\"+Inf\"} 7"));
    assert_true(has("wskeep_session_duration_seconds_sum 172821.901"));
    assert_true(has("wskeep_session_duration_seconds_count 7"));
}

static void labels_of_a_histogram_stand_beside_le(void **state)
{
    (void)state;
    metric_observe(&a, HISTOGRAM_HEARTBEAT_RTT_CLIENT, 3);
    metric_observe(&a, HISTOGRAM_HEARTBEAT_RTT_BACKEND, 4);
    assert_true(has("wskeep_heartbeat_rtt_seconds_bucket{side=\"client\",le=\"0.005\"} 1"));
    assert_true(has("wskeep_heartbeat_rtt_seconds_bucket{side=\"backend\",le=\"+Inf\"} 1"));
    assert_true(has("wskeep_heartbeat_rtt_seconds_sum{side=\"client\"} 0.003"));
    assert_true(has("wskeep_heartbeat_rtt_seconds_sum{side=\"backend\"} 0.004"));
    assert_true(has("wskeep_heartbeat_rtt_seconds_count{side=\"client\"} 1"));
}

static void the_version_is_a_label(void **state)
{
    (void)state;
    assert_int_equal(times("\nwskeep_build_info{version=\""), 1);
    assert_true(has("# TYPE wskeep_build_info gauge"));
}

/* ---- the format ---- */

struct reader {
    char name[100], type[20]; /* of the metric whose lines these are */
    char names[64][100];      /* of all so far */
    unsigned n;
    bool typed;
};

static size_t name_len(const char *p)
{
    return strspn(p, "abcdefghijklmnopqrstuvwxyz_");
}

static void read_help(struct reader *r, const char *p)
{
    size_t n = name_len(p);

    assert_true(n > 0 && n < sizeof r->name && p[n] == ' ' && p[n + 1] != 0);
    snprintf(r->name, sizeof r->name, "%.*s", (int)n, p);
    for (unsigned i = 0; i < r->n; i++)
        assert_string_not_equal(r->names[i], r->name); /* once, and its rows stand together */
    memcpy(r->names[r->n++], r->name, sizeof r->name);
    r->typed = false;
}

static void read_type(struct reader *r, const char *p)
{
    char name[100];

    assert_int_equal(sscanf(p, "%99s %19s", name, r->type), 2);
    assert_string_equal(name, r->name);
    assert_false(r->typed);
    assert_true(!strcmp(r->type, "counter") || !strcmp(r->type, "gauge") ||
                !strcmp(r->type, "histogram"));
    r->typed = true;
}

/* {name="value",…}: where they end. */
static const char *read_labels(const char *p)
{
    do {
        p++;
        size_t n = name_len(p);
        assert_true(n > 0 && p[n] == '=' && p[n + 1] == '"');
        p += n + 2;
        p += strcspn(p, "\"\\\n");
        assert_int_equal(*p++, '"');
    } while (*p == ',');
    assert_int_equal(*p, '}');
    return p + 1;
}

static void read_row(struct reader *r, const char *p)
{
    const char *suffixes[] = {"_bucket", "_sum", "_count"};
    size_t n = name_len(p), base = strlen(r->name);
    char *end;
    bool known = !strcmp(r->type, "histogram") ? false : n == base;

    assert_true(r->typed && n >= base && !strncmp(p, r->name, base));
    for (unsigned i = 0; i < 3 && !strcmp(r->type, "histogram"); i++)
        known |= n - base == strlen(suffixes[i]) && !strncmp(p + base, suffixes[i], n - base);
    assert_true(known);
    p += n;
    if (*p == '{')
        p = read_labels(p);
    assert_int_equal(*p++, ' ');
    assert_true(*p == '-' || (*p >= '0' && *p <= '9'));
    strtod(p, &end);
    assert_int_equal(*end, 0);
}

static void every_line_is_of_the_text_format(void **state)
{
    struct reader r = {0};
    struct buf out;
    char *save = NULL;

    (void)state;
    for (unsigned reason = 0; reason < REASON_COUNT; reason++) {
        metric_disconnect(&a, SIDE_CLIENT, reason);
        metric_disconnect(&b, SIDE_BACKEND, reason);
        metric_reconnect(&b, reason, reason);
    }
    for (unsigned code = 0; code < 700; code++)
        metric_http(&a, code, code);
    for (unsigned code = 1000; code < 5000; code += code == 1015 ? 1985 : 1)
        metric_close(&b, code % 2, (uint16_t)code);
    for (unsigned id = 0; id < METRIC_COUNT; id++)
        metric_sub(&b, id, 1);
    out = printed();
    assert_int_equal(out.data[out.len - 2], '\n');
    for (char *line = strtok_r((char *)out.data, "\n", &save); line;
         line = strtok_r(NULL, "\n", &save)) {
        if (!strncmp(line, "# HELP ", 7))
            read_help(&r, line + 7);
        else if (!strncmp(line, "# TYPE ", 7))
            read_type(&r, line + 7);
        else
            read_row(&r, line);
    }
    assert_true(r.n > 10);
    buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(counters_are_summed_over_the_loops, reset),
        cmocka_unit_test_setup(gauges_sum_right_where_a_cell_has_wrapped, reset),
        cmocka_unit_test_setup(a_row_without_labels_has_no_braces, reset),
        cmocka_unit_test_setup(every_end_is_printed_before_it_happens, reset),
        cmocka_unit_test_setup(ends_are_counted_by_side_and_reason, reset),
        cmocka_unit_test_setup(reconnects_are_counted_by_what_came_of_them, reset),
        cmocka_unit_test_setup(closes_are_counted_by_side_and_code, reset),
        cmocka_unit_test_setup(time_held_back_grows_while_it_lasts, reset),
        cmocka_unit_test_setup(directions_are_held_back_apart, reset),
        cmocka_unit_test_setup(requests_are_printed_by_status, reset),
        cmocka_unit_test_setup(a_value_at_a_bound_is_in_its_bucket, reset),
        cmocka_unit_test_setup(histograms_are_cumulative_over_the_loops, reset),
        cmocka_unit_test_setup(labels_of_a_histogram_stand_beside_le, reset),
        cmocka_unit_test_setup(the_version_is_a_label, reset),
        cmocka_unit_test_setup(every_line_is_of_the_text_format, reset),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Traces, from the fields that name them: what is understood, to the bit; all else is ignored. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "wire/trace.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ID   "4bf92f3577b34da6a3ce929d0e0e4736"
#define SPAN "00f067aa0ba902b7" /* 67667974448284343 */

/* As id/span/sampled; "-": not known. The span is 0 where there is none. */
static const char *shown(struct trace t)
{
    static char text[64];
    char *at = text;

    if (!t.known)
        return "-";
    for (size_t i = 0; i < sizeof t.id; i++)
        at += sprintf(at, "%02x", t.id[i]);
    at += sprintf(at, "/");
    for (size_t i = 0; t.has_span && i < sizeof t.span; i++)
        at += sprintf(at, "%02x", t.span[i]);
    sprintf(at, "/%d", t.sampled);
    return text;
}

struct row {
    struct str in;
    const char *want, *why;
};

static void assert_rows(const struct row *rows, size_t n, struct trace (*read)(struct str))
{
    for (size_t i = 0; i < n; i++) {
        char *copy = malloc(rows[i].in.n ? rows[i].in.n : 1); /* a byte too far is seen */

        memcpy(copy, rows[i].in.p, rows[i].in.n);
        const char *found = shown(read((struct str){copy, rows[i].in.n}));
        if (strcmp(found, rows[i].want) != 0)
            fail_msg("%s: %.*s: found %s, want %s", rows[i].why, (int)rows[i].in.n, rows[i].in.p,
                     found, rows[i].want);
        free(copy);
    }
}

static void traceparent_is_read_as_w3c_says(void **state)
{
    static const struct row rows[] = {
        {STR("00-" ID "-" SPAN "-01"), ID "/" SPAN "/1", "sampled"},
        {STR("00-" ID "-" SPAN "-00"), ID "/" SPAN "/0", "not sampled"},
        {STR("00-" ID "-" SPAN "-03"), ID "/" SPAN "/1", "flags that are not known yet"},
        {STR("00-" ID "-" SPAN "-fe"), ID "/" SPAN "/0", "flags that are not known yet"},
        {STR("cc-" ID "-" SPAN "-01"), ID "/" SPAN "/1", "a later version"},
        {STR("cc-" ID "-" SPAN "-01-what=ever"), ID "/" SPAN "/1", "with more"},
        {STR("cc-" ID "-" SPAN "-01."), "-", "which does not begin with a dash"},
        {STR("00-" ID "-" SPAN "-01-what"), "-", "version 0 has no more"},
        {STR("ff-" ID "-" SPAN "-01"), "-", "no version"},
        {STR("00-00000000000000000000000000000000-" SPAN "-01"), "-", "no trace"},
        {STR("00-" ID "-0000000000000000-01"), "-", "no span"},
        {STR("00-4BF92F3577B34DA6A3CE929D0E0E4736-" SPAN "-01"), "-", "upper case"},
        {STR("00-" ID "-00F067AA0BA902B7-01"), "-", "upper case"},
        {STR("0-" ID "-" SPAN "-01"), "-", "a digit is missing"},
        {STR("00_" ID "-" SPAN "-01"), "-", "no dash"},
        {STR("00-" ID SPAN "-01"), "-", "no dash"},
        {STR("00-" ID "-" SPAN "-0g"), "-", "no digit"},
        {STR("00-" ID "-" SPAN "-1"), "-", "one digit"},
        {STR(" 00-" ID "-" SPAN "-01"), "-", "a blank"},
        {STR("00-" ID "-" SPAN "-01 "), "-", "a blank"},
        {STR(""), "-", "empty"},
    };

    (void)state;
    assert_rows(rows, sizeof rows / sizeof *rows, trace_parent);
}

static void the_span_of_googles_field_is_decimal_and_may_be_missing(void **state)
{
    static const struct row rows[] = {
        {STR(ID "/67667974448284343;o=1"), ID "/" SPAN "/1", "all of it"},
        {STR(ID "/67667974448284343;o=0"), ID "/" SPAN "/0", "not sampled"},
        {STR(ID "/67667974448284343;o="), ID "/" SPAN "/0", "no options"},
        {STR(ID "/67667974448284343"), ID "/" SPAN "/0", "nor their name"},
        {STR(ID "/74;o=3"), ID "/000000000000004a/1", "bit 0 says sampled"},
        {STR(ID "/18446744073709551615;o=1"), ID "/ffffffffffffffff/1", "64 bits"},
        {STR(ID "/18446744073709551616;o=1"), "-", "more than 64"},
        {STR(ID "/0;o=1"), ID "//1", "0 is no span"},
        {STR(ID "/;o=1"), ID "//1", "no span"},
        {STR(ID ";o=1"), ID "//1", "nor a slash"},
        {STR(ID "/"), ID "//0", "no more"},
        {STR(ID), ID "//0", "the trace alone"},
        {STR("4BF92F3577B34DA6A3CE929D0E0E4736/74;o=1"), ID "/000000000000004a/1", "upper case"},
        {STR("00000000000000000000000000000000/74;o=1"), "-", "no trace"},
        {STR(ID "4/74;o=1"), "-", "33 digits"},
        {STR(ID "/4a;o=1"), "-", "the span is not hexadecimal"},
        {STR(ID "/-74;o=1"), "-", "nor signed"},
        {STR(ID "/74;o=1;x"), "-", "more"},
        {STR(ID "/74;p=1"), "-", "another option"},
        {STR(ID "/74;o=99999999999999999999"), "-", "no number"},
        {STR(ID "//74"), "-", "two slashes"},
        {STR("105445aa7843bc8bf206b120001000/0;o=1"), "-", "30 digits"},
        {STR("\0\0"), "-", "no text"},
        {STR(""), "-", "empty"},
    };

    (void)state;
    assert_rows(rows, sizeof rows / sizeof *rows, trace_cloud);
}

/* Of a whole field every beginning but a few is malformed. */
static void a_field_that_was_cut_is_ignored_or_says_less(void **state)
{
    static const char parent[] = "00-" ID "-" SPAN "-01", cloud[] = ID "/74;o=1";

    (void)state;
    for (size_t n = 0; n < sizeof parent - 1; n++)
        assert_false(trace_parent((struct str){parent, n}).known);
    for (size_t n = 0; n < sizeof cloud - 1; n++) {
        struct trace t = trace_cloud((struct str){cloud, n});
        const char *rest = cloud + n;
        bool whole = n == 32 || n == 33 || n == 34 || n == 35 || n == 38;

        if (t.known != whole || t.sampled)
            fail_msg("cut before \"%s\": known is %d", rest, t.known);
    }
}

static void every_other_byte_in_any_place_is_refused_or_is_a_digit(void **state)
{
    char text[] = "00-" ID "-" SPAN "-01";

    (void)state;
    for (size_t i = 0; i < sizeof text - 1; i++) {
        char was = text[i];

        for (int c = 0; c < 256; c++) {
            text[i] = (char)c;
            bool hex = c && strchr("0123456789abcdef", c);
            if (trace_parent((struct str){text, sizeof text - 1}).known)
                assert_true(was == '-' ? c == '-' : hex);
        }
        text[i] = was;
    }
}

/* ---- which field */

static struct trace of_head(const char *fields)
{
    struct http1 *p = http1_new(true, 4096);
    enum http1_event ev;
    char text[1024];
    int n = snprintf(text, sizeof text, "GET / HTTP/1.1\r\nHost: x\r\n%s\r\n", fields);

    http1_next(p, (const uint8_t *)text, (size_t)n, &ev);
    assert_int_equal(ev, HTTP1_HEAD);
    struct trace t = trace_of(&http1_view(p)->head);
    http1_free(p);
    return t;
}

static void traceparent_comes_first_and_what_is_malformed_or_doubled_does_not_count(void **state)
{
#define PARENT      "traceparent: 00-" ID "-" SPAN "-01\r\n"
#define CLOUD_OTHER "X-Cloud-Trace-Context: 0123456789abcdef0123456789abcdef/74;o=0\r\n"
#define OTHER       "0123456789abcdef0123456789abcdef/000000000000004a/0"
    static const struct {
        const char *fields, *want;
    } rows[] = {
        {"", "-"},
        {PARENT, ID "/" SPAN "/1"},
        {CLOUD_OTHER, OTHER},
        {PARENT CLOUD_OTHER, ID "/" SPAN "/1"},
        {CLOUD_OTHER PARENT, ID "/" SPAN "/1"},
        {"traceparent: secret\r\n" CLOUD_OTHER, OTHER},
        {PARENT PARENT CLOUD_OTHER, OTHER},
        {CLOUD_OTHER CLOUD_OTHER, "-"},
        {"TraceParent:00-" ID "-" SPAN "-01 \r\n", ID "/" SPAN "/1"},
        {"X-Cloud-Trace-Context: secret\r\n", "-"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_string_equal(shown(of_head(rows[i].fields)), rows[i].want);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(traceparent_is_read_as_w3c_says),
        cmocka_unit_test(the_span_of_googles_field_is_decimal_and_may_be_missing),
        cmocka_unit_test(a_field_that_was_cut_is_ignored_or_says_less),
        cmocka_unit_test(every_other_byte_in_any_place_is_refused_or_is_a_digit),
        cmocka_unit_test(traceparent_comes_first_and_what_is_malformed_or_doubled_does_not_count),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

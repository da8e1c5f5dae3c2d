/* The report: its layout to the byte where it is short, its width whatever stands in it, and its
 * JSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "judged.h"
#include <cjson/cJSON.h>
#include <stdlib.h>

static char *report(const char *changed, const char *environment,
                    void (*print)(const struct check *, struct buf *))
{
    struct conf *c = conf_new();
    struct buf out = {0};
    struct check k;
    settings_apply(c, changed);
    check_init(&k, c, NULL, environment);
    print(&k, &out);
    buf_add(&out, "", 1);
    check_fini(&k);
    conf_unref(c);
    return (char *)out.data;
}

static void assert_holds(const char *text, const char *want)
{
    if (!strstr(text, want))
        fail_msg("%s\nis not in\n%s", want, text);
}

static void finding_is_two_columns_with_the_change_last(void **state)
{
    (void)state;
    char *text = report("heartbeat.timeout=50s", NULL, check_print);
    assert_holds(text,
                 "\nfail  2 x heartbeat.interval < heartbeat.timeout    One pong that is late is "
                 "no death: a second ping must have\n"
                 "      2 x 25s and 50s                               gone out before a client is "
                 "given up.\n"
                 "                                                    Mend: \"heartbeat\": "
                 "{\"timeout\": \"75s\"}\n\n");
    assert_holds(text, "\n11 ok, 2 warn, 1 fail\n");
    free(text);
}

static void flag_and_field_are_advised_as_they_are_typed(void **state)
{
    (void)state;
    char *text = report("platform.backend_command=uvicorn --limit-max-requests 5 "
                        "--timeout-graceful-shutdown 1 a:b",
                        NULL, check_print);
    assert_holds(text, "Mend: uvicorn without --limit-max-requests\n");
    assert_holds(text, "Mend: uvicorn ... --timeout-graceful-shutdown 9\n");
    assert_holds(text, "Mend: gcloud run services update SERVICE --timeout 3600,\n");
    assert_holds(text, "then \"platform\": {\"request_timeout\": \"1h\"}\n");
    free(text);
}

static size_t columns(const char *line)
{
    size_t n = 0;
    for (; *line != '\0'; line++)
        n += (*line & 0xc0) != 0x80;
    return n;
}

#define LONG "0123456789012345678901234567890123456789012345678901234567890123456789"
#define WIDE "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"

static void no_line_is_wider_than_112_columns_or_ends_in_a_blank(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "", "platform.backend_command=gunicorn -k " LONG LONG,
        "platform.backend_command=gunicorn -k " WIDE WIDE WIDE WIDE WIDE WIDE WIDE WIDE WIDE WIDE,
        "platform.backend_command=gunicorn -k ' " LONG " '"};
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        char *text = report(rows[i], NULL, check_print);
        for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
            if (columns(line) > 112 || line[strlen(line) - 1] == ' ')
                fail_msg("%s", line);
        free(text);
    }
}

static const char *text_of(const cJSON *object, const char *key)
{
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsString(value) ? value->valuestring : "";
}

static const cJSON *json_finding(const cJSON *root, const char *rule)
{
    const cJSON *f = cJSON_GetObjectItemCaseSensitive(root, "findings")->child;
    while (f && strcmp(text_of(f, "rule"), rule) != 0)
        f = f->next;
    assert_non_null(f);
    return f;
}

static void json_has_each_finding_and_its_change(void **state)
{
    (void)state;
    char *text = report("heartbeat.timeout=50s|platform.backend_command=gunicorn -k \"a\\b",
                        "\"x\"", check_json);
    cJSON *root = cJSON_Parse(text);
    assert_non_null(root);
    assert_string_equal(text_of(root, "environment"), "\"x\"");
    assert_int_equal(cJSON_GetObjectItem(root, "fail")->valueint, 2);
    const cJSON *f = json_finding(root, "heartbeat-timeout");
    const cJSON *change = cJSON_GetObjectItem(f, "change");
    assert_string_equal(text_of(f, "result"), "fail");
    assert_string_equal(text_of(f, "saw"), "2 x 25s and 50s");
    assert_string_equal(text_of(change, "kind"), "conf");
    assert_string_equal(text_of(change, "key"), "heartbeat.timeout");
    assert_string_equal(text_of(change, "value"), "75s");
    f = json_finding(root, "request-longest");
    assert_string_equal(text_of(cJSON_GetObjectItem(f, "change"), "value"), "3600");
    change = cJSON_GetObjectItem(cJSON_GetObjectItem(f, "change"), "then");
    assert_string_equal(text_of(change, "kind"), "conf");
    assert_string_equal(text_of(change, "key"), "platform.request_timeout");
    assert_string_equal(text_of(change, "value"), "1h");
    assert_null(cJSON_GetObjectItem(json_finding(root, "drain"), "change"));
    cJSON_Delete(root);
    free(text);
}

static void json_of_a_flag_that_is_to_go_has_no_value(void **state)
{
    (void)state;
    char *text =
        report("platform.backend_command=uvicorn --limit-max-requests 5", NULL, check_json);
    cJSON *root = cJSON_Parse(text);
    const cJSON *change = cJSON_GetObjectItem(json_finding(root, "uvicorn-recycling"), "change");
    assert_string_equal(text_of(change, "key"), "--limit-max-requests");
    assert_null(cJSON_GetObjectItem(change, "value"));
    cJSON_Delete(root);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finding_is_two_columns_with_the_change_last),
        cmocka_unit_test(flag_and_field_are_advised_as_they_are_typed),
        cmocka_unit_test(no_line_is_wider_than_112_columns_or_ends_in_a_blank),
        cmocka_unit_test(json_has_each_finding_and_its_change),
        cmocka_unit_test(json_of_a_flag_that_is_to_go_has_no_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

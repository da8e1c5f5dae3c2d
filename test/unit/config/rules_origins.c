/* Origins by environment: any, a list, and every way to write a localhost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "judged.h"

#define CHAT "https://chat.example"

static const struct {
    const char *environment, *origins[3];
    unsigned n;
    const char *rule;
    enum result want;
    const char *saw, *value, *why;
} rows[] = {
    {"production", {CHAT}, 1, "origins", RESULT_OK, CHAT, NULL, "set"},
    {"production", {0}, 0, "origins", RESULT_FAIL, "[] (any)", "", "any page"},
    {"staging", {0}, 0, "origins", NO_ROW, NULL, NULL, "a matter of production"},
    {"Production", {0}, 0, "origins", NO_ROW, NULL, NULL, "names are exact, as of overlays"},
    {NULL, {0}, 0, "origins", NO_ROW, NULL, NULL, "no environment"},

    {"production", {0}, 0, "origins-production", NO_ROW, NULL, NULL, "said by the rule above"},
    {"production", {CHAT}, 1, "origins-production", RESULT_OK, CHAT, NULL, "clean"},
    {"production",
     {CHAT, "http://localhost:3000"},
     2,
     "origins-production",
     RESULT_FAIL,
     CHAT " http://localhost:3000",
     "[\"" CHAT "\"]",
     "it goes"},
    {"production",
     {"http://localhost", CHAT, "https://*.chat.example"},
     3,
     "origins-production",
     RESULT_FAIL,
     NULL,
     "[\"" CHAT "\", \"https://*.chat.example\"]",
     "the others stay"},
    {"production",
     {"http://localhost"},
     1,
     "origins-production",
     RESULT_FAIL,
     NULL,
     "[]",
     "nothing would be left"},
    {"staging",
     {CHAT, "http://localhost:3000"},
     2,
     "origins-staging",
     RESULT_WARN,
     NULL,
     "[\"" CHAT "\"]",
     "worth knowing"},
    {"staging", {CHAT}, 1, "origins-staging", RESULT_OK, NULL, NULL, "clean"},
    {"staging",
     {CHAT, "http://localhost"},
     2,
     "origins-production",
     NO_ROW,
     NULL,
     NULL,
     "not there"},
    {"development",
     {CHAT, "http://localhost"},
     2,
     "origins-staging",
     NO_ROW,
     NULL,
     NULL,
     "where it belongs"},
    {NULL, {CHAT, "http://localhost"}, 2, "origins-staging", NO_ROW, NULL, NULL, "no environment"},
};

static const struct {
    const char *origin;
    bool local;
} hosts[] = {
    {"http://localhost", true},
    {"https://LocalHost:3000", true},
    {"http://127.0.0.1:5173", true},
    {"http://127.1.2.3", true},
    {"http://[::1]:3000", true},
    {"http://0.0.0.0:80", true},
    {"http://app.localhost:80", true},
    {"http://*.localhost", true},
    {"localhost:3000", true},
    {"https://localhost.example", false},
    {"https://mylocalhost", false},
    {"https://chat.example/localhost", false},
    {"https://12.127.0.0.1.com", false},
    {"https://127.example", false},
    {"http://[::10]", false},
    {"", false},
    {"://", false},
    {".localhost", false},
};

static struct strings strings_of(const char *const *v, unsigned n)
{
    return (struct strings){.v = (char **)(uintptr_t)v, .n = n};
}

static void origins_are_judged_by_the_name_of_the_environment(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct row r = {rows[i].rule, "", rows[i].want, rows[i].saw, rows[i].value, rows[i].why};
        struct strings origins = strings_of(rows[i].origins, rows[i].n);
        assert_judged(&r, &origins, rows[i].environment);
    }
}

static void origins_that_are_not_known_are_not_judged(void **state)
{
    (void)state;
    struct row r = {"origins", "", NO_ROW, NULL, NULL, "not known"};
    assert_judged(&r, NULL, "production");
}

static void localhost_is_known_by_every_name(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(hosts) / sizeof(*hosts); i++) {
        struct row r = {
            "origins-production", "", hosts[i].local ? RESULT_FAIL : RESULT_OK, NULL, NULL,
            hosts[i].origin};
        struct strings origins = strings_of(&hosts[i].origin, 1);
        assert_judged(&r, &origins, "production");
    }
}

/* An empty list, which would be the advice, lets any page in. */
static void list_of_nothing_but_localhost_has_no_change_that_mends_it(void **state)
{
    (void)state;
    static const char *const local[] = {"http://localhost"};
    struct strings origins = strings_of(local, 1);
    struct conf *c = conf_new();
    struct check k;
    check_init(&k, c, &origins, "production");
    const struct finding *f = finding_of(&k, "origins-production");
    assert_non_null(f);
    assert_false(f->mendable);
    check_fini(&k);
    conf_unref(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(origins_are_judged_by_the_name_of_the_environment),
        cmocka_unit_test(origins_that_are_not_known_are_not_judged),
        cmocka_unit_test(localhost_is_known_by_every_name),
        cmocka_unit_test(list_of_nothing_but_localhost_has_no_change_that_mends_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The files under conf/: those that the table writes are what it would write now, and all of them
 * can be read.
 *
 * `reference --write` (`make reference`) writes them. Runs in the repository's top folder. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/log.h"
#include "config/load.h"
#include "config/table.h"
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct generated {
    const char *file;
    void (*print)(struct buf *out);
};
static const struct generated reference = {"conf/README.md", conf_reference};
static const struct generated example = {"conf/wskeep.conf", conf_example};

static void file_read(const char *file, struct buf *out)
{
    FILE *f = fopen(file, "r");
    if (!f)
        fail_msg("%s cannot be opened: run this in the repository's top folder", file);
    size_t n;
    while ((n = fread(buf_room(out, 4096), 1, 4096, f)) > 0)
        out->len += n;
    fclose(f);
}

static void file_write(const char *file, const struct buf *text)
{
    FILE *f = fopen(file, "w");
    if (!f || fwrite(text->data, 1, text->len, f) != text->len || fclose(f) != 0) {
        perror(file);
        exit(1);
    }
}

static void assert_up_to_date(const struct generated *g)
{
    struct buf want = {0}, have = {0};
    g->print(&want);
    file_read(g->file, &have);
    if (have.len != want.len || memcmp(have.data, want.data, want.len) != 0)
        fail_msg("%s is not what proxy/config/table.c says: run `make reference`", g->file);
    buf_fini(&want);
    buf_fini(&have);
}

static void reference_is_what_the_table_says(void **state)
{
    (void)state;
    assert_up_to_date(&reference);
}

static void example_is_what_the_table_says(void **state)
{
    (void)state;
    assert_up_to_date(&example);
}

static struct conf *load(const char *file)
{
    struct conf *c = NULL;
    struct buf why = {0};
    if (conf_load(&(struct conf_sources){.file = file}, &c, NULL, &why) < 0)
        fail_msg("%.*s", (int)why.len, (char *)why.data);
    buf_fini(&why);
    return c;
}

static void assert_same(const struct conf *a, const struct conf *b)
{
    struct buf x = {0}, y = {0};
    conf_print(a, &x);
    conf_print(b, &y);
    assert_int_equal(x.len, y.len);
    assert_memory_equal(x.data, y.data, x.len);
    buf_fini(&x);
    buf_fini(&y);
}

static void example_gives_the_defaults(void **state)
{
    (void)state;
    struct conf *defaults = conf_new(), *c = load(example.file);
    assert_same(c, defaults);
    conf_unref(c);
    conf_unref(defaults);
}

/* The last name of a path, as it stands in a conf file. */
static void assert_names(const struct buf *text, const struct setting *s)
{
    struct str group = setting_group(s);
    char name[80];
    snprintf(name, sizeof(name), "\"%s\": ", s->path + (group.n ? group.n + 1 : 0));
    if (!memmem(text->data, text->len, name, strlen(name)))
        fail_msg("%s is missing", s->path);
}

static void example_names_every_setting_and_says_what_it_does(void **state)
{
    (void)state;
    struct buf text = {0};
    file_read(example.file, &text);
    for (unsigned i = 0; i < settings_count; i++) {
        char word[16]; /* the first word of the line of doc: lines are broken */
        snprintf(word, sizeof(word), "// %.*s", (int)strcspn(settings[i].doc, " "),
                 settings[i].doc);
        assert_names(&text, &settings[i]);
        assert_non_null(memmem(text.data, text.len, word, strlen(word)));
    }
    buf_fini(&text);
}

static void example_has_no_line_past_100_columns(void **state)
{
    (void)state;
    struct buf text = {0};
    file_read(example.file, &text);
    buf_add(&text, "", 1);
    for (char *line = strtok((char *)text.data, "\n"); line; line = strtok(NULL, "\n"))
        if (strlen(line) > 100)
            fail_msg("%s", line);
    buf_fini(&text);
}

/* What stands in the reference between the nth pair of fences. */
static struct str fenced(const struct buf *text, unsigned n)
{
    static const char fence[] = "```\n";
    const char *begin = (const char *)text->data, *end;
    for (unsigned i = 0;; i++, begin = end + strlen(fence)) {
        begin = strstr(begin, fence);
        assert_non_null(begin);
        begin += strlen(fence);
        end = strstr(begin, fence);
        assert_non_null(end);
        if (i == n)
            return (struct str){begin, (size_t)(end - begin)};
    }
}

static void fenced_block(unsigned n, struct buf *out)
{
    struct buf text = {0};
    conf_reference(&text);
    buf_add(&text, "", 1);
    struct str block = fenced(&text, n);
    buf_add(out, block.p, block.n);
    buf_fini(&text);
}

static int load_text(struct str text, struct conf **c, struct buf *why)
{
    char file[] = "/tmp/wskeep-reference-XXXXXX";
    int fd = mkstemp(file);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text.p, text.n), text.n);
    close(fd);
    int err = conf_load(&(struct conf_sources){.file = file}, c, NULL, why);
    unlink(file);
    return err;
}

static void file_that_the_reference_shows_can_be_loaded(void **state)
{
    (void)state;
    struct buf block = {0}, why = {0};
    struct conf *c = NULL;
    fenced_block(0, &block);
    assert_int_equal(load_text((struct str){(const char *)block.data, block.len}, &c, &why), 0);
    assert_int_equal(c->heartbeat.interval, 20000);
    assert_int_equal(c->heartbeat.timeout, 60000);
    assert_string_equal(c->backend.address.text, "127.0.0.1:5000");
    conf_unref(c);
    buf_fini(&block);
    buf_fini(&why);
}

/* But for the file's name. */
static void message_that_the_reference_shows_is_the_one_that_is_given(void **state)
{
    (void)state;
    struct buf block = {0}, why = {0};
    struct conf *c = NULL;
    const char *text = "{\n\n\n\n\n\n\n\n\n\n\n\"heartbeat\": {\"interval\": \"25 parsecs\"}}";
    fenced_block(1, &block);
    assert_true(load_text(str_of(text), &c, &why) < 0);
    buf_add(&why, "\n", 2);
    buf_add(&block, "", 1);
    assert_string_equal(strchr((char *)why.data, ':'), strchr((char *)block.data, ':'));
    buf_fini(&block);
    buf_fini(&why);
}

static struct conf *load_in(const char *file, const char *environment)
{
    char variable[80];
    char *const variables[] = {variable, NULL};
    const struct conf_sources from = {.file = file, .environment = variables};
    struct conf *c = NULL;
    struct strings notes = {0};
    struct buf why = {0};
    snprintf(variable, sizeof(variable), "ENVIRONMENT=%s", environment);
    if (conf_load(&from, &c, &notes, &why) < 0)
        fail_msg("%.*s", (int)why.len, (char *)why.data);
    if (notes.n > 0)
        fail_msg("%s", notes.v[0]);
    return c;
}

static void every_shipped_file_can_be_loaded(void **state)
{
    (void)state;
    glob_t found;
    assert_int_equal(glob("conf/*.conf", 0, NULL, &found), 0);
    assert_int_equal(glob("deploy/*/*.conf", GLOB_APPEND, NULL, &found), 0);
    assert_true(found.gl_pathc >= 6);
    for (size_t i = 0; i < found.gl_pathc; i++)
        conf_unref(load_in(found.gl_pathv[i], ""));
    globfree(&found);
}

static void shipped_environments_differ(void **state)
{
    (void)state;
    struct conf *staging = load_in("conf/staging.conf", "staging"),
                *production = load_in("conf/staging.conf", "production");
    assert_int_equal(staging->log.level, LOG_DEBUG);
    assert_int_equal(staging->workers, 1);
    assert_int_equal(production->log.level, LOG_INFO);
    assert_int_equal(production->workers, 0);
    conf_unref(staging);
    conf_unref(production);
}

static void cloud_run_gets_what_it_needs(void **state)
{
    (void)state;
    struct conf *c = load_in("conf/cloud-run.conf", "");
    assert_string_equal(c->listen.address.host, "0.0.0.0");
    assert_int_equal(c->log.format, LOG_JSON);
    assert_true(c->timeouts.drain < 10000);
    assert_true(c->listen.keepalive_timeout > 600000);
    conf_unref(c);
}

static void reference_names_the_variables_of_every_setting(void **state)
{
    (void)state;
    struct buf text = {0};
    conf_reference(&text);
    for (unsigned i = 0; i < settings_count; i++) {
        struct buf line = {0};
        buf_adds(&line, "- variable: `");
        setting_variable(&settings[i], &line);
        if (settings[i].kept)
            buf_addf(&line, "` or `%s", settings[i].kept);
        buf_adds(&line, "`");
        assert_non_null(memmem(text.data, text.len, line.data, line.len));
        buf_fini(&line);
    }
    buf_fini(&text);
}

static void environments_that_the_reference_shows_can_be_loaded(void **state)
{
    (void)state;
    struct buf block = {0}, why = {0};
    struct conf *c = NULL;
    fenced_block(2, &block);
    assert_int_equal(load_text((struct str){(const char *)block.data, block.len}, &c, &why), 0);
    assert_int_equal(c->log.format, LOG_JSON);
    assert_non_null(memmem(block.data, block.len, "\"environments\"", 14));
    conf_unref(c);
    buf_fini(&block);
    buf_fini(&why);
}

static int write_all(void)
{
    const struct generated *const all[] = {&reference, &example};
    for (unsigned i = 0; i < sizeof(all) / sizeof(*all); i++) {
        struct buf text = {0};
        all[i]->print(&text);
        file_write(all[i]->file, &text);
        buf_fini(&text);
    }
    return 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reference_is_what_the_table_says),
        cmocka_unit_test(example_is_what_the_table_says),
        cmocka_unit_test(example_gives_the_defaults),
        cmocka_unit_test(example_names_every_setting_and_says_what_it_does),
        cmocka_unit_test(example_has_no_line_past_100_columns),
        cmocka_unit_test(file_that_the_reference_shows_can_be_loaded),
        cmocka_unit_test(message_that_the_reference_shows_is_the_one_that_is_given),
        cmocka_unit_test(environments_that_the_reference_shows_can_be_loaded),
        cmocka_unit_test(reference_names_the_variables_of_every_setting),
        cmocka_unit_test(every_shipped_file_can_be_loaded),
        cmocka_unit_test(shipped_environments_differ),
        cmocka_unit_test(cloud_run_gets_what_it_needs),
    };
    if (argc > 1 && strcmp(argv[1], "--write") == 0)
        return write_all();
    return cmocka_run_group_tests(tests, NULL, NULL);
}

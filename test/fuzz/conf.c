/* The conf file, of which a section named "a" is laid over the rest, and one setting of the command
 * line. Options: which setting, or none; its value is the first line, the rest is the file.
 *
 * What loads can be printed, and is then read as the same; what does not says where, in one line.
 */
#include "config/load.h"
#include "config/table.h"
#include "fuzz/input.h"
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define ORIGIN "--from-the-fuzzer"

/* A file that is nowhere on the disk; /proc has a name for it. */
static int file = -1;
static char file_name[32];

static void file_write(const void *p, size_t n)
{
    if (file < 0) {
        file = memfd_create("conf", MFD_CLOEXEC);
        EXPECT(file >= 0);
        snprintf(file_name, sizeof(file_name), "/proc/self/fd/%d", file);
    }
    EXPECT(ftruncate(file, 0) == 0 && pwrite(file, p, n, 0) == (ssize_t)n);
}

static unsigned lines_of(const uint8_t *p, size_t n)
{
    unsigned lines = 1;
    for (size_t i = 0; i < n; i++)
        lines += p[i] == '\n';
    return lines;
}

static bool begins(const char *s, const char *with)
{
    return strncmp(s, with, strlen(with)) == 0;
}

/* "FILE:LINE: …: found …, allowed is …", or the same of the command line; printable. */
static void expect_message(struct buf *why, unsigned lines)
{
    unsigned line;
    for (size_t i = 0; i < why->len; i++)
        EXPECT(why->data[i] >= 0x20 && why->data[i] != 0x7f);
    buf_add(why, "", 1);
    const char *text = (const char *)why->data;
    if (!begins(text, ORIGIN ": found ")) {
        EXPECT(begins(text, file_name) && sscanf(text + strlen(file_name), ":%u: ", &line) == 1);
        EXPECT(line >= 1 && line <= lines);
    }
    EXPECT(strstr(text, "found ") && strstr(text, ", allowed is "));
}

static bool is_number(const struct setting *s)
{
    return s->type == SETTING_DURATION || s->type == SETTING_SIZE || s->type == SETTING_COUNT;
}

static uint64_t number(const struct setting *s, const struct conf *c)
{
    uint64_t n;
    memcpy(&n, (const char *)c + s->offset, sizeof(n));
    return n;
}

static void expect_survives(const struct conf *c)
{
    struct buf first = {0}, second = {0}, why = {0};
    struct conf *again = NULL;
    conf_print(c, &first);
    file_write(first.data, first.len);
    EXPECT(conf_load(&(struct conf_sources){.file = file_name}, &again, NULL, &why) == 0);
    conf_print(again, &second);
    EXPECT(first.len == second.len && memcmp(first.data, second.data, first.len) == 0);
    for (const struct setting *s = settings; s < settings + settings_count; s++)
        EXPECT(!is_number(s) || number(s, c) == number(s, again));
    conf_unref(again);
    buf_fini(&first);
    buf_fini(&second);
    buf_fini(&why);
}

/* Every number lies within what its row allows. */
static void expect_in_range(const struct conf *c)
{
    for (const struct setting *s = settings; s < settings + settings_count; s++) {
        if (!is_number(s))
            continue;
        uint64_t n = number(s, c);
        EXPECT((n == 0 && s->zero) || (n >= s->least && n <= s->most));
    }
}

static void expect_peers_judged(const struct conf *c)
{
    static const char *const peers[] = {"10.0.0.1", "::1", "fd00::7", "::ffff:10.0.0.1"};
    EXPECT(trusted_peer(&c->listen.trusted, ""));
    for (size_t i = 0; i < sizeof(peers) / sizeof(*peers); i++) {
        if (c->listen.trusted.n == 0)
            EXPECT(!trusted_peer(&c->listen.trusted, peers[i]));
        else if (!strcmp(c->listen.trusted.v[0], "*"))
            EXPECT(trusted_peer(&c->listen.trusted, peers[i]));
        else
            trusted_peer(&c->listen.trusted, peers[i]);
    }
}

/* Each that was taken lets in itself, or nothing where it is a pattern. */
static void expect_origins_judged(const struct conf *c)
{
    for (unsigned i = 0; i < c->origins.n; i++) {
        const char *entry = c->origins.v[i];
        EXPECT(origin_listed(&c->origins, str_of(entry)) == !strchr(entry, '*'));
    }
    EXPECT(!origin_listed(&c->origins, STR("null")));
    EXPECT(!origin_listed(&c->origins, STR("")));
}

/* A number that 64 bits do not hold. */
static bool is_too_large(const struct conf_override *o)
{
    static const char most[] = "18446744073709551615";
    const char *digits = o->value + strspn(o->value, "0");
    size_t n = strspn(digits, "0123456789");
    return is_number(setting_find(o->path)) &&
           (n > strlen(most) || (n == strlen(most) && strncmp(digits, most, n) > 0));
}

/* The first line without its end, as a string on the heap; *p and *n: what is behind it. */
static char *first_line(const uint8_t **p, size_t *n)
{
    const uint8_t *end = *n ? memchr(*p, '\n', *n) : NULL;
    size_t len = end ? (size_t)(end - *p) : *n;
    char *line = mem_zalloc(len + 1);
    memcpy(line, *p, len);
    *p += end ? len + 1 : len;
    *n -= end ? len + 1 : len;
    return line;
}

static void load(const struct conf_override *o, unsigned n, unsigned lines)
{
    struct conf *c = NULL;
    struct buf why = {0};
    struct strings notes = {0};
    char *const environment[] = {"ENVIRONMENT=a", NULL};
    const struct conf_sources from = {file_name, environment, o, n};
    int err = conf_load(&from, &c, &notes, &why);
    EXPECT(n == 0 || err < 0 || !is_too_large(o));
    EXPECT((err == 0) == (c != NULL) && (err == 0) == (why.len == 0));
    if (err < 0) {
        expect_message(&why, lines);
    } else {
        expect_in_range(c);
        expect_peers_judged(c);
        expect_origins_judged(c);
        expect_survives(c);
    }
    strings_fini(&notes);
    conf_unref(c);
    buf_fini(&why);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    if (n == 0)
        return 0;
    unsigned which = data[0];
    char *value = NULL;
    data++;
    n--;
    if (which < settings_count)
        value = first_line(&data, &n);
    struct conf_override o = {
        .path = value ? settings[which].path : "", .value = value, .origin = ORIGIN};
    file_write(data, n);
    load(&o, value ? 1 : 0, lines_of(data, n));
    free(value);
    return 0;
}

/* test/smuggling.txt: what a request parser hands on of each row, and that what is written of it
 * for the backend can be taken in the same way only. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/mem.h"
#include "wire/forward.h"
#include "wire/handshake.h"
#include "wire/http1.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct row {
    char *line; /* storage of the name and what is wanted */
    const char *name, *want;
    struct buf bytes;
};

static struct row *rows;
static size_t row_count;

static void unescape(const char *s, size_t n, struct buf *out)
{
    static const char letters[] = "rnt0", values[] = "\r\n\t";
    for (size_t i = 0; i < n; i++) {
        char hex[3] = {0}, c = s[i];
        const char *letter = c == '\\' ? strchr(letters, s[++i]) : NULL;
        if (letter) {
            c = values[letter - letters];
        } else if (c == '\\') {
            assert_int_equal(s[i], 'x');
            memcpy(hex, s + i + 1, 2);
            c = (char)strtol(hex, NULL, 16);
            i += 2;
        }
        buf_add(out, &c, 1);
    }
}

static void row_add(char *text)
{
    char *line = mem_strdup(text), *bytes = strchr(line, '\t'), *want = strrchr(line, '\t');
    assert_true(bytes && want > bytes);
    *bytes++ = *want++ = 0;
    want[strcspn(want, "\n")] = 0;
    rows = mem_realloc(rows, (row_count + 1) * sizeof(*rows));
    struct row *r = &rows[row_count++];
    *r = (struct row){.line = line, .name = line, .want = want};
    unescape(bytes, strlen(bytes), &r->bytes);
}

static int load(void **state)
{
    (void)state;
    const char *path = getenv("WSKEEP_SMUGGLING");
    FILE *f = fopen(path ? path : "test/smuggling.txt", "r");
    static char text[4096];
    assert_non_null(f);
    while (fgets(text, sizeof(text), f)) {
        assert_non_null(strchr(text, '\n'));
        if (*text != '#' && *text != '\n')
            row_add(text);
    }
    fclose(f);
    return 0;
}

static int unload(void **state)
{
    (void)state;
    for (size_t i = 0; i < row_count; i++) {
        free(rows[i].line);
        buf_fini(&rows[i].bytes);
    }
    free(rows);
    return 0;
}

/* What came of some bytes: `said` in the words of the table, `again` the same requests as they go
 * to the backend. */
struct reading {
    struct http1 *parser;
    struct buf said, body, again;
    bool under_way, over;
};

static void reading_open(struct reading *r)
{
    *r = (struct reading){.parser = http1_new(true, 65536)};
}

static void reading_close(struct reading *r)
{
    http1_free(r->parser);
    buf_fini(&r->said);
    buf_fini(&r->body);
    buf_fini(&r->again);
}

static void say(struct reading *r, const char *mark)
{
    buf_adds(&r->said, r->said.len ? " " : "");
    buf_adds(&r->said, mark);
    for (size_t i = 0; i < r->body.len; i++) {
        uint8_t c = r->body.data[i];
        if (c == '\r' || c == '\n')
            buf_adds(&r->said, c == '\r' ? "\\r" : "\\n");
        else
            buf_addf(&r->said, c > ' ' && c < 0x7f ? "%c" : "\\x%02x", c);
    }
    buf_clear(&r->body);
    r->under_way = false;
}

static void write_head(struct reading *r)
{
    struct http1_view *m = http1_view(r->parser);
    struct forward f = {
        .peer = STR("192.0.2.7"), .authority = STR("backend:8000"), .trusted = true};
    f.websocket = handshake_kind(&m->head, m->body) == HANDSHAKE_YES;
    forward_request(m, &f, &r->again);
    r->under_way = true;
}

static void write_data(struct reading *r)
{
    struct http1_view *m = http1_view(r->parser);
    buf_add(&r->body, m->data.p, m->data.n);
    if (m->body == HTTP1_CHUNKED)
        buf_addf(&r->again, "%zx\r\n", m->data.n);
    buf_add(&r->again, m->data.p, m->data.n);
    if (m->body == HTTP1_CHUNKED)
        buf_adds(&r->again, "\r\n");
}

static void write_end(struct reading *r)
{
    struct http1_view *m = http1_view(r->parser);
    if (m->body == HTTP1_CHUNKED) {
        buf_adds(&r->again, "0\r\n");
        forward_trailers(&m->trailers, &r->again);
    }
    say(r, "=");
    r->over = !m->keep_alive;
}

static void reading_event(struct reading *r, enum http1_event ev)
{
    char status[8];
    switch (ev) {
    case HTTP1_MORE:
        break;
    case HTTP1_HEAD:
        write_head(r);
        break;
    case HTTP1_DATA:
        write_data(r);
        break;
    case HTTP1_END:
        write_end(r);
        break;
    case HTTP1_BAD:
        if (r->under_way)
            say(r, "-");
        snprintf(status, sizeof(status), "%u", http1_view(r->parser)->status);
        say(r, status);
        r->over = true;
        break;
    }
}

static void reading_feed(struct reading *r, const uint8_t *p, size_t n)
{
    enum http1_event ev = HTTP1_END;
    uint8_t *piece = mem_dup(p, n);
    for (size_t at = 0; !r->over && ev != HTTP1_MORE;) {
        at += http1_next(r->parser, piece + at, n - at, &ev);
        reading_event(r, ev);
    }
    free(piece);
}

static const char *reading_end(struct reading *r)
{
    if (r->under_way)
        say(r, "-");
    buf_add(&r->said, "", 1);
    return (const char *)r->said.data;
}

/* 1 where it is not what the table wants; all of them are told. */
static unsigned differs(const struct row *row, const char *said, const char *want, size_t cut)
{
    if (!strcmp(said, want))
        return 0;
    print_error("%s, cut at %zu: said \"%s\", not \"%s\"\n", row->name, cut, said, want);
    return 1;
}

static void table_is_large_and_names_are_unique(void **state)
{
    (void)state;
    assert_in_range(row_count, 60, 10000);
    for (size_t i = 0; i < row_count; i++) {
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(rows[i].name, rows[k].name);
    }
}

static void each_row_is_handed_on_as_the_table_says(void **state)
{
    (void)state;
    unsigned wrong = 0;
    for (size_t i = 0; i < row_count; i++) {
        struct reading r;
        reading_open(&r);
        reading_feed(&r, rows[i].bytes.data, rows[i].bytes.len);
        wrong += differs(&rows[i], reading_end(&r), rows[i].want, 0);
        reading_close(&r);
    }
    assert_int_equal(wrong, 0);
}

static unsigned differs_in_three(const struct row *row, size_t first, size_t second)
{
    struct reading r;
    const struct buf *b = &row->bytes;
    reading_open(&r);
    reading_feed(&r, b->data, first);
    reading_feed(&r, b->data + first, second - first);
    reading_feed(&r, b->data + second, b->len - second);
    unsigned wrong = differs(row, reading_end(&r), row->want, first);
    reading_close(&r);
    return wrong;
}

static void no_two_cuts_change_what_is_handed_on(void **state)
{
    (void)state;
    unsigned wrong = 0;
    for (size_t i = 0; i < row_count; i++) {
        for (size_t first = 1; first < rows[i].bytes.len; first++) {
            for (size_t second = first; second < rows[i].bytes.len; second++)
                wrong += differs_in_three(&rows[i], first, second);
        }
    }
    assert_int_equal(wrong, 0);
}

static void bytes_one_by_one_change_nothing(void **state)
{
    (void)state;
    unsigned wrong = 0;
    for (size_t i = 0; i < row_count; i++) {
        struct reading r;
        reading_open(&r);
        for (size_t at = 0; at < rows[i].bytes.len; at++)
            reading_feed(&r, rows[i].bytes.data + at, 1);
        wrong += differs(&rows[i], reading_end(&r), rows[i].want, 1);
        reading_close(&r);
    }
    assert_int_equal(wrong, 0);
}

/* The refusal concerns the client only: the backend sees the requests before it. */
static void without_status(char *want)
{
    char *last = strrchr(want, ' ');
    last = last ? last : want;
    if (strlen(last) >= 3 && last[strlen(last) - 3] >= '4' && !strpbrk(last, "=-"))
        *last = 0;
}

static void what_goes_on_is_taken_for_the_same_requests(void **state)
{
    (void)state;
    unsigned wrong = 0;
    for (size_t i = 0; i < row_count; i++) {
        struct reading r, again;
        char *want = mem_strdup(rows[i].want);
        reading_open(&r);
        reading_open(&again);
        reading_feed(&r, rows[i].bytes.data, rows[i].bytes.len);
        reading_feed(&again, r.again.data, r.again.len);
        without_status(want);
        wrong += differs(&rows[i], reading_end(&again), want, 0);
        free(want);
        reading_close(&r);
        reading_close(&again);
    }
    assert_int_equal(wrong, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table_is_large_and_names_are_unique),
        cmocka_unit_test(each_row_is_handed_on_as_the_table_says),
        cmocka_unit_test(no_two_cuts_change_what_is_handed_on),
        cmocka_unit_test(bytes_one_by_one_change_nothing),
        cmocka_unit_test(what_goes_on_is_taken_for_the_same_requests),
    };
    return cmocka_run_group_tests(tests, load, unload);
}

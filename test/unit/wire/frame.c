/* The splitter to the byte: streams of frames, cut in every way, against a model that is told what
 * the frames are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "frame_sink.h"

/* ---- heads */

static void a_head_is_read_from_all_of_its_bytes_and_written_back(void **state)
{
    (void)state;
    static const size_t sizes[] = {0,     1,     125, 126,      127,          65535,
                                   65536, 65537, MIB, 16 * MIB, SIZE_MAX >> 1};
    for (unsigned row = 0; row < COUNT(sizes) * 2 * 256; row++) {
        size_t size = sizes[row / 512];
        bool masked = row & 256;
        uint8_t first = row & 0xff, opcode = row & 15, bytes[FRAME_HEAD_MAX], back[FRAME_HEAD_MAX];
        if ((first & 0x30) || opcode > PONG || (opcode > BINARY && opcode < CLOSE) ||
            (opcode >= CLOSE && (size > 125 || !(first & FIN))))
            continue;
        struct frame_head h;
        size_t len = put_head(bytes, first, masked, size);
        for (size_t n = 0; n < len; n++)
            assert_int_equal(frame_head(bytes, n, &h), 0);
        assert_int_equal(frame_head(bytes, len, &h), len);
        assert_int_equal(h.len, len);
        assert_int_equal(h.payload, size);
        assert_int_equal(h.opcode, opcode);
        assert_int_equal(h.fin, first >> 7);
        assert_int_equal(h.rsv1, first >> 6 & 1);
        assert_int_equal(h.masked, masked);
        assert_memory_equal(h.key, masked ? mask_key : (const uint8_t[4]){0}, 4);
        assert_int_equal(frame_head_write(&h, back), len);
        assert_memory_equal(back, bytes, len);
    }
}

/* ---- streams */

static const struct row brief[] = {
    ROW("an empty text", {FIN | TEXT, 0}),
    ROW("one byte", {FIN | BINARY, 1}),
    ROW("the longest with a head of one length byte", {FIN | TEXT, 125}, {FIN | TEXT, 1}),
    ROW("the shortest with two more", {FIN | BINARY, 126}, {FIN | TEXT, 1}),
    ROW("one longer", {FIN | BINARY, 127}, {FIN | TEXT, 1}),
    ROW("several messages", {FIN | TEXT, 3}, {FIN | BINARY, 0}, {FIN | TEXT, 9}),
    ROW("a message in fragments", {TEXT, 3}, {0, 4}, {FIN, 5}, {FIN | TEXT, 1}),
    ROW("fragments without a byte", {BINARY, 0}, {0, 0}, {FIN, 0}, {TEXT, 0}, {0, 1}, {FIN, 0}),
    ROW("control frames between messages", {FIN | PING, 4}, {FIN | TEXT, 2}, {FIN | PONG, 0},
        {FIN | PING, 0}, {FIN | TEXT, 2}, {FIN | PONG, 3}),
    ROW("control frames between fragments", {TEXT, 1}, {FIN | PING, 5}, {0, 2}, {FIN | PONG, 0},
        {FIN | PING, 1}, {FIN, 3}, {FIN | PING, 2}),
    ROW("the longest control frame", {TEXT, 1}, {FIN | PING, 125}, {FIN, 1}),
    ROW("RSV1 on the first frame", {RSV1 | TEXT, 3}, {FIN | PING, 1}, {FIN, 2},
        {FIN | RSV1 | TEXT, 0}),
    ROW("a Close at the end", {FIN | TEXT, 6}, {FIN | CLOSE, 8}),
    ROW("a Close within a message", {TEXT, 6}, {FIN | CLOSE, 0}),
};

static const struct row bulky[] = {
    ROW("one under the limit", {FIN | BINARY, CUT - 1}, {FIN | TEXT, 3}),
    ROW("at the limit: not cut", {FIN | BINARY, CUT}, {FIN | TEXT, 3}),
    ROW("one over: a fragment of one byte", {FIN | RSV1 | BINARY, CUT + 1}, {FIN | TEXT, 3}),
    ROW("two whole fragments", {FIN | TEXT, 2 * CUT}, {FIN | TEXT, 3}),
    ROW("and one byte", {FIN | TEXT, 2 * CUT + 1}, {FIN | PING, 2}, {FIN | TEXT, 3}),
    ROW("a short message before", {FIN | TEXT, 30}, {FIN | BINARY, 3 * CUT + 200}, {FIN | TEXT, 3}),
    ROW("at the limit in sum: sent when complete", {TEXT, CUT - 1}, {FIN | PING, 2}, {0, 1},
        {FIN, 0}),
    ROW("over the limit in sum: what came before may be sent, and each frame", {TEXT, 40000},
        {0, 20000}, {FIN | PONG, 1}, {0, 10000}, {FIN | PING, 1}, {0, 0}, {FIN, 7},
        {FIN | TEXT, 3}),
    ROW("known to be over it within a run that has frames before and behind", {TEXT, CUT - 10},
        {0, 5}, {0, 20}, {FIN, 7}, {FIN | TEXT, 3}),
    ROW("over it in two messages, each of them under", {TEXT, 40000}, {FIN, 9}, {TEXT, 40000},
        {FIN, 9}),
    ROW("over it with the last frame", {BINARY, CUT}, {FIN, 1}, {FIN | BINARY, 2}),
    ROW("a continuation that is cut", {RSV1 | TEXT, 0}, {FIN, CUT + 4}, {FIN | TEXT, 3}),
    ROW("a frame at the limit in a long message: not cut", {TEXT, CUT + 2}, {FIN | PING, 1},
        {FIN, CUT}),
    ROW("a cut frame that is not the last", {BINARY, 2 * CUT}, {FIN | PING, 3}, {0, CUT + 1},
        {FIN, 0}, {FIN | TEXT, CUT}),
    ROW("long after long", {FIN | TEXT, CUT + 9}, {FIN | BINARY, CUT + 9}, {FIN | TEXT, CUT + 9}),
};

static const struct row huge[] = {
    ROW("1 MiB", {FIN | TEXT, 3}, {FIN | BINARY, MIB}, {FIN | TEXT, 3}),
    ROW("16 MiB", {BINARY, 16 * MIB}, {FIN | PING, 9}, {FIN, 5}, {FIN | TEXT, 3}),
};

/* The places where something begins or ends, and those beside them. */
static size_t borders(const struct stream *s, size_t *out, size_t max)
{
    size_t count = 0;
    for (size_t i = 0; i < s->row->count; i++) {
        size_t size = s->row->frames[i].size, body = s->at[i + 1] - size;
        for (size_t p = s->at[i]; p <= body && count < max; p++)
            out[count++] = p;
        for (size_t from = 0; from <= size + CUT && count + 2 < max; from += CUT) {
            size_t end = body + (from < size ? from : size);
            out[count++] = end - 1;
            out[count++] = end + 1;
        }
    }
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (out[i] <= s->wire_len)
            out[kept++] = out[i];
    return kept;
}

static void every_row(const struct row *rows, size_t count, void (*check)(const struct stream *s))
{
    for (size_t i = 0; i < 2 * count; i++) {
        struct stream s = stream_new(&rows[i / 2], i % 2);
        check(&s);
        stream_free(&s);
    }
}

static void cut_in_two_anywhere(const struct stream *s)
{
    for (size_t cut = 0; cut <= s->wire_len; cut++)
        by_scratch(s, &cut, 1);
}

static void cut_in_three_anywhere(const struct stream *s)
{
    for (size_t a = 0; a <= s->wire_len && s->wire_len < 100; a++)
        for (size_t b = a; b <= s->wire_len; b++)
            by_scratch(s, (size_t[]){a, b}, 2);
}

static void cut_in_two_at_borders(const struct stream *s)
{
    size_t cuts[200], count = borders(s, cuts, COUNT(cuts));
    for (size_t i = 0; i < count; i++)
        by_scratch(s, &cuts[i], 1);
}

/* So that runs begin with a head that came split, and end anywhere. */
static void cut_in_a_head_and_at_a_border(const struct stream *s)
{
    size_t cuts[200], count = borders(s, cuts, COUNT(cuts));
    for (size_t i = 0; i < s->row->count; i++)
        for (size_t k = 0; k < count; k++)
            if (cuts[k] > s->at[i])
                by_scratch(s, (size_t[]){s->at[i] + 1, cuts[k]}, 2);
}

static void cut_in_two_at_some_borders(const struct stream *s)
{
    size_t cuts[1000], count = borders(s, cuts, COUNT(cuts));
    for (size_t i = 0; i < count; i += count / 5)
        by_scratch(s, &cuts[i], 1);
}

/* Tiny steps through a long stream cost much: byte_by_byte takes them once. */
static bool is_worth(const struct stream *s, size_t step)
{
    return s->wire_len / step < 10000;
}

static void in_steps(const struct stream *s)
{
    static const size_t steps[] = {2,     3,       5,   7,       100,     4096,
                                   16384, CUT - 1, CUT, CUT + 1, 3 * CUT, SIZE_MAX};
    for (size_t i = 0; i < COUNT(steps); i++)
        if (is_worth(s, steps[i]))
            by_steps(s, steps[i]);
}

static void byte_by_byte(const struct stream *s)
{
    by_steps(s, 1);
}

static void read_in_place_in_any_size(const struct stream *s)
{
    static const size_t reads[] = {1, 2, 3, 5, 7, 13, 14, 15, 100, 4096, 16384, CUT - 1, CUT};
    static const size_t segments[] = {1, 3, 16, 512, 16352, CUT};
    for (size_t i = 0; i < COUNT(reads); i++)
        for (size_t k = 0; k < COUNT(segments) && (k == 0 || segments[k - 1] < reads[i]); k++)
            if (is_worth(s, reads[i]) && is_worth(s, segments[k]))
                in_place(s, reads[i], segments[k]);
}

static void read_in_place_in_large_pieces(const struct stream *s)
{
    in_place(s, CUT, 16352);
    in_place(s, 10000, 4096);
}

static void a_short_stream_gives_the_same_however_it_is_cut(void **state)
{
    (void)state;
    every_row(brief, COUNT(brief), cut_in_two_anywhere);
    every_row(brief, COUNT(brief), cut_in_three_anywhere);
    every_row(brief, COUNT(brief), byte_by_byte);
    every_row(brief, COUNT(brief), in_steps);
}

static void a_long_message_may_be_sent_fragment_by_fragment_however_it_is_cut(void **state)
{
    (void)state;
    every_row(bulky, COUNT(bulky), cut_in_two_at_borders);
    every_row(bulky, COUNT(bulky), cut_in_a_head_and_at_a_border);
    every_row(bulky, COUNT(bulky), byte_by_byte);
    every_row(bulky, COUNT(bulky), in_steps);
    every_row(huge, COUNT(huge), cut_in_two_at_some_borders);
}

static void bytes_read_in_place_never_outgrow_their_place(void **state)
{
    (void)state;
    every_row(brief, COUNT(brief), read_in_place_in_any_size);
    every_row(bulky, COUNT(bulky), read_in_place_in_any_size);
    every_row(huge, COUNT(huge), read_in_place_in_large_pieces);
}

static void short_messages_read_at_once_are_one_run(void **state)
{
    (void)state;
    uint8_t in[70 * 100];
    struct frame f;
    struct frame_run r;
    for (size_t n = 0; n < sizeof(in); n += 70) {
        put_head(in + n, FIN | TEXT, true, 64);
        put_payload(in + n + 6, true, 0, 0, 64);
    }
    frame_init(&f, true, false);
    assert_int_equal(frame_next(&f, in, sizeof(in) - 1, &r), sizeof(in) - 1);
    assert_int_equal(r.kind, FRAME_DATA);
    assert_int_equal(r.head_len + r.skip, 0);
    assert_int_equal(r.edge, 70 * 99);
    assert_int_equal(r.end, 70 * 99);
    assert_int_equal(r.messages, 99);
    assert_int_equal(r.accepted, 99);
    frame_fini(&f);
}

/* Which bytes make up each message, control frames aside, and where they end. */
static void single_runs(const struct stream *s, size_t cut)
{
    struct frame f;
    struct frame_run r;
    frame_init(&f, s->masked, true);
    frame_single(&f, true);
    for (size_t at = 0; at < s->wire_len;) {
        size_t most = at < cut ? cut - at : s->wire_len - at;
        size_t taken = frame_next(&f, s->wire + at, most, &r);
        assert_true(r.kind != FRAME_BAD && taken > 0);
        assert_true(r.messages <= 1);
        if (r.has_end) {
            assert_int_equal(r.end, r.head_len + r.len);
            frame_single(&f, true); /* between messages it may be asked for */
        }
        at += taken;
    }
    frame_fini(&f);
}

static void every_cut_in_single_runs(const struct stream *s)
{
    for (size_t cut = 0; cut <= s->wire_len; cut++)
        single_runs(s, cut);
}

static void single_runs_at_borders(const struct stream *s)
{
    size_t cuts[200], count = borders(s, cuts, COUNT(cuts));
    for (size_t i = 0; i < count; i++)
        single_runs(s, cuts[i]);
}

static void a_single_run_ends_with_its_message_however_it_is_cut(void **state)
{
    (void)state;
    every_row(brief, COUNT(brief), every_cut_in_single_runs);
    every_row(bulky, COUNT(bulky), single_runs_at_borders);
}

static void runs_are_single_no_more_when_that_is_taken_back(void **state)
{
    (void)state;
    static const uint8_t three[] = {0x81, 1, 'a', 0x81, 1, 'b', 0x82, 1, 'c'};
    struct frame f;
    struct frame_run r;
    frame_init(&f, false, false);
    frame_single(&f, true);
    assert_int_equal(frame_next(&f, three, sizeof(three), &r), 3);
    frame_single(&f, false);
    assert_int_equal(frame_next(&f, three + 3, sizeof(three) - 3, &r), 6);
    assert_int_equal(r.messages, 2);
    frame_fini(&f);
}

/* Known from the head's last byte on, and for good. */
static void binary_at(const struct stream *s)
{
    struct frame f;
    struct frame_run r;
    size_t first = SIZE_MAX;
    for (size_t i = 0; i < s->row->count; i++)
        if ((s->row->frames[i].first & 15) == BINARY && first == SIZE_MAX)
            first = s->at[i + 1] - s->row->frames[i].size;
    frame_init(&f, s->masked, true);
    for (size_t at = 0; at < s->wire_len;) {
        assert_int_equal(frame_binary(&f), at >= first);
        size_t taken = frame_next(&f, s->wire + at, 1, &r);
        at += taken;
    }
    assert_int_equal(frame_binary(&f), first != SIZE_MAX);
    frame_fini(&f);
}

static void a_binary_message_is_remembered_from_its_head_on(void **state)
{
    (void)state;
    every_row(brief, COUNT(brief), binary_at);
    every_row(bulky, COUNT(bulky), binary_at);
}

static void nothing_comes_of_no_bytes(void **state)
{
    (void)state;
    static const struct row row =
        ROW("", {FIN | TEXT, 300}, {FIN | PING, 3}, {TEXT, CUT + 1}, {FIN, 0});
    struct stream s = stream_new(&row, true);
    struct sink k;
    struct frame_run r;
    sink_init(&k, &s, "byte by byte", 0, 0);
    for (size_t n = 0; n < s.wire_len; n++) {
        bool due = frame_room(&k.f) == 0;
        assert_int_equal(frame_next(&k.f, NULL, 0, &r), 0);
        assert_int_equal(r.kind, due ? FRAME_DATA : FRAME_NONE);
        assert_int_equal(r.head_len, due ? 6 : 0);
        assert_false(r.has_edge);
        sink_run(&k, NULL, 0, &r);
        sink_take(&k, s.wire + n, 1);
    }
    sink_holds(&k, s.wire_len);
    sink_fini(&k);
    stream_free(&s);
}

/* ---- what is refused */

static const struct {
    const char *why;
    bool masked, deflate;
    struct row before;
    uint8_t bad[14];
    size_t len;
} refused[] = {
#define BAD(...) {__VA_ARGS__}, sizeof((uint8_t[]){__VA_ARGS__})
#define WITHIN   ROW("within a message", {FIN | TEXT, 2}, {BINARY, 3})
#define BETWEEN  ROW("between messages", {FIN | TEXT, 2}, {FIN | PING, 3})
    {"a client must mask data", true, false, BETWEEN, BAD(0x81, 0)},
    {"a client must mask control frames", true, false, BETWEEN, BAD(0x89, 0)},
    {"a backend must not mask data", false, false, BETWEEN, BAD(0x81, 0x80, 1, 2, 3, 4)},
    {"a backend must not mask control frames", false, false, BETWEEN, BAD(0x8a, 0x80, 1, 2, 3, 4)},
    {"RSV1 needs permessage-deflate", false, false, BETWEEN, BAD(0xc1, 0)},
    {"RSV1 on a continuation", false, true, WITHIN, BAD(0xc0, 0)},
    {"RSV1 on a ping", false, true, BETWEEN, BAD(0xc9, 0)},
    {"RSV2", false, true, BETWEEN, BAD(0xa1, 0)},
    {"RSV3", false, true, BETWEEN, BAD(0x91, 0)},
    {"a continuation of nothing", false, false, BETWEEN, BAD(0x80, 1, 0)},
    {"a continuation of nothing, not the last", false, false, BETWEEN, BAD(0x00, 1, 0)},
    {"a text within a message", false, false, WITHIN, BAD(0x81, 1, 0)},
    {"a binary within a message", false, false, WITHIN, BAD(0x02, 1, 0)},
    {"opcode 3", false, false, BETWEEN, BAD(0x83, 0)},
    {"opcode 4", false, false, BETWEEN, BAD(0x84, 0)},
    {"opcode 5", false, false, BETWEEN, BAD(0x85, 0)},
    {"opcode 6", false, false, BETWEEN, BAD(0x86, 0)},
    {"opcode 7", false, false, BETWEEN, BAD(0x87, 0)},
    {"opcode 11", false, false, BETWEEN, BAD(0x8b, 0)},
    {"opcode 12", false, false, BETWEEN, BAD(0x8c, 0)},
    {"opcode 13", false, false, BETWEEN, BAD(0x8d, 0)},
    {"opcode 14", false, false, BETWEEN, BAD(0x8e, 0)},
    {"opcode 15", false, false, BETWEEN, BAD(0x8f, 0)},
    {"a ping in fragments", false, false, BETWEEN, BAD(0x09, 1, 0)},
    {"a Close in fragments", false, false, WITHIN, BAD(0x08, 0)},
    {"a ping of 126 bytes", false, false, WITHIN, BAD(0x89, 126, 0, 126)},
    {"125 in two bytes", false, false, BETWEEN, BAD(0x82, 126, 0, 125)},
    {"0 in two bytes", false, false, WITHIN, BAD(0x80, 126, 0, 0)},
    {"65535 in eight bytes", false, false, BETWEEN, BAD(0x82, 127, 0, 0, 0, 0, 0, 0, 255, 255)},
    {"2^63", false, false, BETWEEN, BAD(0x82, 127, 128, 0, 0, 0, 0, 0, 0, 0)},
    {"2^63 + 65536, masked", true, false, BETWEEN,
     BAD(0x82, 255, 128, 0, 0, 0, 0, 1, 0, 0, 1, 2, 3, 4)},
};

static void a_breach_is_refused_and_what_came_before_is_handed_on(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(refused); i++) {
        struct stream s = stream_new(&refused[i].before, refused[i].masked);
        for (size_t cut = 0; cut <= s.wire_len + refused[i].len; cut++) {
            uint8_t in[64];
            struct sink k;
            memcpy(in, s.wire, s.wire_len);
            memcpy(in + s.wire_len, refused[i].bad, refused[i].len);
            sink_init(&k, &s, refused[i].why, cut, 0);
            frame_init(&k.f, refused[i].masked, refused[i].deflate);
            sink_take(&k, in, cut);
            if (cut <= s.wire_len)
                sink_holds(&k, cut);
            if (!k.bad)
                sink_take(&k, in + cut, s.wire_len + refused[i].len - cut);
            MUST(&k, k.bad);
            k.bad = false;
            sink_holds(&k, s.wire_len);
            sink_fini(&k);
        }
        stream_free(&s);
    }
}

static void what_is_kept_aside_is_given_back_at_any_point(void **state)
{
    (void)state;
    static const struct row row = ROW("", {TEXT, 3}, {FIN | PING, 125}, {FIN, 200});
    struct stream s = stream_new(&row, true);
    for (size_t n = 0; n <= s.wire_len; n++) {
        struct frame f;
        struct frame_run r;
        frame_init(&f, true, false);
        for (size_t done = 0; done < n;)
            done += frame_next(&f, s.wire + done, n - done, &r);
        size_t ping = s.at[1], text = s.at[2];
        bool aside =
            n == 1 || (n > 1 && n < 6) || (n > ping && n < text) || (n > text && n < text + 8);
        assert_int_equal(frame_aside(&f), aside);
        assert_int_equal(f.control != NULL, n >= ping + 6 && n < text);
        frame_fini(&f);
    }
    stream_free(&s);
}

/* ---- the checker */

static struct frame frame_after(const void *bytes, size_t n)
{
    struct frame f;
    struct frame_run r;
    frame_init(&f, false, false);
    assert_int_equal(frame_next(&f, bytes, n, &r), n);
    return f;
}

/* The flags are private: they are taken from frames that have them. */
static void the_checker_sees_each_invariant_broken(void **state)
{
    (void)state;
    static const uint8_t long_frame[10 + CUT] = {TEXT, 127, 0, 0, 0, 0, 0, 1, 0, 1};
    static const uint8_t long_last[20] = {FIN | TEXT, 127, 0, 0, 0, 0, 0, 1, 0, 10};
    static const uint8_t first[] = {TEXT, 3, 0, 0, 0}, last[] = {FIN | TEXT, 10, 0, 0, 0};
    const struct frame between = {.left = 0}, open = frame_after(first, sizeof(first)),
                       under_way = frame_after(last, sizeof(last)),
                       cut = frame_after(long_last, sizeof(long_last)),
                       fragment_sent = frame_after(long_frame, sizeof(long_frame)),
                       in_head = frame_after(last, 1),
                       in_ping = frame_after((uint8_t[]){FIN | PING, 5, 0, 0}, 4);
    const uint8_t is_last = under_way.flags & (uint8_t)~open.flags,
                  is_long = cut.flags & (uint8_t)~under_way.flags,
                  is_counted = fragment_sent.flags & (uint8_t)~cut.flags;
    const struct frame *const good[] = {&between,       &open,    &under_way, &cut,
                                        &fragment_sent, &in_head, &in_ping,   NULL};
    for (size_t i = 0; good[i]; i++)
        assert_true(frame_check(good[i]));
    struct frame f;
#define BROKEN(from, change)       assert_false((f = from, f.change, frame_check(&f)))
#define BROKEN2(from, change, and) assert_false((f = from, f.change, f.and, frame_check(&f)))
    BROKEN2(cut, left = 5, fragment = 6);         /* F1 */
    BROKEN2(cut, left += 20, fragment = CUT + 1); /* F1 */
    BROKEN2(between, left = 1, fragment = 1);     /* F2 */
    BROKEN(under_way, have = 1);                  /* F2 */
    BROKEN(under_way, fragment--);                /* F3 */
    BROKEN(between, flags = is_long);             /* F4 */
    BROKEN(between, message = 1);                 /* F4 */
    BROKEN(between, heads = 1);                   /* F4 */
    BROKEN(open, message = CUT + 1);              /* F4 */
    BROKEN(open, heads = CUT + 1);                /* F4 */
    BROKEN(open, flags |= is_counted);            /* F5 */
    BROKEN(open, flags |= is_last);               /* F6 */
    BROKEN(in_ping, have = 7);                    /* F7: whole */
    BROKEN(in_ping, have = 1);                    /* F7: not even its head is */
    BROKEN2(in_head, have = 2, head[1] = 10);     /* F7 */
    BROKEN2(in_head, have = 2, head[0] = 0x8f);   /* F7: nor a bad one */
#undef BROKEN2
#undef BROKEN
    free(in_ping.control);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_head_is_read_from_all_of_its_bytes_and_written_back),
        cmocka_unit_test(a_short_stream_gives_the_same_however_it_is_cut),
        cmocka_unit_test(a_long_message_may_be_sent_fragment_by_fragment_however_it_is_cut),
        cmocka_unit_test(bytes_read_in_place_never_outgrow_their_place),
        cmocka_unit_test(short_messages_read_at_once_are_one_run),
        cmocka_unit_test(a_single_run_ends_with_its_message_however_it_is_cut),
        cmocka_unit_test(runs_are_single_no_more_when_that_is_taken_back),
        cmocka_unit_test(a_binary_message_is_remembered_from_its_head_on),
        cmocka_unit_test(nothing_comes_of_no_bytes),
        cmocka_unit_test(a_breach_is_refused_and_what_came_before_is_handed_on),
        cmocka_unit_test(what_is_kept_aside_is_given_back_at_any_point),
        cmocka_unit_test(the_checker_sees_each_invariant_broken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

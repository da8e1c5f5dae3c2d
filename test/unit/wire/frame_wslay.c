/* The splitter against wslay: random streams of frames, right and wrong, chopped at random.
 *
 * What wslay reads in a stream, it must read in what the splitter makes of it, once its long frames
 * are cut as the splitter should; and both refuse the same streams. SEED=n begins with stream n. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "wire/frame.h"
#include <stdlib.h>
#include <string.h>
#include <wslay/wslay.h>

#define STREAMS    20000
#define FRAMES     12
#define LONGEST    (3 * FRAME_CUT)
#define STREAM_MAX (FRAMES * (LONGEST + 64)) /* a head for each fragment too */

static uint8_t wire[STREAM_MAX], made[STREAM_MAX];

/* ---- chance: splitmix64 */

static uint64_t seed;

static uint64_t dice(uint64_t sides)
{
    uint64_t z = seed += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return (z ^ z >> 31) % sides;
}

static bool one_in(uint64_t n)
{
    return dice(n) == 0;
}

/* ---- streams */

struct stream {
    size_t len;
    bool masked, deflate;
    bool open; /* within a message, as far as frames were right */
    bool odd;  /* something may be wrong in it */
};

/* A head whose length stands in `ext` bytes, whether that is right or not. */
static void put_head(struct stream *s, uint8_t first, bool masked, size_t ext, uint64_t size,
                     const uint8_t key[4])
{
    uint8_t *p = wire + s->len;
    *p++ = first;
    *p++ = (uint8_t)(masked << 7 | (ext == 0 ? (uint8_t)size : ext == 2 ? 126 : 127));
    for (size_t i = ext; i-- > 0;)
        *p++ = (uint8_t)(size >> 8 * i);
    if (masked) {
        memcpy(p, key, 4);
        p += 4;
    }
    s->len = (size_t)(p - wire);
}

/* ASCII, since wslay looks whether texts are UTF-8. */
static void put_payload(struct stream *s, size_t n, bool masked, const uint8_t key[4])
{
    uint8_t *p = wire + s->len, add = (uint8_t)dice(128);
    for (size_t i = 0; i < n; i++)
        p[i] = (uint8_t)(((i * 7 + (i >> 7) + add) & 0x7f) ^ (masked ? key[i % 4] : 0));
    s->len += n;
}

static void put_frame(struct stream *s, uint8_t first, size_t size)
{
    uint8_t key[4];
    for (size_t i = 0; i < 4; i++)
        key[i] = (uint8_t)dice(256);
    bool masked = s->masked;
    size_t ext = size < 126 ? 0 : size < 65536 ? 2 : 8;
    uint64_t announced = size;
    if (s->odd && one_in(4)) {
        masked ^= one_in(3);
        if (one_in(3))
            ext = ext == 0 ? 2 : 8;
        if (ext == 8 && one_in(2))
            announced |= (uint64_t)1 << 63;
    }
    put_head(s, first, masked, ext, announced, key);
    put_payload(s, size, masked, key);
}

static size_t any_size(void)
{
    static const size_t borders[] = {0, 1, 125, 126, 127, 65535, 65536, 65537, 131072, 131073};
    if (one_in(100))
        return dice(LONGEST);
    return one_in(6) ? borders[dice(one_in(6) ? 10 : 5)] : dice(one_in(4) ? 3000 : 100);
}

static void put_any_frame(struct stream *s)
{
    if (s->odd && one_in(4)) {
        uint8_t first = (uint8_t)dice(256);
        /* A Close may be wrong by its payload, which is not the splitter's to judge. */
        put_frame(s, first == 0x88 ? 0x89 : first, one_in(4) ? any_size() : dice(20));
    } else if (one_in(4)) {
        put_frame(s, 0x80 | (one_in(2) ? FRAME_PING : FRAME_PONG), one_in(4) ? 125 : dice(20));
    } else {
        bool fin = !one_in(3);
        uint8_t opcode = s->open ? FRAME_CONT : one_in(2) ? FRAME_TEXT : FRAME_BINARY;
        uint8_t rsv1 = s->deflate && !s->open && one_in(2) ? 0x40 : 0;
        put_frame(s, (uint8_t)(fin << 7 | rsv1 | opcode), any_size());
        s->open = !fin;
    }
}

static struct stream any_stream(void)
{
    struct stream s = {.masked = one_in(2), .deflate = one_in(2), .odd = one_in(3)};
    for (size_t n = dice(FRAMES); n > 0; n--)
        put_any_frame(&s);
    if (one_in(4))
        put_frame(&s, 0x88, 0);
    /* Only where all is right: a wrong frame that is not whole is refused sooner here than by
     * wslay. */
    if (!s.odd && one_in(2))
        s.len = dice(s.len + 1);
    return s;
}

/* ---- what wslay reads */

struct reading {
    const uint8_t *in;
    size_t left;
    struct {
        uint8_t first;
        uint64_t size;
        size_t got; /* bytes of its payload that came */
    } frames[FRAMES * (LONGEST / FRAME_CUT + 1)];
    size_t count;
    uint8_t payload[STREAM_MAX]; /* of all frames */
    size_t len;
    bool refused;
};

static ssize_t on_recv(wslay_event_context_ptr ctx, uint8_t *buf, size_t len, int flags, void *arg)
{
    struct reading *r = arg;
    (void)flags;
    if (r->left == 0) {
        wslay_event_set_error(ctx, WSLAY_ERR_WOULDBLOCK);
        return -1;
    }
    size_t n = r->left < len ? r->left : len;
    memcpy(buf, r->in, n);
    r->in += n;
    r->left -= n;
    return (ssize_t)n;
}

static void on_frame(wslay_event_context_ptr ctx,
                     const struct wslay_event_on_frame_recv_start_arg *a, void *arg)
{
    struct reading *r = arg;
    (void)ctx;
    r->frames[r->count].first = (uint8_t)(a->fin << 7 | a->rsv << 4 | a->opcode);
    r->frames[r->count].size = a->payload_length;
    r->frames[r->count++].got = 0;
}

static void on_payload(wslay_event_context_ptr ctx,
                       const struct wslay_event_on_frame_recv_chunk_arg *a, void *arg)
{
    struct reading *r = arg;
    (void)ctx;
    if (a->data_length > 0)
        memcpy(r->payload + r->len, a->data, a->data_length);
    r->len += a->data_length;
    r->frames[r->count - 1].got += a->data_length;
}

static void read_by_wslay(struct reading *r, const struct stream *s, const uint8_t *in, size_t n)
{
    static const struct wslay_event_callbacks callbacks = {
        .recv_callback = on_recv,
        .on_frame_recv_start_callback = on_frame,
        .on_frame_recv_chunk_callback = on_payload,
    };
    wslay_event_context_ptr ctx;
    r->in = in;
    r->left = n;
    r->count = 0;
    r->len = 0;
    if ((s->masked ? wslay_event_context_server_init
                   : wslay_event_context_client_init)(&ctx, &callbacks, r) != 0)
        abort();
    wslay_event_config_set_no_buffering(ctx, 1);
    wslay_event_config_set_allowed_rsv_bits(ctx, s->deflate ? WSLAY_RSV1_BIT : WSLAY_RSV_NONE);
    r->refused = wslay_event_recv(ctx) != 0 ||
                 (!wslay_event_get_read_enabled(ctx) && !wslay_event_get_close_received(ctx));
    wslay_event_context_free(ctx);
}

/* Its frames as the splitter must hand them on: a fragment begins with the first byte of its
 * payload, a control frame waits for its last. */
static void cut(const struct reading *from, struct reading *to)
{
    to->count = 0;
    to->len = from->len;
    memcpy(to->payload, from->payload, from->len);
    for (size_t i = 0; i < from->count; i++) {
        uint8_t first = from->frames[i].first;
        size_t got = from->frames[i].got;
        uint64_t size = from->frames[i].size;
        if ((first & 8) && got < size) {
            to->len -= got;
            continue;
        }
        for (size_t at = 0; at == 0 || at < got; at += FRAME_CUT) {
            bool last = size - at <= FRAME_CUT;
            to->frames[to->count].first =
                (uint8_t)((at == 0 ? first & 0x7f : 0) | (last ? first & 0x80 : 0));
            to->frames[to->count].size = last ? size - at : FRAME_CUT;
            to->frames[to->count++].got = got - at < FRAME_CUT ? got - at : FRAME_CUT;
        }
    }
}

/* ---- what the splitter makes of it: data frames as they are handed on, control frames where they
 * came */

static size_t add_control(const struct stream *s, const struct frame_run *r, uint8_t *out)
{
    struct frame_head h = {
        .opcode = r->opcode, .fin = true, .masked = s->masked, .payload = r->len};
    size_t n = frame_head_write(&h, out);
    memcpy(out + n, r->payload, r->len); /* the key is 0 */
    return n + r->len;
}

static size_t add_data(const struct frame_run *r, const uint8_t *in, uint8_t *out)
{
    if (r->head_len > 0)
        memcpy(out, r->head, r->head_len);
    memcpy(out + r->head_len, in + r->skip, r->len);
    return r->head_len + r->len;
}

static size_t split(const struct stream *s, bool *refused)
{
    struct frame f;
    struct frame_run r = {.kind = FRAME_NONE};
    size_t n = 0, done = 0;
    uint64_t step = one_in(3) ? 4 : one_in(2) ? 100 : 70000;
    bool over = false;
    frame_init(&f, s->masked, s->deflate);
    while (done < s->len && !over) {
        size_t piece = 1 + dice(step);
        for (size_t end = s->len - done < piece ? s->len : done + piece; done < end && !over;) {
            size_t taken = frame_next(&f, wire + done, end - done, &r);
            if (r.kind == FRAME_DATA)
                n += add_data(&r, wire + done, made + n);
            else if (r.kind == FRAME_CONTROL)
                n += add_control(s, &r, made + n);
            over = r.kind == FRAME_BAD || (r.kind == FRAME_CONTROL && r.opcode == FRAME_CLOSE);
            done += taken;
        }
    }
    *refused = r.kind == FRAME_BAD;
    frame_fini(&f);
    return n;
}

static bool same(const struct reading *a, const struct reading *b)
{
    if (a->count != b->count || a->len != b->len || memcmp(a->payload, b->payload, a->len) != 0)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (a->frames[i].first != b->frames[i].first || a->frames[i].size != b->frames[i].size ||
            a->frames[i].got != b->frames[i].got)
            return false;
    return true;
}

static void the_splitter_and_wslay_read_the_same(void **state)
{
    (void)state;
    static struct reading came, want, got;
    const char *first = getenv("SEED");
    uint64_t begin = first ? strtoull(first, NULL, 10) : 1;
    size_t refusals = 0, cuts = 0;
    for (uint64_t i = begin; i < begin + STREAMS; i++) {
        bool refused;
        seed = i << 20;
        struct stream s = any_stream();
        read_by_wslay(&came, &s, wire, s.len);
        size_t n = split(&s, &refused);
        read_by_wslay(&got, &s, made, n);
        cut(&came, &want);
        if (refused != came.refused || got.refused || !same(&got, &want))
            fail_msg("SEED=%llu: %zu bytes, wslay %s, the splitter %s them; read then: %s, %s",
                     (unsigned long long)i, s.len, came.refused ? "refuses" : "takes",
                     refused ? "refuses" : "takes", got.refused ? "refused" : "taken",
                     same(&got, &want) ? "the same" : "something else");
        refusals += refused;
        cuts += want.count > came.count;
    }
    /* Else it would not be about either. */
    assert_in_range(refusals, STREAMS / 20, STREAMS / 2);
    assert_in_range(cuts, STREAMS / 50, STREAMS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_splitter_and_wslay_read_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The splitter against wslay. An input is heads of frames as they come, right and wrong, behind
 * each of which the payload that it announces is put here.
 *
 * Both read the same frames in it, and refuse it at the same one; what the splitter hands on is the
 * same to the byte however the stream comes in pieces. */
#include "wire/frame.h"
#include "base/buf.h"
#include "fuzz/input.h"
#include <stdlib.h>
#include <wslay/wslay.h>

enum { MASKED = 1, DEFLATE = 2, LONG = 4 };

#define LONGEST (3 * FRAME_CUT + 100) /* bytes of a stream: two cuts through, and what follows */
#define SHORT   4096                  /* of most: they are read twenty times as fast */
#define PARTS   2048                  /* frames: a head has two bytes, libFuzzer's inputs 4,096 */

struct part {
    size_t at, head; /* where it begins; 0: the stream ends within the head */
    uint64_t size;
    size_t got; /* bytes of the payload that follow */
};

struct wire {
    bool masked, deflate;
    uint8_t bytes[LONGEST + FRAME_HEAD_MAX];
    size_t len;
    struct part parts[PARTS];
    size_t count;
};

/* By RFC 6455 §5.2, without a look at whether it may be there. 0: it is not whole. */
static size_t head_of(const uint8_t *p, size_t n, uint64_t *size)
{
    if (n < 2)
        return 0;
    uint8_t len = p[1] & 0x7f;
    size_t ext = len < 126 ? 0 : len == 126 ? 2 : 8, head = 2 + ext + (p[1] & 0x80 ? 4 : 0);
    if (n < head)
        return 0;
    *size = ext ? 0 : len;
    for (size_t i = 0; i < ext; i++)
        *size = *size << 8 | p[2 + i];
    return head;
}

static const uint8_t *key_of(const struct wire *w, const struct part *f)
{
    static const uint8_t none[4];
    return w->bytes[f->at + 1] & 0x80 ? w->bytes + f->at + f->head - 4 : none;
}

/* ASCII, since wslay looks whether texts are UTF-8; a Close's code is one that may be sent. */
static void put_plain(struct wire *w, struct part *f)
{
    const uint8_t *key = key_of(w, f);
    uint8_t *p = w->bytes + w->len;
    for (size_t i = 0; i < f->got; i++)
        p[i] = (uint8_t)((i * 7 + (i >> 7) + f->at) & 0x7f);
    if ((w->bytes[f->at] & 15) == FRAME_CLOSE)
        memcpy(p, "\x03\xe8", f->got < 2 ? f->got : 2);
    for (size_t i = 0; i < f->got; i++)
        p[i] ^= key[i % 4];
    w->len += f->got;
}

static void wire_make(struct wire *w, const struct input *in)
{
    size_t most = in->options & LONG ? LONGEST : SHORT;
    w->masked = in->options & MASKED;
    w->deflate = in->options & DEFLATE;
    w->len = w->count = 0;
    for (size_t at = 0; at < in->n && w->len < most && w->count < PARTS;) {
        struct part *f = &w->parts[w->count++];
        *f = (struct part){.at = w->len};
        f->head = head_of(in->p + at, in->n - at, &f->size);
        size_t n = f->head ? f->head : in->n - at < FRAME_HEAD_MAX ? in->n - at : FRAME_HEAD_MAX;
        memcpy(w->bytes + w->len, in->p + at, n);
        w->len += n;
        at += n;
        if (f->head == 0)
            return;
        /* wslay tells of a frame with the first byte of its payload. */
        size_t room = w->len < most ? most - w->len : 1;
        f->got = f->size < room ? (size_t)f->size : room;
        put_plain(w, f);
    }
}

/* ---- what wslay reads */

struct reading {
    const uint8_t *in;
    size_t left;
    struct told {
        uint8_t first;
        uint64_t size;
        size_t got;
    } frames[PARTS];
    size_t count;
    bool refused;
};

static ssize_t on_recv(wslay_event_context_ptr ctx, uint8_t *buf, size_t len, int flags, void *arg)
{
    struct reading *r = arg;
    (void)flags;
    size_t n = r->left < len ? r->left : len;
    if (n == 0) {
        wslay_event_set_error(ctx, WSLAY_ERR_WOULDBLOCK);
        return -1;
    }
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
    r->frames[r->count++] = (struct told){.first = (uint8_t)(a->fin << 7 | a->rsv << 4 | a->opcode),
                                          .size = a->payload_length};
}

static void on_payload(wslay_event_context_ptr ctx,
                       const struct wslay_event_on_frame_recv_chunk_arg *a, void *arg)
{
    struct reading *r = arg;
    (void)ctx;
    r->frames[r->count - 1].got += a->data_length;
}

static void read_by_wslay(struct reading *r, const struct wire *w)
{
    static const struct wslay_event_callbacks callbacks = {
        .recv_callback = on_recv,
        .on_frame_recv_start_callback = on_frame,
        .on_frame_recv_chunk_callback = on_payload,
    };
    wslay_event_context_ptr ctx;
    r->in = w->bytes;
    r->left = w->len;
    r->count = 0;
    if ((w->masked ? wslay_event_context_server_init
                   : wslay_event_context_client_init)(&ctx, &callbacks, r) != 0)
        abort();
    wslay_event_config_set_no_buffering(ctx, 1);
    wslay_event_config_set_max_recv_msg_length(ctx, UINT64_MAX);
    wslay_event_config_set_allowed_rsv_bits(ctx, w->deflate ? WSLAY_RSV1_BIT : WSLAY_RSV_NONE);
    r->refused = wslay_event_recv(ctx) != 0 ||
                 (!wslay_event_get_read_enabled(ctx) && !wslay_event_get_close_received(ctx));
    wslay_event_context_free(ctx);
}

/* ---- what the splitter makes of it */

struct split {
    struct frame frame;
    struct buf data, control; /* control: opcode, length, payload */
    bool bad, closed;
};

static void split_run(struct split *s, const struct frame_run *r, const uint8_t *in)
{
    switch (r->kind) {
    case FRAME_NONE:
        break;
    case FRAME_DATA:
        buf_add(&s->data, r->head, r->head_len);
        buf_add(&s->data, in + r->skip, r->len);
        break;
    case FRAME_CONTROL:
        buf_add(&s->control, (const uint8_t[]){r->opcode, (uint8_t)r->len}, 2);
        buf_add(&s->control, r->payload, r->len);
        s->closed = r->opcode == FRAME_CLOSE;
        break;
    case FRAME_BAD:
        EXPECT(r->code == 1002);
        s->bad = true;
        break;
    }
}

static bool split_piece(void *arg, const uint8_t *piece, size_t n)
{
    struct split *s = arg;
    struct frame_run r;
    for (size_t at = 0, taken = 0; at < n && !s->bad && !s->closed; at += taken) {
        taken = frame_next(&s->frame, piece + at, n - at, &r);
        EXPECT(taken <= n - at && (taken > 0 || r.kind == FRAME_BAD));
        split_run(s, &r, piece + at);
    }
    return !s->bad && !s->closed;
}

/* in NULL: in one piece. */
static void split(const struct wire *w, const struct input *in, struct split *s)
{
    *s = (struct split){.bad = false};
    frame_init(&s->frame, w->masked, w->deflate);
    input_cut(in, w->bytes, w->len, split_piece, s);
    frame_fini(&s->frame);
}

/* RFC 6455 §5.2; key NULL: not masked. */
static void put_head(struct buf *out, uint8_t first, uint64_t size, const uint8_t *key)
{
    size_t ext = size < 126 ? 0 : size < 65536 ? 2 : 8;
    uint8_t len = ext == 0 ? (uint8_t)size : ext == 2 ? 126 : 127;
    buf_add(out, (const uint8_t[]){first, (uint8_t)((key ? 0x80 : 0) | len)}, 2);
    for (size_t i = ext; i-- > 0;)
        buf_add(out, (const uint8_t[]){(uint8_t)(size >> 8 * i)}, 1);
    if (key)
        buf_add(out, key, 4);
}

/* What it must make of a frame that wslay took: a long one cut, a control frame that is whole
 * unmasked. */
static void put_wanted(const struct wire *w, const struct part *f, struct split *want)
{
    uint8_t first = w->bytes[f->at];
    const uint8_t *key = key_of(w, f), *payload = w->bytes + f->at + f->head;
    if (first & 8) {
        if (f->got < f->size)
            return;
        buf_add(&want->control, (const uint8_t[]){first & 15, (uint8_t)f->size}, 2);
        for (size_t i = 0; i < f->got; i++)
            buf_add(&want->control, (const uint8_t[]){payload[i] ^ key[i % 4]}, 1);
        want->closed = (first & 15) == FRAME_CLOSE;
        return;
    }
    for (size_t at = 0; at == 0 || at < f->got; at += FRAME_CUT) {
        bool last = f->size - at <= FRAME_CUT;
        size_t got = f->got - at < FRAME_CUT ? f->got - at : FRAME_CUT;
        put_head(&want->data, (at == 0 ? first & 0x7f : 0) | (last ? first & 0x80 : 0),
                 last ? f->size - at : FRAME_CUT, w->masked ? key : NULL);
        buf_add(&want->data, payload + at, got);
    }
}

static bool same(const struct buf *a, const struct buf *b)
{
    return a->len == b->len && (a->len == 0 || memcmp(a->data, b->data, a->len) == 0);
}

static void split_fini(struct split *s)
{
    buf_fini(&s->data);
    buf_fini(&s->control);
}

/* The one place where the two are known to judge differently; wslay took so many frames. */
static bool may_differ(const struct wire *w, size_t told, const struct split *s)
{
    /* A Close's payload is control's to judge, not the splitter's. */
    if (s->closed)
        return true;
    /* A head may be wrong before it is whole: each waits for more of some such. */
    return told + 1 == w->count && w->parts[told].head == 0;
}

static void as_wslay_reads(const struct input *in)
{
    static struct wire w;
    static struct reading r;
    struct split want = {.bad = false}, whole, cut;
    wire_make(&w, in);
    read_by_wslay(&r, &w);
    for (size_t i = 0; i < r.count; i++) {
        const struct part *f = &w.parts[i];
        EXPECT(r.frames[i].first == w.bytes[f->at] && r.frames[i].size == f->size);
        EXPECT(r.frames[i].got == f->got);
        put_wanted(&w, f, &want);
    }
    split(&w, NULL, &whole);
    split(&w, in, &cut);
    EXPECT(same(&whole.data, &want.data) && same(&whole.control, &want.control));
    EXPECT(whole.bad == r.refused || may_differ(&w, r.count, &whole));
    EXPECT(same(&whole.data, &cut.data) && same(&whole.control, &cut.control));
    EXPECT(whole.bad == cut.bad && whole.closed == cut.closed && whole.closed == want.closed);
    split_fini(&want);
    split_fini(&whole);
    split_fini(&cut);
}

/* Whoever reads heads reads the same however many bytes there are, and writes what was read. */
static void heads_survive(const struct input *in)
{
    struct frame_head h = {.len = 0};
    uint8_t out[FRAME_HEAD_MAX];
    uint64_t size;
    int len = frame_head(in->p, in->n, &h);
    for (size_t n = 0; n < in->n && n <= FRAME_HEAD_MAX; n++) {
        struct frame_head early;
        int got = frame_head(in->p, n, &early);
        EXPECT(got == len || (got == 0 && (len <= 0 || n < (size_t)len)));
    }
    if (len > 0) {
        EXPECT((size_t)len == h.len && h.len == head_of(in->p, in->n, &size) && h.payload == size);
        EXPECT(frame_head_write(&h, out) == h.len && !memcmp(out, in->p, h.len));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct input in;
    if (!input_open(&in, data, n))
        return 0;
    heads_survive(&in);
    as_wslay_reads(&in);
    return 0;
}

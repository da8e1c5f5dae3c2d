/* The splitter: tells data frames from control frames in a peer's bytes, and cuts long frames into
 * fragments.
 *
 * It owns the few bytes that came too early to be judged: part of a head, part of a control frame.
 * It never looks into the payload of a data frame and never keeps any of it. */
#include "wire/frame.h"
#include "base/err.h"
#include "base/mem.h"
#include <stdlib.h>
#include <string.h>

#define MIN(a, b) ((a) < (b) ? (a) : (b))

#define OPCODES                                                                                    \
    (1u << FRAME_CONT | 1u << FRAME_TEXT | 1u << FRAME_BINARY | 1u << FRAME_CLOSE |                \
     1u << FRAME_PING | 1u << FRAME_PONG)

enum flag {
    MASKED = 1,   /* the peer must mask */
    DEFLATE = 2,  /* RSV1 may mark a message */
    OPEN = 4,     /* a message is under way */
    LAST = 8,     /* so is its last frame */
    LONG = 16,    /* it is known to be longer than FRAME_CUT */
    COUNTED = 32, /* it has been counted as accepted */
    SINGLE = 64,  /* a run ends with its message */
    BINARY = 128, /* a binary message has begun, this one or an earlier one */
    MESSAGE = OPEN | LAST | LONG | COUNTED
};

#ifdef WSKEEP_CHECK
#define CHECK(f) BUG_ON(!frame_check(f))
#else
#define CHECK(f) ((void)0)
#endif

static bool is_control(uint8_t opcode)
{
    return opcode >= FRAME_CLOSE;
}

int frame_head(const uint8_t *p, size_t n, struct frame_head *h)
{
    if (n < 2)
        return 0;
    h->fin = p[0] & 0x80;
    h->rsv1 = p[0] & 0x40;
    h->opcode = p[0] & 0x0f;
    h->masked = p[1] & 0x80;
    h->payload = p[1] & 0x7f;
    if ((p[0] & 0x30) || !(OPCODES >> h->opcode & 1))
        return ERR_PROTOCOL;
    if (is_control(h->opcode) && (!h->fin || h->payload > FRAME_CONTROL_MAX))
        return ERR_PROTOCOL;

    size_t ext = h->payload < 126 ? 0 : h->payload == 126 ? 2 : 8;
    h->len = (uint8_t)(2 + ext + (h->masked ? 4 : 0));
    if (n < h->len)
        return 0;
    if (ext > 0) {
        h->payload = 0;
        for (size_t i = 0; i < ext; i++)
            h->payload = h->payload << 8 | p[2 + i];
        if (h->payload < (ext == 2 ? 126 : 65536) || h->payload >> 63)
            return ERR_PROTOCOL;
    }
    memcpy(h->key, h->masked ? p + 2 + ext : (const uint8_t[4]){0}, 4);
    return h->len;
}

size_t frame_head_write(const struct frame_head *h, uint8_t out[FRAME_HEAD_MAX])
{
    size_t ext = h->payload < 126 ? 0 : h->payload < 65536 ? 2 : 8;
    uint8_t len = ext == 0 ? (uint8_t)h->payload : ext == 2 ? 126 : 127;
    out[0] = (uint8_t)(h->fin << 7 | h->rsv1 << 6 | h->opcode);
    out[1] = (uint8_t)(h->masked << 7 | len);
    for (size_t i = 0; i < ext; i++)
        out[2 + i] = (uint8_t)(h->payload >> 8 * (ext - 1 - i));
    if (!h->masked)
        return 2 + ext;
    memcpy(out + 2 + ext, h->key, 4);
    return 2 + ext + 4;
}

void frame_init(struct frame *f, bool masked, bool rsv1)
{
    *f = (struct frame){.flags = (uint8_t)((masked ? MASKED : 0) | (rsv1 ? DEFLATE : 0))};
}

void frame_fini(struct frame *f)
{
    free(f->control);
    f->control = NULL;
}

/* Whether this frame may come now (RFC 6455 §5.1, §5.4, §5.5; RFC 7692 §6). */
static bool may_come(const struct frame *f, const struct frame_head *h)
{
    if (h->masked != !!(f->flags & MASKED))
        return false;
    if (is_control(h->opcode))
        return !h->rsv1;
    bool first = h->opcode != FRAME_CONT;
    return first == !(f->flags & OPEN) && (!h->rsv1 || (first && (f->flags & DEFLATE)));
}

static void edge(struct frame *f, struct frame_run *run, size_t at)
{
    run->has_edge = true;
    run->edge = at;
    run->accepted += !(f->flags & COUNTED);
    f->flags |= COUNTED;
}

/* A data frame begins at `at`: with it, the message may be known to be a long one. */
static void frame_begin(struct frame *f, const struct frame_head *h, struct frame_run *run,
                        size_t at)
{
    bool within = f->flags & OPEN;
    f->flags |= (uint8_t)(OPEN | (h->fin ? LAST : 0) | (h->opcode == FRAME_BINARY ? BINARY : 0));
    f->left = h->payload;
    f->fragment = (uint32_t)MIN(h->payload, FRAME_CUT);
    if (f->flags & LONG)
        return;
    f->heads += h->len;
    if (h->payload <= FRAME_CUT - f->message && f->heads <= FRAME_CUT) {
        f->message += (uint32_t)h->payload;
        return;
    }
    f->flags |= LONG;
    if (within)
        edge(f, run, at);
}

static void fragment_end(struct frame *f, struct frame_run *run, size_t at)
{
    bool last = f->left == 0 && (f->flags & LAST);
    if (last || (f->flags & LONG))
        edge(f, run, at);
    if (!last)
        return;
    run->has_end = true;
    run->end = at;
    run->messages++;
    f->flags &= (uint8_t)~MESSAGE;
    f->message = 0;
    f->heads = 0;
}

/* The run begins with a head made here for the fragment under way; of a frame that is not cut, its
 * own. */
static void fragment_head(struct frame *f, struct frame_head *h, struct frame_run *run)
{
    h->payload = f->fragment;
    h->fin = f->fragment == f->left && (f->flags & LAST);
    run->head = f->head;
    run->head_len = (uint8_t)frame_head_write(h, f->head);
}

/* Over the messages of one frame with a short head that are here whole, as most of a chat's are:
 * all that frame_begin and fragment_end come to for them, with a third of the instructions. */
static size_t take_short(struct frame *f, const uint8_t *in, size_t n, size_t pos, size_t shift,
                         struct frame_run *run)
{
    const uint8_t mask = f->flags & MASKED ? 0x80 : 0, rsv1 = f->flags & DEFLATE ? 0x40 : 0;
    const size_t head = mask ? 6 : 2;
    uint32_t messages = 0;
    while (n - pos >= head) {
        uint8_t first = in[pos] & (uint8_t)~rsv1, len = in[pos + 1] ^ mask;
        if ((first != (0x80 | FRAME_TEXT) && first != (0x80 | FRAME_BINARY)) || len >= 126 ||
            n - pos - head < len)
            break;
        if (first == (0x80 | FRAME_BINARY))
            f->flags |= BINARY;
        pos += head + len;
        messages++;
    }
    if (messages == 0)
        return pos;
    run->messages += messages;
    run->accepted += messages;
    run->edge = run->end = pos + shift;
    return pos;
}

/* Goes on with the payload under way at in[pos], and over all frames behind it that may stay as
 * they are. */
static size_t take_data(struct frame *f, const uint8_t *in, size_t n, size_t pos,
                        struct frame_run *run)
{
    struct frame_head h;
    size_t shift = run->head_len - run->skip; /* in[pos] is the run's byte pos + shift */
    for (;;) {
        uint32_t take = (uint32_t)MIN(f->fragment, n - pos);
        pos += take;
        f->left -= take;
        f->fragment -= take;
        if (f->fragment > 0)
            break;
        fragment_end(f, run, pos + shift);
        if (!(f->flags & (OPEN | SINGLE)))
            pos = take_short(f, in, n, pos, shift, run);
        if (f->left > 0 || (run->has_end && f->flags & SINGLE) ||
            frame_head(in + pos, n - pos, &h) <= 0 || is_control(h.opcode) ||
            h.payload > FRAME_CUT || !may_come(f, &h))
            break;
        frame_begin(f, &h, run, pos + shift);
        pos += h.len;
    }
    run->kind = FRAME_DATA;
    run->len = pos - run->skip;
    return pos;
}

static void control_out(const struct frame_head *h, const uint8_t *payload, struct frame_run *run)
{
    run->kind = FRAME_CONTROL;
    run->opcode = h->opcode;
    run->len = h->payload;
    for (size_t i = 0; i < run->len; i++)
        run->payload[i] = payload[i] ^ h->key[i % 4];
}

/* A control frame whose head is in f->head, and whose payload begins at in[pos]. */
static size_t take_control(struct frame *f, const struct frame_head *h, const uint8_t *in, size_t n,
                           size_t pos, struct frame_run *run)
{
    if (n - pos >= h->payload) {
        control_out(h, in + pos, run);
        return pos + h->payload;
    }
    f->control = mem_alloc(h->len + h->payload);
    memcpy(f->control, f->head, h->len);
    memcpy(f->control + h->len, in + pos, n - pos);
    f->have = (uint8_t)(h->len + (n - pos));
    return n;
}

static size_t take_control_rest(struct frame *f, const uint8_t *in, size_t n, struct frame_run *run)
{
    struct frame_head h;
    frame_head(f->control, f->have, &h);
    size_t whole = h.len + h.payload, take = MIN(n, whole - f->have);
    memcpy(f->control + f->have, in, take);
    f->have = (uint8_t)(f->have + take);
    if (f->have < whole)
        return take;
    control_out(&h, f->control + h.len, run);
    free(f->control);
    f->control = NULL;
    f->have = 0;
    return take;
}

/* A frame begins: its head is what is kept aside and what comes now. */
static size_t take_head(struct frame *f, const uint8_t *in, size_t n, struct frame_run *run)
{
    struct frame_head h;
    size_t had = f->have, got = MIN(n, FRAME_HEAD_MAX - had);
    memcpy(f->head + had, in, got);
    int len = frame_head(f->head, had + got, &h);
    if (len == 0) {
        f->have = (uint8_t)(had + got);
        return got;
    }
    f->have = 0;
    if (len < 0 || !may_come(f, &h)) {
        run->kind = FRAME_BAD;
        run->code = 1002;
        return 0;
    }
    size_t pos = (size_t)len - had;
    if (is_control(h.opcode))
        return take_control(f, &h, in, n, pos, run);

    frame_begin(f, &h, run, 0);
    if (had > 0 || h.payload > FRAME_CUT) {
        memcpy(f->key, h.key, 4);
        run->skip = pos;
        fragment_head(f, &h, run);
    }
    return take_data(f, in, n, pos, run);
}

/* A frame that is cut goes on in its next fragment. */
static size_t take_fragment(struct frame *f, const uint8_t *in, size_t n, struct frame_run *run)
{
    struct frame_head h = {.opcode = FRAME_CONT, .masked = f->flags & MASKED};
    memcpy(h.key, f->key, 4);
    f->fragment = (uint32_t)MIN(f->left, FRAME_CUT);
    fragment_head(f, &h, run);
    return take_data(f, in, n, 0, run);
}

size_t frame_next(struct frame *f, const uint8_t *in, size_t n, struct frame_run *run)
{
    CHECK(f);
    memset(run, 0, offsetof(struct frame_run, payload)); /* FRAME_NONE */
    size_t taken = 0;
    if (frame_room(f) == 0)
        taken = take_fragment(f, in, n, run);
    else if (n == 0)
        taken = 0;
    else if (f->left > 0)
        taken = take_data(f, in, n, 0, run);
    else if (f->control)
        taken = take_control_rest(f, in, n, run);
    else
        taken = take_head(f, in, n, run);
    CHECK(f);
    return taken;
}

size_t frame_room(const struct frame *f)
{
    return f->left == f->fragment ? SIZE_MAX : f->fragment;
}

void frame_single(struct frame *f, bool on)
{
    BUG_ON(f->flags & OPEN);
    f->flags = (uint8_t)(on ? f->flags | SINGLE : f->flags & ~SINGLE);
}

bool frame_binary(const struct frame *f)
{
    return f->flags & BINARY;
}

bool frame_aside(const struct frame *f)
{
    return f->have > 0;
}

bool frame_check(const struct frame *f)
{
    struct frame_head h;
    bool open = f->flags & OPEN, longer = f->flags & LONG;
    return f->fragment <= f->left && f->fragment <= FRAME_CUT &&                    /* F1 */
           (f->left == 0 || (open && f->have == 0)) &&                              /* F2 */
           (f->left == f->fragment || longer) &&                                    /* F3 */
           (open || (!(f->flags & MESSAGE) && f->message == 0 && f->heads == 0)) && /* F4 */
           f->message <= FRAME_CUT && (f->heads <= FRAME_CUT || longer) &&          /* F4 */
           (longer || !(f->flags & COUNTED)) &&                                     /* F5 */
           (!(f->flags & LAST) || f->left > 0) &&                                   /* F6 */
           (f->control ? frame_head(f->control, f->have, &h) > 0 &&                 /* F7 */
                             f->have < h.len + h.payload
                       : frame_head(f->head, f->have, &h) == 0);
}

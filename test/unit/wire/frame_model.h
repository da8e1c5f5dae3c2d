/* Streams of frames made from their description, and a model of the splitter that is told what the
 * frames are: at any number of bytes it says what must be known, from the beginning, by no state.
 */
#ifndef TEST_UNIT_WIRE_FRAME_MODEL_H
#define TEST_UNIT_WIRE_FRAME_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define CUT      ((size_t)65536)
#define MIB      ((size_t)1 << 20)

enum { FIN = 0x80, RSV1 = 0x40, TEXT = 1, BINARY = 2, CLOSE = 8, PING = 9, PONG = 10 };

struct spec {
    uint8_t first; /* a frame's first byte */
    size_t size;
};

struct row {
    const char *why;
    struct spec frames[12];
    size_t count;
};
#define ROW(why, ...)                                                                              \
    {                                                                                              \
        why, {__VA_ARGS__}, COUNT(((struct spec[]){__VA_ARGS__}))                                  \
    }

/* ---- a stream: its bytes, and what must become of them */

struct stream {
    const struct row *row;
    bool masked;
    uint8_t *wire, *want, *control; /* want: the data frames; control: opcode, length, payload */
    size_t wire_len, want_len, control_len;
    size_t at[13]; /* where each frame begins in wire */
};

static const uint8_t mask_key[4] = {0x11, 0x7f, 0x80, 0xfe};

static size_t put_head(uint8_t *p, uint8_t first, bool masked, size_t size)
{
    size_t n = 0;
    uint8_t mask = masked ? 0x80 : 0;
    p[n++] = first;
    if (size <= 125) {
        p[n++] = (uint8_t)(mask | size);
    } else if (size <= 65535) {
        p[n++] = mask | 126;
        p[n++] = (uint8_t)(size >> 8);
        p[n++] = (uint8_t)size;
    } else {
        p[n++] = mask | 127;
        for (int shift = 56; shift >= 0; shift -= 8)
            p[n++] = (uint8_t)(size >> shift);
    }
    if (masked) {
        memcpy(p + n, mask_key, 4);
        n += 4;
    }
    return n;
}

static uint8_t plain_byte(size_t frame, size_t i)
{
    return (uint8_t)(frame * 37 + i * 7 + (i >> 8) + (i >> 16));
}

static size_t put_payload(uint8_t *p, bool masked, size_t frame, size_t from, size_t n)
{
    for (size_t i = 0; i < n; i++)
        p[i] = plain_byte(frame, from + i) ^ (masked ? mask_key[(from + i) % 4] : 0);
    return n;
}

/* What a data frame must be handed on as. */
static size_t put_fragments(uint8_t *p, struct spec s, bool masked, size_t frame)
{
    size_t n = 0, from = 0;
    do {
        size_t size = s.size - from > CUT ? CUT : s.size - from;
        uint8_t first = from == 0 ? s.first & 0x7f : 0;
        if (from + size == s.size)
            first |= s.first & FIN;
        n += put_head(p + n, first, masked, size);
        n += put_payload(p + n, masked, frame, from, size);
        from += size;
    } while (from < s.size);
    return n;
}

static struct stream stream_new(const struct row *row, bool masked)
{
    struct stream s = {.row = row, .masked = masked};
    size_t room = 0;
    for (size_t i = 0; i < row->count; i++)
        room += row->frames[i].size + 14 * (row->frames[i].size / CUT + 1);
    s.wire = malloc(room);
    s.want = malloc(room);
    s.control = malloc(room);
    for (size_t i = 0; i < row->count; i++) {
        struct spec f = row->frames[i];
        s.at[i] = s.wire_len;
        s.wire_len += put_head(s.wire + s.wire_len, f.first, masked, f.size);
        s.wire_len += put_payload(s.wire + s.wire_len, masked, i, 0, f.size);
        if (!(f.first & 8)) {
            s.want_len += put_fragments(s.want + s.want_len, f, masked, i);
            continue;
        }
        s.control[s.control_len++] = f.first & 15;
        s.control[s.control_len++] = (uint8_t)f.size;
        s.control_len += put_payload(s.control + s.control_len, false, i, 0, f.size);
    }
    s.at[row->count] = s.wire_len;
    return s;
}

static void stream_free(struct stream *s)
{
    free(s->wire);
    free(s->want);
    free(s->control);
}

/* ---- the model: what must be known when the first n bytes of the stream have come */

struct known {
    size_t end, ready,
        last; /* the data frames handed on; what may be sent; the last message's end */
    size_t messages, accepted, control;
    size_t room;
    bool between;
};

/* Within one message. */
struct message {
    size_t sum;
    bool open, longer, counted;
};

static void may_send(struct known *k, struct message *m)
{
    k->ready = k->end;
    k->accepted += !m->counted;
    m->counted = true;
}

/* A data frame of which its head and `got` bytes of payload have come. */
static void model_frame(struct known *k, struct message *m, struct spec f, bool masked, size_t got)
{
    uint8_t head[14];
    m->sum += f.size;
    if (m->sum > CUT && !m->longer) {
        m->longer = true;
        if (m->open)
            may_send(k, m);
    }
    m->open = true;
    for (size_t from = 0; from == 0 || from < got; from += CUT) {
        size_t size = f.size - from > CUT ? CUT : f.size - from;
        size_t have = got - from > size ? size : got - from;
        k->end += put_head(head, f.first, masked, size) + have;
        k->room = from + size == f.size ? SIZE_MAX : size - have;
        if (have < size)
            return;
        bool ends = from + size == f.size && (f.first & FIN);
        if (ends || m->longer)
            may_send(k, m);
        if (ends) {
            k->last = k->end;
            k->messages++;
            *m = (struct message){0};
        }
    }
}

static struct known model(const struct stream *s, size_t n)
{
    struct known k = {.room = SIZE_MAX};
    struct message m = {0};
    size_t i = 0;
    for (; i < s->row->count && s->at[i] < n; i++) {
        struct spec f = s->row->frames[i];
        size_t body = s->at[i + 1] - f.size;
        if (n < body)
            break;
        size_t got = n - body > f.size ? f.size : n - body;
        if (!(f.first & 8))
            model_frame(&k, &m, f, s->masked, got);
        else if (got == f.size)
            k.control += 2 + f.size;
    }
    bool edge = false;
    for (size_t e = 0; e <= s->row->count; e++)
        edge |= s->at[e] == n;
    k.between = edge && !m.open;
    return k;
}

#endif

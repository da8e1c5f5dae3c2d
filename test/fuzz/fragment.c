/* The splitter against the model of its unit tests. An input describes right frames, long ones too,
 * and where the stream of them is cut.
 *
 * At each cut everything that must be known by then is: what is handed on, to the byte, what may be
 * sent, how many messages end and are accepted; the same read into scratch and in place. */
#include "fuzz/input.h"
#include <stdio.h>
#include <stdlib.h>

#define fail_msg(...) (fprintf(stderr, __VA_ARGS__), abort())

#include "unit/wire/frame_sink.h"

enum { MASKED = 1, LONG = 2 };

#define LONGEST    (3 * CUT + 100) /* bytes of a stream: two cuts through, and what follows */
#define SHORT      4096            /* of most: they are read twenty times as fast */
#define CUTS       3
#define CUTS_BYTES (2 * CUTS) /* which edge, how far from it */
#define FRAMES     COUNT(((struct row *)NULL)->frames)

static size_t size_of(uint8_t how, uint8_t a, uint8_t b)
{
    static const size_t borders[] = {0, 126, CUT, 2 * CUT};
    if (how & 1)
        return borders[how >> 1 & 3] + a % 5 - (how & 6 ? 2 : 0);
    return how & 2 ? (size_t)a << 8 | b : a;
}

/* Three bytes a frame: which, how long. */
static void describe(struct row *row, const uint8_t *p, size_t n, size_t most)
{
    bool open = false;
    *row = (struct row){.why = "described"};
    for (; n >= 3 && row->count < FRAMES; p += 3, n -= 3) {
        struct spec *f = &row->frames[row->count++];
        if (p[0] & 8) {
            f->first = (uint8_t)(FIN | (p[0] & 16 ? PING : PONG));
            f->size = p[1] % 126;
            continue;
        }
        f->first =
            (uint8_t)((p[0] & FIN) | (open ? 0 : (p[0] & RSV1) | (p[0] & 16 ? TEXT : BINARY)));
        f->size = size_of(p[0], p[1], p[2]);
        f->size = f->size < most ? f->size : most;
        open = !(p[0] & FIN);
        most -= f->size;
    }
}

/* Near the beginning of a frame or of one of its fragments. */
static void cuts_of(const struct stream *s, const uint8_t *p, size_t cuts[CUTS])
{
    for (size_t i = 0; i < CUTS; i++) {
        size_t at =
            s->at[p[2 * i] % (s->row->count + 1)] + (p[2 * i] >> 4 & 3) * CUT + p[2 * i + 1];
        size_t cut = at < 128 ? 0 : at - 128 > s->wire_len ? s->wire_len : at - 128;
        size_t k = i;
        for (; k > 0 && cuts[k - 1] > cut; k--)
            cuts[k] = cuts[k - 1];
        cuts[k] = cut;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct input in;
    struct row row;
    size_t cuts[CUTS];
    if (!input_open(&in, data, n) || in.n < CUTS_BYTES)
        return 0;
    describe(&row, in.p + CUTS_BYTES, in.n - CUTS_BYTES, in.options & LONG ? LONGEST : SHORT);
    struct stream s = stream_new(&row, in.options & MASKED);
    /* At most so many reads, and steps within them, however long the stream is. */
    size_t want = 1 + s.wire_len / 200 + 256u * in.size[0],
           segment = 1 + s.wire_len / 1000 + in.size[1];
    cuts_of(&s, in.p, cuts);
    by_scratch(&s, cuts, CUTS);
    by_steps(&s, 1 + s.wire_len / 200 + in.size[2]);
    in_place(&s, want < CUT ? want : CUT, segment);
    stream_free(&s);
    return 0;
}

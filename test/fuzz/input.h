/* What the harnesses share: how an input lies in its bytes, and how to fail.
 *
 * An input is a byte of options, the sizes of the pieces that the rest is fed in, and the rest. The
 * sizes stand in front so that what is found about the rest survives another way of cutting it. */
#ifndef TEST_FUZZ_INPUT_H
#define TEST_FUZZ_INPUT_H

#include "base/err.h"
#include "base/mem.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define EXPECT(cond) BUG_ON(!(cond))

#define PIECE_SIZES 3

/* From here on all is one piece: a long stream byte by byte would take seconds. */
#define PIECES_MAX 1000u

struct input {
    uint8_t options;
    uint8_t size[PIECE_SIZES];
    const uint8_t *p;
    size_t n;
};

/* What libFuzzer calls, and replay.c; always 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* False: too short to be one. */
static inline bool input_open(struct input *in, const uint8_t *data, size_t n)
{
    if (n < 1 + PIECE_SIZES)
        return false;
    *in = (struct input){.options = data[0], .p = data + 1 + PIECE_SIZES, .n = n - 1 - PIECE_SIZES};
    memcpy(in->size, data + 1, PIECE_SIZES);
    return true;
}

/* How long the kth piece is where so many bytes are left; the sizes come round again, and 0 is all
 * that is left: so any two cuts can be said, and byte by byte. */
static inline size_t input_piece(const struct input *in, unsigned k, size_t left)
{
    size_t size = k < PIECES_MAX ? in->size[k % PIECE_SIZES] : 0;
    return size == 0 || size > left ? left : size;
}

/* False: no more of them. */
typedef bool input_fn(void *arg, const uint8_t *piece, size_t n);

/* Calls fn with p in the input's pieces, or (in NULL) in one; each lies in storage that ends where
 * it does. */
static inline bool input_cut(const struct input *in, const uint8_t *p, size_t n, input_fn *fn,
                             void *arg)
{
    bool more = true;
    size_t size = 0;
    for (size_t at = 0, k = 0; at < n && more; at += size, k++) {
        size = in ? input_piece(in, (unsigned)k, n - at) : n - at;
        uint8_t *piece = mem_dup(p + at, size);
        more = fn(arg, piece, size);
        free(piece);
    }
    return more;
}

#endif

/* Cuts a peer's bytes into runs of data-frame bytes and control frames (RFC 6455 §5.2); never
 * touches payload of data.
 *
 * Data bytes stay as they came: a run may span many frames, and costs one copy. A frame whose
 * payload is longer than FRAME_CUT is re-headed as fragments of FRAME_CUT payload bytes (a multiple
 * of 4, so that the mask key stays aligned; opcode and RSV1 on the first only), so that control
 * frames can always go between.
 *
 *     a frame as it came    head | payload                                  (200,000 bytes)
 *     as it is handed on    HEAD | 65,536 | HEAD | 65,536 | HEAD | 65,536 | HEAD | 3,392
 *                                         edge            edge            edge         edge, end
 *
 * Reading in place. Bytes may be read straight to where the stream of data frames is kept, and stay
 * there: no run is longer than the bytes that it was made from, if
 * - frame_aside() is false: what is kept aside of a head would have to go before them;
 * - not more than FRAME_CUT bytes and not more than frame_room() are read before they are split. */
#ifndef WSKEEP_WIRE_FRAME_H
#define WSKEEP_WIRE_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FRAME_CUT         65536u
#define FRAME_HEAD_MAX    14u
#define FRAME_CONTROL_MAX 125u

enum {
    FRAME_CONT = 0,
    FRAME_TEXT = 1,
    FRAME_BINARY = 2,
    FRAME_CLOSE = 8,
    FRAME_PING = 9,
    FRAME_PONG = 10
};

/* What the first bytes of a frame say. */
struct frame_head {
    uint64_t payload;
    uint8_t len; /* of the head itself, mask key included: 2 to 14 */
    uint8_t opcode;
    bool fin, rsv1, masked;
    uint8_t key[4]; /* 0 where not masked */
};

/* The one head parser. The head's length; 0: more bytes are needed; negative: ERR_PROTOCOL (RSV2 or
 * RSV3, a reserved opcode, a length that is not the shortest form or has its top bit set, a control
 * frame longer than 125 or in fragments). Whether RSV1 and a mask may be there is for the caller to
 * judge. */
int frame_head(const uint8_t *p, size_t n, struct frame_head *h);
/* Writes the head that `h` describes (h->len is not read); returns its length. */
size_t frame_head_write(const struct frame_head *h, uint8_t out[FRAME_HEAD_MAX]);

/* Where the splitter stands.
 *
 * F1 fragment <= left, and <= FRAME_CUT.
 * F2 Payload to come implies a message under way, and nothing kept aside.
 * F3 A frame that is cut belongs to a message known to be long.
 * F4 Between messages nothing is known of one; within, `message` stops counting at FRAME_CUT, and
 *    once `heads` is beyond it the message is long: or one of short fragments without end would
 *    never show an edge.
 * F5 Only a long message is counted as accepted before its end.
 * F6 The last frame of a message is under way only while payload of it is to come.
 * F7 What is kept aside is not whole. */
struct frame {
    uint64_t left;     /* payload bytes of the data frame under way that are still to come */
    uint8_t *control;  /* a control frame that came split: on the heap, NULL otherwise */
    uint32_t fragment; /* of `left`, those of the fragment under way; 0 < left: the next is due */
    uint32_t message;  /* payload bytes announced for the message under way, up to FRAME_CUT */
    uint32_t heads;    /* bytes of its frames' heads, until it is long */
    uint8_t head[FRAME_HEAD_MAX]; /* one that came split; the one that was handed on last */
    uint8_t have;                 /* bytes kept aside: in control[], else in head[] */
    uint8_t flags;                /* private */
    uint8_t key[4];               /* of the frame that is being cut */
};
_Static_assert(sizeof(struct frame) <= 48, "two for every session");

struct frame_run {
    enum frame_kind {
        FRAME_NONE,    /* nothing to hand on yet: part of a head or of a control frame was taken */
        FRAME_DATA,    /* head[0..head_len), then in[skip..skip + len) are the next bytes of the
                          stream of data frames */
        FRAME_CONTROL, /* one whole control frame: opcode, payload[0..len) */
        FRAME_BAD      /* code: the close code that RFC 6455 names (§7.4.1). What came before has
                          been handed on; nothing more may be asked of this splitter */
    } kind;
    size_t len;
    size_t skip;         /* DATA: bytes at the start of `in` that `head` stands for */
    const uint8_t *head; /* DATA: a frame's head that is not in `in` as it must be sent: it came
                            split, or was made here. Valid until the next call */
    uint8_t head_len;
    bool has_edge; /* DATA: something new may be sent … */
    size_t edge;   /* … up to here, counted from the run's first byte, head included; 0: all that
                      came before the run */
    bool has_end;  /* DATA: at least one message ends within the run … */
    size_t end;    /* … the last of them here, counted likewise */
    uint32_t messages; /* DATA: how many messages end within the run */
    uint32_t accepted; /* DATA: how many count as accepted from now on: those that end in the run
                          and were not counted before, and a longer one than FRAME_CUT whose first
                          sendable edge past its beginning is told of here */
    uint8_t opcode;    /* CONTROL */
    uint16_t code;     /* BAD */
    uint8_t payload[FRAME_CONTROL_MAX]; /* CONTROL: unmasked */
};

/* masked: the peer must mask (a client), or must not. rsv1: permessage-deflate was agreed on. */
void frame_init(struct frame *f, bool masked, bool rsv1);
void frame_fini(struct frame *f);
/* Takes bytes from `in` and says what they are; returns how many were taken (DATA: skip + len).
 * Call again with what is left until all is taken. With n == 0 it writes the head of the next
 * fragment where one is due (so that the fragment can be read straight to where it shall lie). */
size_t frame_next(struct frame *f, const uint8_t *in, size_t n, struct frame_run *run);
/* Payload bytes still to come of the fragment under way, where reading in place may not go further:
 * the frame is cut. SIZE_MAX: it may. 0: the next fragment's head is due (call frame_next with
 * n == 0). */
size_t frame_room(const struct frame *f);
/* From now on no run goes beyond the end of a message. Between messages. */
void frame_single(struct frame *f, bool on);
bool frame_binary(const struct frame *f); /* a binary message has begun, at any time */
bool frame_aside(const struct frame *f);  /* part of a head or of a control frame is kept aside */

bool frame_check(const struct frame *f); /* F1 to F7 */

#endif

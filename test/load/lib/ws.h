/* WebSocket frames (RFC 6455 §5.2), for either end. The proxy's own parser is not used here, so
 * that its faults do not go unseen. No extension is ever agreed on. */
#ifndef LOAD_LIB_WS_H
#define LOAD_LIB_WS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WS_HEAD_MAX    14u
#define WS_CONTROL_MAX 125u
#define WS_FIN         0x80u

enum ws_opcode { WS_CONT = 0, WS_TEXT = 1, WS_BINARY = 2, WS_CLOSE = 8, WS_PING = 9, WS_PONG = 10 };

/* Where a peer's stream of frames stands. */
struct ws_frame {
    uint64_t left; /* payload bytes still to come */
    uint32_t key;  /* for them; 0 where they are not masked */
    uint8_t opcode;
    bool fin;
    bool whole;   /* the head is: what is above may be read */
    bool masked;  /* the peer must mask: it is a client */
    bool message; /* a data message is under way */
    uint8_t have, head[WS_HEAD_MAX];
};

void ws_frame_init(struct ws_frame *f, bool masked);
/* Takes bytes of a head while it is not whole; returns how many, or -1: a breach of protocol. The
 * payload is the caller's to take from `left`, and then ws_frame_end. */
int ws_frame_head(struct ws_frame *f, const uint8_t *p, size_t n);
void ws_frame_end(struct ws_frame *f);
static inline bool ws_is_control(const struct ws_frame *f)
{
    return f->opcode & 8;
}

/* Writes a frame's head; first: its first byte. key: NULL, or the mask that follows. */
size_t ws_head_write(uint8_t *out, uint8_t first, uint64_t payload, const uint32_t *key);
/* Masks or unmasks; to may be from. Returns the key as it goes on behind. */
uint32_t ws_mask(uint8_t *to, const uint8_t *from, size_t n, uint32_t key);

#endif

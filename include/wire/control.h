/* Control frames (RFC 6455 §5.5): making pings, pongs and Closes, by wslay; reading a Close.
 *
 * A received Close is read here and not by wslay, whose 1.1.1 answers the codes 1012, 1013 and 1014
 * with 1002. */
#ifndef WSKEEP_WIRE_CONTROL_H
#define WSKEEP_WIRE_CONTROL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONTROL_FRAME_MAX  131u /* 2 + 4 + 125 */
#define CONTROL_REASON_MAX 123u
#define CLOSE_NONE         1005u /* a Close without a code (RFC 6455 §7.1.5); never on the wire */

/* A control frame into out[]; returns its length. n <= 125. masked: to a backend, with a random
 * key. */
size_t control_make(uint8_t opcode, const void *payload, size_t n, bool masked,
                    uint8_t out[CONTROL_FRAME_MAX]);
/* A Close; code CLOSE_NONE: an empty one. why: UTF-8, cut at 123 bytes (at a character's edge). */
size_t control_close(uint16_t code, const void *why, size_t n, bool masked,
                     uint8_t out[CONTROL_FRAME_MAX]);
/* The code of a Close's payload, CLOSE_NONE where it has none. Negative: ERR_PROTOCOL, with *fault
 * the close code to answer with: 1002 (one byte, or a code that may not be sent: RFC 6455 §7.4;
 * 1012-1014, 3000-4999 may) or 1007 (the reason is no UTF-8). */
int control_read_close(const uint8_t *payload, size_t n, uint16_t *fault);

#endif

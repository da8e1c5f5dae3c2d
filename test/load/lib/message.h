/* Messages that prove themselves: who sent which one when, a checksum of that, and a stretch of the
 * pattern that depends on it. A flipped bit, a missing or a foreign piece does not go unnoticed.
 *
 *     number 8 | sent at 8 | sender 4 | check 4 | pattern … */
#ifndef LOAD_LIB_MESSAGE_H
#define LOAD_LIB_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct message_head {
    uint64_t number; /* 0, 1, … of its session and direction */
    uint64_t at;     /* ns */
    uint32_t sender;
    uint32_t check;
};
#define MESSAGE_MIN sizeof(struct message_head)
_Static_assert(MESSAGE_MIN == 24, "no padding goes over the wire");

/* size: MESSAGE_MIN or more. pattern_init must have been called. */
void message_write(uint8_t *out, uint64_t size, uint64_t number, uint64_t at, uint32_t sender);

/* One that is being received; all zero before its first byte. */
struct message {
    struct message_head head;
    uint64_t len;
    bool damaged; /* a byte of the pattern is wrong */
};

void message_take(struct message *m, const uint8_t *p, size_t n);
/* At its end: whether it came as it was sent, and is as long and from whom it should be. */
bool message_good(const struct message *m, uint64_t size, uint32_t sender);

#endif

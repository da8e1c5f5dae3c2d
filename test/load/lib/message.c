/* Writes and verifies messages in one pass, in whatever pieces they come. Owns nothing. */
#include "message.h"

#include "mix.h"
#include "pattern.h"

#include <string.h>

static uint32_t checksum(const struct message_head *h, uint64_t size)
{
    return (uint32_t)mix64(mix64(h->number * 31 + size) ^ h->at ^ (uint64_t)h->sender << 40);
}

/* Where in the pattern byte `offset` of the message lies: neighbours in number or sender differ
 * everywhere. */
static uint64_t pattern_place(const struct message_head *h, uint64_t offset)
{
    return h->number * 37 + (uint64_t)h->sender * 1009 + offset;
}

void message_write(uint8_t *out, uint64_t size, uint64_t number, uint64_t at, uint32_t sender)
{
    struct message_head h = {.number = number, .at = at, .sender = sender};

    h.check = checksum(&h, size);
    memcpy(out, &h, sizeof h);
    for (uint64_t i = sizeof h; i < size;) {
        size_t n = size - i;
        const uint8_t *p = pattern_at(pattern_place(&h, i), &n);

        memcpy(out + i, p, n);
        i += n;
    }
}

static bool is_pattern(uint64_t place, const uint8_t *p, size_t n)
{
    while (n) {
        size_t run = n;
        const uint8_t *want = pattern_at(place, &run);

        if (memcmp(p, want, run) != 0)
            return false;
        place += run;
        p += run;
        n -= run;
    }
    return true;
}

void message_take(struct message *m, const uint8_t *p, size_t n)
{
    if (m->len < sizeof m->head) {
        size_t rest = sizeof m->head - m->len, part = n < rest ? n : rest;

        memcpy((uint8_t *)&m->head + m->len, p, part);
        m->len += part;
        p += part;
        n -= part;
    }
    if (n && !m->damaged)
        m->damaged = !is_pattern(pattern_place(&m->head, m->len), p, n);
    m->len += n;
}

bool message_good(const struct message *m, uint64_t size, uint32_t sender)
{
    return !m->damaged && m->len == size && m->head.sender == sender &&
           m->head.check == checksum(&m->head, size);
}

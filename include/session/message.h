/* Reading messages where they lie in a journal, between their coming and their being sent.
 *
 * A message of more than 64 KiB may be cut through: then its first fragments are all of it that is
 * certain to be seen, and it is told of by them. */
#ifndef WSKEEP_SESSION_MESSAGE_H
#define WSKEEP_SESSION_MESSAGE_H

#include "base/buf.h"
#include "session/journal_cursor.h"

/* How far a journal has been read: all before `at`, which where `begun` lies in a message that was
 * told of, or was sent. */
struct reader {
    struct mark at;
    bool begun;
};

struct message {
    struct cursor from; /* of its first frame */
    struct mark end;    /* not whole: its last frame edge so far, and the count before it */
    bool whole;
    bool text; /* and not compressed */
};

/* The next message of which nothing has been sent: a whole one, or the beginning of one that is cut
 * through. Moves r behind it, over what was sent unread too. False: there is none yet. The message
 * is valid until the journal is next changed. */
bool message_next(const struct journal *j, struct reader *r, struct message *m);
/* Moves r behind all that has come: nobody wants to know. */
void message_skip(const struct journal *j, struct reader *r);
/* Its bytes as they are in the journal. */
size_t message_size(const struct message *m);
void message_wire(const struct message *m, uint8_t *to);
/* Adds its payload, unmasked, at most so many bytes of it. */
void message_payload(const struct message *m, size_t most, struct buf *out);

#endif

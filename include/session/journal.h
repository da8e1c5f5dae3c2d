/* The pipe: one direction of a session, as an append-only run of data frames in wire format,
 * addressed by absolute offsets.
 *
 *     base <= acked <= sent <= ready <= end
 *       |       |       |       |       └ bytes appended so far
 *       |       |       |       └ the last frame edge that may be sent: `last`, or the end of the
 *       |       |       |         last whole fragment of a message that is cut through
 *       |       |       └ handed to the kernel
 *       |       └ start of what is kept for replay
 *       └ start of what is still in memory
 *
 * J1 base <= acked <= sent <= ready <= end, and acked <= last <= ready. Where nothing is kept,
 *    base == acked == sent, wherever in a message that is.
 * J2 acked and last are marks (message boundaries), where something is kept. base == acked, but
 *    while torn: then base == torn is a frame edge beyond acked.
 * J3 Bytes never change and addresses stay, until released.
 * J4 base == end implies no chunk, but while room is lent. `charge` is the capacity held, which is
 *    what budgets count.
 * J5 Torn (torn > acked) implies no rewind until acked >= torn.
 * J6 Only rewind lowers sent; only cut lowers ready and end.
 * J7 No call up, no I/O.
 *
 * It owns its chunks. It never looks into payload. */
#ifndef WSKEEP_SESSION_JOURNAL_H
#define WSKEEP_SESSION_JOURNAL_H

#include "base/pool.h"
#include "wire/frame.h"
#include <sys/uio.h>

struct mark {
    uint64_t off, messages; /* a message boundary, and how many messages end at or before it */
};

struct journal {
    struct pool *pool;
    struct chunk *head, *tail, *at; /* holding base, end, sent; chunks behind tail are room */
    uint32_t head_off, at_off;      /* of base in head, of sent in at */
    uint32_t charge;
    bool keep, lent;           /* lent: room is out, from tail's free bytes on */
    bool base_open, walk_open; /* the frame edge at base (torn only), at walk, lies in a message */
    uint64_t base, sent, ready, end, torn;
    struct mark acked, last;
    struct mark walk; /* the first frame edge >= sent, and the messages that end at or before it */
    struct mark next; /* cache: a message end; the next beyond walk if it counts one more */
};
_Static_assert(sizeof(struct journal) <= 168, "two of them are in every session");

void journal_init(struct journal *j, struct pool *p, bool keep); /* !keep: acked follows sent */
void journal_fini(struct journal *j); /* in any state; gives every chunk back */

/* Room for up to `want` bytes at the end: fills v[0..max), returns how many it filled. Valid until
 * it is given back (append with r NULL) or the journal is cut. */
int journal_room(struct journal *j, struct iovec *v, int max, size_t want);
/* Appends the run that frame_next made of p (its `in`): r->head, then r->len bytes at p + r->skip.
 * Where p lies in the journal's own room, bytes that are where they shall be are not touched,
 * others move down over what lies between (a control frame); a head must find its place in that
 * gap, as that of every frame does which began in the room. r NULL: gives back the room that is
 * left. */
void journal_append(struct journal *j, const uint8_t *p, const struct frame_run *r);
/* The source has died: end = last, or, where what was sent is beyond that, ready. How many bytes
 * went. */
size_t journal_cut(struct journal *j);

/* What may be sent now, up to the offset upto: fills v, returns how many. For writev. */
int journal_peek(const struct journal *j, struct iovec *v, int max, uint64_t upto);
void journal_sent(struct journal *j, size_t n);
/* The first frame (message: message) edge >= sent, among what has come. False: not here yet, which
 * only a message's can be: `ready` is a frame edge. */
bool journal_edge(struct journal *j, bool message, struct mark *m);
bool journal_open(const struct journal *j); /* what was sent ends in the middle of a message */
uint64_t journal_sent_messages(const struct journal *j); /* that end at or before sent */

void journal_ack(struct journal *j, struct mark m); /* older than acked: nothing. Frees chunks */
/* sent = acked; 0, or ERR_TORN: what a replay would begin with is gone (where nothing is kept: what
 * was sent ends in the middle of a message). */
int journal_rewind(struct journal *j);
/* The last message end <= sent. Where something is kept. */
struct mark journal_whole(const struct journal *j);
bool journal_torn(const struct journal *j); /* acked is no longer here, though not proven */
bool journal_full(const struct journal *j, size_t limit); /* end - sent >= limit: stop the source */
/* Kept beyond limit: gives up, at a mark, the oldest below `taken` (an offset that the peer's TCP
 * has acknowledged), as much as the limit needs. Returns how many messages were given up.
 * A message that is larger than the limit tears the journal: its bytes go as TCP takes them, those
 * of messages behind it as the limit needs; none of them is counted: an ack or a loss ends it. */
uint64_t journal_relieve(struct journal *j, size_t limit, uint64_t taken);

/* Holds J1 to J5, a line each, and the walk cursor against the frames. False: it has said which. */
bool journal_check(const struct journal *j);

#endif

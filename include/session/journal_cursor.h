/* Private to the journal and its readers (message.c): walking over the frames in it, from a known
 * frame edge on. */
#ifndef WSKEEP_SESSION_JOURNAL_CURSOR_H
#define WSKEEP_SESSION_JOURNAL_CURSOR_H

#include "session/journal.h"

struct cursor {
    struct chunk *chunk;
    uint32_t off;
    bool open; /* m, a frame edge, lies within a message */
    struct mark m;
};

/* Moves the place (c, off) on by n bytes, which must have come; it may then stand at a chunk's end.
 */
void place_skip(struct chunk **c, uint32_t *off, uint64_t n);

/* At base, which is a frame edge where something is kept. Its count is right unless torn. */
struct cursor cursor_base(const struct journal *j);
struct cursor cursor_walk(const struct journal *j);
/* At m, a frame edge from sent on, where something is unsent. */
struct cursor cursor_edge(const struct journal *j, struct mark m, bool open);
void cursor_head(const struct cursor *w, struct frame_head *h); /* of the frame that begins here */
void cursor_step(struct cursor *w); /* over one frame, all of which has come */
/* To the next message end, if it is not beyond `most` (itself not beyond ready). */
bool cursor_end(struct cursor *w, uint64_t most);

#endif

/* A scripted WebSocket peer on the rig's loop, behind its handshake: sends what it is told, puts
 * messages together again from what comes. Fails the test at the first breach of RFC 6455. */
#ifndef WSKEEP_TEST_LOOP_WSPEER_H
#define WSKEEP_TEST_LOOP_WSPEER_H

#include "loop/lib/rig.h"
#include "loop/lib/wsread.h"

struct wspeer {
    uv_poll_t poll;
    struct rig *rig;
    int fd;
    bool masks;   /* a client: its frames are masked, what it gets is not */
    bool echoes;  /* sends each message back, and reads no more while that waits: as servers do */
    bool deaf;    /* answers no ping */
    bool stopped; /* does not read */
    bool mute;    /* has ended its side: what it would say from then on is not said */
    bool close_back;                  /* answers a Close in kind (on by default) */
    size_t most;                      /* bytes of a read at most; 0: as many as there are */
    size_t slice;                     /* of a write, likewise */
    void (*heard)(struct wspeer *p);  /* `in` has a whole message; NULL: nobody asks */
    void (*pinged)(struct wspeer *p); /* likewise, of a ping */
    void (*wrote)(struct wspeer *p, const void *bytes, size_t n); /* these; NULL: nobody asks */
    struct buf *texts; /* gets each whole message, with a bar behind it; NULL: nobody asks */
    struct buf out;
    struct wsread in;
    unsigned messages, pings, pongs; /* whole ones that came */
    uint64_t bytes;                  /* of these messages */
    uint64_t hash; /* FNV-1a over opcodes, lengths and payloads of whole messages, in order */
    bool got_close, sent_close, eof, reset, closed;
    uint16_t code; /* of the Close that came; 1005: none in it */
    char why[124];
};

void wspeer_open(struct wspeer *p, struct rig *r, int fd, bool client);
void wspeer_close(struct wspeer *p);         /* the descriptor too */
void wspeer_reset(struct wspeer *p);         /* the same, with RST */
void wspeer_stop(struct wspeer *p, bool on); /* stops reading */
/* A frame; fin and opcode, with RSV bits, as given. */
void wspeer_frame(struct wspeer *p, bool fin, uint8_t opcode, const void *payload, size_t n);
void wspeer_send(struct wspeer *p, uint8_t opcode, const void *payload,
                 size_t n); /* a message of one frame */
void wspeer_say_close(struct wspeer *p, uint16_t code, const char *why); /* 1005: an empty one */
void wspeer_raw(struct wspeer *p, const void *bytes, size_t n);
void wspeer_shutdown(struct wspeer *p); /* half-close, once all is written */
uint64_t wspeer_hash(uint64_t h, uint8_t opcode, const void *payload, size_t n); /* h 0: begin */

#endif

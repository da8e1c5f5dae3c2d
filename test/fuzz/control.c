/* Control frames: what is made is read again, by the splitter in any pieces and by wslay; what is
 * said of a Close's payload is what wslay says, but for the codes that wslay does not know.
 *
 * The first piece size is a frame's opcode (of three), the next two are a Close's code. */
#include "wire/control.h"
#include "base/buf.h"
#include "fuzz/input.h"
#include "wire/frame.h"
#include <stdlib.h>
#include <wslay/wslay.h>

enum { MASKED = 1 };

#define REASON_MAX 300 /* more than fits */

/* ---- reading: by the splitter */

struct splitting {
    struct frame frame;
    struct frame_run *run;
    bool found;
};

static bool split_piece(void *arg, const uint8_t *piece, size_t n)
{
    struct splitting *s = arg;
    for (size_t at = 0, taken = 0; at < n; at += taken) {
        EXPECT(!s->found);
        taken = frame_next(&s->frame, piece + at, n - at, s->run);
        EXPECT(taken > 0 && (s->run->kind == FRAME_NONE || s->run->kind == FRAME_CONTROL));
        s->found = s->run->kind == FRAME_CONTROL;
    }
    return true;
}

/* Exactly one control frame, and nothing else. */
static void split(const struct input *in, const uint8_t *p, size_t n, bool masked,
                  struct frame_run *run)
{
    struct splitting s = {.run = run};
    frame_init(&s.frame, masked, false);
    input_cut(in, p, n, split_piece, &s);
    EXPECT(s.found && !frame_aside(&s.frame));
    frame_fini(&s.frame);
}

/* ---- reading: by wslay */

struct reading {
    const uint8_t *in;
    size_t left;
    bool told;
    uint8_t opcode;
    uint16_t code;
    struct buf payload;
};

static ssize_t on_recv(wslay_event_context_ptr ctx, uint8_t *buf, size_t len, int flags, void *arg)
{
    struct reading *r = arg;
    (void)flags;
    size_t n = r->left < len ? r->left : len;
    if (n == 0) {
        wslay_event_set_error(ctx, WSLAY_ERR_WOULDBLOCK);
        return -1;
    }
    memcpy(buf, r->in, n);
    r->in += n;
    r->left -= n;
    return (ssize_t)n;
}

static void on_message(wslay_event_context_ptr ctx, const struct wslay_event_on_msg_recv_arg *a,
                       void *arg)
{
    struct reading *r = arg;
    (void)ctx;
    r->told = true;
    r->opcode = a->opcode;
    r->code = a->status_code;
    buf_add(&r->payload, a->msg, a->msg_length);
}

static void read_by_wslay(struct reading *r, const uint8_t *p, size_t n, bool masked)
{
    static const struct wslay_event_callbacks callbacks = {.recv_callback = on_recv,
                                                           .on_msg_recv_callback = on_message};
    wslay_event_context_ptr ctx;
    *r = (struct reading){.in = p, .left = n};
    if ((masked ? wslay_event_context_server_init
                : wslay_event_context_client_init)(&ctx, &callbacks, r) != 0)
        abort();
    EXPECT(wslay_event_recv(ctx) == 0);
    wslay_event_context_free(ctx);
}

/* ---- what holds */

static bool same(const uint8_t *a, size_t n, const uint8_t *b, size_t m)
{
    return n == m && (n == 0 || memcmp(a, b, n) == 0);
}

/* Where the two are known to judge differently: wslay 1.1.1 does not know the codes that IANA's
 * registry has had added, and takes one byte for a Close without a code. */
static bool may_differ(int code, size_t n)
{
    return (code >= 1012 && code <= 1014) || n == 1;
}

/* A Close's payload means to wskeep what it means to wslay: nothing, a code, or a fault. */
static void close_payload(const uint8_t *payload, size_t n, const struct reading *wslay)
{
    uint16_t fault = 0;
    uint8_t *copy = mem_dup(payload, n);
    int code = control_read_close(copy, n, &fault);
    free(copy);
    EXPECT(code == ERR_PROTOCOL ? fault == 1002 || fault == 1007 : code >= 1000 && code <= 4999);
    EXPECT((code < 0) == (fault != 0));
    EXPECT(n != 1 || code < 0);
    if (may_differ(code, n))
        return;
    EXPECT(wslay->told == (code >= 0));
    EXPECT(code < 0 || code == (n == 0 ? (int)CLOSE_NONE : wslay->code));
}

static void frame_survives(const struct input *in, const uint8_t *payload, size_t n)
{
    static const uint8_t opcodes[] = {FRAME_CLOSE, FRAME_PING, FRAME_PONG};
    uint8_t out[CONTROL_FRAME_MAX], opcode = opcodes[in->size[0] % sizeof(opcodes)];
    bool masked = in->options & MASKED;
    struct frame_run run;
    struct reading wslay;
    size_t len = control_make(opcode, payload, n, masked, out);
    EXPECT(len == 2 + n + (masked ? 4 : 0));
    split(in, out, len, masked, &run);
    EXPECT(run.opcode == opcode && same(run.payload, run.len, payload, n));
    read_by_wslay(&wslay, out, len, masked);
    if (opcode == FRAME_CLOSE)
        close_payload(payload, n, &wslay);
    else
        EXPECT(wslay.told && same(wslay.payload.data, wslay.payload.len, payload, n));
    EXPECT(!wslay.told || wslay.opcode == opcode);
    buf_fini(&wslay.payload);
}

/* By RFC 3629's table of code points, and not by states. */
static bool is_utf8(const uint8_t *p, size_t n)
{
    for (size_t i = 0, len = 0; i < n; i += len) {
        static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
        len = p[i] < 0x80 ? 1 : p[i] >> 5 == 6 ? 2 : p[i] >> 4 == 14 ? 3 : p[i] >> 3 == 30 ? 4 : 0;
        if (len == 0 || len > n - i)
            return false;
        uint32_t c = len == 1 ? p[i] : p[i] & (0x7fu >> len);
        for (size_t k = 1; k < len; k++) {
            if (p[i + k] >> 6 != 2)
                return false;
            c = c << 6 | (p[i + k] & 0x3f);
        }
        if (c < least[len] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
            return false;
    }
    return true;
}

/* A Close of wskeep's own: whole characters of the reason, and no more cut off than must be. */
static void close_survives(const struct input *in, const uint8_t *why, size_t n)
{
    uint8_t out[CONTROL_FRAME_MAX];
    uint16_t code = (uint16_t)(in->size[1] << 8 | in->size[2]), fault;
    bool masked = in->options & MASKED;
    struct frame_run run;
    size_t len = control_close(code, why, n, masked, out);
    split(in, out, len, masked, &run);
    EXPECT(run.opcode == FRAME_CLOSE);
    if (code == CLOSE_NONE) {
        EXPECT(run.len == 0);
        return;
    }
    EXPECT(run.len >= 2 && (run.payload[0] << 8 | run.payload[1]) == code);
    size_t kept = run.len - 2;
    EXPECT(kept <= CONTROL_REASON_MAX && kept <= n && same(run.payload + 2, kept, why, kept));
    EXPECT(n > CONTROL_REASON_MAX || kept == n);
    if (!is_utf8(why, n))
        return;
    EXPECT(n <= CONTROL_REASON_MAX || kept + 3 >= CONTROL_REASON_MAX);
    int read = control_read_close(run.payload, run.len, &fault);
    EXPECT(read == code || (read == ERR_PROTOCOL && fault == 1002));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct input in;
    if (!input_open(&in, data, n))
        return 0;
    frame_survives(&in, in.p, in.n < FRAME_CONTROL_MAX ? in.n : FRAME_CONTROL_MAX);
    close_survives(&in, in.p, in.n < REASON_MAX ? in.n : REASON_MAX);
    return 0;
}

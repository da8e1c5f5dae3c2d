/* What becomes of a session without a backend: the table in fate.h, a line here for each row there.
 *
 * Owns nothing, keeps nothing, counts nothing: who asks has counted. */
#include "session/fate.h"
#include "base/err.h"
#include "wire/control.h"
#include <stdlib.h>
#include <string.h>

/* A leg that took no Close in leg_finish's time was silent. */
static const enum reason reason_of[] = {
    [LEG_END_CLOSE] = REASON_BACKEND_CLOSE,    [LEG_END_FAULT] = REASON_BACKEND_PROTOCOL,
    [LEG_END_SILENT] = REASON_BACKEND_TIMEOUT, [LEG_END_EOF] = REASON_BACKEND_EOF,
    [LEG_END_RESET] = REASON_BACKEND_RESET,    [LEG_END_LATE] = REASON_BACKEND_TIMEOUT,
};

static bool is_listed(const struct strings *codes, uint16_t code)
{
    for (unsigned i = 0; i < codes->n; i++)
        if (strtoul(codes->v[i], NULL, 10) == code)
            return true;
    return false;
}

/* Python's websockets, under uvicorn too, gives its peer up with this when no pong came in time: it
 * is the connection, or a busy event loop, that failed; the application has said nothing. */
static bool is_keepalive(struct str why)
{
    static const char text[] = "keepalive ping timeout";
    return why.n > 0 && memmem(why.p, why.n, text, sizeof(text) - 1);
}

/* The backend's own word to the client: a fresh connection would hear it again, or would take back
 * what the application has ended. The conf lists codes of the application's: 1000, none, 3000 to
 * 4999. All others but those of a server that goes or is overloaded, or of a gateway, are about
 * what the client sent, or a fault of the application that would come again. */
static bool is_own_word(uint16_t code, struct str why, const struct strings *codes)
{
    switch (code) {
    case 1001:
    case 1012:
    case 1013:
    case 1014:
        return false;
    case 1011:
        return !is_keepalive(why);
    case 1000:
    case CLOSE_NONE:
        return !is_listed(codes, code);
    default:
        return code < 3000 || !is_listed(codes, code);
    }
}

static bool is_close(const struct fate_of *f, uint16_t code)
{
    return f->end == LEG_END_CLOSE && f->code == code;
}

/* Some applications accept first, and judge the credentials then. */
static bool is_refusal(const struct fate_of *f)
{
    return is_close(f, 1008) && f->reconnected && f->lived < f->conf->reconnect.probation;
}

static bool is_final(const struct fate_of *f)
{
    return f->end == LEG_END_FAULT ||
           (f->end == LEG_END_CLOSE && is_own_word(f->code, f->why, &f->conf->reconnect.codes));
}

/* Without a window or a head there is nothing to reconnect with. With a message torn or given up
 * one would be missing, and to a client in the middle of one none can be sent from its start. */
static bool is_cut_off(const struct fate_of *f)
{
    return f->conf->reconnect.window == 0 || f->no_head || f->torn || f->given_up || f->client_mid;
}

static struct fate ends(enum reason r)
{
    return (struct fate){FATE_END, r};
}

static struct fate of_leg(const struct fate_of *f)
{
    uint64_t poison = f->conf->reconnect.poison;
    BUG_ON(f->end == LEG_END_NONE);
    if (is_refusal(f))
        return ends(REASON_BACKEND_REFUSED);
    if (is_final(f))
        return ends(reason_of[f->end]);
    if (f->client_closed && !f->unacked)
        return ends(REASON_CLIENT_CLOSE);
    if (is_cut_off(f))
        return ends(reason_of[f->end]);
    if (f->stateful && f->acked_here)
        return ends(REASON_STATE_LOST);
    if (poison > 0 && f->poisoned >= poison)
        return ends(REASON_POISON);
    if (f->brief >= FATE_BRIEF_MOST)
        return ends(REASON_BACKEND_UNSTABLE);
    return (struct fate){is_close(f, 1013) ? FATE_RECONNECT_LATER : FATE_RECONNECT,
                         reason_of[f->end]};
}

static struct fate of_attempt(bool window_over)
{
    return window_over ? ends(REASON_RECONNECT_WINDOW)
                       : (struct fate){FATE_RECONNECT, REASON_UNREACHABLE};
}

/* What a gateway before the backend, or wskeep itself as one, says while the backend is away. */
static bool is_away(uint16_t status)
{
    return status >= 502 && status <= 504;
}

struct fate fate(const struct fate_of *f)
{
    if (f->draining)
        return ends(REASON_DRAIN);
    switch (f->what) {
    case FATE_UNANSWERED:
        return of_attempt(f->window_over);
    case FATE_ANSWERED:
        return is_away(f->status) ? of_attempt(f->window_over) : ends(REASON_BACKEND_REFUSED);
    case FATE_MISMATCHED:
        return ends(REASON_BACKEND_CHANGED);
    case FATE_LEG:
        break;
    }
    return of_leg(f);
}

/* Numbered messages and what must come of them: see ledger.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "loop/lib/chance.h"
#include "loop/lib/ledger.h"
#include "wire/frame.h"
#include <stdio.h>
#include <string.h>

/* ---- what a message says: all of it follows from its number, and from what it is ---- */

static struct ledger *now; /* peers have no owner */

static size_t pad_of(uint32_t number)
{
    uint32_t x = number * 2654435761u;
    switch (now->is.narrow ? 9 : (x >> 8) % 10) {
    case 0:
        return (x >> 12) % LEDGER_LONGEST;
    case 1:
        return 65480 + (x >> 12) % 60;
    case 2:
    case 3:
        return (x >> 12) % 20000;
    default:
        return (x >> 12) % 300;
    }
}

static void text_of(uint32_t number, const char *type, uint32_t id, struct buf *text)
{
    size_t n = pad_of(number);
    buf_clear(text);
    buf_addf(text, "{\"n\":%u,\"type\":\"%s\",\"id\":\"%u\",\"x\":\"", number, type, id);
    uint8_t *pad = buf_room(text, n);
    for (size_t i = 0; i < n; i++)
        pad[i] = (uint8_t)('a' + (i * 7 + (i >> 8) * 5 + number) % 26);
    text->len += n;
    buf_adds(text, "\"}");
}

static void text_up(uint32_t number, struct buf *text)
{
    text_of(number, now->asked[number].is ? "ask" : "say", number, text);
}

static void text_down(uint32_t number, struct buf *text)
{
    uint32_t answers = now->spoken[number].answers;
    text_of(number, answers ? "done" : "token", answers, text);
}

static uint32_t number_of(const struct buf *m, uint32_t most)
{
    uint32_t number = 0;
    char text[24];
    assert_true(m->len > sizeof(text));
    memcpy(text, m->data, sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    assert_int_equal(sscanf(text, "{\"n\":%u,", &number), 1);
    assert_true(number > 0 && number <= most);
    return number;
}

static void must_be(const struct buf *m, const struct buf *want)
{
    assert_int_equal(m->len, want->len);
    assert_memory_equal(m->data, want->data, want->len);
}

/* ---- up ---- */

/* Each connection gets it, or may: it stands before what is replayed. */
static bool goes_first(const struct ledger *l, uint32_t n)
{
    return n <= l->is.preamble || (l->is.answers && l->asked[n].is);
}

/* Whether answer.bytes has room for it nobody knows here. */
static bool may_be_kept(const struct ledger *l, uint32_t n)
{
    struct buf text;
    if (!l->is.answers || !l->asked[n].is)
        return false;
    buf_init(&text);
    text_up(n, &text);
    bool may = text.len <= FRAME_CUT;
    buf_fini(&text);
    return may;
}

static void nothing_is_left_out(const struct ledger *l, uint32_t n)
{
    assert_true(n > l->last);
    if (l->last < l->is.preamble || !goes_first(l, l->last))
        assert_int_equal(n, l->last + 1);
    for (uint32_t i = l->last + 1; i < n && !l->is.unsent; i++)
        assert_true(l->asked[i].times > 0);
}

static void nothing_comes_too_often(struct ledger *l, uint32_t n)
{
    struct asked *a = &l->asked[n];
    bool known = a->known > 0 && a->known <= l->visit, worn = a->times > l->is.attempts;
    if (l->is.unsent && !goes_first(l, n))
        assert_int_equal(a->times, 0);
    if ((known || worn) && n > l->is.preamble && may_be_kept(l, n) && !a->excess) {
        a->excess = true;
        l->excess++;
    }
}

static void on_up(struct wspeer *p)
{
    struct ledger *l = now;
    struct buf want;
    uint32_t n = number_of(&p->in.message, l->up);
    buf_init(&want);
    text_up(n, &want);
    must_be(&p->in.message, &want);
    buf_fini(&want);
    if (p != l->backend) /* said to one that was lost meanwhile */
        return;
    nothing_is_left_out(l, n);
    nothing_comes_too_often(l, n);
    l->asked[n].times++;
    l->asked[n].seen = l->visit + 1;
    l->last = n;
    l->most = n > l->most ? n : l->most;
}

uint32_t ledger_missing(const struct ledger *l, uint32_t most)
{
    uint32_t missing = 0;
    for (uint32_t n = 1; n <= most; n++)
        missing += l->asked[n].times == 0;
    return missing;
}

uint32_t ledger_waiting(const struct ledger *l)
{
    uint32_t waiting = 0;
    for (uint32_t n = 1; n <= l->up; n++)
        waiting += l->asked[n].is && !l->asked[n].answered && l->asked[n].seen != l->visit + 1 &&
                   may_be_kept(l, n);
    return waiting;
}

/* ---- down ---- */

static bool is_notice(const struct buf *m)
{
    return m->len == sizeof(LEDGER_NOTICE) - 1 && memcmp(m->data, LEDGER_NOTICE, m->len) == 0;
}

static void on_down(struct wspeer *p)
{
    struct ledger *l = now;
    struct buf want;
    if (is_notice(&p->in.message)) {
        assert_true(l->is.notice && ++l->notices <= l->visit);
        return;
    }
    uint32_t n = number_of(&p->in.message, l->down);
    const struct spoken *s = &l->spoken[n];
    buf_init(&want);
    text_down(n, &want);
    must_be(&p->in.message, &want);
    buf_fini(&want);
    assert_true(n > l->heard);
    assert_false(s->swallowed);
    assert_true(s->visit >= l->notices);
    assert_true(!l->is.notice || s->visit == 0 || l->notices > 0);
    l->heard = n;
    l->got++;
    if (s->answers && l->asked[s->answers].known == 0)
        l->asked[s->answers].known = l->visit + 1;
}

/* ---- saying ---- */

bool ledger_can_say(const struct wspeer *p)
{
    return !p->closed && !p->reset && !p->eof && !p->sent_close && !p->got_close && !p->mute;
}

static void say(struct ledger *l, struct wspeer *p, const struct buf *text)
{
    uint8_t opcode = l->is.deflate && one_in(2) ? 0x41 : 1;
    for (size_t at = 0; at < text->len;) {
        size_t left = text->len - at, n = one_in(3) ? 1 + draw(left) : left;
        wspeer_frame(p, n == left, at > 0 ? 0 : opcode, text->data + at, n);
        at += n;
        if (one_in(8))
            wspeer_frame(p, true, 9, "?", 1);
    }
}

static bool has_room(const struct wspeer *p, uint32_t number)
{
    return ledger_can_say(p) && p->out.len <= LEDGER_LONGEST && number + 1 < LEDGER_NUMBERS;
}

void ledger_say(struct ledger *l, struct wspeer *client)
{
    struct buf text;
    if (!has_room(client, l->up))
        return;
    uint32_t n = ++l->up;
    l->asked[n].is = one_in(3);
    /* Where an answer is for the oldest question, all must be kept, and each be answered once. */
    if (!l->is.keyed && (pad_of(n) > 20000 || n <= l->is.preamble))
        l->asked[n].is = false;
    buf_init(&text);
    text_up(n, &text);
    say(l, client, &text);
    buf_fini(&text);
}

/* The oldest that it has got and not answered; where answers name theirs, any. */
static uint32_t owed(const struct ledger *l)
{
    uint32_t found = 0;
    for (uint32_t n = 1; n <= l->up; n++)
        if (l->asked[n].is && l->asked[n].seen == l->visit + 1) {
            if (!l->is.keyed && !found)
                return n;
            if (!found || one_in(2))
                found = n;
        }
    return found;
}

void ledger_reply(struct ledger *l)
{
    struct buf text;
    if (!has_room(l->backend, l->down))
        return;
    bool greets = l->visit > 0 && l->said < l->is.greeting;
    uint32_t n = ++l->down, answers = l->is.answers && !greets && one_in(3) ? owed(l) : 0;
    l->spoken[n] = (struct spoken){answers, l->visit, l->visit > 0 && l->said < l->greeting};
    l->said++;
    if (!greets)
        l->due = n;
    if (answers) {
        l->asked[answers].answered = true;
        l->asked[answers].seen = 0;
    }
    buf_init(&text);
    text_down(n, &text);
    say(l, l->backend, &text);
    buf_fini(&text);
}

/* ---- who is there ---- */

void ledger_joins(struct ledger *l, struct wspeer *backend)
{
    l->visit += l->backend != NULL;
    l->backend = backend;
    l->last = 0;
    l->said = 0;
    l->due = 0; /* what it had not sent never comes */
    /* The client may hear more until it is there, and so may be spared more. */
    l->greeting = l->got < l->is.greeting ? l->got : l->is.greeting;
    backend->heard = on_up;
    backend->texts = NULL;
    backend->in.deflate = l->is.deflate;
}

void ledger_open(struct ledger *l, const struct ledger_rules *rules, struct wspeer *client,
                 struct wspeer *backend)
{
    *l = (struct ledger){.is = *rules};
    now = l;
    client->heard = on_down;
    client->texts = NULL;
    client->in.deflate = rules->deflate;
    ledger_joins(l, backend);
}

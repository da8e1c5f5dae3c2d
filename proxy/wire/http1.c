/* HTTP/1 messages as events, over llhttp.
 *
 * llhttp pushes; here it is made to pause at every event, so that the caller pulls. Each message
 * begins with a parser as new: nothing that llhttp remembers of one (an upgrade, Connection: close,
 * flags of its trailers) reaches the next. The callbacks only note where things lie: the bytes of a
 * head are copied once, as a run, and the spans are offsets into it.
 *
 * Owns the text of the head and of the trailers; never body bytes. What a head must be is said in
 * strict. */
#include "wire/http1.h"
#include "base/err.h"
#include "base/mem.h"
#include "wire/strict.h"
#include <llhttp.h>
#include <stdlib.h>

/* A chunk's line without extensions: the CRLF of the chunk before, 16 digits (2^64 - 1), CRLF. */
#define CHUNK_LINE 20u
/* What all lines of a body may have beyond that: extensions, leading zeros; no one sends them. */
#define CHUNK_EXTRA 4096u

/* Where in a message the parser stands. */
enum phase {
    PHASE_START,    /* nothing of it has come, but for one empty line */
    PHASE_LINE,     /* head.text grows: the method and the target of a request */
    PHASE_HEAD,     /* and what is behind them */
    PHASE_BODY,     /* the head was handed out */
    PHASE_TRAILERS, /* trailers.text grows: the last chunk's line is behind */
    PHASE_END,      /* the message is whole */
    PHASE_BAD
};

/* Why llhttp paused. */
enum stop { STOP_HEAD, STOP_DATA, STOP_LAST_CHUNK, STOP_END };

struct http1 {
    llhttp_t llhttp;
    struct http1_view view;
    size_t head_max;
    enum phase phase;
    enum stop stop;
    bool request, to_head;
    bool in_name;   /* the last span was (a part of) a field's name */
    uint8_t blank;  /* bytes of the empty line before the message that came */
    uint32_t line;  /* bytes of chunk framing since the last data */
    uint32_t extra; /* what all such lines before had beyond CHUNK_LINE */
    const char *in; /* what llhttp is being given */
};

static struct http1 *self_of(llhttp_t *l)
{
    return l->data;
}

static struct head *head_of(struct http1 *p)
{
    return p->phase == PHASE_TRAILERS ? &p->view.trailers : &p->view.head;
}

/* Where `at` will lie in the text once these bytes have been added to it. */
static uint32_t offset_of(struct http1 *p, const char *at)
{
    return (uint32_t)(head_of(p)->text.len + (size_t)(at - p->in));
}

static int pause_at(llhttp_t *l, enum stop stop)
{
    self_of(l)->stop = stop;
    return HPE_PAUSED;
}

static struct field_at *field_new(struct head *h)
{
    if (h->count == h->cap) {
        h->cap = h->cap ? 2 * h->cap : 16;
        h->fields = mem_realloc(h->fields, h->cap * sizeof(*h->fields));
    }
    struct field_at *f = &h->fields[h->count++];
    *f = (struct field_at){.name = 0};
    return f;
}

static int on_header_field(llhttp_t *l, const char *at, size_t n)
{
    struct http1 *p = self_of(l);
    struct head *h = head_of(p);
    if (!p->in_name) {
        if (h->count == HTTP1_FIELDS)
            return HPE_USER;
        field_new(h)->name = offset_of(p, at);
        p->in_name = true;
    }
    struct field_at *f = &h->fields[h->count - 1];
    f->name_len = offset_of(p, at + n) - f->name;
    return 0;
}

static int on_header_value(llhttp_t *l, const char *at, size_t n)
{
    struct http1 *p = self_of(l);
    struct head *h = head_of(p);
    struct field_at *f = &h->fields[h->count - 1];
    if (p->in_name) {
        f->value = offset_of(p, at);
        p->in_name = false;
    }
    f->value_len = offset_of(p, at + n) - f->value;
    return 0;
}

static int on_headers_complete(llhttp_t *l)
{
    return pause_at(l, STOP_HEAD);
}

static int on_body(llhttp_t *l, const char *at, size_t n)
{
    if (n == 0)
        return 0;
    self_of(l)->view.data = (struct str){at, n};
    return pause_at(l, STOP_DATA);
}

static int on_chunk_header(llhttp_t *l)
{
    return l->content_length == 0 ? pause_at(l, STOP_LAST_CHUNK) : 0;
}

static int on_message_complete(llhttp_t *l)
{
    return pause_at(l, STOP_END);
}

static const llhttp_settings_t callbacks = {
    .on_header_field = on_header_field,
    .on_header_value = on_header_value,
    .on_headers_complete = on_headers_complete,
    .on_body = on_body,
    .on_chunk_header = on_chunk_header,
    .on_message_complete = on_message_complete,
};

struct http1 *http1_new(bool request, size_t head_max)
{
    struct http1 *p = mem_zalloc(sizeof(*p));
    p->request = request;
    p->head_max = head_max;
    head_init(&p->view.head);
    head_init(&p->view.trailers);
    http1_clear(p);
    return p;
}

void http1_free(struct http1 *p)
{
    if (!p)
        return;
    head_fini(&p->view.head);
    head_fini(&p->view.trailers);
    free(p);
}

struct http1_view *http1_view(struct http1 *p)
{
    return &p->view;
}

void http1_expect(struct http1 *p, bool to_head)
{
    p->to_head = to_head;
}

void http1_clear(struct http1 *p)
{
    head_clear(&p->view.head);
    head_clear(&p->view.trailers);
    llhttp_init(&p->llhttp, p->request ? HTTP_REQUEST : HTTP_RESPONSE, &callbacks);
    p->llhttp.data = p;
    p->phase = PHASE_START;
    p->blank = 0;
    p->line = p->extra = 0;
}

bool http1_idle(const struct http1 *p)
{
    return p->phase == PHASE_START || p->phase == PHASE_END;
}

static enum http1_event bad(struct http1 *p, int status, const char *why)
{
    p->phase = PHASE_BAD;
    p->view.status = p->request ? (uint16_t)status : 502;
    p->view.why = why;
    return HTTP1_BAD;
}

static enum http1_event bad_syntax(struct http1 *p, llhttp_errno_t err)
{
    const llhttp_t *l = &p->llhttp;
    bool other_version = l->http_major != 1 || l->http_minor > 1;
    if (err == HPE_USER)
        return bad(p, 431, "too many fields");
    return bad(p, err == HPE_INVALID_VERSION && other_version ? 505 : 400,
               llhttp_get_error_reason(l));
}

/* RFC 9112 §2.2: one empty line before a request is passed over; no more, and none before an
 * answer. */
static size_t skip_blank(struct http1 *p, const uint8_t *in, size_t n, enum http1_event *ev)
{
    size_t i = 0;
    while (i < n && p->request && p->blank < 2 && in[i] == (p->blank ? '\n' : '\r')) {
        p->blank++;
        i++;
    }
    *ev = HTTP1_MORE;
    if (i == n)
        return i;
    if (p->blank == 1 || in[i] == '\r' || in[i] == '\n')
        *ev = bad(p, 400, "an empty line where a message should begin");
    else
        p->phase = p->request ? PHASE_LINE : PHASE_HEAD;
    return i;
}

/* One byte of the method or the target, at `at` of the text. False: it cannot stand there. */
static bool take_word(struct head *h, uint32_t at, char c)
{
    if (c != ' ')
        return h->target ? (unsigned char)c > ' ' && c != 0x7f : strict_tchar(c);
    if (at == h->target)
        return false; /* an empty word */
    if (h->target) {
        h->target_len = at - h->target;
    } else {
        h->method_len = at;
        h->target = at + 1;
    }
    return true;
}

/* The method and the target, and the space behind each. llhttp knows a list of methods, and no byte
 * beyond ASCII in a target; what both neighbours understand is not for it to judge. So it is told
 * of a GET: nothing that comes behind depends on either. */
static size_t take_line(struct http1 *p, const char *in, size_t n, enum http1_event *ev)
{
    static const char stand_in[] = "GET / ";
    struct head *h = &p->view.head;
    uint32_t at = (uint32_t)h->text.len;
    size_t room = p->head_max - at, give = n < room ? n : room, i = 0;
    bool good = true;
    while (i < give && good && h->target_len == 0)
        good = take_word(h, at + (uint32_t)i, in[i]) && ++i;
    buf_add(&h->text, in, i);
    if (!good)
        *ev = bad(p, 400, "malformed request line");
    else if (h->target_len == 0 && i < n)
        *ev = bad(p, 431, "the head is too large");
    else if (h->target_len > 0) {
        p->phase = PHASE_HEAD;
        llhttp_execute(&p->llhttp, stand_in, sizeof(stand_in) - 1);
    }
    return i;
}

static enum http1_event head_done(struct http1 *p)
{
    struct http1_view *m = &p->view;
    llhttp_t *l = &p->llhttp;
    m->head.major = l->http_major;
    m->head.minor = l->http_minor;
    m->head.status = p->request ? 0 : l->status_code;
    const char *why;
    int status = p->request ? strict_request(m, &why) : strict_answer(m, p->to_head, &why);
    if (status)
        return bad(p, status, why);
    /* What goes on says what strict found, the body is read as llhttp found: a tab behind `chunked`
     * hides it from llhttp. */
    if (m->body == HTTP1_CHUNKED && !(l->flags & F_CHUNKED))
        return bad(p, 400, "malformed Transfer-Encoding");
    /* Without this llhttp would take a body for answers that have none. */
    if (m->body == HTTP1_NO_BODY)
        l->flags |= F_SKIPBODY;
#ifdef WSKEEP_CHECK
    BUG_ON(m->body == HTTP1_LENGTH &&
           (!(l->flags & F_CONTENT_LENGTH) || l->content_length != m->length));
    BUG_ON((m->body == HTTP1_UNTIL_EOF) != (llhttp_message_needs_eof(l) == 1));
#endif
    p->phase = PHASE_BODY;
    return HTTP1_HEAD;
}

static enum http1_event message_done(struct http1 *p)
{
    const char *why;
    int status = p->phase == PHASE_TRAILERS ? strict_trailers(&p->view, &why) : 0;
    if (status)
        return bad(p, status, why);
    p->phase = PHASE_END;
    return HTTP1_END;
}

/* Counts the bytes of chunk framing among those taken. False: there are too many. */
static bool chunk_framing(struct http1 *p, size_t taken)
{
    p->line += (uint32_t)(taken - p->view.data.n);
    if (p->line > CHUNK_LINE + CHUNK_EXTRA)
        return false;
    if (p->view.data.n) {
        p->extra += p->line > CHUNK_LINE ? p->line - CHUNK_LINE : 0;
        p->line = 0;
    }
    return p->extra <= CHUNK_EXTRA;
}

/* What llhttp paused for. HTTP1_MORE: for nothing that the caller has to know. */
static enum http1_event stopped(struct http1 *p)
{
    switch (p->stop) {
    case STOP_HEAD:
        return head_done(p);
    case STOP_DATA:
        return HTTP1_DATA;
    case STOP_LAST_CHUNK:
        p->phase = PHASE_TRAILERS;
        return HTTP1_MORE;
    case STOP_END:
        break;
    }
    return message_done(p);
}

/* Gives llhttp what it may have of these bytes, returns how many it took. HTTP1_MORE with bytes
 * left: go on. */
static size_t step(struct http1 *p, const char *in, size_t n, enum http1_event *ev)
{
    bool text = p->phase == PHASE_HEAD || p->phase == PHASE_TRAILERS;
    struct head *h = head_of(p);
    size_t give = text && n > p->head_max - h->text.len ? p->head_max - h->text.len : n;
    p->in = in;
    p->view.data.n = 0;
    llhttp_errno_t err = llhttp_execute(&p->llhttp, in, give);
    size_t taken = err == HPE_OK ? give : (size_t)(llhttp_get_error_pos(&p->llhttp) - in);
    if (text)
        buf_add(&h->text, in, taken);
    if (!text && !chunk_framing(p, taken)) {
        *ev = bad(p, 400, "too many chunk extensions");
    } else if (err == HPE_PAUSED) {
        llhttp_resume(&p->llhttp);
        *ev = stopped(p);
    } else if (err != HPE_OK) {
        *ev = bad_syntax(p, err);
    } else {
        *ev = give < n ? bad(p, 431, "the head is too large") : HTTP1_MORE;
    }
    return taken;
}

size_t http1_next(struct http1 *p, const uint8_t *in, size_t n, enum http1_event *ev)
{
    BUG_ON(p->phase == PHASE_BAD);
    size_t taken = 0;
    /* llhttp takes the address for that of a span which goes on from here: NULL would end it. */
    if (n == 0)
        in = (const uint8_t *)"";
    if (p->phase == PHASE_END)
        http1_clear(p);
    *ev = HTTP1_MORE;
    if (p->phase == PHASE_START)
        taken = skip_blank(p, in, n, ev);
    if (p->phase == PHASE_LINE)
        taken += take_line(p, (const char *)in + taken, n - taken, ev);
    if (p->phase == PHASE_START || p->phase == PHASE_LINE || p->phase == PHASE_BAD)
        return taken;
    do
        taken += step(p, (const char *)in + taken, n - taken, ev);
    while (*ev == HTTP1_MORE && taken < n);
    return taken;
}

enum http1_event http1_eof(struct http1 *p)
{
    enum http1_event ev;
    if (http1_idle(p))
        return HTTP1_MORE;
    if (p->phase == PHASE_BODY) {
        if (p->view.body == HTTP1_UNTIL_EOF)
            return message_done(p);
        /* The end of a body that is whole may not have been asked for. */
        http1_next(p, NULL, 0, &ev);
        if (ev == HTTP1_END)
            return ev;
    }
    return bad(p, 400, "cut short");
}

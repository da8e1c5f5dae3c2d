/* HTTP/1 messages, by llhttp in strict mode, with what strict mode lets pass refused here (RFC 9112
 * §2.2, §5, §6).
 *
 * Pulled, not pushed: http1_next() takes bytes and returns one event, so that whoever calls it
 * decides when to go on. Never copies body bytes; keeps the head. Knows nothing of proxies. */
#ifndef WSKEEP_WIRE_HTTP1_H
#define WSKEEP_WIRE_HTTP1_H

#include "base/buf.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct field {
    struct str name, value; /* value: trimmed */
};

/* A start line and its fields. Owns its text: the bytes as they came, up to the empty line, in one
 * run. */
struct head {
    struct buf text;
    struct field_at {
        uint32_t name, name_len, value, value_len; /* offsets into text */
    } * fields;
    uint32_t count, cap;
    uint32_t target, target_len, method_len; /* the method stands at the start of text (requests) */
    uint16_t status; /* answers; their reason phrase stands where the target does */
    uint8_t major, minor;
};

/* Bytes of text, and of fields, that head_clear keeps: most heads fit, an idle connection holds
 * little. */
#define HEAD_KEEP 4096u

void head_init(struct head *h);
void head_fini(struct head *h);
void head_clear(struct head *h); /* keeps the storage where it is at most HEAD_KEEP */
struct str head_method(const struct head *h);
struct str head_target(const struct head *h);
struct str head_path(const struct head *h); /* of the target, in whatever form */
/* Of a target what may be shown: its path; not what scheme and authority hold, nor a query or
 * parameters (";jsessionid=…"), where credentials stand. A path's own names may be ids. */
struct str target_shown(struct str target);
struct str head_phrase(const struct head *h);
struct field head_at(const struct head *h, uint32_t i);
/* The first field of that name (ASCII case does not matter); returns how many there are. */
unsigned head_get(const struct head *h, const char *name, struct str *value);
/* Whether a list field (all lines of that name joined) holds the token, ASCII case aside:
 * Connection, Upgrade, … */
bool head_has(const struct head *h, const char *name, const char *token);

enum http1_body { HTTP1_NO_BODY, HTTP1_LENGTH, HTTP1_CHUNKED, HTTP1_UNTIL_EOF };

enum http1_event {
    HTTP1_MORE, /* all bytes were taken and more are needed */
    HTTP1_HEAD, /* `head` is whole; body, length, keep_alive are known */
    HTTP1_DATA, /* data: body bytes, within `in`, without chunk framing */
    HTTP1_END,  /* the message is whole, `trailers` too. What is left of `in` belongs to the next
                   message, or to another protocol */
    HTTP1_BAD   /* status and why; nothing more may be asked of this parser but http1_free */
};

struct http1; /* opaque: holds llhttp's state */
struct http1_view {
    struct head head, trailers;
    enum http1_body body;
    uint64_t length; /* of an HTTP1_LENGTH body */
    bool keep_alive; /* the message lets the connection live (RFC 9112 §9.3), as seen at HTTP1_HEAD;
                        trailers never change it */
    struct str data;
    uint16_t status; /* HTTP1_BAD, of a request: what to answer: 400, 405, 431, 501, 505. Of an
                        answer: 502 */
    const char *why; /* static */
};

/* head_max: limits.head, bytes of a head (and of trailers); at most HTTP1_FIELDS fields. */
#define HTTP1_FIELDS 2048u /* Node takes 2,000, most servers fewer */
struct http1 *http1_new(bool request, size_t head_max);
void http1_free(struct http1 *p); /* NULL: nothing */
struct http1_view *http1_view(struct http1 *p);
/* For an answer's parser, before each answer: whether it answers HEAD (then it has no body whatever
 * its head says). */
void http1_expect(struct http1 *p, bool to_head);
/* Takes bytes, says what came; returns how many were taken. After HTTP1_HEAD, HTTP1_DATA: call
 * again with the rest, even where nothing is left (the END of a GET needs no byte). After
 * HTTP1_END: the next call begins the next message (head and trailers are cleared then); where
 * keep_alive is false there is none to ask for. 1xx answers are HEAD and END of their own, 101 too.
 * A request's Upgrade never stops the parser: the rest is body or the next message. */
size_t http1_next(struct http1 *p, const uint8_t *in, size_t n, enum http1_event *ev);
/* The peer's EOF: HTTP1_END (a body that lasts until EOF is whole), HTTP1_MORE (between messages:
 * nothing is missing), or HTTP1_BAD (cut short). */
enum http1_event http1_eof(struct http1 *p);
bool http1_idle(const struct http1 *p); /* between messages: nothing of the next one has come (but
                                           the one CRLF that may) */
/* Between messages: head and trailers are needed no more, and large ones are given back. The next
 * http1_next() would do it too: this is for a connection that goes idle. */
void http1_clear(struct http1 *p);

#endif

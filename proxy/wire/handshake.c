/* What makes a request a WebSocket handshake, and an answer one to it.
 *
 * Owns nothing, keeps nothing. It chooses no subprotocol and no extension: it judges what extension
 * the two ends chose, and takes out of the offers what wskeep could not replay. */
#include "wire/handshake.h"
#include "base/err.h"
#include "base/token.h"
#include <string.h>

#define EXTENSIONS "Sec-WebSocket-Extensions"

/* Window bits that are mentioned without a value; allowed in offers only. RFC 7692 allows 8 to 15.
 */
#define BITS_ANY 1u

static bool in_base64(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' ||
           c == '/';
}

/* 16 bytes in base64: 22 characters and two of padding. What the last character has beyond the 128
 * bits is ignored, as the usual decoders do. */
static bool is_key(struct str key)
{
    size_t i = 0;
    while (i < key.n && in_base64(key.p[i]))
        i++;
    return i == 22 && key.n == 24 && key.p[22] == '=' && key.p[23] == '=';
}

enum handshake_kind handshake_kind(const struct head *request, enum http1_body body)
{
    struct str key, version, length;
    bool bare = body == HTTP1_NO_BODY ||
                (body == HTTP1_LENGTH && head_get(request, "Content-Length", &length) &&
                 str_eq(length, "0"));
    if (!str_eq(head_method(request), "GET") || request->minor == 0 || !bare)
        return HANDSHAKE_NONE;
    if (!head_has(request, "Upgrade", "websocket") || !head_has(request, "Connection", "upgrade"))
        return HANDSHAKE_NONE;
    if (head_get(request, "Sec-WebSocket-Key", &key) != 1 || !is_key(key))
        return HANDSHAKE_NONE;
    unsigned versions = head_get(request, "Sec-WebSocket-Version", &version);
    if (versions > 1)
        return HANDSHAKE_NONE;
    return versions == 1 && str_eq(version, "13") ? HANDSHAKE_YES : HANDSHAKE_VERSION;
}

/* Walks all elements of all lines of a list field. */
struct walk {
    const struct head *head;
    const char *name;
    uint32_t next;
    struct str list;
};

static bool walk_next(struct walk *w, struct str *item)
{
    while (!str_list(&w->list, item)) {
        if (w->next == w->head->count)
            return false;
        struct field f = head_at(w->head, w->next++);
        w->list = str_ieq(f.name, w->name) ? f.value : (struct str){"", 0};
    }
    return true;
}

/* Cuts the next of the parts that semicolons separate (RFC 6455 §9.1). A quoted value may hold one,
 * but no value that permessage-deflate knows does: it is invalid in one piece and in two. */
static bool part_next(struct str *rest, struct str *part)
{
    if (!rest->p)
        return false;
    const char *end = memchr(rest->p, ';', rest->n);
    size_t n = end ? (size_t)(end - rest->p) : rest->n;
    *part = str_trim((struct str){rest->p, n});
    *rest = end ? (struct str){end + 1, rest->n - n - 1} : (struct str){NULL, 0};
    return true;
}

/* Cuts `name = value`, value without quotes; value->p is NULL where there is none. */
static struct str param_name(struct str part, struct str *value)
{
    const char *equals = memchr(part.p, '=', part.n);
    *value = (struct str){NULL, 0};
    if (!equals)
        return part;
    size_t n = (size_t)(equals - part.p);
    *value = str_trim((struct str){equals + 1, part.n - n - 1});
    if (value->n >= 2 && value->p[0] == '"' && value->p[value->n - 1] == '"')
        *value = (struct str){value->p + 1, value->n - 2};
    return str_trim((struct str){part.p, n});
}

/* A decimal from 8 to 15 without leading zeros (RFC 7692 §7.1.2); 0 where it is none. */
static uint8_t window_bits(struct str s)
{
    if (s.n == 1 && (s.p[0] == '8' || s.p[0] == '9'))
        return (uint8_t)(s.p[0] - '0');
    if (s.n == 2 && s.p[0] == '1' && s.p[1] >= '0' && s.p[1] <= '5')
        return (uint8_t)(10 + s.p[1] - '0');
    return 0;
}

static bool set_once(bool *flag, struct str value)
{
    bool fresh = !*flag && !value.p;
    *flag = true;
    return fresh;
}

static bool set_bits(uint8_t *bits, struct str value, bool may_lack)
{
    bool fresh = *bits == 0;
    *bits = value.p ? window_bits(value) : may_lack ? BITS_ANY : 0;
    return fresh && *bits != 0;
}

/* One element of the extensions field as permessage-deflate (RFC 7692 §7.1). False: another
 * extension, or invalid. */
static bool deflate_parse(struct str element, bool offer, struct deflate *d)
{
    struct str part, value;
    *d = (struct deflate){.on = true};
    if (!part_next(&element, &part) || !str_ieq(part, "permessage-deflate"))
        return false;
    while (part_next(&element, &part)) {
        struct str name = param_name(part, &value);
        bool valid = false;
        if (str_ieq(name, "server_no_context_takeover"))
            valid = set_once(&d->server_no_context, value);
        else if (str_ieq(name, "client_no_context_takeover"))
            valid = set_once(&d->client_no_context, value);
        else if (str_ieq(name, "server_max_window_bits"))
            valid = set_bits(&d->server_bits, value, false);
        else if (str_ieq(name, "client_max_window_bits"))
            valid = set_bits(&d->client_bits, value, offer);
        if (!valid)
            return false;
    }
    return true;
}

static void bits_write(struct buf *out, const char *name, uint8_t bits)
{
    if (bits == BITS_ANY)
        buf_addf(out, "; %s", name);
    else if (bits)
        buf_addf(out, "; %s=%u", name, bits);
}

static void deflate_write(struct buf *out, const struct deflate *d)
{
    buf_adds(out, "permessage-deflate");
    if (d->server_no_context)
        buf_adds(out, "; server_no_context_takeover");
    buf_adds(out, "; client_no_context_takeover");
    bits_write(out, "server_max_window_bits", d->server_bits);
    bits_write(out, "client_max_window_bits", d->client_bits);
}

void handshake_offer(const struct head *request, enum compression how, struct buf *value)
{
    struct walk w = {.head = request, .name = EXTENSIONS};
    struct str item;
    struct deflate d;
    const char *comma = "";
    while (how != COMPRESSION_NONE && walk_next(&w, &item)) {
        if (!deflate_parse(item, true, &d))
            continue;
        d.server_no_context = d.server_no_context || how == COMPRESSION_FRESH;
        buf_adds(value, comma);
        deflate_write(value, &d);
        comma = ", ";
    }
}

void handshake_agreed(const struct deflate *agreed, struct buf *value)
{
    if (agreed->on)
        deflate_write(value, agreed);
}

/* The line of a head that we wrote that begins so, its end included; empty, at the head's end:
 * there is none. */
static struct str line_of(struct str head, const char *begin, size_t n)
{
    const char *end = head.p + head.n, *line = head.p;
    for (const char *next; line < end; line = next) {
        next = (const char *)memchr(line, '\n', (size_t)(end - line)) + 1;
        if ((size_t)(next - line) > n && (line[0] | 0x20) == (begin[0] | 0x20) &&
            str_ieq((struct str){line, n}, begin))
            return (struct str){line, (size_t)(next - line)};
    }
    return (struct str){end, 0};
}

void handshake_again(struct str head, const struct deflate *agreed, struct buf *out)
{
    static const char name[] = EXTENSIONS ": ";
    struct str line = line_of(head, name, sizeof(name) - 1);
    size_t before = (size_t)(line.p - head.p);
    buf_add(out, head.p, before);
    if (line.n > 0 && agreed->on) {
        buf_add(out, line.p, sizeof(name) - 1);
        deflate_write(out, agreed);
        buf_add(out, "\r\n", 2);
    }
    if (before + line.n < head.n)
        buf_add(out, line.p + line.n, head.n - before - line.n);
}

/* Not mentioned, a window is the largest. */
static unsigned window_of(uint8_t bits)
{
    return bits ? bits : 15;
}

/* The client inflates in the window that it was told the server keeps within, and between messages
 * keeps it only if not told that the server does not; so both may only become less. What it
 * deflates in, the backend has to inflate in: that may only become more. */
bool handshake_same(const struct deflate *agreed, const struct deflate *now)
{
    if (!agreed->on || !now->on)
        return agreed->on == now->on;
    return window_of(now->server_bits) <= window_of(agreed->server_bits) &&
           window_of(now->client_bits) >= window_of(agreed->client_bits) &&
           (now->server_no_context || !agreed->server_no_context);
}

/* Whether an answer accepts this offer (RFC 7692 §7.1). The server may add either
 * no_context_takeover and its own window unasked; what the offer asks of the server it must grant;
 * the client's window it may only speak of if asked. */
static bool deflate_fits(const struct deflate *offer, const struct deflate *answer)
{
    if (offer->server_no_context && !answer->server_no_context)
        return false;
    if (offer->server_bits && (!answer->server_bits || answer->server_bits > offer->server_bits))
        return false;
    if (!answer->client_bits)
        return true;
    return offer->client_bits == BITS_ANY || answer->client_bits <= offer->client_bits;
}

static bool was_offered(const struct head *request, const struct deflate *answer)
{
    struct walk w = {.head = request, .name = EXTENSIONS};
    struct str item;
    struct deflate offer;
    while (walk_next(&w, &item)) {
        if (deflate_parse(item, true, &offer) && deflate_fits(&offer, answer))
            return true;
    }
    return false;
}

static const char *check_extensions(const struct head *request, const struct head *answer,
                                    struct deflate *agreed)
{
    struct walk w = {.head = answer, .name = EXTENSIONS};
    struct str item;
    while (walk_next(&w, &item)) {
        if (agreed->on)
            return "more than one extension agreed to";
        if (!deflate_parse(item, false, agreed))
            return "an extension that was not offered, or a bad parameter";
        if (!was_offered(request, agreed))
            return "permessage-deflate otherwise than it was offered";
        /* Forced on the client whether the backend confirms it or not. */
        agreed->client_no_context = true;
    }
    return NULL;
}

static const char *check_accept(const struct head *request, const struct head *answer)
{
    struct str key, accept;
    char want[TOKEN_ACCEPT_LEN + 1];
    if (head_get(request, "Sec-WebSocket-Key", &key) != 1 ||
        head_get(answer, "Sec-WebSocket-Accept", &accept) != 1)
        return "not one Sec-WebSocket-Accept";
    token_accept(key.p, key.n, want);
    return str_eq(accept, want) ? NULL : "wrong Sec-WebSocket-Accept";
}

int handshake_check(const struct head *request, const struct head *answer, struct deflate *agreed,
                    const char **why)
{
    *agreed = (struct deflate){.on = false};
    *why = NULL;
    if (answer->status != 101)
        *why = "not 101";
    else if (!head_has(answer, "Upgrade", "websocket"))
        *why = "no Upgrade: websocket";
    else if (!head_has(answer, "Connection", "upgrade"))
        *why = "no Connection: upgrade";
    if (!*why)
        *why = check_accept(request, answer);
    if (!*why)
        *why = check_extensions(request, answer, agreed);
    return *why ? ERR_PROTOCOL : 0;
}

/* WebSocket handshakes: a request, and behind its head an answer, in which a byte 1 stands for the
 * right Sec-WebSocket-Accept and 2 for one that is nearly right (or neither would be found).
 *
 * What is taken for a handshake is one by RFC 6455's words, and by those alone; both heads mean the
 * same to whoever reads them next, and so does what was agreed on. */
#include "wire/handshake.h"
#include "fuzz/plain_http.h"
#include "wire/forward.h"
#include <openssl/evp.h>
#include <stdio.h>

#define HEAD_MAX 65536

/* Reads up to the head; NULL where none comes. */
static struct http1 *head_read(bool request, const uint8_t *p, size_t n, size_t *taken)
{
    enum http1_event ev;
    struct http1 *h = http1_new(request, HEAD_MAX);
    *taken = http1_next(h, p, n, &ev);
    if (ev == HTTP1_HEAD)
        return h;
    http1_free(h);
    return NULL;
}

static struct http1 *head_again(bool request, const struct buf *b)
{
    size_t taken;
    struct http1 *h = head_read(request, b->data, b->len, &taken);
    EXPECT(h && taken == b->len);
    return h;
}

/* ---- the request */

static bool in_list(const struct head *h, const char *name, const char *token)
{
    for (uint32_t i = 0; i < h->count; i++) {
        struct field f = head_at(h, i);
        if (plain_same(f.name, name) && plain_lists(f.value, str_of(token)))
            return true;
    }
    return false;
}

/* The value of the only field of that name; NULL where there is not one. */
static struct str only(const struct head *h, const char *name)
{
    struct str value = {NULL, 0};
    unsigned n = 0;
    for (uint32_t i = 0; i < h->count; i++) {
        if (!plain_same(head_at(h, i).name, name))
            continue;
        value = head_at(h, i).value;
        n++;
    }
    return n == 1 ? value : (struct str){NULL, 0};
}

/* 16 bytes in base64. */
static bool is_key(struct str key)
{
    unsigned char text[25] = {0}, raw[19];
    if (!key.p || key.n != 24 || memcmp(key.p + 22, "==", 2) != 0 || memchr(key.p, '=', 22) ||
        memchr(key.p, ' ', 22) || memchr(key.p, '\t', 22))
        return false;
    memcpy(text, key.p, 24);
    return EVP_DecodeBlock(raw, text, 24) == 18;
}

static bool has_quotes(const struct head *h)
{
    return memchr(h->text.data, '"', h->text.len) != NULL;
}

static enum handshake_kind kind_by_words(const struct http1_view *m)
{
    const struct head *h = &m->head;
    struct str version = only(h, "Sec-WebSocket-Version"), any;
    bool bare = m->body == HTTP1_NO_BODY ||
                (m->body == HTTP1_LENGTH && str_eq(only(h, "Content-Length"), "0"));
    if (!str_eq(head_method(h), "GET") || h->minor != 1 || !bare)
        return HANDSHAKE_NONE;
    if (!in_list(h, "Upgrade", "websocket") || !in_list(h, "Connection", "upgrade"))
        return HANDSHAKE_NONE;
    if (!is_key(only(h, "Sec-WebSocket-Key")))
        return HANDSHAKE_NONE;
    if (!version.p && head_get(h, "Sec-WebSocket-Version", &any))
        return HANDSHAKE_NONE;
    return version.p && str_eq(version, "13") ? HANDSHAKE_YES : HANDSHAKE_VERSION;
}

static struct http1 *forwarded_request(const struct http1_view *m)
{
    static const struct forward how = {
        .peer = {"192.0.2.7", 9}, .trusted = true, .websocket = true};
    struct buf out = {0};
    forward_request(m, &how, &out);
    struct http1 *again = head_again(true, &out);
    buf_fini(&out);
    return again;
}

/* ---- what is offered, and agreed on */

static bool holds(const char *element, const char *word)
{
    return strstr(element, word) != NULL;
}

/* What stands behind "name=", 0 where nothing does. */
static unsigned bits_of(const char *element, const char *name)
{
    unsigned bits = 0;
    const char *at = strstr(element, name);
    if (at && at[strlen(name)] == '=') {
        EXPECT(sscanf(at + strlen(name) + 1, "%u", &bits) == 1);
        EXPECT(bits >= 8 && bits <= 15);
    }
    return bits;
}

/* RFC 7692 §7.1, of an offer as handshake_offer writes it. */
static bool fits(const char *offer, const struct deflate *d)
{
    unsigned server = bits_of(offer, "server_max_window_bits");
    unsigned client = bits_of(offer, "client_max_window_bits");
    if (holds(offer, "server_no_context_takeover") && !d->server_no_context)
        return false;
    if (server && (!d->server_bits || d->server_bits > server))
        return false;
    if (d->client_bits && !holds(offer, "client_max_window_bits"))
        return false;
    return !d->client_bits || !client || d->client_bits <= client;
}

/* Whether one of the offers in `value` (cut up here) is agreed to; each is what it must be. */
static bool one_fits(struct buf *value, const struct deflate *d)
{
    bool found = false;
    char *rest = NULL;
    buf_add(value, "", 1);
    for (char *e = strtok_r((char *)value->data, ",", &rest); e; e = strtok_r(NULL, ",", &rest)) {
        e += *e == ' ';
        EXPECT(strncmp(e, "permessage-deflate;", 19) == 0);
        EXPECT(holds(e, "client_no_context_takeover"));
        found |= fits(e, d);
    }
    return found;
}

static bool is_offered(const struct head *request, const struct deflate *d)
{
    struct buf value = {0};
    handshake_offer(request, COMPRESSION_ANY, &value);
    bool found = one_fits(&value, d);
    buf_fini(&value);
    return found;
}

static bool same_deflate(const struct deflate *a, const struct deflate *b)
{
    return a->on == b->on && a->server_no_context == b->server_no_context &&
           a->client_no_context == b->client_no_context && a->server_bits == b->server_bits &&
           a->client_bits == b->client_bits;
}

static void expect_same_offer(const struct head *a, const struct head *b)
{
    struct buf x = {0}, y = {0};
    handshake_offer(a, COMPRESSION_ANY, &x);
    handshake_offer(b, COMPRESSION_ANY, &y);
    EXPECT(x.len == y.len && (x.len == 0 || memcmp(x.data, y.data, x.len) == 0));
    buf_fini(&x);
    buf_fini(&y);
}

/* ---- the answer */

/* RFC 6455 §4.2.2, 5, by OpenSSL alone. */
static void accept_of(struct str key, char out[32])
{
    static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    unsigned char digest[EVP_MAX_MD_SIZE];
    struct buf text = {0};
    unsigned n;
    buf_add(&text, key.p, key.n);
    buf_adds(&text, guid);
    if (!EVP_Digest(text.data, text.len, digest, &n, EVP_sha1(), NULL))
        abort();
    EVP_EncodeBlock((unsigned char *)out, digest, (int)n);
    buf_fini(&text);
}

static struct http1 *answer_read(const uint8_t *p, size_t n, const char *accept)
{
    struct buf text = {0};
    size_t taken;
    for (size_t i = 0; i < n; i++) {
        buf_adds(&text, p[i] == 1 || p[i] == 2 ? accept : "");
        if (p[i] == 2)
            text.data[text.len - 2] ^= 1; /* the last character is padding */
        if (p[i] != 1 && p[i] != 2)
            buf_add(&text, p + i, 1);
    }
    struct http1 *h = head_read(false, text.data, text.len, &taken);
    buf_fini(&text);
    return h;
}

static bool answers_by_words(const struct head *h, const char *accept)
{
    return h->status == 101 && in_list(h, "Upgrade", "websocket") &&
           in_list(h, "Connection", "upgrade") && str_eq(only(h, "Sec-WebSocket-Accept"), accept);
}

/* What the client gets agrees to the same, whichever request it is held against. */
static void expect_passed_on(const struct head *request, const struct head *changed,
                             const struct http1_view *answer, const struct deflate *agreed)
{
    const struct forward_answer how = {.minor = 1, .keep_alive = true, .deflate = agreed};
    struct deflate client, backend;
    struct buf out = {0};
    const char *why;
    EXPECT(forward_answer(answer, &how, &out) == HTTP1_NO_BODY);
    struct http1 *again = head_again(false, &out);
    const struct head *h = &http1_view(again)->head;
    EXPECT(handshake_check(request, h, &client, &why) == 0);
    EXPECT(handshake_check(changed, h, &backend, &why) == 0);
    EXPECT(same_deflate(&client, agreed) && same_deflate(&backend, agreed));
    EXPECT(agreed->on == (only(h, "Sec-WebSocket-Extensions").p != NULL));
    http1_free(again);
    buf_fini(&out);
}

static void check(const struct head *request, const struct head *changed,
                  const struct http1_view *answer, const char *accept)
{
    const struct head *h = &answer->head;
    struct deflate agreed, other;
    struct str extensions;
    const char *why, *other_why;
    int err = handshake_check(request, h, &agreed, &why);
    EXPECT(err == 0 ? !why : err == ERR_PROTOCOL && why);
    EXPECT(handshake_check(changed, h, &other, &other_why) == err && other_why == why);
    bool words = answers_by_words(h, accept);
    EXPECT(words || err < 0 || has_quotes(h));
    EXPECT(err == 0 || !words || head_get(h, "Sec-WebSocket-Extensions", &extensions));
    if (err < 0)
        return;
    EXPECT(same_deflate(&agreed, &other));
    EXPECT(!agreed.on || (agreed.client_no_context && is_offered(request, &agreed)));
    expect_passed_on(request, changed, answer, &agreed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    size_t taken;
    char accept[32];
    struct http1 *request = head_read(true, data, n, &taken);
    if (!request)
        return 0;
    const struct http1_view *m = http1_view(request);
    enum handshake_kind kind = handshake_kind(&m->head, m->body);
    EXPECT(kind == kind_by_words(m) || has_quotes(&m->head));
    if (kind == HANDSHAKE_YES) {
        struct http1 *again = forwarded_request(m);
        const struct http1_view *changed = http1_view(again);
        EXPECT(handshake_kind(&changed->head, changed->body) == HANDSHAKE_YES);
        expect_same_offer(&m->head, &changed->head);
        accept_of(only(&m->head, "Sec-WebSocket-Key"), accept);
        struct http1 *answer = answer_read(data + taken, n - taken, accept);
        if (answer)
            check(&m->head, &changed->head, http1_view(answer), accept);
        http1_free(answer);
        http1_free(again);
    }
    http1_free(request);
    return 0;
}

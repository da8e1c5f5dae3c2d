/* Protocols and paths behind which a server is known to keep state for each connection: after a
 * silent reconnect its client would wait for ever for what the new connection knows nothing of.
 *
 * Owns nothing. It looks at a handshake only: what messages tell is the session's to see. */
#include "session/stateful.h"
#include <string.h>

/* `*` in a text is any run of bytes. */
static const struct row {
    enum { PROTOCOL, PATH, KEY, SOCKJS } is;
    const char *text;
} rows[] = {
    /* connection_init, and the subscriptions, which are numbered within the connection. */
    {PROTOCOL, "graphql-ws"},
    {PROTOCOL, "graphql-transport-ws"},
    /* CONNECT, keep-alive, subscriptions, packet identifiers; "mqtt" and "mqttv3.1". */
    {PROTOCOL, "mqtt*"},
    /* CONNECT, subscriptions, transactions; "v10.stomp" to "v12.stomp", and plain "stomp". */
    {PROTOCOL, "*stomp"},
    /* HELLO, and what was subscribed and registered within the session that it began; a router
     * takes no other message first. "wamp.2.json", "wamp.2.msgpack.batched", ... */
    {PROTOCOL, "wamp*"},
    /* A charging station's boot notification, and calls that wait for their results; "ocpp1.6",
     * "ocpp2.0.1". */
    {PROTOCOL, "ocpp*"},
    /* A stream that is opened, authenticated and bound once (RFC 7395). */
    {PROTOCOL, "xmpp"},
    /* websockify: a TCP connection of its own behind each, to a screen or a terminal. */
    {PROTOCOL, "binary"},
    {PROTOCOL, "base64"},
    /* A fresh connection opens another session, with another id; that in the query of an upgrade
     * is of one use. Under any path. */
    {PATH, "*/socket.io/*"},
    {PATH, "*/engine.io/*"},
    /* Groups, and the connection's token. */
    {PATH, "*/signalr*"},
    /* Streamlit: the script's state, widgets and all; under server.baseUrlPath. */
    {PATH, "*/_stcore/stream"},
    /* Jupyter: a kernel's channels, whose messages are numbered; under base_url. */
    {PATH, "*/api/kernels/*/channels"},
    /* Home Assistant: auth, subscriptions, and numbers that have to rise. It has no other path. */
    {PATH, "/api/websocket"},
    /* VS Code: its own protocol takes up the old connection by this token, and counts bytes. */
    {KEY, "reconnectionToken"},
    /* SockJS opens each session with a frame of its own, and refuses a second one of its id. */
    {SOCKJS, "/NNN/ID/websocket"},
};

static struct str cut(struct str s, size_t from, size_t to)
{
    return (struct str){s.p + from, to - from};
}

static bool begins(struct str s, struct str with)
{
    return s.n >= with.n && memcmp(s.p, with.p, with.n) == 0;
}

static bool ends(struct str s, struct str with)
{
    return s.n >= with.n && memcmp(s.p + s.n - with.n, with.p, with.n) == 0;
}

/* Each piece between stars is looked for once, leftmost, so that no path takes long. */
static bool is_like(struct str s, const char *pattern)
{
    const char *star = strchr(pattern, '*');
    if (!star)
        return str_eq(s, pattern);
    struct str first = {pattern, (size_t)(star - pattern)};
    if (s.n == 0 || !begins(s, first))
        return false;
    s = cut(s, first.n, s.n);
    for (pattern = star + 1; (star = strchr(pattern, '*')); pattern = star + 1) {
        size_t n = (size_t)(star - pattern);
        const char *at = memmem(s.p, s.n, pattern, n);
        if (!at)
            return false;
        s = cut(s, (size_t)(at - s.p) + n, s.n);
    }
    return ends(s, str_of(pattern));
}

/* Cuts the last segment of a path, with its slash; false: there is none. */
static bool segment(struct str *path, struct str *last)
{
    const char *slash = path->n > 0 ? memrchr(path->p, '/', path->n) : NULL;
    if (!slash)
        return false;
    size_t at = (size_t)(slash - path->p);
    *last = cut(*path, at + 1, path->n);
    path->n = at;
    return true;
}

static bool is_digits(struct str s)
{
    while (s.n > 0 && *s.p >= '0' && *s.p <= '9')
        s = cut(s, 1, s.n);
    return s.n == 0;
}

/* "/NNN/ID/websocket" under any prefix: three digits for the balancer, and an id without dots. */
static bool is_sockjs(struct str path)
{
    struct str last, id, server;
    return segment(&path, &last) && str_eq(last, "websocket") && segment(&path, &id) && id.n > 0 &&
           !memchr(id.p, '.', id.n) && segment(&path, &server) && server.n == 3 &&
           is_digits(server);
}

static void split(struct str target, struct str *path, struct str *query)
{
    const char *mark = target.n > 0 ? memchr(target.p, '?', target.n) : NULL;
    size_t at = mark ? (size_t)(mark - target.p) : target.n;
    *path = (struct str){target.p, at};
    *query = mark ? cut(target, at + 1, target.n) : STR("");
}

static int hex(char c)
{
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";
    const char *at = memchr(digits, c, sizeof(digits) - 1);
    return at ? (int)(at - digits) % 16 : -1;
}

/* The byte at the start of a key in a query, and how many it is written with (WHATWG URL,
 * urlencoded parsing). */
static char decoded(struct str key, size_t *len)
{
    int high = key.n > 2 && *key.p == '%' ? hex(key.p[1]) : -1;
    int low = high >= 0 ? hex(key.p[2]) : -1;
    *len = low >= 0 ? 3 : 1;
    if (low >= 0)
        return (char)(high * 16 + low);
    return *key.p == '+' ? ' ' : *key.p;
}

static bool key_is(struct str key, const char *name)
{
    size_t len;
    for (; key.n > 0 && *name; name++, key = cut(key, len, key.n))
        if (decoded(key, &len) != *name)
            return false;
    return key.n == 0 && !*name;
}

static bool query_has(struct str query, const char *name)
{
    while (query.n > 0) {
        const char *amp = memchr(query.p, '&', query.n);
        size_t n = amp ? (size_t)(amp - query.p) : query.n;
        const char *equals = memchr(query.p, '=', n);
        if (key_is(cut(query, 0, equals ? (size_t)(equals - query.p) : n), name))
            return true;
        query = cut(query, amp ? n + 1 : n, query.n);
    }
    return false;
}

static bool holds(const struct row *r, struct str path, struct str query, struct str subprotocol)
{
    switch (r->is) {
    case PROTOCOL:
        return is_like(subprotocol, r->text);
    case PATH:
        return is_like(path, r->text);
    case KEY:
        return query_has(query, r->text);
    case SOCKJS:
        break;
    }
    return is_sockjs(path);
}

bool stateful_is(struct str target, struct str subprotocol, const struct strings *more)
{
    struct str path, query;
    split(target, &path, &query);
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
        if (holds(&rows[i], path, query, subprotocol))
            return true;
    for (unsigned i = 0; i < more->n; i++) {
        const char *text = more->v[i];
        if (*text == '/' ? begins(path, str_of(text))
                         : subprotocol.n > 0 && str_eq(subprotocol, text))
            return true;
    }
    return false;
}

bool target_has_key(struct str target, const struct strings *keys)
{
    struct str path, query;
    split(target, &path, &query);
    for (unsigned i = 0; i < keys->n; i++)
        if (query_has(query, keys->v[i]))
            return true;
    return false;
}

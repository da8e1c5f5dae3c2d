/* Which handshakes are known to begin state that a fresh connection lacks, and which queries have a
 * key: each row of the table, and what is one byte away from it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "session/stateful.h"
#include <stdlib.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct strings nothing = {NULL, 0};

/* Storage that ends where the text does: what is read beyond it a sanitizer sees. */
static struct str bare(const char *text)
{
    size_t n = strlen(text);
    return (struct str){n ? mem_dup(text, n) : NULL, n};
}

static bool is(const char *target, const char *subprotocol, const struct strings *more)
{
    struct str t = bare(target), s = bare(subprotocol);
    bool got = stateful_is(t, s, more);
    free((char *)t.p);
    free((char *)s.p);
    return got;
}

static void subprotocols_that_keep_state_are_known(void **state)
{
    static const struct {
        const char *subprotocol;
        bool want;
        const char *why;
    } rows[] = {
        {"", false, "none"},
        {"graphql-ws", true, "subscriptions-transport-ws"},
        {"graphql-transport-ws", true, "graphql-ws"},
        {"graphql", false, "less than that"},
        {"graphql-ws2", false, "more than that"},
        {"mqtt", true, "IANA"},
        {"mqttv3.1", true, "before it"},
        {"mqt", false, "less than that"},
        {"xmqtt", false, "not at its start"},
        {"MQTT", false, "RFC 6455: case counts"},
        {"v10.stomp", true, "IANA"},
        {"v11.stomp", true, "IANA"},
        {"v12.stomp", true, "IANA"},
        {"stomp", true, "without a version"},
        {"v12.stomp2", false, "more than that"},
        {"tomp", false, "less than that"},
        {"wamp.2.json", true, "IANA"},
        {"wamp.2.msgpack.batched", true, "IANA"},
        {"wamp", true, "version 1"},
        {"wam", false, "less than that"},
        {"ocpp1.6", true, "IANA"},
        {"ocpp2.0.1", true, "IANA"},
        {"ocp", false, "less than that"},
        {"xmpp", true, "RFC 7395"},
        {"xmpp2", false, "more than that"},
        {"binary", true, "websockify"},
        {"base64", true, "websockify"},
        {"binary.v1", false, "more than that"},
        {"json", false, "another"},
        {"chat", false, "another"},
        {"jwt-auth", false, "credentials are no protocol"},
        {"jwt.eyJhbGciOiJIUzI1NiJ9", false, "credentials are no protocol"},
        {"/socket.io/", false, "no path"},
        {"*", false, "no pattern"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        if (is("/ws/chat", rows[i].subprotocol, &nothing) != rows[i].want)
            fail_msg("\"%s\": %s", rows[i].subprotocol, rows[i].why);
}

static void paths_that_keep_state_are_known(void **state)
{
    static const struct {
        const char *target;
        bool want;
        const char *why;
    } rows[] = {
        {"", false, "nothing"},
        {"/", false, "the least"},
        {"/ws", false, "an application's own"},
        {"/socket.io/?EIO=4&transport=websocket", true, "its default"},
        {"/app/v1/socket.io/?EIO=4", true, "mounted"},
        {"/socket.io/x", true, "something behind it"},
        {"/socket.io", false, "no slash behind it"},
        {"/xsocket.io/", false, "another name"},
        {"/ws?next=/socket.io/", false, "in the query"},
        {"/Socket.IO/", false, "another path"},
        {"/engine.io/?EIO=4", true, "without Socket.IO"},
        {"/x/engine.io/", true, "mounted"},
        {"/engine.io/x", true, "something behind it"},
        {"/engine_io/", false, "a dot is a dot"},
        {"/signalr", true, "its default"},
        {"/signalr/connect?transport=webSockets", true, "what it asks for"},
        {"/app/signalr/connect", true, "in a virtual directory"},
        {"/signal", false, "less than that"},
        {"/xsignalr", false, "another name"},
        {"/_stcore/stream", true, "Streamlit"},
        {"/base/_stcore/stream", true, "under baseUrlPath"},
        {"/_stcore/stream?x=1", true, "with a query"},
        {"/_stcore/stream/x", false, "something behind it"},
        {"/_stcore/strea", false, "less than that"},
        {"/api/kernels/6a1/channels", true, "Jupyter"},
        {"/user/a/api/kernels/6a1/channels?session_id=2", true, "JupyterHub"},
        {"/api/kernels/6a1/channel", false, "less than that"},
        {"/api/kernels/6a1/channels/x", false, "something behind it"},
        {"/api/kernel/6a1/channels", false, "another path"},
        {"/api/channels", false, "another path"},
        {"/api/kernels/channels", false, "no kernel"},
        {"/channels/api/kernels/", false, "the other way round"},
        {"/api/websocket", true, "Home Assistant"},
        {"/api/websocket?x", true, "with a query"},
        {"/v1/api/websocket", false, "never mounted"},
        {"/api/websocket/", false, "another path"},
        {"/api/websockets", false, "another path"},
        {"/?reconnectionToken=3b1&reconnection=false", true, "VS Code"},
        {"/stable-1/?a=b&reconnectionToken=3b1", true, "not the first"},
        {"/?reconnectionToke=3b1", false, "less than that"},
        {"/?xreconnectionToken=3b1", false, "another key"},
        {"/?x=reconnectionToken", false, "a value"},
        {"/reconnectionToken=1", false, "no query"},
        {"/echo/123/a1b2c3d4/websocket", true, "SockJS"},
        {"/000/x/websocket", true, "at the root"},
        {"/a/b/999/0123456789abcdef/websocket?t=1", true, "deep, with a query"},
        {"/echo/12/a1b2c3d4/websocket", false, "two digits"},
        {"/echo/1234/a1b2c3d4/websocket", false, "four"},
        {"/echo/12x/a1b2c3d4/websocket", false, "no digit"},
        {"/echo/123x/a1b2c3d4/websocket", false, "more than digits"},
        {"/echo/123//websocket", false, "no id"},
        {"/echo/123/a.b/websocket", false, "a dot in the id"},
        {"/echo/123/a/b/websocket", false, "two segments for an id"},
        {"/echo/123/websocket", false, "no id"},
        {"123/a/websocket", false, "no slash before it"},
        {"/websocket", false, "SockJS's raw endpoint has no session"},
        {"/echo/123/a1b2c3d4/xhr", false, "another transport"},
        {"/echo/123/a1b2c3d4/websocket/", false, "something behind it"},
        {"*/socket.io/", true, "a star is nothing in a path"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        if (is(rows[i].target, "", &nothing) != rows[i].want)
            fail_msg("%s: %s", rows[i].target, rows[i].why);
}

static void the_conf_adds_path_prefixes_and_subprotocols(void **state)
{
    static char *listed[] = {"/collab", "yjs", ""};
    static const struct strings more = {listed, COUNT(listed)};
    static const struct {
        const char *target, *subprotocol;
        bool want;
        const char *why;
    } rows[] = {
        {"/collab", "", true, "the path"},
        {"/collab/7?x", "", true, "a prefix of it"},
        {"/collaboration", "", true, "of bytes, not of segments"},
        {"/colla", "", false, "less than that"},
        {"/x/collab", "", false, "not at its start"},
        {"/?/collab", "", false, "in the query"},
        {"/", "yjs", true, "the subprotocol"},
        {"/", "yjs2", false, "is no prefix"},
        {"/", "Yjs", false, "case counts"},
        {"/yjs", "", false, "no path"},
        {"/", "/collab", false, "no subprotocol"},
        {"/", "", false, "an empty one is none"},
        {"/socket.io/", "", true, "what is known stays known"},
        {"", "", false, "nothing"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        if (is(rows[i].target, rows[i].subprotocol, &more) != rows[i].want)
            fail_msg("%s, \"%s\": %s", rows[i].target, rows[i].subprotocol, rows[i].why);
}

/* 64 KiB of a path that begins to match everywhere: it is looked through once for each piece. */
static void a_long_path_is_looked_through(void **state)
{
    char *path = mem_alloc(65537);
    (void)state;
    for (size_t i = 0; i < 65536; i += 16)
        memcpy(path + i, "/api/kernels/x/y", 16);
    path[65536] = '\0';
    assert_false(is(path, "", &nothing));
    memcpy(path + 65536 - 9, "/channels", 9);
    assert_true(is(path, "", &nothing));
    free(path);
}

static void a_query_has_the_keys_that_a_server_would_find(void **state)
{
    static char *listed[] = {"ticket", "auth[one]", "a b", "100%", "%z1", "%1z"};
    static const struct strings keys = {listed, COUNT(listed)};
    static const struct {
        const char *target;
        bool want;
        const char *why;
    } rows[] = {
        {"/ws?ticket=1", true, "alone"},
        {"/ws?a=b&ticket=1&c=d", true, "among others"},
        {"/ws?ticket", true, "without a value"},
        {"/ws?ticket=", true, "with an empty one"},
        {"/ws?&&ticket=1", true, "empty pairs"},
        {"/ws?a?ticket=1", false, "the second question mark is of a key"},
        {"/ws", false, "no query"},
        {"/ws?", false, "an empty one"},
        {"", false, "nothing"},
        {"/ticket=1", false, "in the path"},
        {"/ws?ticke=1", false, "less than that"},
        {"/ws?tickets=1", false, "more than that"},
        {"/ws?Ticket=1", false, "case counts"},
        {"/ws?a=ticket", false, "a value"},
        {"/ws?a=1;ticket=1", false, "a semicolon parts nothing (WHATWG URL)"},
        {"/ws?=ticket", false, "a key of nothing"},
        {"/ws?auth%5Bone%5D=1", true, "as a browser writes it"},
        {"/ws?auth%5bone%5d=1", true, "in lower case"},
        {"/ws?auth[one]=1", true, "as it is"},
        {"/ws?auth%5Bone%5=1", false, "cut short"},
        {"/ws?auth%5Bone%5", false, "cut short, at the end"},
        {"/ws?auth%5Bone%", false, "cut shorter"},
        {"/ws?auth%5Gone%5D", false, "no digits"},
        {"/ws?%74icket=1", true, "needlessly so"},
        {"/ws?ticket%3D1", false, "that is no `=`"},
        {"/ws?x%26ticket=1", false, "that is no `&`"},
        {"/ws?ticket%00=1", false, "a byte of zero is a byte"},
        {"/ws?a+b=1", true, "a space"},
        {"/ws?a%20b=1", true, "a space"},
        {"/ws?a%2Bb=1", false, "a plus"},
        {"/ws?100%=1", true, "a percent sign alone is itself"},
        {"/ws?100%25=1", true, "or encoded"},
        {"/ws?%z1", true, "before what is no digit"},
        {"/ws?%1z", true, "the other way round"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct str t = bare(rows[i].target);
        if (target_has_key(t, &keys) != rows[i].want)
            fail_msg("%s: %s", rows[i].target, rows[i].why);
        assert_false(target_has_key(t, &nothing));
        free((char *)t.p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(subprotocols_that_keep_state_are_known),
        cmocka_unit_test(paths_that_keep_state_are_known),
        cmocka_unit_test(the_conf_adds_path_prefixes_and_subprotocols),
        cmocka_unit_test(a_long_path_is_looked_through),
        cmocka_unit_test(a_query_has_the_keys_that_a_server_would_find),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

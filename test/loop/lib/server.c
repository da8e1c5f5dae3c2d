/* A scripted backend that can be lost and come back: see server.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/token.h"
#include "loop/lib/server.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- a handshake ---- */

static void accept_of(const struct buf *head, char out[TOKEN_ACCEPT_LEN + 1])
{
    static const char name[] = "\r\nSec-WebSocket-Key: ";
    const char *key = memmem(head->data, head->len, name, sizeof(name) - 1);
    assert_non_null(key);
    key += sizeof(name) - 1;
    const char *end = strstr(key, "\r\n");
    token_accept(key, (size_t)(end - key), out);
}

static void switch_protocols(struct visit *v)
{
    const struct reply *r = &v->server->reply;
    char accept[TOKEN_ACCEPT_LEN + 1];
    struct buf text;
    accept_of(&v->head, accept);
    buf_init(&text);
    buf_addf(&text,
             "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
             "Sec-WebSocket-Accept: %s\r\n%s\r\n",
             r->accept ? r->accept : accept, r->fields ? r->fields : "");
    buf_add(&text, r->rest, r->rest_len);
    assert_int_equal(send(v->fd, text.data, text.len, MSG_NOSIGNAL), text.len);
    buf_fini(&text);
    wspeer_open(&v->peer, v->server->rig, v->fd, false);
    v->peer.texts = &v->texts;
    v->switched = true;
    v->server->switched++;
    if (v->server->joined)
        v->server->joined(v);
}

static void answer(struct visit *v)
{
    const struct reply *r = &v->server->reply;
    switch (r->what) {
    case REPLY_SILENCE:
        return;
    case REPLY_SWITCH:
        v->answered = true;
        uv_close((uv_handle_t *)&v->poll, NULL);
        switch_protocols(v);
        return;
    case REPLY_TEXT:
        assert_int_equal(send(v->fd, r->text, strlen(r->text), MSG_NOSIGNAL), strlen(r->text));
        return;
    case REPLY_EOF:
    case REPLY_RESET:
        v->answered = true;
        uv_close((uv_handle_t *)&v->poll, NULL);
        if (r->what == REPLY_EOF)
            close(v->fd);
        else
            rig_reset(v->fd);
        return;
    }
}

static void on_visit(uv_poll_t *poll, int status, int events)
{
    struct visit *v = CONTAINER_OF(poll, struct visit, poll);
    (void)events;
    ssize_t n = status < 0 ? 0 : recv(v->fd, buf_room(&v->head, 4096), 4096, 0);
    if (n < 0 && errno == EAGAIN)
        return;
    if (n <= 0) {
        uv_poll_stop(poll);
        return;
    }
    v->head.len += (size_t)n;
    if (v->head.len < 4 || memcmp(v->head.data + v->head.len - 4, "\r\n\r\n", 4) != 0)
        return;
    buf_add(&v->head, "", 1);
    answer(v);
}

/* ---- listening ---- */

static void on_listening(uv_poll_t *poll, int status, int events)
{
    struct server *s = CONTAINER_OF(poll, struct server, poll);
    int fd, on = 1;
    (void)status;
    (void)events;
    while ((fd = accept4(s->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        assert_true(s->came < SERVER_VISITS);
        struct visit *v = &s->visits[s->came++];
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        *v = (struct visit){.server = s, .fd = fd};
        assert_int_equal(uv_poll_init(&s->rig->lp.uv, &v->poll, fd), 0);
        uv_poll_start(&v->poll, UV_READABLE, on_visit);
    }
}

/* Several may have one port where none but the last of them listens. */
static int bind_at(struct sockaddr_in *sa)
{
    int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    socklen_t n = sizeof(*sa);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)), 0);
    assert_int_equal(bind(fd, (struct sockaddr *)sa, n), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)sa, &n), 0);
    return fd;
}

void server_listen(struct server *s, bool on)
{
    struct sockaddr_in sa;
    socklen_t n = sizeof(sa);
    if (on == (s->fd >= 0))
        return;
    if (!on) {
        uv_close((uv_handle_t *)&s->poll, NULL);
        rig_turn(s->rig, 1);
        close(s->fd);
        s->fd = -1;
        return;
    }
    assert_int_equal(getsockname(s->held, (struct sockaddr *)&sa, &n), 0);
    s->fd = bind_at(&sa);
    assert_int_equal(listen(s->fd, SERVER_VISITS), 0);
    assert_int_equal(uv_poll_init(&s->rig->lp.uv, &s->poll, s->fd), 0);
    uv_poll_start(&s->poll, UV_READABLE, on_listening);
}

void server_open(struct server *s, struct rig *r)
{
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    *s = (struct server){.rig = r, .fd = -1};
    s->held = bind_at(&sa);
    snprintf(s->address, sizeof(s->address), "127.0.0.1:%u", ntohs(sa.sin_port));
    server_listen(s, true);
}

static void visit_close(struct visit *v)
{
    buf_fini(&v->head);
    buf_fini(&v->texts);
    if (v->switched) {
        if (!v->peer.closed)
            wspeer_close(&v->peer);
    } else if (!v->answered) {
        uv_close((uv_handle_t *)&v->poll, NULL);
        close(v->fd);
    }
}

void server_close(struct server *s)
{
    server_listen(s, false);
    for (unsigned i = 0; i < s->came; i++)
        visit_close(&s->visits[i]);
    rig_turn(s->rig, 1);
    close(s->held);
}

struct visit *server_visit(struct server *s, unsigned n)
{
    for (unsigned i = 0; i < s->came; i++)
        if (s->visits[i].switched && n-- == 0)
            return &s->visits[i];
    return NULL;
}

void server_part(struct server *s)
{
    for (unsigned i = 0; i < s->came; i++) {
        struct visit *v = &s->visits[i];
        if (v->switched && !v->peer.closed && (v->peer.eof || v->peer.reset))
            wspeer_close(&v->peer);
    }
}

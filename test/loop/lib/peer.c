/* A scripted peer of plain bytes: see peer.h. Its reading of HTTP is its own: it trusts what it
 * reads and knows nothing of wskeep's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "loop/lib/peer.h"
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void want(struct peer *p);

static void read_some(struct peer *p)
{
    ssize_t n = recv(p->fd, buf_room(&p->in, 65536), 65536, 0);
    if (n > 0)
        p->in.len += (size_t)n;
    else if (n == 0)
        p->eof = true;
    else if (errno != EAGAIN)
        p->reset = true;
}

static void write_some(struct peer *p)
{
    ssize_t n = send(p->fd, p->out.data + p->sent, p->out.len - p->sent, MSG_NOSIGNAL);
    p->sent += n > 0 ? (size_t)n : 0;
    if (p->sent == p->out.len ||
        (n < 0 && errno != EAGAIN)) { /* what the other side had said may still be read */
        buf_clear(&p->out);
        p->sent = 0;
    }
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct peer *p = CONTAINER_OF(poll, struct peer, poll);
    if (status < 0)
        p->reset = true;
    if (!p->reset && events & UV_WRITABLE && p->out.len > 0)
        write_some(p);
    if (!p->reset && events & UV_READABLE)
        read_some(p);
    want(p);
}

static void want(struct peer *p)
{
    int events = (p->eof || p->reset || p->stopped ? 0 : UV_READABLE) |
                 (p->out.len > 0 && !p->reset ? UV_WRITABLE : 0);
    if (events)
        uv_poll_start(&p->poll, events, on_poll);
    else
        uv_poll_stop(&p->poll);
}

void peer_open(struct peer *p, struct rig *r, int fd)
{
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)); /* of a Unix socket: nothing */
    *p = (struct peer){.rig = r, .fd = fd};
    assert_int_equal(fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK), 0);
    assert_int_equal(uv_poll_init(&r->lp.uv, &p->poll, fd), 0);
    want(p);
}

void peer_connect(struct peer *p, struct rig *r, const union peer_address *to)
{
    int fd = socket(to->sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(
        connect(fd, &to->sa, to->sa.sa_family == AF_UNIX ? sizeof(to->un) : sizeof(to->in)), 0);
    peer_open(p, r, fd);
}

void peer_send(struct peer *p, const void *bytes, size_t n)
{
    buf_add(&p->out, bytes, n);
    write_some(p); /* at once, so that what two peers say keeps its order */
    want(p);
}

void peer_say(struct peer *p, const char *text)
{
    peer_send(p, text, strlen(text));
}

void peer_stop(struct peer *p, bool on)
{
    p->stopped = on;
    want(p);
}

void peer_shutdown(struct peer *p)
{
    while (p->out.len > 0)
        uv_run(&p->rig->lp.uv, UV_RUN_ONCE);
    shutdown(p->fd, SHUT_WR);
}

static int release(struct peer *p)
{
    int fd = p->fd;
    if (fd < 0)
        return fd;
    uv_close((uv_handle_t *)&p->poll, NULL);
    rig_turn(p->rig, 1);
    buf_fini(&p->out);
    buf_fini(&p->in);
    p->fd = -1;
    return fd;
}

void peer_close(struct peer *p)
{
    int fd = release(p);
    if (fd >= 0)
        close(fd);
}

/* connect(2) to AF_UNSPEC sends the RST of a TCP socket before any turn of the loop. */
void peer_reset(struct peer *p)
{
    struct sockaddr none = {.sa_family = AF_UNSPEC};
    if (p->fd >= 0)
        connect(p->fd, &none, sizeof(none));
    int fd = release(p);
    if (fd >= 0)
        rig_reset(fd);
}

static const char *find(const struct buf *b, size_t from, const char *text)
{
    return from < b->len ? memmem(b->data + from, b->len - from, text, strlen(text)) : NULL;
}

bool peer_has(const struct peer *p, const char *text)
{
    return find(&p->in, 0, text);
}

/* ---- HTTP ---- */

/* From `at` on; where it ends, 0: it is not whole. */
static size_t chunks(const struct buf *in, size_t at, struct message *m)
{
    for (;;) {
        const char *line = find(in, at, "\r\n");
        if (!line)
            return 0;
        size_t n = strtoul((char *)in->data + at, NULL, 16);
        at = (size_t)(line - (char *)in->data) + 2;
        if (n == 0)
            break;
        if (in->len - at < n + 2)
            return 0;
        buf_add(&m->body, in->data + at, n);
        m->chunks++;
        assert_memory_equal(in->data + at + n, "\r\n", 2);
        at += n + 2;
    }
    const char *end = in->len - at >= 2 && !memcmp(in->data + at, "\r\n", 2)
                          ? (char *)in->data + at - 2
                          : find(in, at, "\r\n\r\n");
    if (!end)
        return 0;
    size_t stop = (size_t)(end - (char *)in->data) + 4;
    buf_add(&m->trailers, in->data + at, stop - at);
    return stop;
}

/* Answers that have no body whatever their head says. */
static bool is_bare(const char *head)
{
    return head[9] == '1' || !strncmp(head + 9, "204", 3) || !strncmp(head + 9, "304", 3);
}

/* The end of the message whose head is in m; 0: it is not whole. */
static size_t body(struct peer *p, struct message *m, bool to_head)
{
    const char *length = find(&m->head, 0, "Content-Length: "), *head = (char *)m->head.data;
    bool answer = !strncmp(head, "HTTP/", 5);
    size_t at = m->head.len, n = 0;
    if (answer && (to_head || is_bare(head)))
        return at;
    if (find(&m->head, 0, "Transfer-Encoding: chunked\r\n"))
        return chunks(&p->in, at, m);
    if (length)
        n = strtoul(length + strlen("Content-Length: "), NULL, 10);
    else if (answer && !p->eof)
        return 0;
    else if (answer)
        n = p->in.len - at;
    if (n > p->in.len - at)
        return 0;
    buf_add(&m->body, p->in.data + at, n);
    return at + n;
}

bool peer_take(struct peer *p, struct message *m, bool to_head)
{
    const char *blank = find(&p->in, 0, "\r\n\r\n");
    *m = (struct message){.chunks = 0};
    if (!blank)
        return false;
    buf_add(&m->head, p->in.data, (size_t)(blank - (char *)p->in.data) + 4);
    size_t end = body(p, m, to_head);
    buf_drop(&p->in, end);
    if (end == 0)
        message_fini(m);
    return end > 0;
}

bool message_has(const struct message *m, const char *line)
{
    return find(&m->head, 0, line);
}

void message_fini(struct message *m)
{
    buf_fini(&m->head);
    buf_fini(&m->body);
    buf_fini(&m->trailers);
}

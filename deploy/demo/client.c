/* One client of the demo backend: a request, its answer, and what follows it on a WebSocket.
 *
 * It owns the socket, the wslay context and the agent's side of the talk; it never blocks and reads
 * no clock. */
#include "client.h"
#include "agent.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>
#include <wslay/wslay.h>

#define HEAD_MAX    65536 /* a load balancer lets heads of 64 KiB through */
#define MESSAGE_MAX (1 << 20)

struct client {
    int fd;
    bool over;
    bool fatal;   /* once its answer has gone, the process goes */
    uint64_t now; /* of the turn that runs */
    const struct client_ways *ways;

    char *in; /* the request's head and what came behind it: HEAD_MAX bytes */
    size_t in_len, in_read;
    char head[256];      /* the answer's */
    struct iovec out[2]; /* what is still to be sent of the answer */

    wslay_event_context_ptr ws; /* NULL: plain HTTP */
    struct agent agent;
    uint64_t ping_due;
};

static const unsigned char page[] = {
#include "page.inc"
};

/* ---- WebSocket ---- */

static ssize_t on_recv(wslay_event_context_ptr ws, uint8_t *p, size_t n, int flags, void *arg)
{
    struct client *c = arg;
    ssize_t got;

    (void)flags;
    if (c->in_read < c->in_len) {
        got = (ssize_t)(n < c->in_len - c->in_read ? n : c->in_len - c->in_read);
        memcpy(p, c->in + c->in_read, (size_t)got);
        c->in_read += (size_t)got;
        return got;
    }
    got = recv(c->fd, p, n, 0);
    if (got > 0)
        return got;
    wslay_event_set_error(ws, got < 0 && errno == EAGAIN ? WSLAY_ERR_WOULDBLOCK
                                                         : WSLAY_ERR_CALLBACK_FAILURE);
    return -1;
}

static ssize_t on_send(wslay_event_context_ptr ws, const uint8_t *p, size_t n, int flags, void *arg)
{
    struct client *c = arg;
    ssize_t put = send(c->fd, p, n, MSG_NOSIGNAL | (flags & WSLAY_MSG_MORE ? MSG_MORE : 0));

    if (put >= 0)
        return put;
    wslay_event_set_error(ws, errno == EAGAIN ? WSLAY_ERR_WOULDBLOCK : WSLAY_ERR_CALLBACK_FAILURE);
    return -1;
}

static void on_message(wslay_event_context_ptr ws, const struct wslay_event_on_msg_recv_arg *m,
                       void *arg)
{
    struct client *c = arg;

    (void)ws;
    if (!wslay_is_ctrl_frame(m->opcode))
        agent_hear(&c->agent, (const char *)m->msg, m->msg_length, c->now);
}

static void on_say(void *to, const char *text)
{
    struct client *c = to;
    struct wslay_event_msg m = {WSLAY_TEXT_FRAME, (const uint8_t *)text, strlen(text)};

    /* Once a Close was sent or received wslay refuses it, rightly. */
    wslay_event_queue_msg(c->ws, &m);
}

static void websocket_open(struct client *c)
{
    static const struct wslay_event_callbacks callbacks = {
        .recv_callback = on_recv, .send_callback = on_send, .on_msg_recv_callback = on_message};

    if (wslay_event_context_server_init(&c->ws, &callbacks, c) != 0)
        abort();
    wslay_event_config_set_max_recv_msg_length(c->ws, MESSAGE_MAX);
    c->agent = (struct agent){.say = on_say, .to = c};
    agent_greet(&c->agent);
}

static void websocket_turn(struct client *c)
{
    if (wslay_event_recv(c->ws) != 0)
        c->over = true;
    agent_turn(&c->agent, c->now, c->ways->delay_ms);
    if (c->ways->ping_ms && c->ping_due <= c->now) {
        struct wslay_event_msg ping = {WSLAY_PING, NULL, 0};

        wslay_event_queue_msg(c->ws, &ping);
        c->ping_due = c->now + c->ways->ping_ms;
    }
    if (wslay_event_send(c->ws) != 0)
        c->over = true;
    if (!wslay_event_want_read(c->ws) && !wslay_event_want_write(c->ws))
        c->over = true;
}

/* ---- HTTP ---- */

static void answer(struct client *c, const char *status, const char *type, const char *body,
                   size_t n)
{
    int len = snprintf(
        c->head, sizeof c->head,
        "HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n",
        status, type, n);

    c->out[0] = (struct iovec){c->head, (size_t)len};
    c->out[1] = (struct iovec){(void *)(uintptr_t)body, n};
}

static void answer_text(struct client *c, const char *status, const char *text)
{
    answer(c, status, "text/plain", text, strlen(text));
}

/* RFC 6455 §4.2.2: the key and a fixed GUID, hashed. */
static void answer_upgrade(struct client *c, const char *key, int key_len)
{
    char text[128];
    unsigned char sha1[EVP_MAX_MD_SIZE];
    unsigned char accept[2 * EVP_MAX_MD_SIZE];
    unsigned sha1_len;
    int n = snprintf(text, sizeof text, "%.*s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", key_len, key);

    if (!EVP_Digest(text, (size_t)n, sha1, &sha1_len, EVP_sha1(), NULL))
        abort();
    EVP_EncodeBlock(accept, sha1, (int)sha1_len);
    n = snprintf(c->head, sizeof c->head,
                 "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: "
                 "Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n",
                 accept);
    c->out[0] = (struct iovec){c->head, (size_t)n};
    websocket_open(c);
}

static void answer_kill(struct client *c)
{
    c->fatal = c->ways->mortal;
    if (c->fatal)
        answer_text(c, "202 Accepted", "This process ends now.\n");
    else
        answer_text(c, "403 Forbidden",
                    "Nothing starts this backend again: it was run without --mortal.\n");
}

/* what: a method, a space, a path */
static bool asks_for(const char *head, const char *what)
{
    size_t n = strlen(what);

    return strncmp(head, what, n) == 0 && strchr(" ?", head[n]);
}

static void head_answer(struct client *c, const char *head)
{
    static const char field[] = "\r\nSec-WebSocket-Key:";
    const char *key = strcasestr(head, field);

    if (asks_for(head, "GET /"))
        answer(c, "200 OK", "text/html; charset=utf-8", (const char *)page, sizeof page);
    else if (asks_for(head, "GET /healthz"))
        answer_text(c, "200 OK", "ok\n");
    else if (asks_for(head, "POST /kill"))
        answer_kill(c);
    else if (!asks_for(head, "GET /ws"))
        answer_text(c, "404 Not Found", "There are /, /healthz, /ws and, for POST, /kill.\n");
    else if (!key)
        answer_text(c, "426 Upgrade Required", "A WebSocket is spoken here.\n");
    else {
        key += sizeof field - 1;
        key += strspn(key, " ");
        answer_upgrade(c, key, (int)strcspn(key, " \r"));
    }
}

static void head_read(struct client *c)
{
    ssize_t got = recv(c->fd, c->in + c->in_len, HEAD_MAX - 1 - c->in_len, 0);
    char *end;

    if (got <= 0) {
        c->over = got == 0 || errno != EAGAIN;
        return;
    }
    c->in_len += (size_t)got;
    c->in[c->in_len] = 0;
    end = strstr(c->in, "\r\n\r\n");
    if (end) {
        end[2] = 0;
        c->in_read = (size_t)(end + 4 - c->in);
        head_answer(c, c->in);
    } else if (c->in_len == HEAD_MAX - 1) {
        answer_text(c, "431 Request Header Fields Too Large", "");
    }
}

static bool answer_waits(const struct client *c)
{
    return c->out[0].iov_len + c->out[1].iov_len > 0;
}

static void answer_send(struct client *c)
{
    struct msghdr m = {.msg_iov = c->out, .msg_iovlen = 2};
    ssize_t put = sendmsg(c->fd, &m, MSG_NOSIGNAL);

    if (put < 0) {
        c->over = errno != EAGAIN;
        return;
    }
    for (int i = 0; i < 2; i++) {
        size_t n = (size_t)put < c->out[i].iov_len ? (size_t)put : c->out[i].iov_len;

        c->out[i].iov_base = (char *)c->out[i].iov_base + n;
        c->out[i].iov_len -= n;
        put -= (ssize_t)n;
    }
    c->over = !answer_waits(c) && !c->ws;
    /* What went to the kernel still arrives. */
    if (c->over && c->fatal)
        raise(SIGKILL);
}

struct client *client_new(int fd, const struct client_ways *ways, uint64_t now_ms)
{
    struct client *c = calloc(1, sizeof *c);

    if (!c || !(c->in = malloc(HEAD_MAX)))
        abort();
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    c->fd = fd;
    c->ways = ways;
    c->ping_due = now_ms + ways->ping_ms;
    return c;
}

int client_fd(const struct client *c)
{
    return c->fd;
}

short client_events(const struct client *c)
{
    if (answer_waits(c))
        return POLLOUT;
    if (!c->ws)
        return POLLIN;
    return (short)((wslay_event_want_read(c->ws) ? POLLIN : 0) |
                   (wslay_event_want_write(c->ws) ? POLLOUT : 0));
}

uint64_t client_due(const struct client *c)
{
    uint64_t due = agent_due(&c->agent);

    if (!c->ws || answer_waits(c))
        return UINT64_MAX;
    return c->ways->ping_ms && c->ping_due < due ? c->ping_due : due;
}

bool client_turn(struct client *c, uint64_t now_ms)
{
    c->now = now_ms;
    if (!c->ws && !answer_waits(c))
        head_read(c);
    if (answer_waits(c))
        answer_send(c);
    if (c->ws && !c->over && !answer_waits(c))
        websocket_turn(c);
    return !c->over;
}

void client_free(struct client *c)
{
    agent_fini(&c->agent);
    wslay_event_context_free(c->ws);
    close(c->fd);
    free(c->in);
    free(c);
}

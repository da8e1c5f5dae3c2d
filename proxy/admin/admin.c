/* The admin listener: see admin.h. One request at a time on a connection; a request with a body is
 * refused. */
#include "admin/admin.h"
#include "admin/pages.h"
#include "base/mem.h"
#include "net/conn.h"
#include "wire/forward.h"
#include <stdlib.h>
#include <unistd.h>

/* A scraper and a few people; more are a mistake, and descriptors are the traffic's. */
#define ADMIN_CONNECTIONS 32u
/* Where there are so many, who has asked nothing for so long makes room: what judges whether
 * wskeep lives has to get in. */
#define ADMIN_PATIENCE_MS 1000u
#define ADMIN_HEAD        8192u
/* Prometheus scrapes every minute at the longest (its default): its connection is kept. */
#define ADMIN_IDLE_MS 90000u
/* Behind the last answer, for what still comes: a reset would take it from a client that sends. */
#define ADMIN_LINGER_MS 5000u

struct admin_conn {
    struct list node;
    struct admin *admin;
    struct conn conn;
    struct timer timer;
    uint64_t since; /* ms: when it asked last, or came */
    bool moved;     /* its listener is closed: the next answer is the last */
    bool last;      /* the answer under way is the last on this connection */
};

static void conn_free(struct admin_conn *c)
{
    struct admin *a = c->admin;
    timer_stop(&a->lp->wheel, &c->timer);
    conn_close(&c->conn);
    list_del(&c->node);
    a->count--;
    free(c);
    if (a->listener)
        listener_resume(a->listener);
}

static void answer_page(struct admin_conn *c, const struct page *page, bool to_head)
{
    struct buf body, head;
    buf_init(&body);
    buf_init(&head);
    unsigned status = page->make(c->admin->source, &body);
    buf_addf(&head,
             "HTTP/1.1 %u %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\nCache-Control: "
             "no-store\r\nConnection: %s\r\n\r\n",
             status, http1_phrase((uint16_t)status), page->type, body.len,
             c->last ? "close" : "keep-alive");
    conn_write(&c->conn, head.data, head.len);
    if (!to_head)
        conn_write(&c->conn, body.data, body.len);
    buf_fini(&head);
    buf_fini(&body);
}

static void answer_own(struct admin_conn *c, uint16_t status, const char *why, const char *extra)
{
    struct buf out;
    buf_init(&out);
    c->last = true;
    forward_own(status, why, extra, false, false, &out);
    conn_write(&c->conn, out.data, out.len);
    buf_fini(&out);
}

static void answer(struct admin_conn *c)
{
    struct http1_view *m = conn_view(&c->conn);
    struct str method = head_method(&m->head);
    bool to_head = str_eq(method, "HEAD");
    const struct page *page = page_find(head_path(&m->head));
    c->last = c->moved || !m->keep_alive;
    if (m->body != HTTP1_NO_BODY)
        answer_own(c, 413, "no request here has a body", "");
    else if (!page)
        answer_own(c, 404, "no such page: /healthz, /readyz, /healthz/websocket, /metrics", "");
    else if (!to_head && !str_eq(method, "GET"))
        answer_own(c, 405, "GET and HEAD only", "Allow: GET, HEAD\r\n");
    else
        answer_page(c, page, to_head);
    loop_timer(c->admin->lp, &c->timer, c->last ? ADMIN_LINGER_MS : ADMIN_IDLE_MS);
    c->since = c->admin->lp->now;
    list_del(&c->node);
    list_add(&c->admin->conns, &c->node);
}

/* Answers what has come, as far as the client takes the answers. */
static void serve(struct admin_conn *c)
{
    struct http1_view *m = conn_view(&c->conn);
    bool more = true;
    while (more && !c->last && !conn_blocked(&c->conn)) {
        switch (conn_next(&c->conn)) {
        case HTTP1_HEAD:
            answer(c);
            break;
        case HTTP1_BAD:
            answer_own(c, m->status, m->why, "");
            loop_timer(c->admin->lp, &c->timer, ADMIN_LINGER_MS);
            break;
        case HTTP1_MORE:
            more = false;
            break;
        case HTTP1_DATA:
        case HTTP1_END:
            break;
        }
    }
    conn_flush(&c->conn);
    conn_want(&c->conn, c->last || !conn_blocked(&c->conn));
}

static void on_conn(void *owner, unsigned events)
{
    struct admin_conn *c = owner;
    (void)events;
    if (!c->last)
        serve(c);
    if (c->last) {
        conn_shutdown(&c->conn);
        conn_discard(&c->conn);
    }
    if (c->conn.eof || c->conn.broken)
        conn_free(c);
}

static void on_timer(struct timer *t)
{
    conn_free(CONTAINER_OF(t, struct admin_conn, timer));
}

static void on_connection(void *owner, int fd, const struct sockaddr_storage *peer)
{
    struct admin *a = owner;
    struct transport *t;
    (void)peer;
    if (transport_open(a->lp, fd, &t) < 0)
        return;
    struct admin_conn *c = mem_zalloc(sizeof(*c));
    c->admin = a;
    timer_init(&c->timer, on_timer);
    conn_open(&c->conn, a->lp, t, http1_new(true, ADMIN_HEAD));
    conn_owner(&c->conn, on_conn, c);
    c->since = a->lp->now;
    list_add(&a->conns, &c->node);
    a->count++;
    loop_timer(a->lp, &c->timer, ADMIN_IDLE_MS);
}

static bool make_room(void *owner)
{
    struct admin *a = owner;
    if (a->count < ADMIN_CONNECTIONS)
        return true;
    struct admin_conn *quietest = CONTAINER_OF(a->conns.next, struct admin_conn, node);
    if (a->lp->now - quietest->since < ADMIN_PATIENCE_MS)
        return false;
    conn_free(quietest);
    return true;
}

void admin_init(struct admin *a, struct loop *lp, const struct admin_source *source)
{
    *a = (struct admin){.lp = lp, .source = source};
    list_init(&a->conns);
}

int admin_listen(struct admin *a, int fd)
{
    struct listener *before = a->listener, *l = NULL;
    int err = fd < 0 ? 0 : listener_open(a->lp, fd, on_connection, make_room, a, &l);
    if (err < 0) {
        close(fd);
        return err;
    }
    listener_close(before);
    a->listener = l;
    for (struct list *n = a->conns.next; n != &a->conns; n = n->next)
        CONTAINER_OF(n, struct admin_conn, node)->moved = true;
    return 0;
}

void admin_close(struct admin *a)
{
    listener_close(a->listener);
    a->listener = NULL;
    while (!list_empty(&a->conns))
        conn_free(CONTAINER_OF(a->conns.next, struct admin_conn, node));
}

/* A worker on its own thread, told what to do from the test's loop: that a reload takes nothing
 * from anybody, and that it ends in every state, and says so once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "loop/lib/site.h"
#include "loop/lib/tally.h"
#include "worker.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct scene {
    struct rig rig;
    struct conf *conf;
    struct worker worker;
    struct worker_room room;
    struct metrics *loops[1];
    struct listener *behind;
    union peer_address address;
    struct peer client, backend, idle;
    struct message m;
    unsigned accepted, empty, failed;
};

static const char get[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
static const char handshake[] =
    "GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
static const char accepted[] =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
static const char restart[] = "\x88\x02\x03\xf4";        /* Close 1012, to a client */
static const char say[] = "\x81\x84\0\0\0\0more";        /* from it */
static const char answer[] = "\x88\x82\0\0\0\0\x03\xf4"; /* and from it */

static void on_empty(struct letter *l)
{
    struct worker *w = CONTAINER_OF(l, struct worker, empty);
    CONTAINER_OF(w, struct scene, worker)->empty++;
}

static void on_failed(struct letter *l)
{
    struct worker *w = CONTAINER_OF(l, struct worker, failed);
    worker_heard(w);
    CONTAINER_OF(w, struct scene, worker)->failed++;
}

static void on_behind(void *owner, int fd, const struct sockaddr_storage *peer)
{
    struct scene *s = owner;
    (void)peer;
    assert_int_equal(s->accepted++, 0);
    peer_open(&s->backend, &s->rig, fd);
}

static bool has_room(void *owner)
{
    (void)owner;
    return true;
}

static int listen_here(const char *at, char *name, size_t room)
{
    struct conf *conf = site_conf(at, "unix:/nowhere", NULL);
    struct buf text;
    int fd;
    buf_init(&text);
    assert_int_equal(listener_sockets(&conf->listen.address, 1, &fd, &text), 0);
    listener_name(fd, &text);
    assert_true(text.len < room);
    memcpy(name, text.data, text.len);
    name[text.len] = 0;
    buf_fini(&text);
    conf_unref(conf);
    return fd;
}

static void prepare(struct scene *s, const char *at)
{
    char name[64];
    socklen_t n = sizeof(s->address);
    memset(s, 0, sizeof(*s));
    s->client.fd = s->backend.fd = s->idle.fd = -1;
    rig_open(&s->rig);
    int fd = listen_here("127.0.0.1:0", name, sizeof(name));
    assert_int_equal(listener_open(&s->rig.lp, fd, on_behind, has_room, s, &s->behind), 0);
    s->conf = site_conf(at, name, NULL);
    fd = listen_here(at, name, sizeof(name));
    assert_int_equal(getsockname(fd, &s->address.sa, &n), 0);
    s->loops[0] = &s->worker.metrics;
    s->room = (struct worker_room){s->loops, 1, 200};
    struct worker_setup setup = {.id = 1,
                                 .conf = s->conf,
                                 .fd = fd,
                                 .control = &s->rig.lp.mail,
                                 .failed = on_failed,
                                 .empty = on_empty,
                                 .room = &s->room};
    assert_int_equal(worker_open(&s->worker, &setup), 0);
    worker_ready(&s->worker, true);
}

static void set(struct scene *s)
{
    prepare(s, "127.0.0.1:0");
    assert_int_equal(worker_start(&s->worker), 0);
}

static void strike(struct scene *s)
{
    UNTIL(s, s->empty > 0);
    worker_stop(&s->worker);
    worker_join(&s->worker);
    assert_int_equal(s->empty, 1);
    assert_false(s->worker.unclosable);
    assert_int_equal(s->conf->refs, 1);
    enum metric gauges[] = {METRIC_CONNECTIONS_CLIENT, METRIC_CONNECTIONS_BACKEND,
                            METRIC_SESSIONS_LIVE, METRIC_SESSIONS_CLOSING};
    for (size_t i = 0; i < sizeof(gauges) / sizeof(*gauges); i++)
        assert_int_equal(metrics_sum(s->loops, 1, gauges[i]), 0);
    tally_must_add_up(&s->worker.metrics);
    listener_close(s->behind);
    peer_close(&s->client);
    peer_close(&s->backend);
    message_fini(&s->m);
    conf_unref(s->conf);
    rig_close(&s->rig);
}

static void ask(struct scene *s, const char *request)
{
    peer_connect(&s->client, &s->rig, &s->address);
    peer_say(&s->client, request);
    UNTIL(s, s->accepted > 0 && peer_take(&s->backend, &s->m, false));
}

/* Returns when the worker has begun to: an idle connection is ended then. */
static void drain(struct scene *s)
{
    worker_drain(&s->worker, 8000);
    UNTIL(s, s->idle.eof || s->idle.reset);
    peer_close(&s->idle);
}

static void without_connections_it_is_empty_at_once(void **state)
{
    (void)state;
    for (int kill = 0; kill < 2; kill++) {
        struct scene s;
        set(&s);
        worker_drain(&s.worker, 8000);
        if (kill) /* it may have said so by then, or not */
            worker_kill(&s.worker);
        strike(&s);
    }
}

static void it_is_empty_when_the_running_request_is_answered(void **state)
{
    (void)state;
    struct scene s;
    set(&s);
    peer_connect(&s.idle, &s.rig, &s.address);
    ask(&s, get);
    drain(&s);
    peer_say(&s.backend, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine");
    UNTIL(&s, peer_has(&s.client, "fine") && s.client.eof);
    assert_int_equal(s.empty, 0);
    peer_close(&s.client);
    strike(&s);
}

/* A handshake that was under way becomes a session of a worker that has taken leave of all others.
 */
static void a_session_that_begins_while_draining_is_told_too(void **state)
{
    (void)state;
    struct scene s;
    set(&s);
    peer_connect(&s.idle, &s.rig, &s.address);
    ask(&s, handshake);
    drain(&s);
    peer_say(&s.backend, accepted);
    UNTIL(&s, peer_has(&s.client, restart));
    peer_send(&s.client, answer, sizeof(answer) - 1);
    UNTIL(&s, s.client.eof && peer_has(&s.backend, "\x88\x82"));
    peer_close(&s.backend);
    peer_close(&s.client);
    strike(&s);
    assert_int_equal(s.worker.metrics.disconnects[SIDE_CLIENT][REASON_DRAIN], 2);
}

static const char half[] = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 8\r\n\r\nhalf";
static const char fine[] = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine";

/* The backend has the head and the first half of the body. */
static void upload(struct scene *s)
{
    peer_connect(&s->client, &s->rig, &s->address);
    peer_say(&s->client, half);
    UNTIL(s, s->accepted > 0 && peer_has(&s->backend, "half"));
}

static void an_upload_that_is_half_way_is_finished(void **state)
{
    (void)state;
    struct scene s;
    set(&s);
    peer_connect(&s.idle, &s.rig, &s.address);
    upload(&s);
    drain(&s);
    peer_say(&s.client, "done");
    UNTIL(&s, peer_has(&s.backend, "halfdone"));
    peer_say(&s.backend, fine);
    UNTIL(&s, s.client.eof);
    assert_true(peer_has(&s.client, "fine") && peer_has(&s.client, "Connection: close"));
    peer_close(&s.client);
    strike(&s);
}

/* A client that takes no Close has a time of its own, which is shorter. */
static void what_does_not_end_in_time_is_cut(void **state)
{
    (void)state;
    for (int session = 0; session < 2; session++) {
        struct scene s;
        set(&s);
        if (session) {
            ask(&s, handshake);
            peer_say(&s.backend, accepted);
            UNTIL(&s, peer_has(&s.client, "\r\n\r\n"));
            peer_stop(&s.client, true);
        } else {
            upload(&s);
        }
        worker_drain(&s.worker, 100);
        strike(&s);
        enum reason r = session ? REASON_DRAIN : REASON_KILLED;
        assert_int_equal(s.worker.metrics.disconnects[SIDE_CLIENT][r], 1);
    }
}

/* Where the lame duck had all of it. */
static void without_time_a_client_gets_its_close_all_the_same(void **state)
{
    (void)state;
    struct scene s;
    set(&s);
    ask(&s, handshake);
    peer_say(&s.backend, accepted);
    UNTIL(&s, peer_has(&s.client, "\r\n\r\n"));
    worker_drain(&s.worker, 0);
    UNTIL(&s, s.client.eof || s.client.reset);
    assert_true(peer_has(&s.client, restart));
    strike(&s);
}

/* It waits at the gate; so does a request. */
static void who_waits_for_the_backend_is_refused(void **state)
{
    (void)state;
    const char *const waits[] = {get, handshake};
    for (int i = 0; i < 2; i++) {
        struct scene s;
        set(&s);
        worker_ready(&s.worker, false);
        peer_connect(&s.client, &s.rig, &s.address);
        peer_say(&s.client, waits[i]);
        UNTIL(&s, metrics_sum(s.loops, 1, METRIC_WAITING) == 1);
        worker_drain(&s.worker, 8000);
        UNTIL(&s, s.client.eof);
        assert_true(peer_has(&s.client, " 503 ") && peer_has(&s.client, "Connection: close"));
        assert_int_equal(s.accepted, 0);
        peer_close(&s.client);
        strike(&s);
    }
}

/* ---- at once ---- */

static void the_second_word_ends_every_state_at_once(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        struct scene s;
        set(&s);
        if (i == 0) {
            peer_connect(&s.client, &s.rig, &s.address);
            peer_send(&s.client, get, 9);
        } else {
            ask(&s, i == 1 ? get : handshake);
        }
        if (i == 3) {
            peer_say(&s.backend, accepted);
            UNTIL(&s, peer_has(&s.client, "\r\n\r\n"));
        }
        worker_drain(&s.worker, 8000);
        worker_kill(&s.worker);
        UNTIL(&s, s.client.eof || s.client.reset);
        strike(&s);
    }
}

/* It is killed as a lame duck: it has not begun to drain. */
static void a_lame_duck_takes_who_comes_and_ends_at_the_second_word(void **state)
{
    (void)state;
    struct scene s;
    set(&s);
    worker_leave(&s.worker);
    ask(&s, handshake);
    peer_say(&s.backend, accepted);
    UNTIL(&s, peer_has(&s.client, "\r\n\r\n"));
    peer_send(&s.client, say, sizeof(say) - 1);
    UNTIL(&s, peer_has(&s.backend, "more"));
    assert_false(peer_has(&s.client, restart));
    worker_kill(&s.worker);
    strike(&s);
    assert_int_equal(s.worker.metrics.disconnects[SIDE_CLIENT][REASON_KILLED], 1);
}

/* ---- a reload ---- */

static const struct setting_text brief[] = {{"readiness.wait", "100ms"}, {NULL, NULL}};

/* Takes conf: what the worker and its connections hold is theirs. */
static void reload(struct scene *s, struct conf *conf, int fd)
{
    worker_reload(&s->worker, conf, fd);
    conf_unref(conf);
}

static void goodbye(struct scene *s)
{
    peer_close(&s->idle);
    worker_drain(&s->worker, 8000);
    worker_kill(&s->worker);
    strike(s);
}

static void who_was_there_keeps_the_old_settings_and_who_comes_gets_the_new(void **state)
{
    (void)state;
    for (int session = 0; session < 2; session++) {
        struct scene s;
        set(&s);
        ask(&s, session ? handshake : get);
        reload(&s, site_conf("127.0.0.1:0", "unix:/nowhere", brief), -1);
        do { /* until the letter has come: each is a connection of its own */
            peer_close(&s.idle);
            peer_connect(&s.idle, &s.rig, &s.address);
            peer_say(&s.idle, "GET /\r\n\r\n");
            UNTIL(&s, s.idle.eof || s.idle.reset);
        } while (atomic_load(&s.conf->refs) > 3); /* ours, the client's, its backend connection's */
        peer_close(&s.idle);
        peer_connect(&s.idle, &s.rig, &s.address);
        peer_say(&s.idle, get);
        UNTIL(&s, peer_has(&s.idle, " 503 "));
        assert_int_equal(s.failed, 1);
        peer_say(&s.backend, session ? accepted : "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        UNTIL(&s, peer_has(&s.client, "\r\n\r\n"));
        if (session) {
            peer_send(&s.client, say, sizeof(say) - 1);
            UNTIL(&s, peer_has(&s.backend, "more"));
        }
        assert_int_equal(atomic_load(&s.conf->refs), session ? 2 : 3);
        goodbye(&s);
    }
}

static bool is_refused(const union peer_address *a)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool refused = connect(fd, &a->sa, sizeof(struct sockaddr_in)) < 0;
    close(fd);
    return refused;
}

static void it_moves_to_another_address_and_serves_who_waits_at_the_old(void **state)
{
    (void)state;
    struct scene s;
    union peer_address old;
    char name[64];
    socklen_t n = sizeof(s.address);
    set(&s);
    old = s.address;
    int fd = listen_here("127.0.0.1:0", name, sizeof(name));
    assert_int_equal(getsockname(fd, &s.address.sa, &n), 0);
    peer_connect(&s.idle, &s.rig, &old);
    reload(&s, conf_ref(s.conf), fd);
    ask(&s, get);
    assert_true(is_refused(&old));
    peer_say(&s.idle, "GET /\r\n\r\n");
    UNTIL(&s, peer_has(&s.idle, " 400 "));
    goodbye(&s);
}

/* More than are accepted in one event: some are there yet when the letter is read. Of a Unix socket
 * no address is known, which the settings that it came under tell from a connection that is gone.
 */
static void who_waits_in_the_old_queue_is_served_under_the_old_settings(void **state)
{
    (void)state;
    for (int path = 0; path < 2; path++) {
        struct scene s;
        struct peer waiting[100];
        char folder[] = "/tmp/worker-XXXXXX", at[64] = "127.0.0.1:0", name[64];
        assert_non_null(mkdtemp(folder));
        if (path)
            snprintf(at, sizeof(at), "unix:%s/s", folder);
        prepare(&s, at);
        for (int i = 0; i < 100; i++) {
            peer_connect(&waiting[i], &s.rig, &s.address);
            peer_say(&waiting[i], "GET /\r\n\r\n");
        }
        int fd = listen_here("127.0.0.1:0", name, sizeof(name));
        reload(&s, site_conf("127.0.0.1:0", "unix:/nowhere", NULL), fd);
        assert_int_equal(worker_start(&s.worker), 0);
        for (int i = 0; i < 100; i++) {
            UNTIL(&s, peer_has(&waiting[i], " 400 ") || waiting[i].eof || waiting[i].reset);
            assert_true(peer_has(&waiting[i], " 400 "));
            peer_close(&waiting[i]);
        }
        listener_unlink(&s.conf->listen.address);
        rmdir(folder);
        goodbye(&s);
    }
}

static void reloads_that_it_never_came_to_leave_nothing(void **state)
{
    (void)state;
    struct scene s;
    set(&s);
    for (int i = 0; i < 100; i++)
        reload(&s, site_conf("127.0.0.1:0", "unix:/nowhere", NULL), -1);
    goodbye(&s);
}

static void a_limit_that_was_raised_lets_the_waiting_in(void **state)
{
    (void)state;
    struct scene s;
    set(&s);
    atomic_store(&s.room.limit, 1);
    ask(&s, get);
    peer_connect(&s.idle, &s.rig, &s.address);
    peer_say(&s.idle, "GET /\r\n\r\n");
    UNTIL(&s, metrics_sum(s.loops, 1, METRIC_ACCEPT_PAUSES) > 0);
    atomic_store(&s.room.limit, 2);
    reload(&s, conf_ref(s.conf), -1);
    UNTIL(&s, peer_has(&s.idle, " 400 "));
    goodbye(&s);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_connections_it_is_empty_at_once),
        cmocka_unit_test(it_is_empty_when_the_running_request_is_answered),
        cmocka_unit_test(a_session_that_begins_while_draining_is_told_too),
        cmocka_unit_test(an_upload_that_is_half_way_is_finished),
        cmocka_unit_test(what_does_not_end_in_time_is_cut),
        cmocka_unit_test(without_time_a_client_gets_its_close_all_the_same),
        cmocka_unit_test(who_waits_for_the_backend_is_refused),
        cmocka_unit_test(the_second_word_ends_every_state_at_once),
        cmocka_unit_test(a_lame_duck_takes_who_comes_and_ends_at_the_second_word),
        cmocka_unit_test(who_was_there_keeps_the_old_settings_and_who_comes_gets_the_new),
        cmocka_unit_test(it_moves_to_another_address_and_serves_who_waits_at_the_old),
        cmocka_unit_test(who_waits_in_the_old_queue_is_served_under_the_old_settings),
        cmocka_unit_test(reloads_that_it_never_came_to_leave_nothing),
        cmocka_unit_test(a_limit_that_was_raised_lets_the_waiting_in),
    };
    return cmocka_run_group_tests_name("worker", tests, NULL, NULL);
}

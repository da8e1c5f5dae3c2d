/* A session between two scripted peers on a real loop: what passes, what ends how, what is counted. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/mem.h"
#include "config/load.h"
#include "loop/lib/wspeer.h"
#include "net/faults.h"
#include "session/session.h"
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

struct scene {
    struct rig rig;
    struct sessions sessions;
    struct conf *conf;
    struct wspeer client, backend;
    bool ended;
};

static void on_ended(void *owner)
{
    ((struct scene *)owner)->ended = true;
}

struct setting {
    const char *path, *value;
};

static struct conf *conf_of(const struct setting *s)
{
    struct conf_override o[8];
    unsigned n = 0;
    for (; s && s->path; s++)
        o[n++] = (struct conf_override){s->path, s->value, "test"};
    struct conf *c;
    struct buf why;
    buf_init(&why);
    if (conf_load(NULL, o, n, &c, &why) < 0)
        fail_msg("%.*s", (int)why.len, (char *)why.data);
    buf_fini(&why);
    return c;
}

static void set(struct scene *s, void pair(int fd[2]), bool keep, const struct setting *settings)
{
    int client[2], backend[2];
    struct session_setup setup = {.keep = keep};
    *s = (struct scene){.ended = false};
    rig_open(&s->rig);
    s->conf = conf_of(settings);
    sessions_init(&s->sessions, &s->rig.lp, on_ended, s);
    pair(client);
    pair(backend);
    assert_int_equal(transport_open(&s->rig.lp, client[0], &setup.client.t), 0);
    assert_int_equal(transport_open(&s->rig.lp, backend[0], &setup.backend.t), 0);
    wspeer_open(&s->client, &s->rig, client[1], true);
    wspeer_open(&s->backend, &s->rig, backend[1], false);
    setup.conf = s->conf;
    session_new(&s->sessions, &setup);
}

static void strike(struct scene *s)
{
    if (!s->client.closed)
        wspeer_close(&s->client);
    if (!s->backend.closed)
        wspeer_close(&s->backend);
    rig_until(&s->rig, &s->ended);
    assert_int_equal(s->sessions.count, 0);
    conf_unref(s->conf);
    rig_close(&s->rig);
}

#define UNTIL(s, cond)                                                                                                 \
    do                                                                                                                 \
        uv_run(&(s)->rig.lp.uv, UV_RUN_ONCE);                                                                          \
    while (!(cond))

static uint64_t count(const struct scene *s, enum metric m)
{
    struct metrics *all = (struct metrics *)&s->rig.metrics;
    return metrics_sum(&all, 1, m);
}

/* What is left in flight when it has ended is nothing. */
static void must_add_up(const struct scene *s)
{
    assert_int_equal(count(s, METRIC_UP_ACCEPTED),
                     count(s, METRIC_UP_DELIVERED) + count(s, METRIC_UP_UNPROVEN) + count(s, METRIC_UP_LOST));
    assert_int_equal(count(s, METRIC_DOWN_ACCEPTED),
                     count(s, METRIC_DOWN_DELIVERED) + count(s, METRIC_DOWN_UNPROVEN) + count(s, METRIC_DOWN_LOST));
}

static void reason_must_be(const struct scene *s, enum reason r)
{
    for (int i = 0; i < REASON_COUNT; i++)
        assert_int_equal(s->rig.metrics.disconnects[SIDE_CLIENT][i], i == (int)r);
}

/* ---- bulk ---- */

static bool faulty; /* the second round of all tests, over a bad network */

static uint64_t send_many(struct wspeer *p, size_t size, unsigned n, uint64_t hash)
{
    uint8_t *payload = mem_alloc(size + 8);
    for (unsigned i = 0; i < n; i++) {
        rig_number(payload, size);
        memcpy(payload, &i, sizeof(i) < size ? sizeof(i) : size);
        wspeer_send(p, 2, payload, size);
        hash = wspeer_hash(hash, 2, payload, size);
    }
    free(payload);
    return hash;
}

static const struct {
    size_t size;
    unsigned n;
} bulks[] = {{4096, 4096}, {65536, 256}, {600 << 10, 4}, {1 << 20, 8}, {65537, 64}, {1, 20000}};

static void echo_bulk(size_t size, unsigned n, const char *limit, bool keep, void pair(int fd[2]))
{
    struct scene s;
    set(&s, pair, keep, (const struct setting[]){{"buffer.session", limit}, {NULL, NULL}});
    s.backend.echoes = true;
    uint64_t hash = send_many(&s.client, size, n, 0);
    UNTIL(&s, s.client.messages == n);
    assert_true(s.client.hash == hash);
    assert_true(s.backend.hash == hash);
    wspeer_say_close(&s.client, 1000, "done");
    UNTIL(&s, s.client.eof);
    strike(&s);
    assert_int_equal(count(&s, METRIC_UP_DELIVERED) + count(&s, METRIC_UP_UNPROVEN), n);
    must_add_up(&s);
    reason_must_be(&s, REASON_CLIENT_CLOSE);
}

static void an_echo_of_bulk_never_stands_still(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(bulks) / sizeof(*bulks); i++)
        for (int how = 0; how < (faulty ? 4 : 8); how++)
            echo_bulk(bulks[i].size, bulks[i].n, how & 1 ? "1MiB" : "256KiB", how & 2, how & 4 ? rig_unix_pair : rig_tcp_pair);
}

/* ---- the source dies in the middle ---- */

static void dies(size_t size, size_t sent, bool client_dies, bool by_reset)
{
    struct scene s;
    set(&s, rig_tcp_pair, false, NULL);
    struct wspeer *source = client_dies ? &s.client : &s.backend, *other = client_dies ? &s.backend : &s.client;
    uint8_t *payload = mem_alloc(size);
    rig_number(payload, size);
    wspeer_send(source, 1, "whole", 5);
    wspeer_send(source, 2, payload, size);
    source->out.len -= size - sent;
    UNTIL(&s, source->out.len == 0);
    (by_reset ? wspeer_reset : wspeer_close)(source);
    UNTIL(&s, other->got_close);
    assert_int_equal(other->code, client_dies ? 1001 : 1012);
    assert_true(other->messages <= 1);
    assert_true(other->messages == 1 || by_reset);
    assert_true(other->opcode == 0 || size > 65536);
    strike(&s);
    must_add_up(&s);
    free(payload);
}

static void a_message_whose_source_dies_is_never_seen(void **state)
{
    (void)state;
    static const size_t sizes[] = {30 << 10, 1 << 20};
    for (int i = 0; i < 2; i++)
        for (int how = 0; how < 4; how++) {
            dies(sizes[i], 1, how & 1, how & 2);
            dies(sizes[i], sizes[i] / 2, how & 1, how & 2);
            dies(sizes[i], sizes[i] - 1, how & 1, how & 2);
        }
}

/* ---- Closes ---- */

static void closes(bool client_first, uint16_t code, const char *why)
{
    struct scene s;
    set(&s, rig_tcp_pair, false, NULL);
    struct wspeer *first = client_first ? &s.client : &s.backend, *second = client_first ? &s.backend : &s.client;
    wspeer_send(first, 1, "last words", 10);
    wspeer_say_close(first, code, why);
    UNTIL(&s, first->eof && second->eof);
    assert_int_equal(second->messages, 1);
    assert_int_equal(second->code, code);
    assert_string_equal(second->why, why);
    assert_int_equal(first->code, code);
    strike(&s);
    reason_must_be(&s, client_first ? REASON_CLIENT_CLOSE : REASON_BACKEND_CLOSE);
    must_add_up(&s);
}

static void a_close_is_relayed_with_code_and_reason_behind_what_came_before(void **state)
{
    (void)state;
    static const uint16_t codes[] = {1000, 1001, 1005, 1008, 1011, 1012, 1013, 1014, 3000, 4999};
    for (size_t i = 0; i < sizeof(codes) / sizeof(*codes); i++)
        for (int side = 0; side < 2; side++)
            closes(side, codes[i], codes[i] == 1005 ? "" : "because");
}

static void data_of_the_backend_still_arrives_after_the_clients_close(void **state)
{
    (void)state;
    struct scene s;
    set(&s, rig_tcp_pair, false, NULL);
    s.backend.close_back = false;
    wspeer_say_close(&s.client, 1000, "");
    UNTIL(&s, s.backend.got_close);
    wspeer_send(&s.backend, 1, "more", 4);
    UNTIL(&s, s.client.messages == 1);
    wspeer_say_close(&s.backend, 1000, "");
    UNTIL(&s, s.client.eof);
    assert_int_equal(s.client.code, 1000);
    strike(&s);
    must_add_up(&s);
}

static void a_peer_that_does_not_answer_a_close_is_waited_for_no_longer_than_timeouts_close(void **state)
{
    (void)state;
    struct scene s;
    set(&s, rig_tcp_pair, false, (const struct setting[]){{"timeouts.close", "50ms"}, {NULL, NULL}});
    s.backend.close_back = false;
    wspeer_say_close(&s.client, 4000, "bye");
    UNTIL(&s, s.client.eof && s.backend.eof);
    assert_int_equal(s.client.code, 4000);
    strike(&s);
    reason_must_be(&s, REASON_CLIENT_CLOSE);
}

static void a_bare_eof_of_the_backend_is_1012_behind_what_it_sent(void **state)
{
    (void)state;
    struct scene s;
    set(&s, rig_tcp_pair, false, NULL);
    wspeer_send(&s.backend, 1, "last", 4);
    UNTIL(&s, s.backend.out.len == 0);
    wspeer_close(&s.backend);
    UNTIL(&s, s.client.eof);
    assert_int_equal(s.client.messages, 1);
    assert_int_equal(s.client.code, 1012);
    strike(&s);
    reason_must_be(&s, REASON_BACKEND_EOF);
    must_add_up(&s);
}

static void a_bad_frame_gets_the_code_of_the_rfc_and_the_backend_1001(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t n;
        uint16_t code;
    } rows[] = {
        {"\x81\x02hi", 4, 1002},                           /* not masked */
        {"\xc1\x82\0\0\0\0hi", 8, 1002},                   /* RSV1 without an extension */
        {"\x83\x80\0\0\0\0", 6, 1002},                     /* a reserved opcode */
        {"\x80\x80\0\0\0\0", 6, 1002},                     /* goes on with nothing */
        {"\x09\x80\0\0\0\0", 6, 1002},                     /* a ping in fragments */
        {"\x88\x81\0\0\0\0x", 7, 1002},                    /* a Close of one byte */
        {"\x88\x82\0\0\0\0\x03\xed", 8, 1002},             /* 1005 on the wire */
        {"\x88\x84\0\0\0\0\x03\xe8\xff\xfe", 10, 1007},    /* a reason that is no UTF-8 */
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct scene s;
        set(&s, rig_tcp_pair, false, NULL);
        wspeer_send(&s.client, 1, "before", 6);
        wspeer_raw(&s.client, rows[i].bytes, rows[i].n);
        UNTIL(&s, s.client.eof && s.backend.eof);
        assert_int_equal(s.client.code, rows[i].code);
        assert_int_equal(s.backend.messages, 1);
        assert_int_equal(s.backend.code, 1001);
        strike(&s);
        reason_must_be(&s, REASON_CLIENT_PROTOCOL);
        must_add_up(&s);
    }
}

static void a_bad_frame_of_the_backend_is_1014_to_the_client(void **state)
{
    (void)state;
    struct scene s;
    set(&s, rig_tcp_pair, false, NULL);
    wspeer_raw(&s.backend, "\x81\x82\0\0\0\0hi", 8); /* masked */
    UNTIL(&s, s.client.eof && s.backend.eof);
    assert_int_equal(s.client.code, 1014);
    assert_int_equal(s.backend.code, 1002);
    strike(&s);
    reason_must_be(&s, REASON_BACKEND_PROTOCOL);
}

/* ---- control frames ---- */

static void a_ping_is_answered_here_with_its_payload_and_not_passed_on(void **state)
{
    (void)state;
    struct scene s;
    set(&s, rig_tcp_pair, false, NULL);
    for (unsigned n = 0; n <= 125; n += 25) {
        uint8_t payload[125];
        rig_number(payload, sizeof(payload));
        wspeer_frame(&s.client, true, 9, payload, n);
        wspeer_frame(&s.backend, true, 9, payload, n);
        UNTIL(&s, s.client.pongs == n / 25 + 1 && s.backend.pongs == n / 25 + 1);
    }
    assert_int_equal(s.client.pings + s.backend.pings, 0);
    strike(&s);
}

static void a_ping_between_the_parts_of_a_long_message_is_answered_before_its_end(void **state)
{
    (void)state;
    struct scene s;
    set(&s, rig_tcp_pair, false, NULL);
    uint8_t *payload = mem_zalloc(300000);
    wspeer_frame(&s.client, false, 2, payload, 300000);
    wspeer_frame(&s.client, true, 9, "?", 1);
    UNTIL(&s, s.client.pongs == 1);
    assert_int_equal(s.backend.messages, 0);
    wspeer_frame(&s.client, true, 0, payload, 10);
    UNTIL(&s, s.backend.messages == 1);
    assert_int_equal(s.backend.bytes, 300010);
    free(payload);
    strike(&s);
    must_add_up(&s);
}

static void a_flood_of_pings_that_is_not_read_holds_one_chunk(void **state)
{
    (void)state;
    struct scene s;
    set(&s, rig_tcp_pair, false, NULL);
    wspeer_stop(&s.client, true);
    for (int i = 0; i < 100000; i++)
        wspeer_frame(&s.client, true, 9, "0123456789012345678901234567890123456789", 40);
    UNTIL(&s, s.client.out.len == 0);
    wspeer_send(&s.backend, 1, "x", 1);
    rig_turn(&s.rig, 100);
    assert_true(s.rig.lp.pool.held <= 4096);
    wspeer_stop(&s.client, false);
    UNTIL(&s, s.client.messages == 1);
    assert_true(s.client.pongs > 0);
    strike(&s);
}

/* ---- heartbeats ---- */

static const struct setting beats[] = {{"heartbeat.interval", "100ms"}, {"heartbeat.timeout", "300ms"}, {NULL, NULL}};

static void both_legs_are_pinged_when_idle_and_live(void **state)
{
    (void)state;
    struct scene s;
    set(&s, rig_tcp_pair, false, beats);
    UNTIL(&s, s.client.pings >= 5 && s.backend.pings >= 5);
    assert_false(s.client.got_close || s.backend.got_close);
    assert_int_equal(s.rig.lp.pool.held, 0);
    strike(&s);
}

static void a_leg_that_only_receives_is_pinged_all_the_same(void **state)
{
    (void)state;
    struct scene s;
    set(&s, rig_tcp_pair, false, beats);
    while (s.client.pings < 3) {
        wspeer_send(&s.backend, 1, "tick", 4);
        UNTIL(&s, s.backend.out.len == 0);
    }
    assert_false(s.client.got_close);
    strike(&s);
}

static void a_client_that_answers_no_ping_is_closed_and_the_backend_told(void **state)
{
    (void)state;
    struct scene s;
    set(&s, rig_tcp_pair, false, beats);
    s.client.deaf = true;
    UNTIL(&s, s.client.eof && s.backend.eof);
    assert_int_equal(s.client.code, 1001);
    assert_int_equal(s.backend.code, 1001);
    strike(&s);
    reason_must_be(&s, REASON_CLIENT_TIMEOUT);
}

static void a_backend_that_answers_no_ping_is_not_cut(void **state)
{
    (void)state;
    struct scene s;
    set(&s, rig_tcp_pair, false, beats);
    s.backend.deaf = true;
    UNTIL(&s, s.client.pings >= 12);
    assert_false(s.backend.got_close || s.backend.eof);
    strike(&s);
}

static void a_pong_proves_what_was_sent_before_its_ping(void **state)
{
    (void)state;
    struct scene s;
    set(&s, rig_tcp_pair, false, beats);
    wspeer_send(&s.client, 1, "a", 1);
    wspeer_send(&s.client, 1, "b", 1);
    UNTIL(&s, count(&s, METRIC_UP_DELIVERED) == 2);
    assert_int_equal(count(&s, METRIC_UP_ACCEPTED), 2);
    strike(&s);
    must_add_up(&s);
}

/* ---- limits ---- */

static void a_client_that_does_not_read_stops_the_backend_at_the_limit(void **state)
{
    (void)state;
    struct scene s;
    set(&s, rig_tcp_pair, false, (const struct setting[]){{"buffer.session", "256KiB"}, {NULL, NULL}});
    wspeer_stop(&s.client, true);
    uint64_t hash = send_many(&s.backend, 50000, 1000, 0);
    size_t before;
    do {
        before = s.backend.out.len;
        rig_turns_in(&s.rig, 50);
    } while (s.backend.out.len != before);
    assert_true(before > 0);
    assert_true(s.rig.lp.pool.held < (256u << 10) + 4 * 65536 + 65536);
    assert_true(rig_turns_in(&s.rig, 100) < 50);
    wspeer_stop(&s.client, false);
    UNTIL(&s, s.client.messages == 1000);
    assert_true(s.client.hash == hash);
    assert_int_equal(s.rig.lp.pool.held, 0);
    strike(&s);
}

/* ---- the end of all ---- */

static void a_drain_sends_1012_behind_what_is_queued_and_1001_to_the_backend(void **state)
{
    (void)state;
    struct scene s;
    set(&s, rig_tcp_pair, false, NULL);
    wspeer_stop(&s.client, true);
    uint64_t hash = send_many(&s.backend, 20000, 20, 0);
    UNTIL(&s, count(&s, METRIC_DOWN_ACCEPTED) == 20);
    sessions_close(&s.sessions, REASON_DRAIN, 2000);
    wspeer_stop(&s.client, false);
    UNTIL(&s, s.client.eof && s.backend.eof);
    assert_int_equal(s.client.messages, 20);
    assert_true(s.client.hash == hash);
    assert_int_equal(s.client.code, 1012);
    assert_int_equal(s.backend.code, 1001);
    strike(&s);
    reason_must_be(&s, REASON_DRAIN);
    must_add_up(&s);
}

static void what_the_client_sent_before_it_saw_the_drain_still_arrives(void **state)
{
    (void)state;
    struct scene s;
    set(&s, rig_tcp_pair, false, NULL);
    s.client.close_back = false;
    sessions_close(&s.sessions, REASON_DRAIN, 2000);
    UNTIL(&s, s.client.got_close);
    assert_false(s.backend.got_close);
    wspeer_send(&s.client, 1, "late", 4);
    wspeer_say_close(&s.client, 1012, "");
    UNTIL(&s, s.backend.eof);
    assert_int_equal(s.backend.messages, 1);
    assert_int_equal(s.backend.code, 1001);
    strike(&s);
    must_add_up(&s);
}

static void a_kill_ends_all_at_once_and_counts(void **state)
{
    (void)state;
    struct scene s;
    set(&s, rig_tcp_pair, false, NULL);
    wspeer_send(&s.client, 1, "a", 1);
    UNTIL(&s, s.backend.messages == 1);
    sessions_kill(&s.sessions);
    assert_int_equal(s.sessions.count, 0);
    UNTIL(&s, (s.client.eof || s.client.reset) && (s.backend.eof || s.backend.reset));
    s.ended = true;
    strike(&s);
    reason_must_be(&s, REASON_KILLED);
    must_add_up(&s);
}

static void bytes_behind_the_backends_101_reach_the_client(void **state)
{
    (void)state;
    struct scene s;
    int client[2], backend[2];
    struct session_setup setup = {.keep = false};
    s = (struct scene){.ended = false};
    rig_open(&s.rig);
    s.conf = conf_of(NULL);
    sessions_init(&s.sessions, &s.rig.lp, on_ended, &s);
    rig_tcp_pair(client);
    rig_tcp_pair(backend);
    assert_int_equal(transport_open(&s.rig.lp, client[0], &setup.client.t), 0);
    assert_int_equal(transport_open(&s.rig.lp, backend[0], &setup.backend.t), 0);
    wspeer_open(&s.client, &s.rig, client[1], true);
    wspeer_open(&s.backend, &s.rig, backend[1], false);
    setup.conf = s.conf;
    setup.backend.rest = (const uint8_t *)"\x81\x02hi\x88\x02\x03\xe8";
    setup.backend.rest_len = 8;
    s.backend.sent_close = true;
    session_new(&s.sessions, &setup);
    UNTIL(&s, s.client.eof);
    assert_int_equal(s.client.messages, 1);
    assert_int_equal(s.client.code, 1000);
    strike(&s);
    must_add_up(&s);
}

static int under_faults(void **state)
{
    (void)state;
    faulty = true;
    faults_set(&(struct faults){.seed = 7, .eagain = 20, .cut = 50, .read = 1500});
    return 0;
}

static int without_faults(void **state)
{
    (void)state;
    faults_set(&(struct faults){.seed = 0});
    return 0;
}

#define TESTS(X)                                                                                                       \
    X(an_echo_of_bulk_never_stands_still)                                                                              \
    X(a_message_whose_source_dies_is_never_seen)                                                                       \
    X(a_close_is_relayed_with_code_and_reason_behind_what_came_before)                                                 \
    X(data_of_the_backend_still_arrives_after_the_clients_close)                                                       \
    X(a_peer_that_does_not_answer_a_close_is_waited_for_no_longer_than_timeouts_close)                                 \
    X(a_bare_eof_of_the_backend_is_1012_behind_what_it_sent)                                                           \
    X(a_bad_frame_gets_the_code_of_the_rfc_and_the_backend_1001)                                                       \
    X(a_bad_frame_of_the_backend_is_1014_to_the_client)                                                                \
    X(a_ping_is_answered_here_with_its_payload_and_not_passed_on)                                                      \
    X(a_ping_between_the_parts_of_a_long_message_is_answered_before_its_end)                                           \
    X(a_flood_of_pings_that_is_not_read_holds_one_chunk)                                                               \
    X(both_legs_are_pinged_when_idle_and_live)                                                                         \
    X(a_leg_that_only_receives_is_pinged_all_the_same)                                                                 \
    X(a_client_that_answers_no_ping_is_closed_and_the_backend_told)                                                    \
    X(a_backend_that_answers_no_ping_is_not_cut)                                                                       \
    X(a_pong_proves_what_was_sent_before_its_ping)                                                                     \
    X(a_client_that_does_not_read_stops_the_backend_at_the_limit)                                                      \
    X(a_drain_sends_1012_behind_what_is_queued_and_1001_to_the_backend)                                                \
    X(what_the_client_sent_before_it_saw_the_drain_still_arrives)                                                      \
    X(a_kill_ends_all_at_once_and_counts)                                                                              \
    X(bytes_behind_the_backends_101_reach_the_client)

int main(void)
{
#define X(test) {#test, test, NULL, NULL, NULL},
    const struct CMUnitTest quiet[] = {TESTS(X)};
#undef X
#define X(test) {#test " under faults", test, NULL, NULL, NULL},
    const struct CMUnitTest again[] = {TESTS(X)};
#undef X
    int failed = cmocka_run_group_tests_name("session", quiet, without_faults, NULL);
    return failed + cmocka_run_group_tests_name("session under faults", again, under_faults, without_faults);
}

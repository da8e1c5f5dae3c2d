/* A session between two scripted peers on a real loop: what passes, what ends how, what is counted.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "loop/lib/scene.h"
#include "net/faults.h"
#include <stdlib.h>
#include <string.h>

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

static void echo_bulk(size_t size, unsigned n, const char *limit, bool keep, rig_pair *pair)
{
    struct scene s;
    scene_open(&s, pair, &(struct session_setup){.keep_up = keep, .keep_down = keep},
               (const struct setting_text[]){{"buffer.session", limit}, {NULL, NULL}});
    s.backend.echoes = true;
    uint64_t hash = send_many(&s.client, size, n, 0);
    UNTIL(&s, s.client.messages == n);
    assert_true(s.client.hash == hash);
    assert_true(s.backend.hash == hash);
    wspeer_say_close(&s.client, 1000, "done");
    UNTIL(&s, s.client.eof);
    scene_close(&s);
    assert_int_equal(
        scene_count(&s.rig, METRIC_UP_DELIVERED) + scene_count(&s.rig, METRIC_UP_UNPROVEN), n);
    scene_reason_must_be(&s, REASON_CLIENT_CLOSE);
}

static void an_echo_of_bulk_never_stands_still(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(bulks) / sizeof(*bulks); i++)
        for (int how = 0; how < (faulty ? 4 : 8); how++)
            echo_bulk(bulks[i].size, bulks[i].n, how & 1 ? "1MiB" : "256KiB", how & 2,
                      how & 4 ? rig_unix_pair : rig_tcp_pair);
}

/* ---- the source dies in the middle ---- */

static void dies(size_t size, size_t sent, bool client_dies, bool by_reset)
{
    struct scene s;
    scene_open(&s, rig_tcp_pair, NULL, NULL);
    struct wspeer *source = client_dies ? &s.client : &s.backend,
                  *other = client_dies ? &s.backend : &s.client;
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
    assert_true(other->in.opcode == 0 || size > 65536);
    scene_close(&s);
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
    scene_open(&s, rig_tcp_pair, NULL, NULL);
    struct wspeer *first = client_first ? &s.client : &s.backend,
                  *second = client_first ? &s.backend : &s.client;
    wspeer_send(first, 1, "last words", 10);
    wspeer_say_close(first, code, why);
    UNTIL(&s, first->eof && second->eof);
    assert_int_equal(second->messages, 1);
    assert_int_equal(second->code, code);
    assert_string_equal(second->why, why);
    assert_int_equal(first->code, code);
    scene_close(&s);
    scene_reason_must_be(&s, client_first ? REASON_CLIENT_CLOSE : REASON_BACKEND_CLOSE);
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
    scene_open(&s, rig_tcp_pair, NULL, NULL);
    s.backend.close_back = false;
    wspeer_say_close(&s.client, 1000, "");
    UNTIL(&s, s.backend.got_close);
    wspeer_send(&s.backend, 1, "more", 4);
    UNTIL(&s, s.client.messages == 1);
    wspeer_say_close(&s.backend, 1000, "");
    UNTIL(&s, s.client.eof);
    assert_int_equal(s.client.code, 1000);
    scene_close(&s);
}

static void
a_peer_that_does_not_answer_a_close_is_waited_for_no_longer_than_timeouts_close(void **state)
{
    (void)state;
    struct scene s;
    scene_open(&s, rig_tcp_pair, NULL,
               (const struct setting_text[]){{"timeouts.close", "50ms"}, {NULL, NULL}});
    s.backend.close_back = false;
    wspeer_say_close(&s.client, 4000, "bye");
    UNTIL(&s, s.client.eof && s.backend.eof);
    assert_int_equal(s.client.code, 4000);
    scene_close(&s);
    scene_reason_must_be(&s, REASON_CLIENT_CLOSE);
}

static void a_bare_eof_of_the_backend_is_1012_behind_what_it_sent(void **state)
{
    (void)state;
    struct scene s;
    scene_open(&s, rig_tcp_pair, NULL, NULL);
    wspeer_send(&s.backend, 1, "last", 4);
    UNTIL(&s, s.backend.out.len == 0);
    wspeer_close(&s.backend);
    UNTIL(&s, s.client.eof);
    assert_int_equal(s.client.messages, 1);
    assert_int_equal(s.client.code, 1012);
    scene_close(&s);
    scene_reason_must_be(&s, REASON_BACKEND_EOF);
}

static void a_bad_frame_gets_the_code_of_the_rfc_and_the_backend_1001(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t n;
        uint16_t code;
    } rows[] = {
        {"\x81\x02hi", 4, 1002},                        /* not masked */
        {"\xc1\x82\0\0\0\0hi", 8, 1002},                /* RSV1 without an extension */
        {"\x83\x80\0\0\0\0", 6, 1002},                  /* a reserved opcode */
        {"\x80\x80\0\0\0\0", 6, 1002},                  /* goes on with nothing */
        {"\x09\x80\0\0\0\0", 6, 1002},                  /* a ping in fragments */
        {"\x88\x81\0\0\0\0x", 7, 1002},                 /* a Close of one byte */
        {"\x88\x82\0\0\0\0\x03\xed", 8, 1002},          /* 1005 on the wire */
        {"\x88\x84\0\0\0\0\x03\xe8\xff\xfe", 10, 1007}, /* a reason that is no UTF-8 */
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct scene s;
        scene_open(&s, rig_tcp_pair, NULL, NULL);
        wspeer_send(&s.client, 1, "before", 6);
        wspeer_raw(&s.client, rows[i].bytes, rows[i].n);
        UNTIL(&s, s.client.eof && s.backend.eof);
        assert_int_equal(s.client.code, rows[i].code);
        assert_int_equal(s.backend.messages, 1);
        assert_int_equal(s.backend.code, 1001);
        scene_close(&s);
        scene_reason_must_be(&s, REASON_CLIENT_PROTOCOL);
    }
}

static void a_bad_frame_of_the_backend_is_1014_to_the_client(void **state)
{
    (void)state;
    struct scene s;
    scene_open(&s, rig_tcp_pair, NULL, NULL);
    wspeer_raw(&s.backend, "\x81\x82\0\0\0\0hi", 8); /* masked */
    UNTIL(&s, s.client.eof && s.backend.eof);
    assert_int_equal(s.client.code, 1014);
    assert_int_equal(s.backend.code, 1002);
    scene_close(&s);
    scene_reason_must_be(&s, REASON_BACKEND_PROTOCOL);
}

/* ---- control frames ---- */

static void a_ping_is_answered_here_with_its_payload_and_not_passed_on(void **state)
{
    (void)state;
    struct scene s;
    scene_open(&s, rig_tcp_pair, NULL, NULL);
    for (unsigned n = 0; n <= 125; n += 25) {
        uint8_t payload[125];
        rig_number(payload, sizeof(payload));
        wspeer_frame(&s.client, true, 9, payload, n);
        wspeer_frame(&s.backend, true, 9, payload, n);
        UNTIL(&s, s.client.pongs == n / 25 + 1 && s.backend.pongs == n / 25 + 1);
    }
    assert_int_equal(s.client.pings + s.backend.pings, 0);
    scene_close(&s);
}

static void a_ping_between_the_parts_of_a_long_message_is_answered_before_its_end(void **state)
{
    (void)state;
    struct scene s;
    scene_open(&s, rig_tcp_pair, NULL, NULL);
    uint8_t *payload = mem_zalloc(300000);
    wspeer_frame(&s.client, false, 2, payload, 300000);
    wspeer_frame(&s.client, true, 9, "?", 1);
    UNTIL(&s, s.client.pongs == 1);
    assert_int_equal(s.backend.messages, 0);
    wspeer_frame(&s.client, true, 0, payload, 10);
    UNTIL(&s, s.backend.messages == 1);
    assert_int_equal(s.backend.bytes, 300010);
    free(payload);
    scene_close(&s);
}

static void a_flood_of_pings_that_is_not_read_holds_one_chunk(void **state)
{
    (void)state;
    struct scene s;
    scene_open(&s, rig_tcp_pair, NULL, NULL);
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
    scene_close(&s);
}

/* ---- limits ---- */

static void a_client_that_does_not_read_stops_the_backend_at_the_limit(void **state)
{
    (void)state;
    struct scene s;
    scene_open(&s, rig_tcp_pair, NULL,
               (const struct setting_text[]){{"buffer.session", "256KiB"}, {NULL, NULL}});
    wspeer_stop(&s.client, true);
    uint64_t hash = send_many(&s.backend, 50000, 1000, 0);
    while (rig_turns_in(&s.rig, 100) >= 50) /* it comes to rest; what spins never does */
        ;
    assert_true(s.backend.out.len > 0);
    assert_true(s.rig.lp.pool.held < (256u << 10) + 4 * 65536 + 65536);
    wspeer_stop(&s.client, false);
    UNTIL(&s, s.client.messages == 1000);
    assert_true(s.client.hash == hash);
    assert_int_equal(s.rig.lp.pool.held, 0);
    scene_close(&s);
}

/* ---- the end of all ---- */

static void a_drain_sends_1012_behind_what_is_queued_and_1001_to_the_backend(void **state)
{
    (void)state;
    struct scene s;
    scene_open(&s, rig_tcp_pair, NULL, NULL);
    wspeer_stop(&s.client, true);
    uint64_t hash = send_many(&s.backend, 20000, 20, 0);
    UNTIL(&s, scene_count(&s.rig, METRIC_DOWN_ACCEPTED) == 20);
    sessions_drain(&s.sessions, 2000);
    wspeer_stop(&s.client, false);
    UNTIL(&s, s.client.eof && s.backend.eof);
    assert_int_equal(s.client.messages, 20);
    assert_true(s.client.hash == hash);
    assert_int_equal(s.client.code, 1012);
    assert_int_equal(s.backend.code, 1001);
    scene_close(&s);
    scene_reason_must_be(&s, REASON_DRAIN);
}

static void what_the_client_sent_before_it_saw_the_drain_still_arrives(void **state)
{
    (void)state;
    struct scene s;
    scene_open(&s, rig_tcp_pair, NULL, NULL);
    s.client.close_back = false;
    sessions_drain(&s.sessions, 2000);
    UNTIL(&s, s.client.got_close);
    assert_false(s.backend.got_close);
    wspeer_send(&s.client, 1, "late", 4);
    wspeer_say_close(&s.client, 1012, "");
    UNTIL(&s, s.backend.eof);
    assert_int_equal(s.backend.messages, 1);
    assert_int_equal(s.backend.code, 1001);
    scene_close(&s);
}

static void a_kill_ends_all_at_once_and_counts(void **state)
{
    (void)state;
    struct scene s;
    scene_open(&s, rig_tcp_pair, NULL, NULL);
    wspeer_send(&s.client, 1, "a", 1);
    UNTIL(&s, s.backend.messages == 1);
    sessions_kill(&s.sessions);
    assert_int_equal(s.sessions.count, 0);
    UNTIL(&s, (s.client.eof || s.client.reset) && (s.backend.eof || s.backend.reset));
    s.ended = true;
    scene_close(&s);
    scene_reason_must_be(&s, REASON_KILLED);
}

static void bytes_behind_the_backends_101_reach_the_client(void **state)
{
    (void)state;
    struct scene s;
    const struct session_setup with = {
        .backend = {.rest = (const uint8_t *)"\x81\x02hi\x88\x02\x03\xe8", .rest_len = 8}};
    scene_open(&s, rig_tcp_pair, &with, NULL);
    s.backend.sent_close = true;
    UNTIL(&s, s.client.eof);
    assert_int_equal(s.client.messages, 1);
    assert_int_equal(s.client.code, 1000);
    scene_close(&s);
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

#define TESTS(X)                                                                                   \
    X(an_echo_of_bulk_never_stands_still)                                                          \
    X(a_message_whose_source_dies_is_never_seen)                                                   \
    X(a_close_is_relayed_with_code_and_reason_behind_what_came_before)                             \
    X(data_of_the_backend_still_arrives_after_the_clients_close)                                   \
    X(a_peer_that_does_not_answer_a_close_is_waited_for_no_longer_than_timeouts_close)             \
    X(a_bare_eof_of_the_backend_is_1012_behind_what_it_sent)                                       \
    X(a_bad_frame_gets_the_code_of_the_rfc_and_the_backend_1001)                                   \
    X(a_bad_frame_of_the_backend_is_1014_to_the_client)                                            \
    X(a_ping_is_answered_here_with_its_payload_and_not_passed_on)                                  \
    X(a_ping_between_the_parts_of_a_long_message_is_answered_before_its_end)                       \
    X(a_flood_of_pings_that_is_not_read_holds_one_chunk)                                           \
    X(a_client_that_does_not_read_stops_the_backend_at_the_limit)                                  \
    X(a_drain_sends_1012_behind_what_is_queued_and_1001_to_the_backend)                            \
    X(what_the_client_sent_before_it_saw_the_drain_still_arrives)                                  \
    X(a_kill_ends_all_at_once_and_counts)                                                          \
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
    return failed +
           cmocka_run_group_tests_name("session under faults", again, under_faults, without_faults);
}

/* The journal's checker: each invariant broken by itself is seen, in states that have it. */
#include "unit/session/journal_rig.h"

#include <fcntl.h>
#include <unistd.h>

/* What it says of the broken ones is not for this test's log. */
static int mute(void)
{
    int out = dup(STDERR_FILENO), null = open("/dev/null", O_WRONLY);
    dup2(null, STDERR_FILENO);
    close(null);
    return out;
}

static void speak(int out)
{
    dup2(out, STDERR_FILENO);
    close(out);
}

#define BROKEN(change) (r.j = good, r.j.change, journal_check(&r.j))

/* As it was, it holds; what is true of `seen` is a break that was not seen. */
static void must_be_seen(struct rig *r, const struct journal *good, int out, bool passed)
{
    speak(out);
    assert_false(passed);
    r->j = *good;
    assert_true(journal_check(&r->j));
    rig_close(r);
}

/* Ten messages of 100 bytes, in three chunks: two are acked, the last is half sent. */
static void the_checker_sees_each_place_and_count_broken(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, true, false);
    rig_messages(&r, 10, 100);
    journal_sent(&r.j, 950);
    journal_ack(&r.j, (struct mark){200, 2});
    assert_true(journal_check(&r.j));
    const struct journal good = r.j;
    int out = mute();
    bool passed = BROKEN(base--) || BROKEN(base++) || BROKEN(sent--) || BROKEN(sent = 199) ||
                  BROKEN(sent = 1001) || BROKEN(ready--) || BROKEN(ready++) || BROKEN(end--) ||
                  BROKEN(end++) || BROKEN(acked.off = 1001) || BROKEN(acked.off -= 100) ||
                  BROKEN(acked.messages++) || BROKEN(acked.messages = 11) || BROKEN(torn = 300) ||
                  BROKEN(base_open = true) || BROKEN(last.off = 100) || BROKEN(last.off -= 100) ||
                  BROKEN(last.messages++) || BROKEN(walk.off -= 100) || BROKEN(walk.off = 949) ||
                  BROKEN(walk.off = 975) || BROKEN(walk.off = 1001) || BROKEN(walk.messages--) ||
                  BROKEN(walk_open = true) || BROKEN(charge--) || BROKEN(at_off++) ||
                  BROKEN(head_off++) || BROKEN(at = good.head) || BROKEN(at = NULL) ||
                  BROKEN(tail = good.head) || BROKEN(tail = NULL) || BROKEN(keep = false);
    /* sent as counted from the first chunk, beyond that chunk's end */
    r.j = good;
    r.j.at = good.head;
    r.j.at_off = (uint32_t)(good.head_off + good.sent - good.base);
    passed = passed || journal_check(&r.j);
    must_be_seen(&r, &good, out, passed);
}

static void the_checker_sees_a_chunk_that_is_not_full_before_the_last(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, true, false);
    rig_messages(&r, 15, 100);
    const struct journal good = r.j;
    assert_ptr_not_equal(good.head->next, good.tail);
    int out = mute();
    good.head->cap++;
    bool passed = BROKEN(charge++);
    good.head->cap--;
    must_be_seen(&r, &good, out, passed);
}

static void the_checker_sees_a_last_chunk_that_is_not_in_the_list(void **state)
{
    (void)state;
    struct rig r;
    struct chunk stray = {.len = 0};
    rig_open(&r, true, false);
    rig_messages(&r, 1, SMALL);
    const struct journal good = r.j;
    int out = mute();
    bool passed = BROKEN(tail = &stray);
    must_be_seen(&r, &good, out, passed);
}

static void the_checker_sees_room_that_is_not_lent_or_not_empty(void **state)
{
    (void)state;
    struct rig r;
    struct iovec v[2];
    rig_open(&r, true, false);
    journal_room(&r.j, v, 1, 100);
    struct journal good = r.j;
    int out = mute();
    bool passed = BROKEN(lent = false);
    r.j = good;
    journal_room(&r.j, v, 2, 1000);
    good = r.j;
    passed = passed || BROKEN(lent = false) || BROKEN(head->next->len = 1);
    good.head->next->len = 0;
    must_be_seen(&r, &good, out, passed);
}

static void the_checker_sees_that_ready_is_no_frame_edge(void **state)
{
    (void)state;
    struct stream s = {0};
    struct rig r;
    rig_open(&r, true, false);
    stream_text(&s, 2 * FRAME_CUT);
    rig_feed(&r, s.p, s.n - 1, false, SIZE_MAX);
    assert_int_equal(r.j.ready, 10 + FRAME_CUT);
    const struct journal good = r.j;
    int out = mute();
    bool passed = BROKEN(ready--);
    must_be_seen(&r, &good, out, passed);
    stream_free(&s);
}

static void the_checker_sees_that_what_is_not_kept_is_kept(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, false, false);
    rig_messages(&r, 2, 100);
    journal_sent(&r.j, 100);
    const struct journal good = r.j;
    int out = mute();
    bool passed = BROKEN(acked.off--) || BROKEN(acked.messages = 3) || BROKEN(base--) ||
                  BROKEN(base_open = true);
    must_be_seen(&r, &good, out, passed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_checker_sees_each_place_and_count_broken),
        cmocka_unit_test(the_checker_sees_a_chunk_that_is_not_full_before_the_last),
        cmocka_unit_test(the_checker_sees_a_last_chunk_that_is_not_in_the_list),
        cmocka_unit_test(the_checker_sees_room_that_is_not_lent_or_not_empty),
        cmocka_unit_test(the_checker_sees_that_ready_is_no_frame_edge),
        cmocka_unit_test(the_checker_sees_that_what_is_not_kept_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

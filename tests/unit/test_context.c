#include "support/loopfixture.h"

// The date of a head is that of its second, and is written once a second.
TEST(test_common_lines)
{
    struct fixture *f = fixture_open(NULL);
    fixture_clock.wall_s = 784111777;
    fixture_round(f);
    struct slice lines = context_common(&f->loop.ctx);
    assert_slice(lines, "Server: tined\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n");
    f->loop.ctx.common.text[0] = '!';
    assert_int_equal(context_common(&f->loop.ctx).ptr[0], '!');
    fixture_pass_time(f, 1000);
    assert_slice(context_common(&f->loop.ctx),
                 "Server: tined\r\nDate: Sun, 06 Nov 1994 08:49:38 GMT\r\n");
    fixture_close(f);
}

TEST(test_no_server_line)
{
    struct fixture *f = fixture_open("server_header", "false", NULL);
    fixture_clock.wall_s = 784111777;
    fixture_round(f);
    assert_slice(context_common(&f->loop.ctx), "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n");
    fixture_close(f);
}

// A worker's limits are shared out to its threads; each gets some of all that is wanted. The memory
// of listings is one for all.
TEST(test_shares)
{
    static const struct {
        const char *threads, *big_heads;
        uint32_t big_limit;
    } cases[] = {
        {"1", "10", 10},
        {"2", "10", 5},
        {"8", "3", 1},
        {"8", "0", 0},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct fixture *f = fixture_open("threads", cases[i].threads, "limits.big_heads",
                                         cases[i].big_heads, NULL);
        assert_ptr_equal(f->loop.ctx.snapshots.memory, &f->listing_memory);
        assert_int_equal(f->loop.ctx.pool.big_limit, cases[i].big_limit);
        fixture_close(f);
    }
}

TEST(test_is_ending)
{
    static const bool ending[] = {[LOOP_SERVING] = false,
                                  [LOOP_HANDING] = false,
                                  [LOOP_RETIRING] = true,
                                  [LOOP_STOPPING] = true};
    struct context ctx;
    for (size_t i = 0; i < ARRAY_SIZE(ending); i++) {
        ctx.phase = (enum loop_phase)i;
        assert_int_equal(context_is_ending(&ctx), ending[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_common_lines),
        cmocka_unit_test(test_no_server_line),
        cmocka_unit_test(test_shares),
        cmocka_unit_test(test_is_ending),
    };
    return cmocka_run_group_tests_name("context", tests, NULL, NULL);
}

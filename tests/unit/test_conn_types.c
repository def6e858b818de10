#include "support/unit.h"

#include "server/conn_types.h"

TEST(test_busy_while_an_answer_is_under_way)
{
    static struct block block;
    struct conn idle = {.state = CONN_IDLE}, reading = {.state = CONN_HEAD, .in = &block};
    struct conn stuck = {.state = CONN_SEND, .out = &block};
    struct conn sending = {.state = CONN_SEND};
    assert_false(conn_is_busy(&idle));
    assert_false(conn_is_busy(&reading));
    assert_true(conn_is_busy(&stuck));
    assert_false(conn_is_busy(&sending));
    sending.transfer.record = &block; // for the access log, of what is on its way
    assert_true(conn_is_busy(&sending));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_busy_while_an_answer_is_under_way),
    };
    return cmocka_run_group_tests_name("conn_types", tests, NULL, NULL);
}

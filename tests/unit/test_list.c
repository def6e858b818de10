#include "support/unit.h"

#include "base/list.h"

struct item {
    int value;
    struct list link;
};

static void assert_values(struct list *head, const int *want, size_t count)
{
    size_t n = 0;
    for (struct list *l = head->next; l != head; l = l->next, n++) {
        assert_true(n < count);
        assert_int_equal(CONTAINER_OF(l, struct item, link)->value, want[n]);
        assert_ptr_equal(l->next->prev, l);
    }
    assert_int_equal(n, count);
}

TEST(test_append_move_remove)
{
    struct list head;
    struct item items[] = {{.value = 1}, {.value = 2}, {.value = 3}};
    list_init(&head);
    assert_true(list_is_empty(&head));
    assert_null(list_first(&head));
    for (size_t i = 0; i < ARRAY_SIZE(items); i++) {
        list_init(&items[i].link);
        list_append(&head, &items[i].link);
    }
    assert_values(&head, (int[]){1, 2, 3}, 3);
    list_move(&head, &items[0].link);
    assert_values(&head, (int[]){2, 3, 1}, 3);
    list_remove(&items[2].link);
    list_remove(&items[2].link);
    assert_values(&head, (int[]){2, 1}, 2);
    assert_ptr_equal(list_first(&head), &items[1].link);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_append_move_remove)};
    return cmocka_run_group_tests_name("list", tests, NULL, NULL);
}

#include "support/listfixture.h"

#include "base/util.h"

#include <errno.h>

static struct budget memory;

static struct snapshot *read_snapshot(const struct snapshot_query *q)
{
    struct snapshot *one = snapshot_new(q);
    assert_non_null(one);
    memory.limit = 1 << 20;
    one->memory = &memory;
    snapshot_read(one);
    return one;
}

// The names, each with a space behind it.
static const char *names(const struct snapshot *one)
{
    static char text[4096];
    struct buf b = buf_make(text, sizeof(text) - 1);
    assert_int_equal(one->error, 0);
    for (size_t i = 0; i < one->list->directories + one->list->files; i++) {
        buf_put(&b, one->list->sorted[i]->name);
        buf_putc(&b, ' ');
    }
    text[b.len] = '\0';
    return text;
}

// An entry that the client would be refused is not shown to it.
TEST(test_entries)
{
    static const struct {
        const char *path, *client, *names;
    } cases[] = {
        {"/d/", "192.0.2.1", "inner a moved out "},
        {"/d/", "198.51.100.1", "a moved out "},
        {"/d/", "unix", "a moved out "},
        {"/dots/", "unix", ".shown "},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct snapshot_query q = listfixture_query(cases[i].path, cases[i].client);
        struct snapshot *one = read_snapshot(&q);
        assert_string_equal(names(one), cases[i].names);
        snapshot_free(one);
    }
}

TEST(test_order_and_limit)
{
    struct snapshot_query q = listfixture_query("/d/", "192.0.2.1");
    q.view.descending = true;
    struct snapshot *one = read_snapshot(&q);
    assert_string_equal(names(one), "inner out moved a ");
    assert_false(one->list->cut);
    snapshot_free(one);
    q.limit = 2;
    one = read_snapshot(&q);
    assert_true(one->list->cut);
    snapshot_free(one);
}

// Clients whom the same rules refuse see the same; nobody else does.
TEST(test_answers)
{
    static const struct {
        const char *path, *client;
        enum listing_sort sort;
        bool descending, is_answered;
    } cases[] = {
        {"/d/", "192.0.2.1", LISTING_NAME, false, true},
        {"/d/", "192.0.2.77", LISTING_NAME, false, true},
        {"/d/", "198.51.100.1", LISTING_NAME, false, false},
        {"/d/", "192.0.2.1", LISTING_SIZE, false, false},
        {"/d/", "192.0.2.1", LISTING_NAME, true, false},
        {"/dots/", "192.0.2.1", LISTING_NAME, false, false},
    };
    struct snapshot_query q = listfixture_query("/d/", "192.0.2.1");
    struct snapshot *one = snapshot_new(&q);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        q = listfixture_query(cases[i].path, cases[i].client);
        q.view.sort = cases[i].sort;
        q.view.descending = cases[i].descending;
        assert_int_equal(snapshot_answers(one, &q), cases[i].is_answered);
    }
    q = listfixture_query("/d/", "192.0.2.1");
    q.view.format = LISTING_JSON; // is another text, and no other list
    assert_true(snapshot_answers(one, &q));
    snapshot_free(one);
}

TEST(test_is_current)
{
    char path[PATH_MAX];
    struct snapshot_query q = listfixture_query("/d/inner/", "192.0.2.1");
    struct snapshot *one = read_snapshot(&q);
    assert_true(snapshot_is_current(one));
    tempdir_puts(&listfixture_dir, "d/inner/new", "");
    assert_false(snapshot_is_current(one));
    assert_int_equal(unlink(tempdir_path(&listfixture_dir, "d/inner/new", path)), 0);
    snapshot_free(one);
    one = read_snapshot(&q); // a change in the same tick would not be seen
    assert_false(one->is_settled);
    for (struct wait w = {0}; !one->is_settled && wait_on(&w);) {
        snapshot_free(one);
        one = read_snapshot(&q);
    }
    assert_true(one->is_settled);
    snapshot_free(one);
}

TEST(test_errors)
{
    char path[PATH_MAX];
    struct snapshot_query q = listfixture_query("/d/inner/", "192.0.2.1");
    struct snapshot *one = snapshot_new(&q);
    memory.limit = 4096;
    one->memory = &memory;
    snapshot_read(one);
    assert_int_equal(one->error, -ENOBUFS);
    assert_null(one->list);
    assert_false(one->is_settled);
    snapshot_free(one);
    assert_int_equal(rename(tempdir_path(&listfixture_dir, "d/inner", path), "inner-moved"), 0);
    one = read_snapshot(&q);
    assert_int_equal(one->error, -ENOENT);
    snapshot_free(one);
    assert_int_equal(rename("inner-moved", tempdir_path(&listfixture_dir, "d/inner", path)), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_entries), cmocka_unit_test(test_order_and_limit),
        cmocka_unit_test(test_answers), cmocka_unit_test(test_is_current),
        cmocka_unit_test(test_errors),
    };
    return cmocka_run_group_tests_name("snapshot", tests, listfixture_open, listfixture_close);
}

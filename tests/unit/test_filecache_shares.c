// The cache of files when it cannot keep all: which files stay.
#include "support/cachefixture.h"

#include <sys/resource.h>

static void fill_memory(void)
{
    static const char *const names[] = {"a", "b", "c"};
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        tempdir_fill(&cache_dir, names[i], SMALL);
        cache_touch(names[i]);
        assert_true(is_in_memory(names[i]));
    }
}

// A file that is asked for twice gets memory, from those that were not asked for again.
TEST(test_memory_limit)
{
    fill_memory();
    cache_touch("a");
    tempdir_fill(&cache_dir, "d", SMALL);
    cache_touch("d");
    assert_true(is_kept("d") && !is_in_memory("d"));
    assert_true(is_in_memory("a") && is_in_memory("b") && is_in_memory("c"));
    cache_touch("d");
    assert_false(is_kept("b"));
    assert_true(is_in_memory("a") && is_in_memory("c") && is_in_memory("d"));
    assert_int_equal(cache.files.used, 1); // d, which has both
    assert_true(cache.memory.used <= cache.memory.limit);
    struct cached_file *d = cache_get("d");
    for (size_t i = 0; i < SMALL; i++)
        assert_int_equal(d->body[i], pattern_at(i));
    cached_file_release(d);
    // A file larger than all room pushes nobody out, however often it is asked for; nor does one
    // that can as well be sent from its descriptor.
    tempdir_fill(&cache_dir, "huge", 60000);
    tempdir_fill(&cache_dir, "larger", SMALL + 1000);
    for (int i = 0; i < 3; i++) {
        cache_touch("huge");
        cache_touch("larger");
    }
    assert_true(is_kept("huge") && !is_in_memory("huge"));
    assert_true(is_kept("larger") && !is_in_memory("larger"));
    assert_true(is_in_memory("a") && is_in_memory("c") && is_in_memory("d"));
}

static void touch_twice(const char *name)
{
    tempdir_fill(&cache_dir, name, SMALL);
    cache_touch(name);
    cache_touch(name);
    assert_true(is_in_memory(name));
}

// A file that loses its descriptor keeps its memory, and one that loses that its descriptor.
TEST(test_lost)
{
    size_t before = count_fds();
    fill_memory();
    touch_twice("d"); // in the place of a
    touch_twice("e"); // of b
    touch_twice("f"); // of c; the descriptor is that of d
    assert_true(is_in_memory("d") && cache_kept("d")->fd < 0);
    cache_touch("d");
    cache_touch("e");
    touch_twice("g"); // of f; the descriptor is that of e
    assert_true(is_in_memory("e") && cache_kept("e")->fd < 0);
    assert_true(is_kept("f") && !is_in_memory("f"));
    assert_int_equal(cache.files.used, 2);
    assert_int_equal(count_fds(), before + 2);
    cache_touch("f");
    assert_true(is_in_memory("f"));
    while (filecache_drop_file(&cache))
        ;
    assert_int_equal(count_fds(), before);
    assert_true(is_in_memory("f") && is_in_memory("g"));
}

// A walk through all files drives nothing out of memory.
TEST(test_walk)
{
    char name[16];
    fill_memory();
    for (int i = 0; i < 50; i++) {
        snprintf(name, sizeof(name), "f%d", i);
        tempdir_fill(&cache_dir, name, SMALL);
        cache_touch(name);
        assert_true(is_kept(name));
    }
    assert_true(is_in_memory("a") && is_in_memory("b") && is_in_memory("c"));
    assert_int_equal(cache.files.used, 2);
}

// A descriptor that is in use stays open.
TEST(test_in_use)
{
    fill_memory();
    tempdir_fill(&cache_dir, "d", SMALL);
    cache_round++;
    struct cached_file *d = cache_get("d");
    cache_touch("d");
    char c;
    assert_int_equal(pread(d->fd, &c, 1, SMALL - 1), 1);
    cached_file_release(d);
    cache_touch("d");
    assert_true(is_in_memory("d"));
}

// A file that is not in the system's memory is left to those who can wait for it.
TEST(test_cold)
{
    tempdir_fill(&cache_dir, "a", 1000);
    disk_is_cold = true;
    cache_round++;
    struct cached_file *f = cache_get("a");
    assert_null(f->body);
    assert_true(f->fd >= 0);
    assert_int_equal(f->about.size, 1000);
    assert_true(f->about.etag.len > 0);
    cached_file_release(f);
    cache_touch("a");
    assert_false(is_in_memory("a"));
    disk_is_cold = false;
    cache_touch("a");
    assert_true(is_in_memory("a"));
    assert_int_equal(cache.files.used, 1);
}

// One that changes while it is read is what it was for this round, and anew in the next.
TEST(test_changes_when_promoted)
{
    tempdir_fill(&cache_dir, "a", 1000);
    disk_is_cold = true;
    cache_touch("a");
    disk_is_cold = false;
    disk_changes = "a";
    cache_round++;
    struct cached_file *f = cache_get("a");
    assert_null(f->body);
    assert_int_equal(f->about.size, 1000);
    cached_file_release(f);
    cache_round++;
    f = cache_get("a");
    assert_int_equal(f->about.size, 1500);
    assert_non_null(f->body);
    cached_file_release(f);
}

TEST(test_file_limit)
{
    size_t before = count_fds();
    static const char *const names[] = {"a", "b", "c"};
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        tempdir_fill(&cache_dir, names[i], LARGE);
        cache_touch(names[i]);
    }
    assert_false(is_kept("a"));
    assert_true(is_kept("b") && is_kept("c"));
    assert_int_equal(cache.files.used, 2);
    assert_int_equal(count_fds(), before + 2);
}

TEST(test_nothing_kept)
{
    size_t before = count_fds();
    tempdir_fill(&cache_dir, "small", 100);
    tempdir_fill(&cache_dir, "large", LARGE);
    cache_touch("small");
    cache_touch("large");
    assert_int_equal(cache.memory.used, 0);
    assert_int_equal(cache.files.used, 0);
    assert_int_equal(count_fds(), before);
}

// A removed file is let go of, however many stand before it that nobody asks for either.
TEST(test_tick)
{
    char name[16], path[PATH_MAX];
    for (int i = 0; i < 60; i++) {
        snprintf(name, sizeof(name), "f%d", i);
        tempdir_fill(&cache_dir, name, i % 5 == 4 ? LARGE : 1);
        cache_touch(name);
    }
    assert_int_equal(cache.files.used, 12);
    for (int i = 44; i < 60; i += 5) {
        snprintf(name, sizeof(name), "f%d", i);
        assert_int_equal(unlink(tempdir_path(&cache_dir, name, path)), 0);
    }
    filecache_tick(&cache);
    filecache_tick(&cache);
    assert_int_equal(cache.files.used, 8);
    for (int i = 4; i < 44; i += 5) { // they move while ticks go on among them
        filecache_tick(&cache);
        snprintf(name, sizeof(name), "f%d", i);
        cache_touch(name);
    }
    while (filecache_drop_file(&cache))
        filecache_tick(&cache);
    assert_int_equal(cache.files.used, 0);
}

#define PLENTY 1200 // more than 60 ticks of the least that one looks at

// However many they are, what was removed is found within a minute of ticks.
TEST(test_ticks_go_round)
{
    char name[16], path[PATH_MAX];
    for (int i = 0; i < PLENTY; i++) {
        snprintf(name, sizeof(name), "f%d", i);
        tempdir_puts(&cache_dir, name, "");
        assert_int_equal(truncate(tempdir_path(&cache_dir, name, path), LARGE), 0);
        cache_touch(name);
    }
    assert_int_equal(unlink(path), 0);
    for (int i = 0; i < 60; i++)
        filecache_tick(&cache);
    assert_int_equal(cache.files.used, PLENTY - 1);
}

// A tick looks at so many files only: the next one goes on where it stopped.
TEST(test_ticks_go_on)
{
    char name[16], path[PATH_MAX];
    for (int i = 0; i < 40; i++) {
        snprintf(name, sizeof(name), "f%d", i);
        tempdir_fill(&cache_dir, name, LARGE);
        cache_touch(name);
    }
    assert_int_equal(unlink(tempdir_path(&cache_dir, "f39", path)), 0);
    filecache_tick(&cache);
    cache_touch("f16"); // the one that is next
    filecache_tick(&cache);
    filecache_tick(&cache);
    assert_int_equal(cache.files.used, 39);
}

static int open_plenty(void **state)
{
    struct rlimit limit;
    (void)state;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    cache_open(MEMORY, PLENTY);
    return 0;
}

static int open_many(void **state)
{
    (void)state;
    cache_open(MEMORY, 100);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_memory_limit, cache_open_small, cache_close),
        cmocka_unit_test_setup_teardown(test_lost, cache_open_small, cache_close),
        cmocka_unit_test_setup_teardown(test_walk, cache_open_small, cache_close),
        cmocka_unit_test_setup_teardown(test_in_use, cache_open_small, cache_close),
        cmocka_unit_test_setup_teardown(test_cold, cache_open_usual, cache_close),
        cmocka_unit_test_setup_teardown(test_changes_when_promoted, cache_open_usual, cache_close),
        cmocka_unit_test_setup_teardown(test_file_limit, cache_open_small, cache_close),
        cmocka_unit_test_setup_teardown(test_nothing_kept, cache_open_without, cache_close),
        cmocka_unit_test_setup_teardown(test_tick, cache_open_usual, cache_close),
        cmocka_unit_test_setup_teardown(test_ticks_go_on, open_many, cache_close),
        cmocka_unit_test_setup_teardown(test_ticks_go_round, open_plenty, cache_close),
    };
    return cmocka_run_group_tests_name("filecache_shares", tests, NULL, NULL);
}

// What the cache of files keeps when it cannot keep all.
#include "cachefixture.h"

#include <sys/resource.h>

static void fill_memory(void)
{
    static const char *const names[] = {"a", "b", "c"};
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        tempdir_fill(&dir, names[i], SMALL);
        touch(names[i]);
        assert_true(is_in_memory(names[i]));
    }
}

// What is asked for twice gets memory, from what was not asked for again.
static void test_memory_limit(void **state)
{
    (void)state;
    fill_memory();
    touch("a");
    tempdir_fill(&dir, "d", SMALL);
    touch("d");
    assert_true(is_kept("d") && !is_in_memory("d"));
    assert_true(is_in_memory("a") && is_in_memory("b") && is_in_memory("c"));
    touch("d");
    assert_false(is_kept("b"));
    assert_true(is_in_memory("a") && is_in_memory("c") && is_in_memory("d"));
    assert_int_equal(cache.files.used, 1); // d, which has both
    assert_true(cache.memory.used <= cache.memory.limit);
    struct cached_file *d = get("d");
    for (size_t i = 0; i < SMALL; i++)
        assert_int_equal(d->body[i], pattern_at(i));
    filecache_release(d);
    // What is larger than all room pushes nobody out, however often it is asked for; nor what can
    // as well be sent from its descriptor.
    tempdir_fill(&dir, "huge", 60000);
    tempdir_fill(&dir, "larger", SMALL + 1000);
    for (int i = 0; i < 3; i++) {
        touch("huge");
        touch("larger");
    }
    assert_true(is_kept("huge") && !is_in_memory("huge"));
    assert_true(is_kept("larger") && !is_in_memory("larger"));
    assert_true(is_in_memory("a") && is_in_memory("c") && is_in_memory("d"));
}

static void touch_twice(const char *name)
{
    tempdir_fill(&dir, name, SMALL);
    touch(name);
    touch(name);
    assert_true(is_in_memory(name));
}

// What loses its descriptor keeps its memory, and what loses that its descriptor.
static void test_lost(void **state)
{
    size_t before = count_fds();
    (void)state;
    fill_memory();
    touch_twice("d"); // in the place of a
    touch_twice("e"); // of b
    touch_twice("f"); // of c; the descriptor is that of d
    assert_true(is_in_memory("d") && kept("d")->fd < 0);
    touch("d");
    touch("e");
    touch_twice("g"); // of f; the descriptor is that of e
    assert_true(is_in_memory("e") && kept("e")->fd < 0);
    assert_true(is_kept("f") && !is_in_memory("f"));
    assert_int_equal(cache.files.used, 2);
    assert_int_equal(count_fds(), before + 2);
    touch("f");
    assert_true(is_in_memory("f"));
    while (filecache_drop_file(&cache))
        ;
    assert_int_equal(count_fds(), before);
    assert_true(is_in_memory("f") && is_in_memory("g"));
}

// A walk through all files drives nothing out of memory.
static void test_walk(void **state)
{
    char name[16];
    (void)state;
    fill_memory();
    for (int i = 0; i < 50; i++) {
        snprintf(name, sizeof(name), "f%d", i);
        tempdir_fill(&dir, name, SMALL);
        touch(name);
        assert_true(is_kept(name));
    }
    assert_true(is_in_memory("a") && is_in_memory("b") && is_in_memory("c"));
    assert_int_equal(cache.files.used, 2);
}

// A descriptor that is in use stays open.
static void test_in_use(void **state)
{
    (void)state;
    fill_memory();
    tempdir_fill(&dir, "d", SMALL);
    round_number++;
    struct cached_file *d = get("d");
    touch("d");
    char c;
    assert_int_equal(pread(d->fd, &c, 1, SMALL - 1), 1);
    filecache_release(d);
    touch("d");
    assert_true(is_in_memory("d"));
}

// What is not in the system's memory is left to those who can wait for it.
static void test_cold(void **state)
{
    (void)state;
    tempdir_fill(&dir, "a", 1000);
    is_cold = true;
    round_number++;
    struct cached_file *f = get("a");
    assert_null(f->body);
    assert_true(f->fd >= 0);
    assert_int_equal(f->about.size, 1000);
    assert_true(f->about.etag.len > 0);
    filecache_release(f);
    touch("a");
    assert_false(is_in_memory("a"));
    is_cold = false;
    touch("a");
    assert_true(is_in_memory("a"));
    assert_int_equal(cache.files.used, 1);
}

// One that changes while it is read is what it was for this round, and anew in the next.
static void test_changes_when_promoted(void **state)
{
    (void)state;
    tempdir_fill(&dir, "a", 1000);
    is_cold = true;
    touch("a");
    is_cold = false;
    changing = "a";
    round_number++;
    struct cached_file *f = get("a");
    assert_null(f->body);
    assert_int_equal(f->about.size, 1000);
    filecache_release(f);
    round_number++;
    f = get("a");
    assert_int_equal(f->about.size, 1500);
    assert_non_null(f->body);
    filecache_release(f);
}

static void test_file_limit(void **state)
{
    (void)state;
    size_t before = count_fds();
    static const char *const names[] = {"a", "b", "c"};
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        tempdir_fill(&dir, names[i], LARGE);
        touch(names[i]);
    }
    assert_false(is_kept("a"));
    assert_true(is_kept("b") && is_kept("c"));
    assert_int_equal(cache.files.used, 2);
    assert_int_equal(count_fds(), before + 2);
}

static void test_nothing_kept(void **state)
{
    (void)state;
    size_t before = count_fds();
    tempdir_fill(&dir, "small", 100);
    tempdir_fill(&dir, "large", LARGE);
    touch("small");
    touch("large");
    assert_int_equal(cache.memory.used, 0);
    assert_int_equal(cache.files.used, 0);
    assert_int_equal(count_fds(), before);
}

// What was removed is let go of, however much stands before it that nobody asks for either.
static void test_tick(void **state)
{
    char name[16], path[PATH_MAX];
    (void)state;
    for (int i = 0; i < 60; i++) {
        snprintf(name, sizeof(name), "f%d", i);
        tempdir_fill(&dir, name, i % 5 == 4 ? LARGE : 1);
        touch(name);
    }
    assert_int_equal(cache.files.used, 12);
    for (int i = 44; i < 60; i += 5) {
        snprintf(name, sizeof(name), "f%d", i);
        assert_int_equal(unlink(tempdir_path(&dir, name, path)), 0);
    }
    filecache_tick(&cache);
    filecache_tick(&cache);
    assert_int_equal(cache.files.used, 8);
    for (int i = 4; i < 44; i += 5) { // they move while ticks go on among them
        filecache_tick(&cache);
        snprintf(name, sizeof(name), "f%d", i);
        touch(name);
    }
    while (filecache_drop_file(&cache))
        filecache_tick(&cache);
    assert_int_equal(cache.files.used, 0);
}

#define PLENTY 1200 // more than 60 ticks of the least that one looks at

// However many they are, what was removed is found within a minute of ticks.
static void test_ticks_go_round(void **state)
{
    char name[16], path[PATH_MAX];
    (void)state;
    for (int i = 0; i < PLENTY; i++) {
        snprintf(name, sizeof(name), "f%d", i);
        tempdir_puts(&dir, name, "");
        assert_int_equal(truncate(tempdir_path(&dir, name, path), LARGE), 0);
        touch(name);
    }
    assert_int_equal(unlink(path), 0);
    for (int i = 0; i < 60; i++)
        filecache_tick(&cache);
    assert_int_equal(cache.files.used, PLENTY - 1);
}

// A tick looks at so many files only: the next one goes on where it stopped.
static void test_ticks_go_on(void **state)
{
    char name[16], path[PATH_MAX];
    (void)state;
    for (int i = 0; i < 40; i++) {
        snprintf(name, sizeof(name), "f%d", i);
        tempdir_fill(&dir, name, LARGE);
        touch(name);
    }
    assert_int_equal(unlink(tempdir_path(&dir, "f39", path)), 0);
    filecache_tick(&cache);
    touch("f16"); // the one that is next
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
    open_cache(MEMORY, PLENTY);
    return 0;
}

static int open_many(void **state)
{
    (void)state;
    open_cache(MEMORY, 100);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_memory_limit, open_small, close_cache),
        cmocka_unit_test_setup_teardown(test_lost, open_small, close_cache),
        cmocka_unit_test_setup_teardown(test_walk, open_small, close_cache),
        cmocka_unit_test_setup_teardown(test_in_use, open_small, close_cache),
        cmocka_unit_test_setup_teardown(test_cold, open_usual, close_cache),
        cmocka_unit_test_setup_teardown(test_changes_when_promoted, open_usual, close_cache),
        cmocka_unit_test_setup_teardown(test_file_limit, open_small, close_cache),
        cmocka_unit_test_setup_teardown(test_nothing_kept, open_nothing_kept, close_cache),
        cmocka_unit_test_setup_teardown(test_tick, open_usual, close_cache),
        cmocka_unit_test_setup_teardown(test_ticks_go_on, open_many, close_cache),
        cmocka_unit_test_setup_teardown(test_ticks_go_round, open_plenty, close_cache),
    };
    return cmocka_run_group_tests_name("filecache_shares", tests, NULL, NULL);
}

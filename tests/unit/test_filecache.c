#include "cachefixture.h"

static void test_kept(void **state)
{
    (void)state;
    tempdir_puts(&dir, "a.txt", "content");
    round_number++;
    struct cached_file *f = get("a.txt");
    assert_body(f, "content");
    assert_true(f->about.mtime > 0);
    assert_true(f->about.etag.len > 2);
    char want[128];
    snprintf(want, sizeof(want), "ETag: %.*s\r\n", SLICE_ARG(f->about.etag));
    assert_int_equal(strlen(want), f->description.etag_len);
    assert_memory_equal(f->description.lines.ptr, want, strlen(want));
    struct cached_file *again = get("a.txt");
    assert_ptr_equal(f, again);
    round_number++;
    struct cached_file *next_round = get("a.txt");
    assert_ptr_equal(f, next_round);
    filecache_release(f);
    filecache_release(again);
    filecache_release(next_round);
    assert_true(is_kept("a.txt"));
    // Another site has its own, of the same file.
    struct cached_file *other;
    assert_int_equal(get_from(1, "a.txt", CODING_IDENTITY, &other), 0);
    assert_ptr_not_equal(other, f);
    filecache_release(other);
}

// A young file is read for each request, and promises nothing.
// What was kept is young again, and must not say that it is later than the answer's date.
static void test_clock_set_back(void **state)
{
    (void)state;
    tempdir_puts(&dir, "a", "one");
    struct cached_file *f = get("a");
    assert_int_not_equal(f->about.mtime, -1);
    filecache_release(f);
    assert_true(is_kept("a"));
    wall_s -= 86400;
    round_number++;
    f = get("a");
    assert_body(f, "one");
    assert_int_equal(f->about.mtime, -1);
    assert_int_equal(f->about.etag.len, 0);
    filecache_release(f);
    assert_int_equal(cache.memory.used, 0);
}

static void test_young(void **state)
{
    const struct timespec past[2] = {{.tv_sec = 1000000000}, {.tv_sec = 1000000000}};
    char path[PATH_MAX];
    (void)state;
    tempdir_puts(&dir, "a", "one");
    // A time set back does not make it old: the kernel's time of the change counts too.
    assert_int_equal(utimensat(AT_FDCWD, tempdir_path(&dir, "a", path), past, 0), 0);
    wall_s = time(NULL);
    round_number++;
    struct cached_file *f = get("a");
    assert_body(f, "one");
    assert_int_equal(f->about.mtime, -1);
    assert_int_equal(f->about.etag.len, 0);
    assert_int_equal(f->description.etag_len, 0);
    assert_false(is_kept("a"));
    tempdir_puts(&dir, "a", "two"); // perhaps in the same tick
    struct cached_file *g = get("a");
    assert_body(g, "two");
    assert_body(f, "one");
    filecache_release(f);
    filecache_release(g);
    assert_int_equal(cache.memory.used, 0);
    wall_s += 10;
    touch("a");
    assert_true(is_kept("a"));
}

static const struct edit {
    size_t size;   // before
    bool in_place; // else by rename
} edits[] = {{3, true}, {3, false}, {LARGE, true}, {LARGE, false}};

static void make_edit(const struct edit *e, size_t size)
{
    char from[PATH_MAX], to[PATH_MAX];
    if (e->in_place) {
        tempdir_fill(&dir, "a", size);
        return;
    }
    tempdir_fill(&dir, "new", size);
    assert_int_equal(rename(tempdir_path(&dir, "new", from), tempdir_path(&dir, "a", to)), 0);
}

// An edit is seen in the next round; within a round it was looked at once, and that holds.
static void test_edits(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(edits); i++) {
        tempdir_fill(&dir, "a", edits[i].size);
        round_number++;
        struct cached_file *before = get("a");
        make_edit(&edits[i], edits[i].size + 1);
        struct cached_file *same_round = get("a");
        assert_ptr_equal(before, same_round);
        round_number++;
        struct cached_file *after = get("a");
        assert_ptr_not_equal(before, after);
        assert_int_equal(before->about.size, edits[i].size); // lives on
        assert_int_equal(after->about.size, edits[i].size + 1);
        filecache_release(before);
        filecache_release(same_round);
        filecache_release(after);
        char path[PATH_MAX];
        unlink(tempdir_path(&dir, "a", path));
        round_number++;
        assert_int_equal(get_error("a"), -ENOENT);
        assert_int_equal(cache.memory.used, 0);
        assert_int_equal(cache.files.used, 0);
    }
}

static void test_sizes(void **state)
{
    static const size_t sizes[] = {0, 1, FILECACHE_BODY_MAX, LARGE};
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
        size_t before = count_fds();
        tempdir_fill(&dir, "a", sizes[i]);
        round_number++;
        struct cached_file *f = get("a");
        assert_int_equal(f->about.size, sizes[i]);
        if (sizes[i] <= FILECACHE_BODY_MAX) {
            assert_non_null(f->body);
            assert_int_equal(f->fd, -1);
            for (size_t j = 0; j < sizes[i]; j++)
                assert_int_equal(f->body[j], pattern_at(j));
        } else {
            char c;
            assert_null(f->body);
            assert_int_equal(pread(f->fd, &c, 1, (off_t)sizes[i] - 1), 1);
            assert_int_equal(c, pattern_at(sizes[i] - 1));
        }
        assert_int_equal(count_fds() - before, sizes[i] > FILECACHE_BODY_MAX);
        filecache_release(f);
        assert_int_equal(cache.files.used, sizes[i] > FILECACHE_BODY_MAX);
    }
}

// References outlive being pushed out and being replaced.
static void test_references(void **state)
{
    static const char *const names[] = {"b", "c", "d"};
    (void)state;
    size_t before = count_fds();
    tempdir_fill(&dir, "a", LARGE);
    round_number++;
    struct cached_file *a = get("a"), *again = get("a");
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        tempdir_fill(&dir, names[i], LARGE);
        touch(names[i]);
    }
    assert_false(is_kept("a"));
    char c;
    assert_int_equal(pread(a->fd, &c, 1, 0), 1);
    assert_int_equal(count_fds(), before + 3);
    filecache_release(a);
    assert_int_equal(pread(again->fd, &c, 1, 0), 1);
    filecache_release(again);
    assert_int_equal(count_fds(), before + 2);
}

static void test_failures(void **state)
{
    char path[PATH_MAX];
    (void)state;
    size_t before = count_fds();
    tempdir_mkdir(&dir, "sub");
    tempdir_puts(&dir, "file", "x");
    assert_int_equal(mkfifo(tempdir_path(&dir, "fifo", path), 0666), 0);
    assert_int_equal(symlink("/etc/passwd", tempdir_path(&dir, "absolute", path)), 0);
    assert_int_equal(symlink("../../etc/passwd", tempdir_path(&dir, "out", path)), 0);
    assert_int_equal(symlink("loop", tempdir_path(&dir, "loop", path)), 0);
    alarm(20); // a FIFO must not block
    for (int i = 0; i < 2; i++, round_number++) {
        assert_int_equal(get_error("none"), -ENOENT);
        assert_int_equal(get_error("sub"), -EISDIR);
        assert_int_equal(get_error("sub/"), -EISDIR);
        assert_int_equal(get_error("file/x"), -ENOTDIR);
        assert_int_equal(get_error("fifo"), -EPERM);
        assert_int_equal(get_error("absolute"), -EXDEV);
        assert_int_equal(get_error("out"), -EXDEV);
        assert_int_equal(get_error("loop"), -ELOOP);
        if (geteuid() != 0) {
            assert_int_equal(chmod(tempdir_path(&dir, "file", path), 0), 0);
            assert_int_equal(get_error("file"), -EACCES);
        }
    }
    alarm(0);
    assert_int_equal(count_fds(), before);
}

// In its round a failure to find a file costs one look; the next round looks again.
static void test_missing(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 3 * FILECACHE_MISSING; i++) {
        char name[16];
        snprintf(name, sizeof(name), "none%u", i);
        assert_int_equal(get_error(name), -ENOENT);
    }
    assert_int_equal(get_error("none"), -ENOENT);
    tempdir_puts(&dir, "none", "now");
    assert_int_equal(get_error("none"), -ENOENT);
    round_number++;
    struct cached_file *f = get("none");
    assert_body(f, "now");
    filecache_release(f);
    // Another site, another file of that name.
    round_number++;
    assert_int_equal(get_error("other"), -ENOENT);
    tempdir_puts(&dir, "other", "of both");
    assert_int_equal(get_from(1, "other", CODING_IDENTITY, &f), 0);
    filecache_release(f);
}

// A file that became something else after it was kept.
static void test_becomes_something_else(void **state)
{
    char path[PATH_MAX];
    (void)state;
    for (size_t size = 3; size <= LARGE; size += LARGE - 3) {
        tempdir_fill(&dir, "a", size);
        touch("a");
        assert_int_equal(unlink(tempdir_path(&dir, "a", path)), 0);
        tempdir_mkdir(&dir, "a");
        round_number++;
        assert_int_equal(get_error("a"), -EISDIR);
        assert_false(is_kept("a"));
        assert_int_equal(rmdir(path), 0);
    }
    tempdir_puts(&dir, "b", "x");
    touch("b");
    if (geteuid() != 0) { // a change of permissions is a change
        assert_int_equal(chmod(tempdir_path(&dir, "b", path), 0), 0);
        round_number++;
        assert_int_equal(get_error("b"), -EACCES);
    }
}

static const char *lines_of(const struct cached_file *f)
{
    static char text[DESCRIPTION_MAX + 1];
    memcpy(text, f->description.lines.ptr, f->description.lines.len);
    text[f->description.lines.len] = '\0';
    return text;
}

// A variant is a file of its own with the type of its original.
static void test_variants(void **state)
{
    static char unknown[] = "x/unknown", charset[] = "utf-8";
    struct cached_file *variant, *itself;
    (void)state;
    site_confs[0].default_type = unknown;
    site_confs[0].charset = charset;
    tempdir_puts(&dir, "a.css", "original");
    tempdir_puts(&dir, "a.css.br", "variant");
    round_number++;
    assert_int_equal(get_from(0, "a.css", CODING_ZSTD, &variant), -ENOENT);
    assert_int_equal(get_from(0, "a.css", CODING_BR, &variant), 0);
    assert_body(variant, "variant");
    assert_non_null(strstr(lines_of(variant), "\r\nContent-Encoding: br\r\n"
                                              "Content-Type: text/css; charset=utf-8\r\n"));
    itself = get("a.css.br"); // also there for who asks for it
    assert_ptr_not_equal(itself, variant);
    assert_null(strstr(lines_of(itself), "Content-Encoding"));
    filecache_release(itself);
    itself = get("a.css");
    assert_body(itself, "original");
    assert_false(slice_equal(itself->about.etag, variant->about.etag));
    filecache_release(itself);
    filecache_release(variant);
    site_confs[0].default_type = site_confs[0].charset = NULL;
}

static void test_etag_modes(void **state)
{
    static const char digest[] = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
    static const struct {
        enum conf_etag mode;
        bool sidecar;
        const char *begins; // NULL: no tag
        size_t len;         // 0: any
    } cases[] = {
        {CONF_ETAG_FILE, true, "\"", 0},
        {CONF_ETAG_SHARED, true, "W/\"", 0},
        {CONF_ETAG_DIGEST, true, "\"00112233", 66},
        {CONF_ETAG_DIGEST, false, "\"", 0}, // as "file" then
        {CONF_ETAG_OFF, true, NULL, 0},
    };
    char path[PATH_MAX];
    (void)state;
    tempdir_puts(&dir, "a", "content");
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        filecache_cleanup(&cache);
        assert_int_equal(filecache_init(&cache, &types, MEMORY, FILES), 0);
        tempdir_puts(&dir, "a.sha256", digest);
        if (!cases[i].sidecar)
            assert_int_equal(unlink(tempdir_path(&dir, "a.sha256", path)), 0);
        site_confs[0].etag = cases[i].mode;
        round_number++;
        struct cached_file *f = get("a");
        assert_true(f->about.mtime > 0);
        assert_int_equal(f->digest.known, cases[i].mode == CONF_ETAG_DIGEST && cases[i].sidecar);
        if (cases[i].begins)
            assert_true(slice_starts_with(f->about.etag, slice_of(cases[i].begins)));
        else
            assert_int_equal(f->about.etag.len, 0);
        if (cases[i].len)
            assert_int_equal(f->about.etag.len, cases[i].len);
        filecache_release(f);
    }
    // A digest that is written later is seen, though the file is the same.
    site_confs[0].etag = CONF_ETAG_DIGEST;
    assert_int_equal(unlink(tempdir_path(&dir, "a.sha256", path)), 0);
    touch("a");
    tempdir_puts(&dir, "a.sha256", digest);
    round_number++;
    struct cached_file *f = get("a");
    assert_true(f->digest.known);
    filecache_release(f);
    site_confs[0].etag = CONF_ETAG_FILE;
}

static void test_is_newer(void **state)
{
    const struct cached_file old = {.identity = {.mtime_s = 5, .mtime_ns = 7}};
    const struct cached_file later = {.identity = {.mtime_s = 5, .mtime_ns = 8}};
    const struct cached_file last = {.identity = {.mtime_s = 6, .mtime_ns = 0}};
    (void)state;
    assert_true(filecache_is_newer(&later, &old) && filecache_is_newer(&last, &later));
    assert_false(filecache_is_newer(&old, &later) || filecache_is_newer(&later, &last));
    assert_false(filecache_is_newer(&old, &old));
}

// What is kept of a tree that was swapped is served on: others will serve the new one.
static void test_swapped_tree(void **state)
{
    char path[PATH_MAX], aside[PATH_MAX];
    (void)state;
    tempdir_puts(&dir, "a", "old");
    touch("a");
    assert_false(cache.swapped);
    snprintf(aside, sizeof(aside), "%s.aside", dir.path);
    assert_int_equal(rename(dir.path, aside), 0);
    assert_int_equal(mkdir(dir.path, 0777), 0);
    tempdir_puts(&dir, "a", "new");
    round_number++;
    struct cached_file *f = get("a");
    assert_body(f, "old");
    filecache_release(f);
    assert_true(cache.swapped);
    cache.swapped = false;
    round_number++;
    assert_int_equal(get_error("none"), -ENOENT); // also what was never there
    assert_true(cache.swapped);
    assert_int_equal(unlink(tempdir_path(&dir, "a", path)), 0);
    assert_int_equal(rmdir(dir.path), 0);
    assert_int_equal(rename(aside, dir.path), 0);
}

static void test_adopt(void **state)
{
    (void)state;
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    struct cached_file *f = filecache_adopt(fd);
    assert_non_null(f);
    assert_int_equal(f->fd, fd);
    assert_null(f->body);
    filecache_release(f);
    assert_int_equal(fcntl(fd, F_GETFD), -1); // it was taken over
    char text[] = "content";
    f = filecache_adopt_content(slice_of(text));
    text[0] = 'x';
    assert_non_null(f);
    assert_int_equal(f->fd, -1);
    assert_memory_equal(f->body, "content", 7);
    filecache_release(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_kept, open_usual, close_cache),
        cmocka_unit_test_setup_teardown(test_young, open_usual, close_cache),
        cmocka_unit_test_setup_teardown(test_clock_set_back, open_usual, close_cache),
        cmocka_unit_test_setup_teardown(test_edits, open_usual, close_cache),
        cmocka_unit_test_setup_teardown(test_sizes, open_usual, close_cache),
        cmocka_unit_test_setup_teardown(test_references, open_small, close_cache),
        cmocka_unit_test_setup_teardown(test_failures, open_usual, close_cache),
        cmocka_unit_test_setup_teardown(test_missing, open_usual, close_cache),
        cmocka_unit_test_setup_teardown(test_becomes_something_else, open_usual, close_cache),
        cmocka_unit_test_setup_teardown(test_variants, open_usual, close_cache),
        cmocka_unit_test_setup_teardown(test_etag_modes, open_usual, close_cache),
        cmocka_unit_test(test_is_newer),
        cmocka_unit_test_setup_teardown(test_swapped_tree, open_usual, close_cache),
        cmocka_unit_test_setup_teardown(test_adopt, open_usual, close_cache),
    };
    return cmocka_run_group_tests_name("filecache", tests, NULL, NULL);
}

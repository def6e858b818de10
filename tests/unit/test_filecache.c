#include "support/cachefixture.h"

TEST(test_kept)
{
    tempdir_puts(&cache_dir, "a.txt", "content");
    cache_round++;
    struct cached_file *f = cache_get("a.txt");
    assert_body(f, "content");
    assert_true(f->about.mtime > 0);
    assert_true(f->about.etag.len > 2);
    char want[128];
    snprintf(want, sizeof(want), "ETag: %.*s\r\n", SLICE_ARG(f->about.etag));
    assert_int_equal(strlen(want), f->description.etag_len);
    assert_memory_equal(f->description.lines.ptr, want, strlen(want));
    struct cached_file *again = cache_get("a.txt");
    assert_ptr_equal(f, again);
    cache_round++;
    struct cached_file *next_round = cache_get("a.txt");
    assert_ptr_equal(f, next_round);
    cached_file_release(f);
    cached_file_release(again);
    cached_file_release(next_round);
    assert_true(is_kept("a.txt"));
    // Another site has its own, of the same file.
    struct cached_file *other;
    assert_int_equal(cache_get_from(1, "a.txt", CODING_IDENTITY, &other), 0);
    assert_ptr_not_equal(other, f);
    cached_file_release(other);
}

// A young file is read for each request, and promises nothing.
// A kept file is young again, and must not say that it is later than the answer's date.
TEST(test_clock_set_back)
{
    tempdir_puts(&cache_dir, "a", "one");
    struct cached_file *f = cache_get("a");
    assert_int_not_equal(f->about.mtime, -1);
    cached_file_release(f);
    assert_true(is_kept("a"));
    cache_wall_s -= 86400;
    cache_round++;
    f = cache_get("a");
    assert_body(f, "one");
    assert_true(f->about.mtime < cache_wall_s);
    assert_true(f->about.is_young);
    assert_int_equal(f->about.etag.len, 0);
    cached_file_release(f);
    assert_int_equal(cache.memory.used, 0);
}

TEST(test_young)
{
    tempdir_puts(&cache_dir, "a", "one");
    // A time set back does not make it old: the kernel's time of the change counts too.
    tempdir_date(&cache_dir, "a", 1000000000);
    cache_wall_s = time(NULL);
    cache_round++;
    struct cached_file *f = cache_get("a");
    assert_body(f, "one");
    assert_true(f->about.is_young);
    assert_int_equal(f->about.etag.len, 0);
    assert_false(is_kept("a"));
    tempdir_puts(&cache_dir, "a", "two"); // perhaps in the same tick
    struct cached_file *g = cache_get("a");
    assert_body(g, "two");
    assert_body(f, "one");
    cached_file_release(f);
    cached_file_release(g);
    assert_int_equal(cache.memory.used, 0);
    cache_wall_s += 10;
    cache_touch("a");
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
        tempdir_fill(&cache_dir, "a", size);
        return;
    }
    tempdir_fill(&cache_dir, "new", size);
    assert_int_equal(
        rename(tempdir_path(&cache_dir, "new", from), tempdir_path(&cache_dir, "a", to)), 0);
}

// An edit is seen in the next round; within a round it was looked at once, and that holds.
TEST(test_edits)
{
    for (size_t i = 0; i < ARRAY_SIZE(edits); i++) {
        tempdir_fill(&cache_dir, "a", edits[i].size);
        cache_round++;
        struct cached_file *before = cache_get("a");
        make_edit(&edits[i], edits[i].size + 1);
        struct cached_file *same_round = cache_get("a");
        assert_ptr_equal(before, same_round);
        cache_round++;
        struct cached_file *after = cache_get("a");
        assert_ptr_not_equal(before, after);
        assert_int_equal(before->about.size, edits[i].size); // lives on
        assert_int_equal(after->about.size, edits[i].size + 1);
        cached_file_release(before);
        cached_file_release(same_round);
        cached_file_release(after);
        char path[PATH_MAX];
        unlink(tempdir_path(&cache_dir, "a", path));
        cache_round++;
        assert_int_equal(cache_get_error("a"), -ENOENT);
        assert_int_equal(cache.memory.used, 0);
        assert_int_equal(cache.files.used, 0);
    }
}

TEST(test_sizes)
{
    static const size_t sizes[] = {0, 1, CACHED_FILE_BODY_MAX, LARGE};
    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
        size_t before = count_fds();
        tempdir_fill(&cache_dir, "a", sizes[i]);
        cache_round++;
        struct cached_file *f = cache_get("a");
        assert_int_equal(f->about.size, sizes[i]);
        if (sizes[i] <= CACHED_FILE_BODY_MAX) {
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
        assert_int_equal(count_fds() - before, sizes[i] > CACHED_FILE_BODY_MAX);
        cached_file_release(f);
        assert_int_equal(cache.files.used, sizes[i] > CACHED_FILE_BODY_MAX);
    }
}

// References outlive being pushed out and being replaced.
TEST(test_references)
{
    static const char *const names[] = {"b", "c", "d"};
    size_t before = count_fds();
    tempdir_fill(&cache_dir, "a", LARGE);
    cache_round++;
    struct cached_file *a = cache_get("a"), *again = cache_get("a");
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        tempdir_fill(&cache_dir, names[i], LARGE);
        cache_touch(names[i]);
    }
    assert_false(is_kept("a"));
    char c;
    assert_int_equal(pread(a->fd, &c, 1, 0), 1);
    assert_int_equal(count_fds(), before + 3);
    cached_file_release(a);
    assert_int_equal(pread(again->fd, &c, 1, 0), 1);
    cached_file_release(again);
    assert_int_equal(count_fds(), before + 2);
}

TEST(test_failures)
{
    char path[PATH_MAX];
    size_t before = count_fds();
    tempdir_mkdir(&cache_dir, "sub");
    tempdir_puts(&cache_dir, "file", "x");
    assert_int_equal(mkfifo(tempdir_path(&cache_dir, "fifo", path), 0666), 0);
    assert_int_equal(symlink("/etc/passwd", tempdir_path(&cache_dir, "absolute", path)), 0);
    assert_int_equal(symlink("../../etc/passwd", tempdir_path(&cache_dir, "out", path)), 0);
    assert_int_equal(symlink("loop", tempdir_path(&cache_dir, "loop", path)), 0);
    alarm(20); // a FIFO must not block
    for (int i = 0; i < 2; i++, cache_round++) {
        assert_int_equal(cache_get_error("none"), -ENOENT);
        assert_int_equal(cache_get_error("sub"), -EISDIR);
        assert_int_equal(cache_get_error("sub/"), -EISDIR);
        assert_int_equal(cache_get_error("file/x"), -ENOTDIR);
        assert_int_equal(cache_get_error("fifo"), -ENXIO);
        assert_int_equal(cache_get_error("absolute"), -EXDEV);
        assert_int_equal(cache_get_error("out"), -EXDEV);
        assert_int_equal(cache_get_error("loop"), -ELOOP);
        if (geteuid() != 0) {
            assert_int_equal(chmod(tempdir_path(&cache_dir, "file", path), 0), 0);
            assert_int_equal(cache_get_error("file"), -EACCES);
        }
    }
    alarm(0);
    assert_int_equal(count_fds(), before);
}

// In its round a failure to find a file costs one look; the next round looks again.
TEST(test_missing)
{
    for (unsigned i = 0; i < 3 * FILECACHE_MISSING; i++) {
        char name[16];
        snprintf(name, sizeof(name), "none%u", i);
        assert_int_equal(cache_get_error(name), -ENOENT);
    }
    assert_int_equal(cache_get_error("none"), -ENOENT);
    tempdir_puts(&cache_dir, "none", "now");
    assert_int_equal(cache_get_error("none"), -ENOENT);
    cache_round++;
    struct cached_file *f = cache_get("none");
    assert_body(f, "now");
    cached_file_release(f);
    // Another site, another file of that name.
    cache_round++;
    assert_int_equal(cache_get_error("other"), -ENOENT);
    tempdir_puts(&cache_dir, "other", "of both");
    assert_int_equal(cache_get_from(1, "other", CODING_IDENTITY, &f), 0);
    cached_file_release(f);
}

// A file that became something else after it was kept.
TEST(test_becomes_something_else)
{
    char path[PATH_MAX];
    for (size_t size = 3; size <= LARGE; size += LARGE - 3) {
        tempdir_fill(&cache_dir, "a", size);
        cache_touch("a");
        assert_int_equal(unlink(tempdir_path(&cache_dir, "a", path)), 0);
        tempdir_mkdir(&cache_dir, "a");
        cache_round++;
        assert_int_equal(cache_get_error("a"), -EISDIR);
        assert_false(is_kept("a"));
        assert_int_equal(rmdir(path), 0);
    }
    tempdir_puts(&cache_dir, "b", "x");
    cache_touch("b");
    if (geteuid() != 0) { // a change of permissions is a change
        assert_int_equal(chmod(tempdir_path(&cache_dir, "b", path), 0), 0);
        cache_round++;
        assert_int_equal(cache_get_error("b"), -EACCES);
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
TEST(test_variants)
{
    static char unknown[] = "x/unknown", charset[] = "utf-8";
    struct cached_file *variant, *itself;
    cache_site_confs[0].default_type = unknown;
    cache_site_confs[0].charset = charset;
    tempdir_puts(&cache_dir, "a.css", "original");
    tempdir_puts(&cache_dir, "a.css.br", "variant");
    cache_round++;
    assert_int_equal(cache_get_from(0, "a.css", CODING_ZSTD, &variant), -ENOENT);
    assert_int_equal(cache_get_from(0, "a.css", CODING_BR, &variant), 0);
    assert_body(variant, "variant");
    assert_non_null(strstr(lines_of(variant), "\r\nContent-Encoding: br\r\n"
                                              "Content-Type: text/css; charset=utf-8\r\n"));
    itself = cache_get("a.css.br"); // also there for who asks for it
    assert_ptr_not_equal(itself, variant);
    assert_null(strstr(lines_of(itself), "Content-Encoding"));
    cached_file_release(itself);
    itself = cache_get("a.css");
    assert_body(itself, "original");
    assert_false(slice_equal(itself->about.etag, variant->about.etag));
    cached_file_release(itself);
    cached_file_release(variant);
    cache_site_confs[0].default_type = cache_site_confs[0].charset = NULL;
}

TEST(test_etag_modes)
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
    tempdir_puts(&cache_dir, "a", "content");
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        filecache_cleanup(&cache);
        assert_int_equal(filecache_init(&cache, &cache_types, MEMORY, FILES), 0);
        tempdir_puts(&cache_dir, "a.sha256", digest);
        if (!cases[i].sidecar)
            assert_int_equal(unlink(tempdir_path(&cache_dir, "a.sha256", path)), 0);
        cache_site_confs[0].etag = cases[i].mode;
        cache_round++;
        struct cached_file *f = cache_get("a");
        assert_true(f->about.mtime > 0);
        assert_int_equal(f->digest.known, cases[i].mode == CONF_ETAG_DIGEST && cases[i].sidecar);
        if (cases[i].begins)
            assert_true(slice_starts_with(f->about.etag, slice_of(cases[i].begins)));
        else
            assert_int_equal(f->about.etag.len, 0);
        if (cases[i].len)
            assert_int_equal(f->about.etag.len, cases[i].len);
        cached_file_release(f);
    }
    // A digest that is written later is seen, though the file is the same.
    cache_site_confs[0].etag = CONF_ETAG_DIGEST;
    assert_int_equal(unlink(tempdir_path(&cache_dir, "a.sha256", path)), 0);
    cache_touch("a");
    tempdir_puts(&cache_dir, "a.sha256", digest);
    cache_round++;
    struct cached_file *f = cache_get("a");
    assert_true(f->digest.known);
    cached_file_release(f);
    cache_site_confs[0].etag = CONF_ETAG_FILE;
}

// Files kept of a tree that was swapped are served on: others will serve the new one.
TEST(test_swapped_tree)
{
    char path[PATH_MAX], aside[PATH_MAX];
    tempdir_puts(&cache_dir, "a", "old");
    cache_touch("a");
    assert_false(cache.swapped);
    snprintf(aside, sizeof(aside), "%s.aside", cache_dir.path);
    assert_int_equal(rename(cache_dir.path, aside), 0);
    assert_int_equal(mkdir(cache_dir.path, 0777), 0);
    tempdir_puts(&cache_dir, "a", "new");
    cache_round++;
    struct cached_file *f = cache_get("a");
    assert_body(f, "old");
    cached_file_release(f);
    assert_true(cache.swapped);
    cache.swapped = false;
    cache_round++;
    assert_int_equal(cache_get_error("none"), -ENOENT); // also what was never there
    assert_true(cache.swapped);
    assert_int_equal(unlink(tempdir_path(&cache_dir, "a", path)), 0);
    assert_int_equal(rmdir(cache_dir.path), 0);
    assert_int_equal(rename(aside, cache_dir.path), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_kept, cache_open_usual, cache_close),
        cmocka_unit_test_setup_teardown(test_young, cache_open_usual, cache_close),
        cmocka_unit_test_setup_teardown(test_clock_set_back, cache_open_usual, cache_close),
        cmocka_unit_test_setup_teardown(test_edits, cache_open_usual, cache_close),
        cmocka_unit_test_setup_teardown(test_sizes, cache_open_usual, cache_close),
        cmocka_unit_test_setup_teardown(test_references, cache_open_small, cache_close),
        cmocka_unit_test_setup_teardown(test_failures, cache_open_usual, cache_close),
        cmocka_unit_test_setup_teardown(test_missing, cache_open_usual, cache_close),
        cmocka_unit_test_setup_teardown(test_becomes_something_else, cache_open_usual, cache_close),
        cmocka_unit_test_setup_teardown(test_variants, cache_open_usual, cache_close),
        cmocka_unit_test_setup_teardown(test_etag_modes, cache_open_usual, cache_close),
        cmocka_unit_test_setup_teardown(test_swapped_tree, cache_open_usual, cache_close),
    };
    return cmocka_run_group_tests_name("filecache", tests, NULL, NULL);
}

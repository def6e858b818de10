#include "support/tempdir.h"

#include "content/cached_file.h"

#include <errno.h>

#define DIGEST "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define MTIME  1000000000

static struct tempdir dir;
static struct conf_site site_conf = {.root = dir.path};
static struct conf conf = {.sites = &site_conf, .site_count = 1};
static struct sites sites;
static struct mimetable types;
static int64_t wall_s; // so late that every file is old

// ---- a disk -------------------------------------------------------------------------------------

static size_t warm = SIZE_MAX; // so many bytes of a file are in the system's memory
static bool changing;          // "a" is longer after the next read

ssize_t __real_pagecache_read(int file, uint64_t offset, void *data, size_t len);
ssize_t __wrap_pagecache_read(int file, uint64_t offset, void *data, size_t len);

ssize_t __wrap_pagecache_read(int file, uint64_t offset, void *data, size_t len)
{
    if (offset >= warm)
        return -EAGAIN;
    ssize_t n = __real_pagecache_read(file, offset, data, len < warm ? len : warm);
    if (changing)
        tempdir_puts(&dir, "a", "content, and more");
    changing = false;
    return n;
}

static int setup(void **state)
{
    struct sites_failure failed;
    (void)state;
    tempdir_make(&dir);
    wall_s = time(NULL) + 1000;
    return sites_open(&sites, &conf, &failed);
}

static int teardown(void **state)
{
    (void)state;
    warm = SIZE_MAX;
    site_conf.etag = CONF_ETAG_FILE;
    sites_close(&sites);
    tempdir_remove(&dir);
    return 0;
}

static struct cached_file *new_file(const char *path, enum coding coding)
{
    const struct file_key key = {.site = &sites.items[0],
                                 .tree = &sites.items[0].trees[0],
                                 .path = slice_of(path),
                                 .coding = coding};
    struct cached_file *f = cached_file_new(&key);
    assert_non_null(f);
    return f;
}

static struct cached_file *open_file(const char *path, enum coding coding)
{
    struct cached_file *f = new_file(path, coding);
    assert_int_equal(cached_file_open(f), 0);
    return f;
}

TEST(test_open)
{
    static const struct {
        const char *path;
        enum coding coding;
        int want;
    } cases[] = {
        {"a", CODING_IDENTITY, 0},         {"a", CODING_BR, 0},
        {"a", CODING_ZSTD, -ENOENT},       {"none", CODING_IDENTITY, -ENOENT},
        {"sub", CODING_IDENTITY, -EISDIR}, {"a/x", CODING_IDENTITY, -ENOTDIR},
        {"fifo", CODING_IDENTITY, -ENXIO}, {"out", CODING_IDENTITY, -EXDEV},
    };
    char path[PATH_MAX];
    size_t before = count_fds();
    tempdir_puts(&dir, "a", "content");
    tempdir_puts(&dir, "a.br", "variant");
    tempdir_mkdir(&dir, "sub");
    assert_int_equal(mkfifo(tempdir_path(&dir, "fifo", path), 0666), 0);
    assert_int_equal(symlink("/etc/passwd", tempdir_path(&dir, "out", path)), 0);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct cached_file *f = new_file(cases[i].path, cases[i].coding);
        assert_int_equal(cached_file_open(f), cases[i].want);
        assert_int_equal(f->fd >= 0, cases[i].want == 0);
        assert_int_equal(count_fds(), before + (cases[i].want == 0));
        cached_file_release(f);
        assert_int_equal(count_fds(), before);
    }
}

TEST(test_read_body)
{
    static const struct {
        size_t warm;
        bool changing;
        int want;
        bool same;
    } cases[] = {
        {SIZE_MAX, false, 0, true},
        {3, false, -EAGAIN, false},
        {0, false, -EAGAIN, false},
        {SIZE_MAX, true, 0, false},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        bool same = !cases[i].same;
        tempdir_puts(&dir, "a", "content");
        struct cached_file *f = open_file("a", CODING_IDENTITY);
        warm = cases[i].warm;
        changing = cases[i].changing;
        assert_int_equal(cached_file_read_body(f, &same), cases[i].want);
        assert_int_equal(f->body != NULL, cases[i].want == 0);
        if (f->body) {
            assert_int_equal(same, cases[i].same);
            assert_int_equal(f->about.size, 7);
            assert_memory_equal(f->body, "content", 7);
        }
        cached_file_release(f);
    }
}

TEST(test_close_fd)
{
    bool same;
    size_t before = count_fds();
    tempdir_puts(&dir, "a", "content");
    struct cached_file *f = open_file("a", CODING_IDENTITY);
    assert_int_equal(cached_file_read_body(f, &same), 0);
    cached_file_close_fd(f);
    assert_int_equal(f->fd, -1);
    assert_int_equal(count_fds(), before);
    cached_file_release(f);
}

TEST(test_etags)
{
    static const struct {
        enum conf_etag mode;
        bool sidecar, lasting;
        int64_t mtime;
        const char *begins; // NULL: no validators
        size_t len;         // 0: any
    } cases[] = {
        {CONF_ETAG_FILE, true, true, MTIME, "\"", 0},
        {CONF_ETAG_FILE, true, true, 0, NULL, 0}, // a package's time
        {CONF_ETAG_FILE, true, true, 1, NULL, 0},
        {CONF_ETAG_FILE, true, true, 2, "\"", 0},
        {CONF_ETAG_SHARED, true, true, MTIME, "W/\"", 0},
        {CONF_ETAG_DIGEST, true, true, MTIME, "\"00112233", 66},
        {CONF_ETAG_DIGEST, false, true, MTIME, "\"", 0}, // as "file" then
    };
    char path[PATH_MAX];
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        tempdir_puts(&dir, "a", "content");
        tempdir_date(&dir, "a", cases[i].mtime);
        tempdir_puts(&dir, "a.sha256", DIGEST);
        if (!cases[i].sidecar)
            assert_int_equal(unlink(tempdir_path(&dir, "a.sha256", path)), 0);
        site_conf.etag = cases[i].mode;
        struct cached_file *f = open_file("a", CODING_IDENTITY);
        assert_true(cached_file_read_digest(f, wall_s));
        assert_int_equal(f->digest.known, cases[i].mode == CONF_ETAG_DIGEST && cases[i].sidecar);
        assert_int_equal(cached_file_describe(f, &types, cases[i].lasting, wall_s), 0);
        assert_int_equal(f->about.mtime, cases[i].begins ? cases[i].mtime : -1);
        assert_int_equal(f->about.etag.len > 0, cases[i].begins != NULL);
        if (cases[i].begins)
            assert_true(slice_starts_with(f->about.etag, slice_of(cases[i].begins)));
        if (cases[i].len)
            assert_int_equal(f->about.etag.len, cases[i].len);
        cached_file_release(f);
    }
}

TEST(test_date)
{
    enum { NOW = 5000 };
    static const struct {
        int64_t mtime, ctime;
        bool lasting;
        int64_t want;
    } cases[] = {
        {1000, 4000, true, 1000},  {4000, 4000, true, 4000},
        {9000, 4000, true, 4000}, // set to a time to come
        {1000, 4999, false, 999},  {4999, 4999, false, 4998},
        {9000, 4999, false, 4998}, {9000, 9000, false, 4999}, // the clock was set back
        {0, 4999, false, -1},      {1, 4000, true, -1},
    };
    tempdir_puts(&dir, "a", "content");
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct cached_file *f = open_file("a", CODING_IDENTITY);
        f->identity.mtime_s = cases[i].mtime;
        f->identity.ctime_s = cases[i].ctime;
        assert_int_equal(cached_file_describe(f, &types, cases[i].lasting, NOW), 0);
        assert_int_equal(f->about.mtime, cases[i].want);
        assert_int_equal(f->about.changed, cases[i].ctime);
        assert_int_equal(f->about.is_young, !cases[i].lasting);
        assert_int_equal(f->about.etag.len > 0, cases[i].lasting && cases[i].want >= 0);
        cached_file_release(f);
    }
}

TEST(test_etag_off)
{
    site_conf.etag = CONF_ETAG_OFF;
    tempdir_puts(&dir, "a", "content");
    tempdir_date(&dir, "a", MTIME);
    struct cached_file *f = open_file("a", CODING_IDENTITY);
    assert_int_equal(cached_file_describe(f, &types, true, wall_s), 0);
    assert_int_equal(f->about.etag.len, 0);
    assert_int_equal(f->about.mtime, MTIME);
    cached_file_release(f);
}

// The digest of a file that has just been written may be written again in the same instant.
TEST(test_young_digest)
{
    site_conf.etag = CONF_ETAG_DIGEST;
    tempdir_puts(&dir, "a", "content");
    tempdir_puts(&dir, "a.sha256", DIGEST);
    struct cached_file *f = open_file("a", CODING_IDENTITY);
    assert_true(cached_file_read_digest(f, wall_s));
    assert_false(cached_file_read_digest(f, time(NULL)));
    cached_file_release(f);
}

static void assert_named(const struct cached_file *f, bool at_path, bool in_tree)
{
    assert_int_equal(cached_file_is_at_path(f), at_path);
    assert_int_equal(cached_file_is_in_tree(f), in_tree);
}

TEST(test_is_named)
{
    char path[PATH_MAX], aside[PATH_MAX];
    tempdir_puts(&dir, "a", "content");
    tempdir_puts(&dir, "a.br", "variant");
    struct cached_file *f = open_file("a", CODING_IDENTITY);
    struct cached_file *variant = open_file("a", CODING_BR);
    assert_named(f, true, true);
    assert_named(variant, true, true);
    snprintf(aside, sizeof(aside), "%s.aside", dir.path); // the tree that is open has moved
    assert_int_equal(rename(dir.path, aside), 0);
    assert_named(f, false, true);
    assert_int_equal(rename(aside, dir.path), 0);
    assert_named(f, true, true);
    tempdir_puts(&dir, "a", "longer content");
    assert_named(f, false, false);
    assert_int_equal(unlink(tempdir_path(&dir, "a.br", path)), 0);
    assert_named(variant, false, false);
    cached_file_release(f);
    cached_file_release(variant);
}

TEST(test_current_digest)
{
    static const enum conf_etag modes[] = {CONF_ETAG_DIGEST, CONF_ETAG_FILE};
    char path[PATH_MAX];
    for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
        site_conf.etag = modes[i];
        tempdir_puts(&dir, "a", "content");
        tempdir_puts(&dir, "a.sha256", DIGEST);
        struct cached_file *f = open_file("a", CODING_IDENTITY);
        assert_true(cached_file_read_digest(f, wall_s));
        assert_true(cached_file_has_current_digest(f));
        assert_int_equal(unlink(tempdir_path(&dir, "a.sha256", path)), 0);
        assert_int_equal(cached_file_has_current_digest(f), modes[i] != CONF_ETAG_DIGEST);
        cached_file_release(f);
    }
}

TEST(test_memory)
{
    bool same;
    tempdir_puts(&dir, "a", "content");
    struct cached_file *f = open_file("a", CODING_IDENTITY);
    assert_int_equal(cached_file_describe(f, &types, true, wall_s), 0);
    uint64_t without = cached_file_memory(f);
    assert_true(without > sizeof(*f) + f->description.lines.len);
    assert_int_equal(cached_file_read_body(f, &same), 0);
    assert_int_equal(cached_file_memory(f), without + 7);
    cached_file_release(f);
}

TEST(test_is_newer)
{
    const struct cached_file old = {.identity = {.mtime_s = 5, .mtime_ns = 7}};
    const struct cached_file later = {.identity = {.mtime_s = 5, .mtime_ns = 8}};
    const struct cached_file last = {.identity = {.mtime_s = 6, .mtime_ns = 0}};
    assert_true(cached_file_is_newer(&later, &old) && cached_file_is_newer(&last, &later));
    assert_false(cached_file_is_newer(&old, &later) || cached_file_is_newer(&later, &last));
    assert_false(cached_file_is_newer(&old, &old));
}

TEST(test_adopt)
{
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    struct cached_file *f = cached_file_adopt(fd);
    assert_non_null(f);
    assert_int_equal(f->fd, fd);
    assert_null(f->body);
    cached_file_release(f);
    assert_int_equal(fcntl(fd, F_GETFD), -1); // it was taken over
    char text[] = "content";
    f = cached_file_adopt_content(slice_of(text));
    text[0] = 'x';
    assert_non_null(f);
    assert_int_equal(f->fd, -1);
    assert_memory_equal(f->body, "content", 7);
    cached_file_release(f);
}

// A listed file belongs to its cache, and outlives its last reference.
TEST(test_release)
{
    struct cached_file *f = cached_file_adopt(open("/dev/null", O_RDONLY | O_CLOEXEC));
    assert_non_null(f);
    int fd = f->fd;
    f->references++;
    cached_file_release(f);
    assert_int_not_equal(fcntl(fd, F_GETFD), -1);
    f->listed = true;
    cached_file_release(f);
    assert_int_not_equal(fcntl(fd, F_GETFD), -1);
    cached_file_free(f);
    assert_int_equal(fcntl(fd, F_GETFD), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_open, setup, teardown),
        cmocka_unit_test_setup_teardown(test_read_body, setup, teardown),
        cmocka_unit_test_setup_teardown(test_close_fd, setup, teardown),
        cmocka_unit_test_setup_teardown(test_etags, setup, teardown),
        cmocka_unit_test_setup_teardown(test_date, setup, teardown),
        cmocka_unit_test_setup_teardown(test_etag_off, setup, teardown),
        cmocka_unit_test_setup_teardown(test_young_digest, setup, teardown),
        cmocka_unit_test_setup_teardown(test_is_named, setup, teardown),
        cmocka_unit_test_setup_teardown(test_current_digest, setup, teardown),
        cmocka_unit_test_setup_teardown(test_memory, setup, teardown),
        cmocka_unit_test(test_is_newer),
        cmocka_unit_test(test_adopt),
        cmocka_unit_test(test_release),
    };
    return cmocka_run_group_tests_name("cached_file", tests, NULL, NULL);
}

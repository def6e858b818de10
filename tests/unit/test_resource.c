#include "tempdir.h"
#include "unit.h"

#include "server/resource.h"

#include <errno.h>

#define WALL_LATER 1000 // s: the files are old then

static struct tempdir dir;
static char *index_names[2];
static char index_a[] = "index.html", index_b[] = "deep/other.txt";
static struct conf_site site_conf = {.root = dir.path, .index = {index_names, 2}};
static struct conf conf = {.sites = &site_conf, .site_count = 1};
static struct sites sites;
static struct mimetable types;
static struct filecache cache;

static int open_site(void **state)
{
    struct sites_failure failed;
    char path[PATH_MAX];
    (void)state;
    index_names[0] = index_a;
    index_names[1] = index_b;
    tempdir_make(&dir);
    tempdir_puts(&dir, "file", "file");
    tempdir_puts(&dir, "index.html", "first");
    tempdir_mkdir(&dir, "deep");
    tempdir_puts(&dir, "deep/other.txt", "second at the root");
    tempdir_mkdir(&dir, "second");
    tempdir_mkdir(&dir, "second/deep");
    tempdir_puts(&dir, "second/deep/other.txt", "second");
    tempdir_mkdir(&dir, "second/index.html"); // a directory is no index file
    tempdir_mkdir(&dir, "empty");
    tempdir_mkdir(&dir, "linked");
    assert_int_equal(symlink("/etc/passwd", tempdir_path(&dir, "linked/index.html", path)), 0);
    assert_int_equal(symlink("loop", tempdir_path(&dir, "loop", path)), 0);
    assert_int_equal(symlink("../../../etc/passwd", tempdir_path(&dir, "out", path)), 0);
    assert_int_equal(mkfifo(tempdir_path(&dir, "fifo", path), 0666), 0);
    assert_int_equal(sites_open(&sites, &conf, &failed), 0);
    return filecache_init(&cache, &types, 1 << 20, 16);
}

static int close_site(void **state)
{
    (void)state;
    filecache_cleanup(&cache);
    sites_close(&sites);
    tempdir_remove(&dir);
    return 0;
}

static struct resource find(const char *path)
{
    static uint64_t round;
    struct resource r = {.status = -1};
    const struct resource_query query = {
        .cache = &cache,
        .site = &sites.items[0],
        .moment = {++round, time(NULL) + WALL_LATER},
    };
    resource_find(&query, slice_of(path), &r);
    return r;
}

static const struct {
    const char *path;
    enum resource_kind kind;
    int status;
    const char *content;
} cases[] = {
    {"file", RESOURCE_FILE, 200, "file"},
    {"", RESOURCE_FILE, 200, "first"}, // the first index file though the second exists
    {"second/", RESOURCE_FILE, 200, "second"},
    {"second", RESOURCE_REDIRECT, 301, NULL},
    {"second/index.html", RESOURCE_REDIRECT, 301, NULL},
    {"empty", RESOURCE_REDIRECT, 301, NULL},
    {"empty/", RESOURCE_STATUS, 403, NULL},
    {"none", RESOURCE_STATUS, 404, NULL},
    {"none/", RESOURCE_STATUS, 404, NULL},
    {"none/deeper", RESOURCE_STATUS, 404, NULL},
    {"file/", RESOURCE_STATUS, 404, NULL},
    {"file/deeper", RESOURCE_STATUS, 404, NULL},
    {"loop", RESOURCE_STATUS, 403, NULL},
    {"loop/", RESOURCE_STATUS, 403, NULL},
    {"out", RESOURCE_STATUS, 403, NULL},
    {"linked/", RESOURCE_STATUS, 403, NULL}, // not passed over: somebody meant it to be there
    {"fifo", RESOURCE_STATUS, 403, NULL},
    {"fifo/", RESOURCE_STATUS, 404, NULL},
};

static void test_find(void **state)
{
    (void)state;
    size_t before = count_fds();
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct resource r = find(cases[i].path);
        if (r.kind != cases[i].kind || r.status != cases[i].status)
            fail_msg("\"%s\": kind %d, status %d", cases[i].path, (int)r.kind, r.status);
        if (r.kind != RESOURCE_FILE) {
            assert_null(r.file);
            continue;
        }
        assert_int_equal(r.file->about.size, strlen(cases[i].content));
        assert_memory_equal(r.file->body, cases[i].content, r.file->about.size);
        filecache_release(r.file);
    }
    assert_int_equal(count_fds(), before);
}

// Paths about as long as the kernel takes, and longer.
static void test_long_paths(void **state)
{
    char path[PATH_MAX + 20];
    (void)state;
    for (size_t len = PATH_MAX - 20; len < PATH_MAX + 19; len++) {
        memset(path, 'a', len);
        path[len] = '\0';
        assert_int_equal(find(path).status, 404);
        for (size_t i = 1; i < len; i += 2)
            path[i] = '/';
        assert_int_equal(find(path).status, 404);
        path[len - 1] = '/';
        assert_int_equal(find(path).status, 404);
    }
}

static void test_no_permission(void **state)
{
    char path[PATH_MAX];
    (void)state;
    if (geteuid() == 0) // nothing is forbidden then
        skip();
    assert_int_equal(chmod(tempdir_path(&dir, "file", path), 0), 0);
    assert_int_equal(find("file").status, 403);
    assert_int_equal(chmod(tempdir_path(&dir, "second", path), 0), 0);
    assert_int_equal(find("second/").status, 403);
    assert_int_equal(chmod(path, 0700), 0);
}

// Every error that opening a file may give: nothing that a client asks for is a 500 by it.
static void test_status(void **state)
{
    static const struct {
        int error, status;
    } errors[] = {
        {ENOENT, 404}, {ENOTDIR, 404}, {ENAMETOOLONG, 404}, {EINVAL, 404}, {EACCES, 403},
        {EPERM, 403},  {EISDIR, 403},  {ELOOP, 403},        {EXDEV, 403},  {ENXIO, 403},
        {ENODEV, 403}, {EMFILE, 503},  {ENFILE, 503},       {ENOMEM, 503}, {EAGAIN, 503},
        {EIO, 500},    {ESTALE, 500},  {12345, 500},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(errors); i++)
        assert_int_equal(resource_status(-errors[i].error), errors[i].status);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_find, open_site, close_site),
        cmocka_unit_test_setup_teardown(test_long_paths, open_site, close_site),
        cmocka_unit_test_setup_teardown(test_no_permission, open_site, close_site),
        cmocka_unit_test(test_status),
    };
    return cmocka_run_group_tests_name("resource", tests, NULL, NULL);
}

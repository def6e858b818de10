#include "support/tempdir.h"
#include "support/unit.h"

#include "content/resource.h"

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
    struct resource r = {.reason = REASON_COUNT};
    const struct resource_query query = {
        .cache = &cache,
        .site = &sites.items[0],
        .moment = {++round, time(NULL) + WALL_LATER},
        .index = &sites.items[0].conf->index,
    };
    resource_find(&query, slice_of(path), &r);
    return r;
}

static const struct {
    const char *path;
    enum resource_kind kind;
    enum reason reason; // of NONE
    const char *content;
} cases[] = {
    {"file", RESOURCE_FILE, 0, "file"},
    {"", RESOURCE_FILE, 0, "first"}, // the first index file though the second exists
    {"second/", RESOURCE_FILE, 0, "second"},
    {"second", RESOURCE_REDIRECT, 0, NULL},
    {"second/index.html", RESOURCE_REDIRECT, 0, NULL},
    {"empty", RESOURCE_REDIRECT, 0, NULL},
    {"empty/", RESOURCE_NONE, REASON_DIRECTORY_UNLISTED, NULL},
    {"none", RESOURCE_NONE, REASON_FILE_NONE, NULL},
    {"none/", RESOURCE_NONE, REASON_FILE_NONE, NULL},
    {"none/deeper", RESOURCE_NONE, REASON_FILE_NONE, NULL},
    {"file/", RESOURCE_NONE, REASON_FILE_NONE, NULL},
    {"file/deeper", RESOURCE_NONE, REASON_FILE_NONE, NULL},
    {"loop", RESOURCE_NONE, REASON_FILE_LINK, NULL},
    {"loop/", RESOURCE_NONE, REASON_FILE_LINK, NULL},
    {"out", RESOURCE_NONE, REASON_FILE_LINK, NULL},
    {"linked/", RESOURCE_NONE, REASON_FILE_LINK,
     NULL}, // not passed over: somebody meant it to be there
    {"fifo", RESOURCE_NONE, REASON_FILE_KIND, NULL},
    {"fifo/", RESOURCE_NONE, REASON_FILE_NONE, NULL},
};

TEST(test_find)
{
    size_t before = count_fds();
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct resource r = find(cases[i].path);
        if (r.kind != cases[i].kind || r.reason != cases[i].reason)
            fail_msg("\"%s\": kind %d, %s", cases[i].path, (int)r.kind, reason_text(r.reason));
        if (r.kind != RESOURCE_FILE) {
            assert_null(r.file);
            continue;
        }
        assert_int_equal(r.file->about.size, strlen(cases[i].content));
        assert_memory_equal(r.file->body, cases[i].content, r.file->about.size);
        cached_file_release(r.file);
    }
    assert_int_equal(count_fds(), before);
}

// Paths about as long as the kernel takes, and longer.
TEST(test_long_paths)
{
    char path[PATH_MAX + 20];
    for (size_t len = PATH_MAX - 20; len < PATH_MAX + 19; len++) {
        memset(path, 'a', len);
        path[len] = '\0';
        assert_int_equal(find(path).reason, REASON_FILE_NONE);
        for (size_t i = 1; i < len; i += 2)
            path[i] = '/';
        assert_int_equal(find(path).reason, REASON_FILE_NONE);
        path[len - 1] = '/';
        assert_int_equal(find(path).reason, REASON_FILE_NONE);
    }
}

TEST(test_no_permission)
{
    char path[PATH_MAX];
    if (geteuid() == 0) // nothing is forbidden then
        skip();
    assert_int_equal(chmod(tempdir_path(&dir, "file", path), 0), 0);
    assert_int_equal(find("file").reason, REASON_FILE_PERMISSION);
    assert_int_equal(chmod(tempdir_path(&dir, "second", path), 0), 0);
    assert_int_equal(find("second/").reason, REASON_FILE_PERMISSION);
    assert_int_equal(chmod(path, 0700), 0);
}

TEST(test_a_tree_that_does_not_answer)
{
    static const char *const paths[] = {"", "file", "second/", "second", "none"};
    sites.items[0].trees[0].silent = dir.path;
    for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
        struct resource r = find(paths[i]);
        assert_int_equal(r.kind, RESOURCE_NONE);
        assert_int_equal(r.reason, REASON_ROOT_SILENT);
        assert_int_equal(reason_status(r.reason), 503);
    }
    sites.items[0].trees[0].silent = NULL;
}

// Every error that opening a file may give: nothing that a client asks for is a 500 by it.
TEST(test_status)
{
    static const struct {
        int error, status;
    } errors[] = {
        {ENOENT, 404}, {ENOTDIR, 404}, {ENAMETOOLONG, 404}, {EINVAL, 404}, {EACCES, 403},
        {EPERM, 403},  {EISDIR, 403},  {ELOOP, 403},        {EXDEV, 403},  {ENXIO, 403},
        {ENODEV, 403}, {EMFILE, 503},  {ENFILE, 503},       {ENOMEM, 503}, {EAGAIN, 503},
        {EIO, 500},    {ESTALE, 500},  {12345, 500},
    };
    for (size_t i = 0; i < ARRAY_SIZE(errors); i++)
        assert_int_equal(reason_status(resource_reason(-errors[i].error)), errors[i].status);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_find, open_site, close_site),
        cmocka_unit_test_setup_teardown(test_long_paths, open_site, close_site),
        cmocka_unit_test_setup_teardown(test_no_permission, open_site, close_site),
        cmocka_unit_test_setup_teardown(test_a_tree_that_does_not_answer, open_site, close_site),
        cmocka_unit_test(test_status),
    };
    return cmocka_run_group_tests_name("resource", tests, NULL, NULL);
}

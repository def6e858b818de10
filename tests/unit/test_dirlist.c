#include "scarce.h"
#include "tempdir.h"
#include "turnclock.h"
#include "unit.h"

#include "server/dirlist.h"

#include <errno.h>
#include <malloc.h>
#include <sys/resource.h>

static struct tempdir dir;
static struct rootfs root;
static size_t fds;
static char text[1 << 20];

static int setup(void **state)
{
    (void)state;
    fds = count_fds();
    tempdir_make(&dir);
    return rootfs_init(&root, dir.path);
}

static int teardown(void **state)
{
    (void)state;
    rootfs_cleanup(&root);
    tempdir_remove(&dir);
    assert_int_equal(count_fds(), fds);
    return 0;
}

static struct dirlist_options make_options(const char *path)
{
    return (struct dirlist_options){.root = &root,
                                    .path = slice_of(path),
                                    .view = {.path = slice_of(path), .format = LISTING_JSON},
                                    .limit = 100000};
}

// Runs a listing to its end with `cap` bytes of room for each step: 0 or an error. The whole is in
// `text`.
static int run(const struct dirlist_options *options, size_t cap, struct slice *ret)
{
    struct dirlist *d = NULL;
    struct buf all = buf_make(text, sizeof(text));
    char *room = __real_malloc(cap);
    int result = dirlist_new(options, &d);
    if (result == 0)
        result = DIRLIST_MORE;
    while (result == DIRLIST_MORE) {
        struct buf out = buf_make(room, cap);
        result = dirlist_step(d, &out);
        assert_true(result >= 0 || all.len == 0);
        buf_put(&all, buf_slice(&out));
    }
    dirlist_free(d);
    free(room);
    assert_false(all.overflow);
    *ret = buf_slice(&all);
    return result;
}

static struct slice list(const struct dirlist_options *options)
{
    struct slice got;
    assert_int_equal(run(options, LISTING_BEGIN_MAX, &got), 0);
    return got;
}

// The names of a listing in JSON, each with a comma behind it. Names hold no quotes here.
static struct slice names(const struct dirlist_options *options)
{
    static char out[sizeof(text)];
    struct buf b = buf_make(out, sizeof(out));
    struct slice rest = list(options);
    for (;;) {
        const char *begin = memmem(rest.ptr, rest.len, "{\"name\":\"", 9);
        if (!begin)
            return buf_slice(&b);
        rest = slice_skip(rest, (size_t)(begin + 9 - rest.ptr));
        buf_put(&b, slice_split(&rest, '"'));
        buf_putc(&b, ',');
    }
}

static void make_link(const char *target, const char *name)
{
    char path[PATH_MAX];
    assert_int_equal(symlink(target, tempdir_path(&dir, name, path)), 0);
}

static void test_what_is_shown(void **state)
{
    char path[PATH_MAX];
    (void)state;
    tempdir_puts(&dir, "file", "123");
    tempdir_puts(&dir, ".hidden", "");
    tempdir_mkdir(&dir, "folder");
    tempdir_mkdir(&dir, ".git");
    tempdir_puts(&dir, "folder/inner", "12345");
    assert_int_equal(mkfifo(tempdir_path(&dir, "fifo", path), 0600), 0);
    make_link("file", "to-file");
    make_link("folder", "to-folder");
    make_link("folder/inner", "to-inner");
    make_link("fifo", "to-fifo");
    make_link("to-file", "to-link");
    make_link("nowhere", "dangling");
    make_link("loop", "loop");
    make_link("/etc/passwd", "absolute");
    make_link("../..", "out");
    make_link("/proc/self/fd/0", "magic");
    for (int way = ROOTFS_OPENAT2; way <= ROOTFS_WALK; way++) {
        if (root.way == ROOTFS_WALK && way == ROOTFS_OPENAT2)
            continue;
        root.way = (enum rootfs_way)way;
        struct dirlist_options o = make_options("");
        assert_slice(names(&o), "folder,to-folder,file,to-file,to-inner,to-link,");
        o.hidden = true;
        assert_slice(names(&o), ".git,folder,to-folder,.hidden,file,to-file,to-inner,to-link,");
        o = make_options("folder/");
        assert_slice(names(&o), "inner,");
    }
}

// Facts of a link are those of what it leads to, found from the listed directory.
static void test_links_in_folders(void **state)
{
    (void)state;
    tempdir_mkdir(&dir, "a");
    tempdir_mkdir(&dir, "a/b");
    tempdir_puts(&dir, "seven", "1234567");
    make_link("../../seven", "a/b/up");
    make_link("../../../seven", "a/b/out");
    struct dirlist_options o = make_options("a/b/");
    assert_non_null(strstr(list(&o).ptr, "\"name\":\"up\",\"type\":\"file\",\"size\":7,"));
    assert_slice(names(&o), "up,");
}

static bool has_even_length(void *context, struct slice name, bool directory)
{
    (*(int *)context)++;
    return name.len % 2 == 0 && !directory;
}

static void test_is_shown(void **state)
{
    int asked = 0;
    (void)state;
    tempdir_puts(&dir, "ab", "");
    tempdir_puts(&dir, "abc", "");
    tempdir_mkdir(&dir, "de");
    struct dirlist_options o = make_options("");
    o.is_shown = has_even_length;
    o.context = &asked;
    assert_slice(names(&o), "ab,");
    assert_int_equal(asked, 3);
}

static void test_limit(void **state)
{
    (void)state;
    for (char c = 'a'; c <= 'e'; c++)
        tempdir_puts(&dir, (char[]){c, '\0'}, "");
    tempdir_puts(&dir, ".f", "");
    struct dirlist_options o = make_options("");
    o.limit = 5; // what is not shown does not count
    assert_slice(names(&o), "a,b,c,d,e,");
    assert_true(slice_starts_with(list(&o), SLICE("{\"complete\":true,")));
    o.limit = 4;
    assert_int_equal(names(&o).len, 8);
    assert_true(slice_starts_with(list(&o), SLICE("{\"complete\":false,")));
}

static void test_errors(void **state)
{
    struct slice got;
    (void)state;
    tempdir_puts(&dir, "file", "");
    static const struct {
        const char *path;
        int error;
    } cases[] = {
        {"missing/", -ENOENT},
        {"file", -ENOTDIR},
        {"file/", -ENOTDIR},
        {"../", -EXDEV},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct dirlist_options o = make_options(cases[i].path);
        assert_int_equal(run(&o, LISTING_BEGIN_MAX, &got), cases[i].error);
    }
}

static void test_empty(void **state)
{
    (void)state;
    struct dirlist_options o = make_options("");
    assert_slice(list(&o), "{\"complete\":true,\"entries\":[\n]}\n");
    o.view.format = LISTING_HTML;
    assert_non_null(strstr(list(&o).ptr, "This folder is empty"));
}

static void make_many(int count)
{
    for (int i = 0; i < count; i++) {
        char name[64], path[PATH_MAX];
        snprintf(name, sizeof(name), "%s%04d", i % 10 ? "file-" : "folder-", i);
        if (i % 10)
            tempdir_fill(&dir, name, (size_t)i % 7);
        else
            tempdir_mkdir(&dir, name);
        struct timespec times[] = {{.tv_sec = i % 13}, {.tv_sec = i % 13}};
        assert_int_equal(
            utimensat(AT_FDCWD, tempdir_path(&dir, name, path), times, AT_SYMLINK_NOFOLLOW), 0);
    }
}

// The number at the end of the names: the order is as it must be, and each is there once.
static void check_order(struct slice got, int count, enum listing_sort sort, bool descending)
{
    static bool seen[10000];
    int last = -1;
    memset(seen, 0, sizeof(seen));
    for (got.len--; got.ptr; count--) { // without the last comma
        struct slice name = slice_split(&got, ',');
        int i = atoi(name.ptr + name.len - 4);
        int key = sort == LISTING_SIZE ? i % 10 ? i % 7 : 0 : sort == LISTING_TIME ? i % 13 : i;
        int rank = (i % 10 != 0) * 100000 + (descending ? 9999 - key : key);
        assert_false(seen[i]);
        seen[i] = true;
        assert_true(rank >= last);
        last = rank;
    }
    assert_int_equal(count, 0);
}

// Several runs, a full last one among them, merged in every order.
static void test_orders(void **state)
{
    (void)state;
    static const int counts[] = {511, 512, 513, 1024, 1700};
    int made = 0;
    for (size_t n = 0; n < ARRAY_SIZE(counts); n++) {
        make_many(counts[n]);
        made = counts[n];
        for (int i = 0; i < 6; i++) {
            struct dirlist_options o = make_options("");
            o.view.sort = (enum listing_sort)(i / 2);
            o.view.descending = i % 2;
            check_order(names(&o), made, o.view.sort, o.view.descending);
        }
        if (n + 1 < ARRAY_SIZE(counts)) {
            teardown(NULL);
            setup(NULL);
        }
    }
}

// What does not fit waits, and the whole is the same however much room there is.
static void test_room(void **state)
{
    static char whole[sizeof(text)];
    struct slice got;
    (void)state;
    make_many(100);
    struct dirlist_options o = make_options("");
    o.view.format = LISTING_HTML;
    got = list(&o);
    size_t len = got.len;
    memcpy(whole, got.ptr, len);
    for (size_t cap = LISTING_BEGIN_MAX; cap < LISTING_BEGIN_MAX + 500; cap += 7) {
        assert_int_equal(run(&o, cap, &got), 0);
        assert_true(slice_equal(got, slice_make(whole, len)));
    }
    struct dirlist *d;
    assert_int_equal(dirlist_new(&o, &d), 0);
    for (int i = 0; i < 50; i++) {
        struct buf none = buf_make(NULL, 0);
        assert_int_equal(dirlist_step(d, &none), DIRLIST_MORE);
    }
    dirlist_free(d);
}

// In use; 0 where the C library does not say.
static size_t memory_used(void)
{
#ifdef HAVE_MALLINFO2
    return mallinfo2().uordblks;
#else
    return 0;
#endif
}

static void test_free_at_any_step(void **state)
{
    (void)state;
    make_many(700);
    size_t before = memory_used();
    for (int steps = 0, result = DIRLIST_MORE; result == DIRLIST_MORE; steps++) {
        struct dirlist_options o = make_options("");
        struct dirlist *d;
        assert_int_equal(dirlist_new(&o, &d), 0);
        for (int i = 0; i < steps && result == DIRLIST_MORE; i++) {
            struct buf out = buf_make(text, LISTING_BEGIN_MAX);
            result = dirlist_step(d, &out);
        }
        dirlist_free(d);
    }
    assert_true(memory_used() <= before);
    dirlist_free(NULL);
}

// Every allocation fails in turn, before anything is written.
static void test_without_memory(void **state)
{
    int error = -ENOMEM;
    int failures = 0;
    (void)state;
    make_many(600);
    for (; error == -ENOMEM; failures++) {
        struct dirlist_options o = make_options("");
        struct slice got;
        fail_allocation((unsigned)failures + 1);
        error = run(&o, LISTING_BEGIN_MAX, &got);
        fail_allocation(0);
    }
    assert_int_equal(error, 0);
    assert_in_range(failures, 5, 50); // the listing, a chunk, two runs, a heap
}

// A shortage of descriptors is told: links are not just left out.
static void test_without_descriptors(void **state)
{
    int taken[1024];
    size_t count = 0;
    struct dirlist *d;
    (void)state;
    tempdir_puts(&dir, "file", "");
    make_link("file", "link");
    struct dirlist_options o = make_options("");
    assert_int_equal(dirlist_new(&o, &d), 0);
    struct rlimit old, low;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
    low = (struct rlimit){.rlim_cur = 64, .rlim_max = old.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    while ((taken[count] = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0)
        count++;
    struct buf out = buf_make(text, sizeof(text));
    int result = dirlist_step(d, &out);
    while (count)
        close(taken[--count]);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
    assert_int_equal(result, -EMFILE);
    assert_int_equal(out.len, 0);
    dirlist_free(d);
}

// Every byte that a name can have: the links lead to the files that they name.
static void test_every_byte(void **state)
{
    (void)state;
    for (int c = 1; c < 256; c++)
        if (c != '/')
            tempdir_puts(&dir, (char[]){'a', (char)c, '\0'}, "");
    struct dirlist_options o = make_options("");
    struct slice rest = list(&o);
    const char *href;
    int count = 0;
    while ((href = memmem(rest.ptr, rest.len, "\"href\":\"./", 10)) != NULL) {
        rest = slice_skip(rest, (size_t)(href + 10 - rest.ptr));
        struct slice raw = slice_split(&rest, '"');
        char name[8], path[PATH_MAX];
        unsigned byte;
        if (raw.len == 4 && sscanf(raw.ptr, "a%%%2X", &byte) == 1)
            snprintf(name, sizeof(name), "a%c", (int)byte);
        else
            snprintf(name, sizeof(name), "%.*s", SLICE_ARG(raw));
        assert_int_equal(unlink(tempdir_path(&dir, name, path)), 0);
        count++;
    }
    assert_int_equal(count, 254);
}

int main(void)
{
#define CASE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_what_is_shown),
        CASE(test_links_in_folders),
        CASE(test_is_shown),
        CASE(test_limit),
        CASE(test_errors),
        CASE(test_empty),
        CASE(test_orders),
        CASE(test_room),
        CASE(test_free_at_any_step),
        CASE(test_without_memory),
        CASE(test_without_descriptors),
        CASE(test_every_byte),
    };
    return cmocka_run_group_tests_name("dirlist", tests, NULL, NULL);
}

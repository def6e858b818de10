#include "support/scarce.h"
#include "support/tempdir.h"
#include "support/unit.h"

#include "base/util.h"
#include "content/dirlist.h"
#include "sys/pages.h"

#include <errno.h>
#include <stdatomic.h>
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

static struct listing_view view;
static struct budget memory;

static struct dirlist_options make_options(const char *path)
{
    view = (struct listing_view){.format = LISTING_JSON};
    memory.limit = UINT64_MAX;
    return (struct dirlist_options){
        .root = &root, .path = path, .view = &view, .limit = 100000, .memory = &memory};
}

// ---- memory of the system -----------------------------------------------------------------------

static size_t pages_mapped, pages_in_use; // bytes
static unsigned pages_allowed = UINT32_MAX;

void *__real_pages_map(size_t size);
void *__wrap_pages_map(size_t size);
void __real_pages_unmap(void *pages, size_t size);
void __wrap_pages_unmap(void *pages, size_t size);

void *__wrap_pages_map(size_t size)
{
    if (pages_allowed == 0)
        return NULL;
    pages_allowed--;
    pages_mapped += size;
    pages_in_use += size;
    return __real_pages_map(size);
}

void __wrap_pages_unmap(void *pages, size_t size)
{
    pages_in_use -= pages ? size : 0;
    __real_pages_unmap(pages, size);
}

// ---- listings -----------------------------------------------------------------------------------

// 0 and the listing in `text`, or an error.
static int run(const struct dirlist_options *options, struct slice *ret)
{
    struct dirlist *d = NULL;
    struct buf all = buf_make(text, sizeof(text) - 1);
    int error = dirlist_read(options, &d);
    if (error) {
        assert_int_equal(pages_in_use, 0);
        return error;
    }
    struct listing_view shown = view;
    shown.directories = d->directories;
    shown.files = d->files;
    shown.cut = d->cut;
    assert_int_equal(d->memory, pages_in_use);
    listing_begin(&all, &shown);
    for (uint32_t i = 0; i < d->directories + d->files; i++)
        listing_add(&all, &shown, d->sorted[i], i == 0);
    listing_end(&all, &shown);
    dirlist_free(d);
    assert_int_equal(pages_in_use, 0);
    assert_false(all.overflow);
    text[all.len] = '\0';
    *ret = buf_slice(&all);
    return 0;
}

static struct slice list(const struct dirlist_options *options)
{
    struct slice got;
    assert_int_equal(run(options, &got), 0);
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

TEST(test_what_is_shown)
{
    char path[PATH_MAX];
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
TEST(test_links_in_folders)
{
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

// One that is there, one that cannot be looked at, a hidden one, one whose name is too long.
static int get_extra(void *context, size_t i, struct slice *ret_name, struct file_identity *ret)
{
    static char too_long[LISTING_NAME_MAX + 1];
    memset(too_long, 'x', sizeof(too_long));
    const struct slice extra[] = {
        SLICE("mount"), {NULL, 0}, SLICE(".dot"), slice_make(too_long, sizeof(too_long))};
    (void)context;
    if (i >= ARRAY_SIZE(extra))
        return 0;
    *ret_name = extra[i];
    *ret = (struct file_identity){.mode = S_IFDIR};
    return extra[i].ptr ? 1 : -ESTALE;
}

TEST(test_extra)
{
    tempdir_puts(&dir, "a", "");
    tempdir_mkdir(&dir, "z");
    struct dirlist_options o = make_options("");
    o.extra = get_extra;
    assert_slice(names(&o), "mount,z,a,");
    o.hidden = true;
    assert_slice(names(&o), ".dot,mount,z,a,");
    o.limit = 2;
    assert_slice(names(&o), ".dot,mount,");
}

TEST(test_is_shown)
{
    int asked = 0;
    tempdir_puts(&dir, "ab", "");
    tempdir_puts(&dir, "abc", "");
    tempdir_mkdir(&dir, "de");
    struct dirlist_options o = make_options("");
    o.is_shown = has_even_length;
    o.context = &asked;
    assert_slice(names(&o), "ab,");
    assert_int_equal(asked, 3);
}

TEST(test_limit)
{
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

TEST(test_errors)
{
    struct slice got;
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
        assert_int_equal(run(&o, &got), cases[i].error);
    }
}

TEST(test_empty)
{
    struct dirlist_options o = make_options("");
    assert_slice(list(&o), "{\"complete\":true,\"entries\":[\n]}\n");
    view.format = LISTING_HTML;
    assert_non_null(strstr(list(&o).ptr, "This folder is empty"));
}

static void make_many(int count)
{
    for (int i = 0; i < count; i++) {
        char name[64];
        snprintf(name, sizeof(name), "%s%04d", i % 10 ? "file-" : "folder-", i);
        if (i % 10)
            tempdir_fill(&dir, name, (size_t)i % 7);
        else
            tempdir_mkdir(&dir, name);
        tempdir_date(&dir, name, i % 13);
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

// Over several chunks, in every order.
TEST(test_orders)
{
    static const int counts[] = {511, 512, 513, 1024, 1700};
    int made = 0;
    for (size_t n = 0; n < ARRAY_SIZE(counts); n++) {
        make_many(counts[n]);
        made = counts[n];
        for (int i = 0; i < 6; i++) {
            struct dirlist_options o = make_options("");
            view.sort = (enum listing_sort)(i / 2);
            view.descending = i % 2;
            check_order(names(&o), made, view.sort, view.descending);
        }
        if (n + 1 < ARRAY_SIZE(counts)) {
            teardown(NULL);
            setup(NULL);
        }
    }
}

// A name and 48 bytes for each entry, and little else.
TEST(test_memory)
{
    struct slice got;
    make_many(1000);
    struct dirlist_options o = make_options("");
    size_t needed = (size_t)1000 * (16 + 48);
    pages_mapped = 0;
    assert_int_equal(run(&o, &got), 0);
    assert_in_range(pages_mapped, needed / 2, needed * 2); // the last chunk is half full at least
    size_t all = pages_mapped;
    for (memory.limit = 0; memory.limit < all; memory.limit += 1000) {
        assert_int_equal(run(&o, &got), -ENOBUFS);
        assert_int_equal(budget_used(&memory), 0);
    }
    memory.limit = all;
    assert_int_equal(run(&o, &got), 0);
    assert_int_equal(budget_used(&memory), 0);
}

TEST(test_without_memory)
{
    struct slice got;
    struct dirlist_options o = make_options("");
    int error = -ENOMEM;
    make_many(600);
    unsigned failures = 0;
    for (; error == -ENOMEM; failures++) {
        pages_allowed = failures;
        error = run(&o, &got);
    }
    pages_allowed = UINT32_MAX;
    assert_int_equal(error, 0);
    assert_in_range(failures, 4, 10); // chunks, and the order
    error = -ENOMEM;
    for (failures = 0; error == -ENOMEM; failures++) {
        fail_allocation(failures + 1);
        error = run(&o, &got);
        fail_allocation(0);
    }
    assert_int_equal(error, 0);
    assert_in_range(failures, 3, 6);
}

static _Atomic bool is_wanted;

static bool lose_interest(void *context, struct slice name, bool directory)
{
    (void)name, (void)directory;
    is_wanted = --*(int *)context > 0;
    return true;
}

TEST(test_nobody_waits_any_more)
{
    struct slice got;
    int left = 5;
    make_many(100);
    struct dirlist_options o = make_options("");
    o.is_wanted = &is_wanted;
    o.is_shown = lose_interest;
    o.context = &left;
    is_wanted = true;
    assert_int_equal(run(&o, &got), -ECANCELED);
    assert_int_equal(left, 0);
}

// The directory as it was before it was read.
TEST(test_identity)
{
    struct dirlist *d;
    struct file_identity before;
    tempdir_puts(&dir, "file", "");
    assert_int_equal(rootfs_look(&root, "", &before), 0);
    struct dirlist_options o = make_options("");
    assert_int_equal(dirlist_read(&o, &d), 0);
    assert_true(rootfs_same(&before, &d->identity));
    dirlist_free(d);
    dirlist_free(NULL);
}

static int taken[1024];
static size_t taken_count;

static bool take_descriptors(void *context, struct slice name, bool directory)
{
    (void)context, (void)name, (void)directory;
    while (taken_count < ARRAY_SIZE(taken) &&
           (taken[taken_count] = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0)
        taken_count++;
    return true;
}

static int shortage_at_mount(void *context, size_t i, struct slice *ret_name,
                             struct file_identity *ret)
{
    (void)ret;
    *ret_name = SLICE("x");
    take_descriptors(context, *ret_name, true);
    return i ? 0 : -EACCES;
}

// A shortage of descriptors is told: links are not just left out.
TEST(test_without_descriptors)
{
    struct slice got;
    struct rlimit old, low;
    make_link("file", "link");
    tempdir_puts(&dir, "file", "");
    struct dirlist_options o = make_options("");
    o.extra = shortage_at_mount; // once the directory is open
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
    low = (struct rlimit){.rlim_cur = 64, .rlim_max = old.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    int error = run(&o, &got);
    while (taken_count)
        close(taken[--taken_count]);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
    assert_int_equal(error, -EMFILE);
}

// Every byte that a name can have: the links lead to the files that they name.
TEST(test_every_byte)
{
    for (int c = 1; c < 256; c++)
        if (c != '/')
            tempdir_puts(&dir, (char[]){'a', (char)c, '\0'}, "");
    struct dirlist_options o = make_options("");
    struct slice rest = list(&o);
    const char *href;
    int count = 0;
    while ((href = memmem(rest.ptr, rest.len, "\"href\":\"", 8)) != NULL) {
        rest = slice_skip(rest, (size_t)(href + 8 - rest.ptr));
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
        CASE(test_extra),
        CASE(test_limit),
        CASE(test_errors),
        CASE(test_empty),
        CASE(test_orders),
        CASE(test_memory),
        CASE(test_nobody_waits_any_more),
        CASE(test_identity),
        CASE(test_without_memory),
        CASE(test_without_descriptors),
        CASE(test_every_byte),
    };
    return cmocka_run_group_tests_name("dirlist", tests, NULL, NULL);
}

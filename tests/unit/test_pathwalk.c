// The walk against the kernel: on every path over a hostile tree both give the same file or the
// same errno, and neither leaves the root while somebody moves things about.
#include "support/bothways.h"
#include "support/tempdir.h"
#include "support/unit.h"

#include "sys/pathwalk.h"
#include "sys/rootfs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static struct tempdir dir;
static struct rootfs root;

// ---- the tree -----------------------------------------------------------------------------------

struct item {
    const char *name, *target; // target: of a link
    mode_t mode;
};

static const struct item tree[] = {
    {"outside", NULL, S_IFDIR | 0755},
    {"outside/secret", NULL, S_IFREG | 0644},
    {"root", NULL, S_IFDIR | 0755},
    {"root/file", NULL, S_IFREG | 0644},
    {"root/dir", NULL, S_IFDIR | 0755},
    {"root/dir/file", NULL, S_IFREG | 0644},
    {"root/dir/sub", NULL, S_IFDIR | 0755},
    {"root/dir/sub/file", NULL, S_IFREG | 0644},
    {"root/fifo", NULL, S_IFIFO | 0644},
    {"root/sock", NULL, S_IFSOCK | 0644},
    // Closed to a process without privileges.
    {"root/closed", NULL, S_IFDIR | 0700},
    {"root/closed/file", NULL, S_IFREG | 0644},
    {"root/list", NULL, S_IFDIR | 0744},
    {"root/list/file", NULL, S_IFREG | 0644},
    {"root/pass", NULL, S_IFDIR | 0711},
    {"root/pass/file", NULL, S_IFREG | 0644},
    {"root/pass/unreadable", NULL, S_IFREG | 0600},
    // Links that stay inside.
    {"root/tofile", "file", S_IFLNK},
    {"root/todir", "dir", S_IFLNK},
    {"root/todirs", "dir/", S_IFLNK},
    {"root/todots", "./dir/../dir//.", S_IFLNK},
    {"root/dir/up", "..", S_IFLNK},
    {"root/dir/ups", "../", S_IFLNK},
    {"root/dir/sub/upfile", "../../file", S_IFLNK},
    {"root/dir/sub/twice", "../up/todir/up", S_IFLNK},
    {"root/self", ".", S_IFLNK},
    {"root/tofifo", "fifo", S_IFLNK},
    {"root/tosock", "sock", S_IFLNK},
    {"root/toclosed", "closed/file", S_IFLNK},
    {"root/closed/out", "../file", S_IFLNK},
    // Links that look like files with a slash.
    {"root/fileslash", "file/", S_IFLNK},
    {"root/filedot", "file/.", S_IFLNK},
    {"root/filedots", "file/..", S_IFLNK},
    {"root/linkslash", "tofile/", S_IFLNK},
    // Links that lead out, or nowhere.
    {"root/absolute", "/etc/passwd", S_IFLNK},
    {"root/slash", "/", S_IFLNK},
    {"root/out", "..", S_IFLNK},
    {"root/outfile", "../outside/secret", S_IFLNK},
    {"root/outback", "../root/file", S_IFLNK},
    {"root/dir/out", "../../outside", S_IFLNK},
    {"root/dir/far", "../../../../../../../../../etc/passwd", S_IFLNK},
    {"root/dangling", "missing", S_IFLNK},
    {"root/danglingdir", "missing/", S_IFLNK},
    {"root/dir/toabsolute", "../absolute", S_IFLNK},
    {"root/loop", "loop", S_IFLNK},
    {"root/loopdir", "loopdir/x", S_IFLNK},
    {"root/ping", "pong", S_IFLNK},
    {"root/pong", "dir/../ping", S_IFLNK},
};

static void make_item(const struct item *it)
{
    int r = 0;
    if (S_ISDIR(it->mode))
        r = mkdir(it->name, 0700);
    else if (S_ISLNK(it->mode))
        r = symlink(it->target, it->name);
    else
        r = mknod(it->name, it->mode, 0);
    if (r == 0 && !S_ISLNK(it->mode))
        r = chmod(it->name, it->mode & 07777);
    if (r < 0)
        fail_msg("%s: %s", it->name, strerror(errno));
}

// root/PREFIX0 leads to `target`, each following one to the one before it.
static void make_chain(const char *prefix, const char *target, int count)
{
    char name[64], before[64];
    snprintf(before, sizeof(before), "%s", target);
    for (int i = 0; i < count; i++) {
        snprintf(name, sizeof(name), "root/%s%d", prefix, i);
        assert_int_equal(symlink(before, name), 0);
        snprintf(before, sizeof(before), "%s", name + strlen("root/"));
    }
}

static int setup(void **state)
{
    (void)state;
    tempdir_enter(&dir);
    umask(0);
    for (size_t i = 0; i < ARRAY_SIZE(tree); i++)
        make_item(&tree[i]);
    make_chain("f", "file", 42);
    make_chain("d", "dir", 42);
    make_chain("a", "/", 42);
    return rootfs_init(&root, "root");
}

static int teardown(void **state)
{
    (void)state;
    rootfs_cleanup(&root);
    tempdir_leave(&dir);
    return 0;
}

// ---- paths --------------------------------------------------------------------------------------

static bool agree(const char *path)
{
    return ways_agree(root.fd, path);
}

// One path a line would be 130 lines.
// clang-format off
static const char *const paths[] = {
    "", ".", "..", "/", "//", "./", "../", "./.", "./..", "file", "file/", "file/.", "file/..",
    "file//", "file/x", "./file", ".//file", "dir", "dir/", "dir//", "dir/.", "dir/..", "dir/../..",
    "dir/../../root/file", "dir/./file", "dir//file", "dir/../file", "dir/../dir/../file",
    "missing", "missing/", "missing/..", "missing/x", "dir/missing", "dir/missing/..", "fifo",
    "fifo/", "fifo/x", "sock", "sock/", "tofifo", "tofifo/", "tosock", "tofile", "tofile/",
    "tofile/.", "tofile/..", "tofile/x", "todir", "todir/", "todir/.", "todir/..", "todir/file",
    "todir//file", "todirs", "todirs/", "todirs/file", "todots", "todots/file", "dir/up", "dir/up/",
    "dir/up/file", "dir/up/..", "dir/ups", "dir/ups/dir/ups/file", "dir/sub/upfile",
    "dir/sub/upfile/", "dir/sub/twice", "dir/sub/twice/file", "self", "self/self/self/file",
    "fileslash", "fileslash/", "fileslash/x", "filedot", "filedots", "linkslash", "absolute",
    "absolute/", "slash", "slash/", "slash/etc/passwd", "out", "out/", "out/root", "out/.",
    "out/root/file", "outfile", "outback", "dir/out", "dir/out/secret", "dir/far", "dangling",
    "dangling/", "dangling/..", "danglingdir", "dir/toabsolute", "loop", "loop/", "loop/x",
    "loopdir", "ping", "pong", "f38", "f39", "f40", "f41", "f39/", "f40/", "d38/file", "d39/file",
    "d40/file", "d39/../file", "d38/up/file", "d37/up/file", "d38/up/tofile", "a38", "a39", "a40",
    "a39/etc", "closed", "closed/", "closed/file", "closed/.", "closed/..", "closed/../file",
    "closed/missing", "closed/out", "toclosed", "list", "list/", "list/.", "list/..", "list/file",
    "list/../file", "pass", "pass/", "pass/.", "pass/..", "pass/file", "pass/unreadable",
    "pass/unreadable/", "pass/unreadable/x", "/etc/passwd", "dir/sub/../../../outside/secret",
};
// clang-format on

static bool agree_on_all(void)
{
    bool all = true;
    for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
        all &= agree(paths[i]);
    return all;
}

TEST(test_hostile_paths)
{
    if (has_openat2(&root))
        assert_true(agree_on_all());
}

// Some expectations stand here, so that not all come from the kernel.
TEST(test_known_answers)
{
    static const struct {
        const char *path;
        int result; // 0: opens
    } cases[] = {
        {"file", 0},
        {"", 0},
        {"file/", -ENOTDIR},
        {"todir/../file", 0},
        {"tofile/", -ENOTDIR},
        {"dir/sub/twice/file", 0},
        {"f39", 0},
        {"f40", -ELOOP},
        {"loop", -ELOOP},
        {"out", -EXDEV},
        {"..", -EXDEV},
        {"dir/../..", -EXDEV},
        {"outback", -EXDEV},
        {"absolute", -EXDEV},
        {"/", -EXDEV},
        {"dir/far", -EXDEV},
        {"sock", -ENXIO},
        {"dangling", -ENOENT},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        int fd = pathwalk_open(root.fd, cases[i].path, true, NULL);
        if ((fd < 0 ? fd : 0) != cases[i].result)
            fail_msg("\"%s\": %d", cases[i].path, fd);
        if (fd >= 0)
            close(fd);
    }
}

static const char *repeat(char *text, const char *part, size_t bytes, const char *end)
{
    size_t len = 0, part_len = strlen(part), end_len = strlen(end);
    while (len + part_len + end_len <= bytes) {
        memcpy(text + len, part, part_len);
        len += part_len;
    }
    while (len + end_len < bytes)
        text[len++] = '/';
    strcpy(text + len, end);
    return text;
}

TEST(test_lengths)
{
    static const char *const parts[] = {"x", "./", "dir/../", "dir/up/", "self/", "missing/", "/"};
    static const size_t lengths[] = {254, 255, 256, 4094, 4095, 4096, 4097, 9000};
    char text[10000];
    if (!has_openat2(&root))
        return;
    for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
        for (size_t j = 0; j < ARRAY_SIZE(lengths); j++) {
            assert_true(agree(repeat(text, parts[i], lengths[j], "")));
            assert_true(agree(repeat(text, parts[i], lengths[j], "file")));
        }
    int fd = pathwalk_open(root.fd, repeat(text, "./", 4095, "file"), true, NULL);
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(pathwalk_open(root.fd, repeat(text, "./", 4096, "file"), true, NULL),
                     -ENAMETOOLONG);
    assert_int_equal(pathwalk_open(root.fd, repeat(text, "x", 256, ""), true, NULL), -ENAMETOOLONG);
}

// Targets of almost 4096 bytes each: what is to be walked outgrows one path.
TEST(test_long_targets)
{
    char target[5000];
    assert_int_equal(symlink(repeat(target, "./", 4000, "file"), "root/long0"), 0);
    assert_int_equal(symlink(repeat(target, "dir/../", 4000, "long0"), "root/long1"), 0);
    assert_int_equal(symlink(repeat(target, "self/", 100, "long1"), "root/long2"), 0);
    if (!has_openat2(&root))
        return;
    assert_true(agree("long0"));
    assert_true(agree("long1"));
    assert_true(agree("long2"));
    assert_true(agree("self/long1/"));
    int fd = pathwalk_open(root.fd, "long1", true, NULL);
    assert_true(fd >= 0);
    close(fd);
}

TEST(test_deep_directories)
{
    char path[600];
    int at = open("root", O_PATH | O_DIRECTORY | O_CLOEXEC);
    for (int i = 0; i < 250; i++) {
        assert_int_equal(mkdirat(at, "n", 0755), 0);
        int next = openat(at, "n", O_PATH | O_DIRECTORY | O_CLOEXEC);
        close(at);
        at = next;
    }
    close(at);
    repeat(path, "n/", 500, "");
    int fd = pathwalk_open(root.fd, path, true, NULL);
    assert_true(fd >= 0);
    close(fd);
    if (has_openat2(&root)) {
        assert_true(agree(path));
        assert_true(agree(repeat(path, "n/", 504, "../x")));
    }
}

// ---- random paths -------------------------------------------------------------------------------

static uint64_t next_random(uint64_t *state)
{
    // xorshift64: the seed alone repeats the test.
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static void random_path(uint64_t *seed, char *text, size_t size)
{
    static const char *const names[] = {"..", "..", ".", "dir", "sub", "file", "up", "missing"};
    size_t len = 0, count = 1 + next_random(seed) % 7;
    for (size_t i = 0; i < count; i++) {
        // The last part of a name of the tree fits more often than its whole path.
        uint64_t pick = next_random(seed) % (ARRAY_SIZE(names) + ARRAY_SIZE(tree));
        const char *name = pick < ARRAY_SIZE(names)
                               ? names[pick]
                               : strrchr(tree[pick - ARRAY_SIZE(names)].name, '/');
        if (!name)
            name = "d3";
        else if (*name == '/')
            name++;
        const char *slash = i + 1 < count || next_random(seed) % 4 == 0 ? "/" : "";
        if (*slash && next_random(seed) % 8 == 0)
            slash = "//";
        len += (size_t)snprintf(text + len, size - len, "%s%s", name, slash);
    }
}

static bool agree_on_random_paths(uint64_t seed, int count)
{
    char path[512];
    bool all = true;
    for (int i = 0; i < count && all; i++) {
        random_path(&seed, path, sizeof(path));
        all = agree(path);
    }
    return all;
}

static uint64_t choose_seed(void)
{
    const char *given = getenv("TINED_TEST_SEED");
    uint64_t seed = given ? strtoull(given, NULL, 0) : (uint64_t)time(NULL) * 2654435761u | 1;
    print_message("seed: TINED_TEST_SEED=%llu\n", (unsigned long long)seed);
    return seed;
}

TEST(test_random_paths)
{
    if (has_openat2(&root))
        assert_true(agree_on_random_paths(choose_seed(), 8000));
}

TEST(test_without_privileges)
{
    if (!has_openat2(&root) || geteuid() != 0)
        skip();
    uint64_t seed = choose_seed();
    pid_t pid = fork();
    if (pid == 0) {
        bool changed = setresgid(65534, 65534, 65534) == 0 && setresuid(65534, 65534, 65534) == 0;
        bool refused = pathwalk_open(root.fd, "closed/file", true, NULL) == -EACCES &&
                       pathwalk_open(root.fd, "closed/../file", true, NULL) == -EACCES &&
                       pathwalk_open(root.fd, "list/file", true, NULL) == -EACCES &&
                       pathwalk_open(root.fd, "pass/unreadable", true, NULL) == -EACCES;
        _exit(changed && refused && agree_on_all() && agree_on_random_paths(seed, 4000) ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

// ---- descriptors --------------------------------------------------------------------------------

TEST(test_no_descriptor_is_left)
{
    int before = dup(0);
    for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
        int fd = pathwalk_open(root.fd, paths[i], true, NULL);
        if (fd >= 0)
            close(fd);
    }
    int after = dup(0);
    assert_int_equal(after, before + 1);
    close(before);
    close(after);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hostile_paths),
        cmocka_unit_test(test_known_answers),
        cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_long_targets),
        cmocka_unit_test(test_deep_directories),
        cmocka_unit_test(test_random_paths),
        cmocka_unit_test(test_without_privileges),

        cmocka_unit_test(test_no_descriptor_is_left),
    };
    return cmocka_run_group_tests_name("pathwalk", tests, setup, teardown);
}

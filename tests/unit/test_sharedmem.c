#include "support/process.h"

#include "sys/sharedmem.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#define SIZE 4096u // a page

// The memory of two writers, of which the child that tries is the first.
static void *own, *others;
static const void *view; // of the others'

static int setup(void **state)
{
    (void)state;
    assert_int_equal(sharedmem_map("test", SIZE, &own, NULL), 0);
    assert_int_equal(sharedmem_map("test", SIZE, &others, &view), 0);
    sharedmem_lend(own, SIZE, true);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    sharedmem_unmap(own, SIZE);
    sharedmem_unmap(others, SIZE);
    sharedmem_unmap(view, SIZE);
    return 0;
}

// As it would be with the memory of both in one memfd, mapped anew for reading only, as far as it
// is another's.
static int setup_old(void **state)
{
    (void)state;
    int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, 2 * SIZE), 0);
    assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL), 0);
    own = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    others = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, SIZE);
    view = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, fd, SIZE);
    assert_true(own != MAP_FAILED && others != MAP_FAILED && view != MAP_FAILED);
    close(fd);
    return 0;
}

static void *writable(const void *memory)
{
    return (void *)(uintptr_t)memory;
}

// ---- attempts ----------------------------------------------------------------------------------

static bool put(void *at)
{
    *(volatile char *)at = 'x';
    return true;
}

static bool store_into_own(void)
{
    return put(own);
}

static bool store_into_others(void)
{
    return put(others);
}

static bool store_into_view(void)
{
    return put(writable(view));
}

static bool protect_view(void)
{
    return mprotect(writable(view), SIZE, PROT_READ | PROT_WRITE) == 0 && put(writable(view));
}

// realloc() needs the call, so that no filter forbids it.
static bool stretch_own(void)
{
    char *stretched = mremap(own, SIZE, 2 * SIZE, MREMAP_MAYMOVE);
    return stretched != MAP_FAILED && put(stretched + SIZE);
}

static bool duplicate_view(void)
{
    void *copy = mremap(writable(view), 0, SIZE, MREMAP_MAYMOVE);
    return copy != MAP_FAILED && mprotect(copy, SIZE, PROT_READ | PROT_WRITE) == 0 && put(copy);
}

static bool write_by_proc_mem(void)
{
    int fd = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
    return fd >= 0 && pwrite(fd, "x", 1, (off_t)(uintptr_t)view) == 1;
}

// Root may open it, the owner if its mode lets him.
static bool write_by_proc_map_files(void)
{
    char path[128];
    uintptr_t at = (uintptr_t)view;
    snprintf(path, sizeof(path), "/proc/self/map_files/%lx-%lx", (unsigned long)at,
             (unsigned long)(at + SIZE));
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return false;
    void *memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    return pwrite(fd, "x", 1, SIZE) == 1 || (memory != MAP_FAILED && put(memory));
}

static bool punch_holes(void)
{
    return madvise(writable(view), SIZE, MADV_REMOVE) == 0;
}

static void give_up_trying(int number)
{
    (void)number;
    _exit(EXIT_FAILURE);
}

// In a child. A fault is a failure.
static bool succeeds(bool (*attempt)(void))
{
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        signal(SIGSEGV, give_up_trying);
        signal(SIGBUS, give_up_trying);
        _exit(attempt() ? EXIT_SUCCESS : EXIT_FAILURE);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status == 0;
}

static const struct {
    bool (*attempt)(void);
    bool succeeds, succeeded; // now, and with one memfd for all
} attempts[] = {
    {store_into_own, true, true},      {store_into_others, false, true},
    {store_into_view, false, false},   {protect_view, false, true},
    {stretch_own, false, true},        {duplicate_view, false, true},
    {write_by_proc_mem, false, false}, {write_by_proc_map_files, false, true},
    {punch_holes, false, true},
};

// ---- tests -------------------------------------------------------------------------------------

TEST(test_one_writer)
{
    for (size_t i = 0; i < ARRAY_SIZE(attempts); i++) {
        *(char *)own = *(char *)others = 'o';
        if (succeeds(attempts[i].attempt) != attempts[i].succeeds)
            fail_msg("attempt %zu", i);
        assert_int_equal(*(const char *)view, 'o');
        assert_int_equal(*(char *)others, 'o');
        assert_int_equal(*(char *)own, attempts[i].succeeds ? 'x' : 'o');
    }
}

// So that the attempts are known to be good ones.
TEST(test_one_memfd_for_all_has_many)
{
    for (size_t i = 0; i < ARRAY_SIZE(attempts); i++) {
        if (attempts[i].attempt == write_by_proc_map_files && geteuid() != 0)
            continue;
        if (succeeds(attempts[i].attempt) != attempts[i].succeeded)
            fail_msg("attempt %zu", i);
    }
}

TEST(test_a_loan_ends)
{
    assert_true(succeeds(store_into_own));
    sharedmem_lend(own, SIZE, false);
    assert_false(succeeds(store_into_own));
    sharedmem_lend(others, SIZE, true);
    assert_true(succeeds(store_into_others));
    assert_int_equal(*(const char *)view, 'x');
}

TEST(test_nothing_stays_open)
{
    size_t before = count_fds();
    teardown(NULL);
    setup(NULL);
    assert_int_equal(count_fds(), before);
    const char *bytes = view;
    for (size_t i = 0; i < SIZE; i++)
        assert_int_equal(bytes[i], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_one_writer, setup, teardown),
        cmocka_unit_test_setup_teardown(test_one_memfd_for_all_has_many, setup_old, teardown),
        cmocka_unit_test_setup_teardown(test_a_loan_ends, setup, teardown),
        cmocka_unit_test_setup_teardown(test_nothing_stays_open, setup, teardown),
    };
    return cmocka_run_group_tests_name("sharedmem", tests, NULL, NULL);
}

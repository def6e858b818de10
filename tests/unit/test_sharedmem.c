#include "unit.h"

#include "sys/sharedmem.h"

#include <sys/wait.h>
#include <unistd.h>

static void test_a_child_shares_it(void **state)
{
    void *memory;
    int status;
    (void)state;
    assert_int_equal(sharedmem_map(4096, &memory), 0);
    volatile char *bytes = memory;
    assert_int_equal(bytes[0] | bytes[4095], 0);
    pid_t pid = fork();
    if (pid == 0) {
        bytes[4095] = 'c';
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(bytes[4095], 'c');
    sharedmem_unmap(memory, 4096);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_a_child_shares_it)};
    return cmocka_run_group_tests_name("sharedmem", tests, NULL, NULL);
}

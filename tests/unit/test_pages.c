#include "support/unit.h"

#include "sys/pages.h"

#include <errno.h>
#include <stdint.h>
#include <sys/mman.h>

#define SIZE ((size_t)64 << 10)

TEST(test_given_back)
{
    char *pages = pages_map(SIZE);
    unsigned char resident[SIZE / 4096];
    assert_non_null(pages);
    for (size_t i = 0; i < SIZE; i++)
        assert_int_equal(pages[i], 0);
    memset(pages, 'x', SIZE);
    pages_unmap(pages, SIZE);
    assert_int_equal(mincore(pages, SIZE, resident), -1); // nothing is there any more
    assert_int_equal(errno, ENOMEM);
    pages_unmap(NULL, SIZE);
}

TEST(test_more_than_there_is)
{
    assert_null(pages_map(SIZE_MAX / 2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_given_back),
        cmocka_unit_test(test_more_than_there_is),
    };
    return cmocka_run_group_tests_name("pages", tests, NULL, NULL);
}

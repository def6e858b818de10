#include "support/tempdir.h"
#include "support/unit.h"

#include "sys/machine_id.h"

#include <errno.h>

static struct siphash_key key_in(const char *path)
{
    int fd = open(path, O_RDONLY);
    struct siphash_key key = machine_id_key(fd);
    close(fd);
    return key;
}

TEST(test_files)
{
    static const struct {
        const char *text;
        uint64_t first, second;
    } cases[] = {
        {"0123456789abcdeffedcba9876543210\n", UINT64_C(0x0123456789abcdef),
         UINT64_C(0xfedcba9876543210)},
        {"0123456789abcdeffedcba987654321\n", 0, 0},
        {"0123456789abcdegfedcba9876543210\n", 0, 0},
        {"0123456789abcdeffedcba9876543g10\n", 0, 0},
        {"uninitialized\n", 0, 0},
        {"", 0, 0},
    };
    struct tempdir dir;
    char path[PATH_MAX];
    tempdir_make(&dir);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        tempdir_puts(&dir, "id", cases[i].text);
        struct siphash_key key = key_in(tempdir_path(&dir, "id", path));
        assert_true(key.words[0] == cases[i].first && key.words[1] == cases[i].second);
    }
    struct siphash_key none = machine_id_key(-ENOENT);
    assert_true(none.words[0] == 0 && none.words[1] == 0);
    tempdir_remove(&dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_files),
    };
    return cmocka_run_group_tests_name("machine_id", tests, NULL, NULL);
}

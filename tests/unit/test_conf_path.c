#include "support/unit.h"

#include "conf/conf_path.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

TEST(test_join)
{
    static const struct {
        const char *directory, *path, *want;
    } cases[] = {
        {"/etc", "x", "/etc/x"},
        {"/etc/", "./x//y/", "/etc/x/y"},
        {"/etc", "/x/", "/x"},
        {"/", "x", "/x"},
        {"/etc", ".", "/etc"},
        {"/etc", "../x", "/etc/../x"},
        {"/etc", "/", "/"},
        {"", "x", "x"},
        {"d", "x", "d/x"},
        {"", ".", "."},
        {"/a", ".x/...", "/a/.x/..."},
        {"", "", "."},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char *got = conf_path_join(cases[i].directory, cases[i].path);
        assert_string_equal(got, cases[i].want);
        free(got);
    }
}

TEST(test_directory)
{
    static const struct {
        const char *file, *want;
    } cases[] = {{"/etc/t/t.conf", "/etc/t"}, {"/t.conf", "/"}, {"t.conf", ""}, {"d/t", "d"}};
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char *got = conf_path_directory(cases[i].file);
        assert_string_equal(got, cases[i].want);
        free(got);
    }
}

TEST(test_pattern)
{
    assert_true(conf_path_is_pattern("conf.d/*.conf"));
    assert_true(conf_path_is_pattern("a?"));
    assert_true(conf_path_is_pattern("[ab]"));
    assert_false(conf_path_is_pattern("conf.d/a.conf"));
}

TEST(test_read)
{
    char path[] = "/tmp/tined-test-XXXXXX", *text = NULL;
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(conf_path_read(path, &text), 0);
    assert_string_equal(text, "");
    free(text);

    assert_int_equal(write(fd, "a = 1;", 6), 6);
    assert_int_equal(conf_path_read(path, &text), 0);
    assert_string_equal(text, "a = 1;\n");
    free(text);

    // A hole reads as NUL bytes.
    text = NULL;
    assert_int_equal(ftruncate(fd, 7), 0);
    assert_int_equal(conf_path_read(path, &text), -EILSEQ);
    assert_int_equal(ftruncate(fd, 17 << 20), 0);
    assert_int_equal(conf_path_read(path, &text), -EFBIG);
    close(fd);
    unlink(path);
    assert_int_equal(conf_path_read(path, &text), -ENOENT);
    assert_int_equal(conf_path_read("/tmp", &text), -EISDIR);
    assert_null(text);
}

TEST(test_explain)
{
    assert_string_equal(conf_path_explain(-EACCES),
                        "permission denied; make it readable for the user who starts tined");
    assert_string_equal(conf_path_explain(-EIO), strerror(EIO));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_join),    cmocka_unit_test(test_directory),
        cmocka_unit_test(test_pattern), cmocka_unit_test(test_read),
        cmocka_unit_test(test_explain),
    };
    return cmocka_run_group_tests_name("conf_path", tests, NULL, NULL);
}

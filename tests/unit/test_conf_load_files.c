// Configurations of several files, and files that cannot be read.
#include "support/confload.h"
#include "support/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define SITE "sites = ( { root = \"/srv\"; } );\n"

static char directory[] = "/tmp/tined-test-XXXXXX";

static int make_directory(void **state)
{
    (void)state;
    return mkdtemp(directory) && chdir(directory) == 0 && mkdir("d", 0700) == 0 ? 0 : -1;
}

static int remove_directory(void **state)
{
    static const char *const files[] = {"d/a.conf", "d/b.conf", "main.conf", "nul.conf"};
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(files); i++)
        unlink(files[i]);
    return rmdir("d") == 0 && chdir("/") == 0 && rmdir(directory) == 0 ? 0 : -1;
}

static void write_file(const char *path, const char *text, size_t len)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, len, f), len);
    assert_int_equal(fclose(f), 0);
}

static void write_three(const char *main_text, const char *a, const char *b)
{
    write_file("main.conf", main_text, strlen(main_text));
    write_file("d/a.conf", a, strlen(a));
    write_file("d/b.conf", b, strlen(b));
}

TEST(test_include)
{
    struct reports r;
    char want[256];
    write_three(
        "include = [ \"d/*.conf\", \"nothing/*.conf\" ];\nsites = ( { root = \"m\"; } );\n",
        "threads = 2;\nsites = ( { names = \"a\"; root = \"a\"; } );\n",
        "listen = ( { address = \"*:1\"; } );\nsites = ( { names = \"b\"; root = \"/b\"; } );\n");
    struct conf *c = load_reported("main.conf", NULL, NULL, NULL, &r);
    assert_reports(r.text, "");
    assert_int_equal(c->threads, 2);
    assert_int_equal(c->listen_count, 1);
    assert_int_equal(c->site_count, 3);
    snprintf(want, sizeof(want), "%s/d/a", directory);
    assert_string_equal(c->sites[0].root, want);
    assert_string_equal(c->sites[0].origin.file, "d/a.conf");
    assert_int_equal(c->sites[0].origin.line, 2);
    assert_string_equal(c->sites[1].root, "/b");
    snprintf(want, sizeof(want), "%s/m", directory);
    assert_string_equal(c->sites[2].root, want);
    conf_free(c);
}

TEST(test_wrong_includes)
{
    static const struct {
        const char *main_text, *a, *b, *want;
    } cases[] = {
        {"include = \"d/*.conf\";\n" SITE, "user = \"x\";", "\nuser = \"y\";",
         "d/b.conf:2: \"user\" is set here and at d/a.conf:1; keep one of them\n"},
        {"include = \"d/a.conf\";\n" SITE, "\ninclude = \"b.conf\";", "include = \"../main.conf\";",
         "d/b.conf:1: \"d/../main.conf\" includes itself; remove this include\n"},
        {"include = \"d\";\n" SITE, "", "",
         "main.conf:1: cannot read \"d\": this is a directory; name a file in it\n"},
        {"include = \"d/a.conf\";\n" SITE, "\nsites = (;", "",
         "d/a.conf:2: syntax error; look for a missing \";\", quote or bracket here or just "
         "above\n"},
    };
    struct reports r;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        write_three(cases[i].main_text, cases[i].a, cases[i].b);
        assert_null(load_reported("main.conf", NULL, NULL, NULL, &r));
        assert_reports(r.text, cases[i].want);
    }
}

TEST(test_deep_includes)
{
    char name[32], text[64];
    struct reports r;
    for (int i = 0; i < 10; i++) {
        snprintf(name, sizeof(name), "d/%d.conf", i);
        snprintf(text, sizeof(text), "include = \"%d.conf\";\n", i + 1);
        write_file(name, text, strlen(text));
    }
    assert_null(load_reported("d/0.conf", NULL, NULL, NULL, &r));
    assert_reports(r.text, "d/8.conf:1: includes are nested deeper than 8\n");
    for (int i = 0; i < 10; i++) {
        snprintf(name, sizeof(name), "d/%d.conf", i);
        unlink(name);
    }
}

TEST(test_unreadable_files)
{
    struct reports r;
    assert_null(load_reported("none.conf", NULL, NULL, NULL, &r));
    assert_reports(r.text, "none.conf: no such file; create it or name another one\n");
    assert_null(load_reported("d", NULL, NULL, NULL, &r));
    assert_reports(r.text, "d: this is a directory; name a file in it\n");
    write_file("nul.conf", "a\0b", 3);
    assert_null(load_reported("nul.conf", NULL, NULL, NULL, &r));
    assert_reports(r.text, "nul.conf: holds a NUL byte; a configuration is plain text\n");
    if (geteuid() == 0)
        return; // root reads everything
    chmod("nul.conf", 0);
    assert_null(load_reported("nul.conf", NULL, NULL, NULL, &r));
    assert_reports(r.text, "nul.conf: permission denied; make it readable for the user who starts "
                           "tined\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_include),
        cmocka_unit_test(test_wrong_includes),
        cmocka_unit_test(test_deep_includes),
        cmocka_unit_test(test_unreadable_files),
    };
    return cmocka_run_group_tests_name("conf_load_files", tests, make_directory, remove_directory);
}

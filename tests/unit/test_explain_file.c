#include "support/explainfixture.h"

#include "explain/explain_file.h"

#define NO_YOUNG_MS 3100

TEST(test_file)
{
    static const struct explain_case cases[] = {
        {"/page.html", "", "file       ROOT/page.html (5 bytes, -rw-r--r-- "},
        {"/", "", "           the index of the directory\n"},
        {"/mnt/x.txt", "", "           in what is mounted at /mnt/ (F:5)\n"},
        {"/page.html", "",
         "variant    br: ROOT/page.html.br is there, but the request has no "
         "Accept-Encoding\n"},
        {"/page.html", "Accept-Encoding: gzip\r\n", "page.html.gz is sent\n"},
        {"/page.html", "Accept-Encoding: gzip\r\n",
         "page.html.br is there, but the request's Accept-Encoding does not want it\n"},
        {"/page.html", "Accept-Encoding: gzip, br\r\n",
         "page.html.gz is there, but another one is preferred\n"},
        {"/old.html", "Accept-Encoding: gzip\r\n",
         "old.html.gz is older than the file, so it is not used\n"},
        {"/old.html", "", "variant    br: ROOT/old.html.br is not there\n"},
        {"/zero.txt", "", "validators none: the file's time is one that says nothing (0 or 1)\n"},
        {"/page.html", "", "validators ETag \""},
        {"/page.html", "",
         "\", made of times, size and inode\n"
         "           Last-Modified Sun, 13 Sep 2020 12:26:40 GMT, the time of"},
    };
    explain_check(cases, ARRAY_SIZE(cases));
}

TEST(test_sites)
{
    assert_says(explain_head("GET /x.txt HTTP/1.1\r\nHost: z.test\r\n\r\n", "unix", 0),
                "variant    none is looked for: precompressed is empty\n"
                "validators no ETag: etag = \"off\"\n"
                "           Last-Modified ");
    assert_says(explain_head("GET /page.html HTTP/1.1\r\nHost: shared.test\r\n\r\n", "unix", 0),
                ", made of time and size: etag = \"shared\"\n");
}

TEST(test_young)
{
    tempdir_puts(&explain_dir, "young.txt", "young");
    assert_says(
        explain_get("/young.txt", ""),
        "validators no ETag, and never 304: the file was changed less than 3 s ago, and may "
        "change again unseen\n           Last-Modified ");
}

// The ctime of the files is the time of the setup: until it is old they count as young.
static int setup(void **state)
{
    explain_setup(state);
    usleep(NO_YOUNG_MS * 1000);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_file),
        cmocka_unit_test(test_sites),
        cmocka_unit_test(test_young),
    };
    return cmocka_run_group_tests_name("explain_file", tests, setup, explain_teardown);
}

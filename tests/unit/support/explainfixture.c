#include "explainfixture.h"

#include "confload.h"

// ROOT is replaced by the directory.
static const char conf_text[] =
    "limits = { connection_age = \"1s\"; }; listen = ( { address = \"*:80\"; }, { address = "
    "\"*:81\"; } );\n"
    "sites = (\n"
    "{ names = [ \"a.test\", \"*.a.test\" ]; root = \"ROOT\"; listen = [ \"*:80\" ];\n"
    "  precompressed = [ \"br\", \"gzip\" ];\n"
    "  mounts = ( { path = \"/mnt/\"; root = \"ROOT/other\"; } );\n"
    "  rules = (\n"
    "    { match = \"/**\"; headers = { set = [ \"X-A: 1\" ]; };\n"
    "      error_pages = [ \"404 /e404.html\" ]; },\n"
    "    { match = \"/b/**\"; headers = { set = [ \"X-A: 2\", \"X-A: 3\" ]; unset = [ \"X-B\" ]; "
    "}; },\n"
    "    { match = \"/old/**\"; redirect = \"/new/$1\"; },\n"
    "    { match = \"/gone\"; status = 410; },\n"
    "    { match = \"/in/**\"; allow = [ \"192.0.2.0/24\" ]; },\n"
    "    { match = \"/try/**\"; rewrite = \"/never\"; },\n"
    "    { match = \"/try/*\"; try = [ \"/$1\", \"/$1.html\" ]; },\n"
    "    { match = \"/moved\"; rewrite = \"/page.html\"; },\n"
    "    { match = \"/app/**\"; fallback = \"/page.html\"; type = \"text/z\"; },\n"
    "    { match = \"/t/**\"; type = \"text/x\"; listing = true; dotfiles = true; },\n"
    "    { match = \"/t/**\"; type = \"text/y\"; symlinks = \"none\"; },\n"
    "    { match = \"/page.html\"; cache = \"no-cache\"; },\n"
    "    { match = \"/cors\"; cors = { origins = [ \"*\" ]; }; },\n"
    "    { match = \"/dir/\"; rewrite = \"/b\"; },\n"
    "    { match = \"/out/**\"; deny = [ \"127.0.0.0/8\" ]; },\n"
    "    { match = \"/out/*\"; allow = [ \"127.0.0.0/8\" ]; status = 410; },\n"
    "    { match = \"/old/*/**\"; rewrite = \"/never\"; },\n"
    "    { match = \"/old/*/x\"; redirect = \"/x/$1\"; status = 301; },\n"
    "    { match = \"/old/gone/*\"; status = 404; },\n"
    "    { match = [ \"/page\", \"/page/\", \"/t\" ]; try = [ \"$path.html\", \"$path/index.html\" "
    "]; },\n"
    "    { match = [ \"/e1/*\", \"/e2/*\" ]; except = [ \"/*/no\", \"/*/not\" ]; status = 410; },\n"
    "    { match = \"/again\"; try = [ \"/nope\", \"/nope\", \"/nope/x\" ]; },\n"
    "    { match = \"/indexed\"; try = [ \"/nope\", \"/t/\" ]; },\n"
    "    { match = \"/pages/**\"; error_pages = \"404 /page.html\"; },\n"
    "    { match = \"/page.html\"; headers = { set = \"X-P: 1\"; };\n"
    "      error_pages = \"404 /e404.html\"; },\n"
    "    { match = \"/policy/*\"; headers = { only_ok = true;\n"
    "      set = \"Content-Security-Policy: default-src 'self'; base-uri 'none'\"; }; },\n"
    "    { match = \"/policy/*\"; headers = {\n"
    "      set = \"Content-Security-Policy: default-src 'self'\"; }; }\n"
    "  ); },\n"
    "{ root = \"ROOT/other\"; etag = \"off\"; listen = [ \"*:80\" ]; },\n"
    "{ names = [ \"shared.test\" ]; root = \"ROOT\"; etag = \"shared\"; }\n"
    ");\n";

struct tempdir explain_dir;
static struct conf *explain_conf;
struct served explain_served;
char explained[EXPLAIN_MAX + 1];

int explain_setup(void **state)
{
    static const char *const addresses[] = {"*:80", "*:81"};
    static const char *const names[] = {
        "index.html",  "page.html", "page.html.br", "page.html.gz", "old.html",
        "old.html.gz", "zero.txt",  "other/x.txt",  "b/index.html", "t/index.html"};
    struct sites_failure failed;
    char path[PATH_MAX];
    (void)state;
    tempdir_make(&explain_dir);
    tempdir_mkdir(&explain_dir, "other");
    tempdir_mkdir(&explain_dir, "b");
    tempdir_mkdir(&explain_dir, "t");
    tempdir_mkdir(&explain_dir, "bare");
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        tempdir_puts(&explain_dir, names[i], "12345");
        tempdir_date(&explain_dir, names[i], 1600000000);
    }
    tempdir_date(&explain_dir, "old.html", 1600000001);
    tempdir_date(&explain_dir, "zero.txt", 0);
    assert_int_equal(mkfifo(tempdir_path(&explain_dir, "fifo", path), 0644), 0);
    assert_int_equal(symlink("/etc/passwd", tempdir_path(&explain_dir, "out", path)), 0);
    assert_int_equal(symlink("nowhere", tempdir_path(&explain_dir, "dangling", path)), 0);
    assert_int_equal(symlink("index.html", tempdir_path(&explain_dir, "t/link", path)), 0);
    explain_conf = load_rooted("F", conf_text, explain_dir.path);
    explain_served = served_make(explain_conf);
    assert_int_equal(sites_open(&explain_served.sites, explain_conf, &failed), 0);
    assert_int_equal(sites_bind(&explain_served.sites, addresses, 2), 0);
    return 0;
}

int explain_teardown(void **state)
{
    (void)state;
    sites_close(&explain_served.sites);
    conf_free(explain_conf);
    tempdir_remove(&explain_dir);
    return 0;
}

const char *explain_head(const char *head, const char *client, size_t listener)
{
    struct buf b = buf_make(explained, EXPLAIN_MAX);
    const struct explain e = {
        .served = &explain_served,
        .listener = listener,
        .address = explain_conf->listen[listener].address,
        .client = client,
        .head = slice_of(head),
    };
    assert_int_equal(explain_write(&e, &b), 0);
    assert_false(b.overflow);
    explained[b.len] = '\0';
    return explained;
}

const char *explain_get(const char *path, const char *fields)
{
    char head[1024];
    snprintf(head, sizeof(head), "GET %s HTTP/1.1\r\nHost: a.test\r\n%s\r\n", path, fields);
    return explain_head(head, "127.0.0.1", 0);
}

void assert_says(const char *text, const char *want)
{
    char full[2048];
    const char *at = strstr(want, "ROOT");
    if (at)
        snprintf(full, sizeof(full), "%.*s%s%s", (int)(at - want), want, explain_dir.path, at + 4);
    else
        snprintf(full, sizeof(full), "%s", want);
    if (!strstr(text, full))
        fail_msg("no \"%s\" in:\n%s", full, text);
}

void explain_check(const struct explain_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++)
        assert_says(explain_get(cases[i].path, cases[i].fields), cases[i].want);
}

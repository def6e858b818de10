// A tree and a configuration to explain requests with; each test looks for lines of its module.
#pragma once

#include "process.h"

#include "cli/config.h"
#include "server/explain.h"

// ROOT is replaced by the directory.
static const char explain_conf[] =
    "listen = ( { address = \"*:80\"; }, { address = \"*:81\"; } );\n"
    "sites = (\n"
    "{ names = [ \"a.test\", \"*.a.test\" ]; root = \"ROOT\"; listen = [ \"*:80\" ];\n"
    "  precompressed = [ \"br\", \"gzip\" ];\n"
    "  mounts = ( { path = \"/mnt/\"; root = \"ROOT/other\"; } );\n"
    "  rules = (\n"
    "    { match = \"/**\"; headers = { set = [ \"X-A: 1\" ]; };\n"
    "      error_pages = [ \"404 /e404.html\" ]; },\n"
    "    { match = \"/b/**\"; headers = { set = [ \"X-A: 2\", \"X-A: 3\" ]; unset = [ \"X-B\" ]; "
    "}; },\n"
    "    { match = \"/old/*\"; redirect = \"/new/$1\"; },\n"
    "    { match = \"/gone\"; status = 410; },\n"
    "    { match = \"/in/**\"; allow = [ \"192.0.2.0/24\" ]; },\n"
    "    { match = \"/try/*\"; try = [ \"/$1\", \"/$1.html\" ]; },\n"
    "    { match = \"/try/*\"; try = [ \"/never\" ]; rewrite = \"/never\"; },\n"
    "    { match = \"/moved\"; rewrite = \"/page.html\"; },\n"
    "    { match = \"/app/**\"; fallback = \"/page.html\"; type = \"text/z\"; },\n"
    "    { match = \"/t/**\"; type = \"text/x\"; listing = true; dotfiles = true; },\n"
    "    { match = \"/t/**\"; type = \"text/y\"; symlinks = \"none\"; },\n"
    "    { match = \"/page.html\"; cache = \"no-cache\"; },\n"
    "    { match = \"/cors\"; cors = { origins = [ \"*\" ]; }; },\n"
    "    { match = \"/dir/\"; rewrite = \"/b\"; }\n"
    "  ); },\n"
    "{ root = \"ROOT/other\"; etag = \"off\"; listen = [ \"*:80\" ]; },\n"
    "{ names = [ \"shared.test\" ]; root = \"ROOT\"; etag = \"shared\"; }\n"
    ");\n";

static struct tempdir dir;
static struct conf *conf;
static struct sites sites;
static struct mimetable types;
static char explained[EXPLAIN_MAX + 1];

static MAYBE_UNUSED void explain_report(void *context, const char *where, const char *message)
{
    (void)context;
    fail_msg("%s: %s", where, message);
}

static MAYBE_UNUSED void explain_load(void)
{
    char text[sizeof(explain_conf) + 4 * sizeof(dir.path)];
    struct buf b = buf_make(text, sizeof(text) - 1);
    const char *rest = explain_conf, *at;
    while ((at = strstr(rest, "ROOT"))) {
        buf_put(&b, slice_make(rest, (size_t)(at - rest)));
        buf_puts(&b, dir.path);
        rest = at + strlen("ROOT");
    }
    buf_puts(&b, rest);
    text[b.len] = '\0';
    const struct conf_source source = {.text = text, .file = "F", .checkers = config_checkers()};
    conf = conf_load(&source, explain_report, NULL);
    assert_non_null(conf);
}

// Sets a file's time so many seconds back; it counts as old when its ctime is, too.
static MAYBE_UNUSED void explain_age(const char *name, time_t seconds)
{
    char path[PATH_MAX];
    const struct timespec times[2] = {{.tv_sec = seconds}, {.tv_sec = seconds}};
    assert_int_equal(utimensat(AT_FDCWD, tempdir_path(&dir, name, path), times, 0), 0);
}

static MAYBE_UNUSED int explain_setup(void **state)
{
    static const char *const addresses[] = {"*:80", "*:81"};
    static const char *const names[] = {
        "index.html",  "page.html", "page.html.br", "page.html.gz", "old.html",
        "old.html.gz", "zero.txt",  "other/x.txt",  "b/index.html", "t/index.html"};
    struct sites_failure failed;
    char path[PATH_MAX];
    (void)state;
    tempdir_make(&dir);
    tempdir_mkdir(&dir, "other");
    tempdir_mkdir(&dir, "b");
    tempdir_mkdir(&dir, "t");
    tempdir_mkdir(&dir, "bare");
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        tempdir_puts(&dir, names[i], "12345");
        explain_age(names[i], 1600000000);
    }
    explain_age("old.html", 1600000001);
    explain_age("zero.txt", 0);
    assert_int_equal(mkfifo(tempdir_path(&dir, "fifo", path), 0644), 0);
    assert_int_equal(symlink("/etc/passwd", tempdir_path(&dir, "out", path)), 0);
    assert_int_equal(symlink("nowhere", tempdir_path(&dir, "dangling", path)), 0);
    assert_int_equal(symlink("index.html", tempdir_path(&dir, "t/link", path)), 0);
    explain_load();
    assert_int_equal(sites_open(&sites, conf, &failed), 0);
    assert_int_equal(sites_bind(&sites, addresses, 2), 0);
    return 0;
}

static MAYBE_UNUSED int explain_teardown(void **state)
{
    (void)state;
    sites_close(&sites);
    conf_free(conf);
    tempdir_remove(&dir);
    return 0;
}

// What is said of a head, of a client at a listener.
static MAYBE_UNUSED const char *explain_head(const char *head, const char *client, size_t listener)
{
    struct buf b = buf_make(explained, EXPLAIN_MAX);
    const struct explain e = {
        .conf = conf,
        .sites = &sites,
        .types = &types,
        .listener = listener,
        .address = conf->listen[listener].address,
        .client = client,
        .head = slice_of(head),
    };
    assert_int_equal(explain_write(&e, &b), 0);
    assert_false(b.overflow);
    explained[b.len] = '\0';
    return explained;
}

// Of GET for a path of a.test, with more fields.
static MAYBE_UNUSED const char *explain_get(const char *path, const char *fields)
{
    char head[1024];
    snprintf(head, sizeof(head), "GET %s HTTP/1.1\r\nHost: a.test\r\n%s\r\n", path, fields);
    return explain_head(head, "127.0.0.1", 0);
}

// Fails unless the text holds `want`, in which "ROOT" is the directory.
static MAYBE_UNUSED void assert_says(const char *text, const char *want)
{
    char full[2048];
    const char *at = strstr(want, "ROOT");
    if (at)
        snprintf(full, sizeof(full), "%.*s%s%s", (int)(at - want), want, dir.path, at + 4);
    else
        snprintf(full, sizeof(full), "%s", want);
    if (!strstr(text, full))
        fail_msg("no \"%s\" in:\n%s", full, text);
}

struct explain_case {
    const char *path, *fields, *want;
};

static MAYBE_UNUSED void explain_check(const struct explain_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++)
        assert_says(explain_get(cases[i].path, cases[i].fields), cases[i].want);
}

#include "confload.h"

#include "unit.h"

#include "base/buf.h"

#include <stdio.h>

void reports_collect(void *context, const char *where, const char *message)
{
    struct reports *r = context;
    size_t len = strlen(r->text);
    snprintf(r->text + len, sizeof(r->text) - len, "%s: %s\n", where, message);
}

void fail_on_report(void *context, const char *where, const char *message)
{
    (void)context;
    fail_msg("%s: %s", where, message);
}

struct conf *load_reported(const char *file, const char *text, const char *option,
                           const char *value, struct reports *r)
{
    const struct conf_override override = {option, value, "-o"};
    const struct conf_source source = {
        .file = file, .text = text, .overrides = &override, .override_count = option ? 1 : 0};
    r->text[0] = '\0';
    return conf_load(&source, reports_collect, r);
}

struct conf *load_good(const char *text)
{
    struct reports r;
    struct conf *c = load_reported("/etc/t.conf", text, NULL, NULL, &r);
    assert_string_equal(r.text, "");
    assert_non_null(c);
    return c;
}

struct conf *load_rooted(const char *file, const char *text, const char *root)
{
    static char rooted[16384];
    struct buf b = buf_make(rooted, sizeof(rooted) - 1);
    for (const char *at; (at = strstr(text, "ROOT")); text = at + strlen("ROOT")) {
        buf_put(&b, slice_make(text, (size_t)(at - text)));
        buf_puts(&b, root);
    }
    buf_puts(&b, text);
    assert_false(b.overflow);
    rooted[b.len] = '\0';
    const struct conf_source source = {.file = file, .text = rooted};
    struct conf *conf = conf_load(&source, fail_on_report, NULL);
    assert_non_null(conf);
    return conf;
}

struct conf *load_listening(const char *const *addresses)
{
    char text[4096] = "sites = ( { root = \"/tmp\"; } );\n";
    size_t len = strlen(text);
    for (size_t i = 0; addresses[i]; i++)
        len += (size_t)snprintf(text + len, sizeof(text) - len, "%s{ address = \"%s\"; }",
                                i == 0 ? "listen = (\n" : ",\n", addresses[i]);
    if (addresses[0])
        snprintf(text + len, sizeof(text) - len, ");");
    const struct conf_source source = {.file = "/t.conf", .text = text};
    struct conf *conf = conf_load(&source, fail_on_report, NULL);
    assert_non_null(conf);
    return conf;
}

void assert_reports(const char *got, const char *want)
{
    if (strcmp(got, want) != 0)
        fail_msg("got:\n%swant:\n%s", got, want);
}

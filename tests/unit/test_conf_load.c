#include "support/confload.h"
#include "support/unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define SITE "sites = ( { root = \"/srv\"; } );\n"

TEST(test_defaults)
{
    struct conf *c = load_good(SITE);
    assert_int_equal(c->workers, 0);
    assert_int_equal(c->threads, 1);
    assert_int_equal(c->backlog, 4096);
    assert_string_equal(c->user, "tined");
    assert_string_equal(c->group, "");
    assert_true(c->server_header);
    assert_string_equal(c->mime_types, "/etc/mime.types");
    assert_int_equal(c->limits.request_line, 8192);
    assert_int_equal(c->limits.fields, 32768);
    assert_int_equal(c->limits.field_lines, 100);
    assert_int_equal(c->limits.body, 65536);
    assert_int_equal(c->limits.connections, 0);
    assert_int_equal(c->limits.big_heads, 256);
    assert_int_equal(c->timeouts.head, 10000);
    assert_int_equal(c->timeouts.body, 10000);
    assert_int_equal(c->timeouts.send, 30000);
    assert_int_equal(c->timeouts.idle, 75000);
    assert_int_equal(c->timeouts.linger, 2000);
    assert_int_equal(c->timeouts.drain, 30000);
    assert_string_equal(c->log.access, "off");
    assert_string_equal(c->log.level, "info");
    assert_int_equal(c->cache.memory, 16 << 20);
    assert_int_equal(c->cache.files, 4096);
    assert_int_equal(c->listen_count, 1);
    assert_string_equal(c->listen[0].address, "*:80");
    assert_null(c->listen[0].origin.file);
    assert_string_equal(c->listen[0].mode, "");
    assert_false(c->listen[0].freebind);
    assert_int_equal(c->site_count, 1);
    assert_int_equal(c->sites[0].names.count, 0);
    assert_string_equal(c->sites[0].root, "/srv");
    assert_int_equal(c->sites[0].index.count, 1);
    assert_string_equal(c->sites[0].index.items[0], "index.html");
    assert_string_equal(c->sites[0].origin.file, "/etc/t.conf");
    assert_int_equal(c->sites[0].origin.line, 1);
    assert_int_equal(c->sites[0].listen.count, 0);
    assert_int_equal(c->sites[0].etag, CONF_ETAG_FILE);
    assert_int_equal(c->sites[0].precompressed.count, 0);
    assert_int_equal(c->sites[0].types.count, 0);
    assert_string_equal(c->sites[0].default_type, "application/octet-stream");
    assert_string_equal(c->sites[0].charset, "utf-8");
    assert_false(c->sites[0].listing);
    assert_false(c->sites[0].dotfiles);
    assert_int_equal(c->sites[0].symlinks, SYMLINKS_BENEATH);
    assert_int_equal(c->sites[0].rule_count, 0);
    assert_int_equal(c->sites[0].mount_count, 0);
    assert_int_equal(c->limits.listing, 100000);
    conf_free(c);
}

TEST(test_everything_set)
{
    struct conf *c = load_good(
        "workers = 3; threads = 2; backlog = 7; user = \"w\"; group = \"g\";\n"
        "server_header = false; mime_types = \"types\";\n"
        "limits = { request_line = 4096; fields = \"16K\"; field_lines = 9;\n"
        "           body = 0; connections = 10; big_heads = 0x10; };\n"
        "timeouts = { head = \"1s\"; body = \"250ms\"; send = \"2min\";\n"
        "             idle = \"1h\"; linger = 0; drain = \"0\"; };\n"
        "log = { access = \"./access.log\"; level = \"debug\"; };\n"
        "cache = { memory = \"1G\"; files = 0; };\n"
        "listen = ( { address = \"unix:/s\"; mode = \"0660\"; owner = \"o\";\n"
        "             group = \"p\"; freebind = true; backlog = 5; },\n"
        "           { address = \":81\"; } );\n"
        "sites = ( { names = [ \"a\", \"*.b\" ]; root = \"../www/./x/\";\n"
        "            index = \"main.html\"; },\n"
        "          { names = (); root = \"/\"; index = []; } );\n");
    assert_int_equal(c->workers, 3);
    assert_string_equal(c->group, "g");
    assert_false(c->server_header);
    assert_string_equal(c->mime_types, "/etc/types");
    assert_int_equal(c->limits.fields, 16384);
    assert_int_equal(c->limits.big_heads, 16);
    assert_int_equal(c->timeouts.body, 250);
    assert_int_equal(c->timeouts.idle, 3600000);
    assert_int_equal(c->timeouts.linger, 0);
    assert_string_equal(c->log.access, "/etc/access.log");
    assert_int_equal(c->cache.memory, 1 << 30);
    assert_int_equal(c->listen_count, 2);
    assert_string_equal(c->listen[0].mode, "0660");
    assert_true(c->listen[0].freebind);
    assert_int_equal(c->listen[1].origin.line, 11);
    assert_int_equal(c->sites[0].names.count, 2);
    assert_string_equal(c->sites[0].names.items[1], "*.b");
    assert_string_equal(c->sites[0].root, "/etc/../www/x");
    assert_string_equal(c->sites[0].index.items[0], "main.html");
    assert_string_equal(c->sites[1].root, "/");
    assert_int_equal(c->sites[1].index.count, 0);
    conf_free(c);
}

TEST(test_defaults_of_rules)
{
    struct conf *c = load_good("sites = ( { root = \"/srv\"; rules = ( { match = \"/**\";\n"
                               "type = \"a/b\"; } ); } );");
    const struct conf_rule *r = &c->rules[0];
    assert_int_equal(c->rule_count, 1);
    assert_string_equal(r->match.items[0], "/**");
    assert_string_equal(r->type, "a/b");
    assert_string_equal(r->cache, "");
    assert_null(r->charset); // "" would say something
    assert_null(r->index.items);
    assert_null(r->precompressed.items);
    assert_int_equal(r->etag, CONF_ETAG_UNSET);
    assert_string_equal(r->redirect, "");
    assert_string_equal(r->rewrite, "");
    assert_string_equal(r->fallback, "");
    assert_int_equal(r->status, 0);
    assert_int_equal(r->headers.set.count + r->headers.add.count + r->headers.unset.count, 0);
    assert_int_equal(r->headers.preset.count, 0);
    assert_false(r->headers.only_ok);
    assert_int_equal(r->allow.count + r->deny.count + r->try.count + r->error_pages.count, 0);
    assert_int_equal(r->cors.origins.count + r->cors.headers.count + r->cors.expose.count, 0);
    assert_int_equal(r->cors.max_age, 5000);
    assert_false(r->cors.credentials);
    assert_int_equal(r->listing, TOGGLE_UNSET);
    assert_int_equal(r->dotfiles, TOGGLE_UNSET);
    assert_int_equal(r->symlinks, SYMLINKS_UNSET);
    assert_int_equal(r->site, 0);
    assert_int_equal(r->origin.line, 1);
    conf_free(c);
}

TEST(test_rules_and_mounts)
{
    struct conf *c = load_good(
        "listen = ( { address = \"*:1\"; }, { address = \"*:2\"; } );\n"
        "sites = ( { root = \"/1\"; listen = [ \"*:1\", \"*:2\" ]; etag = \"digest\";\n"
        "  rules = ( { match = \"/a\"; status = 410; }, { match = \"/b\"; listing = true; } );\n"
        "  symlinks = \"none\"; listing = true;\n"
        "  mounts = ( { path = \"/d/\"; root = \"d\"; }, { path = \"/e/\"; root = \"/e\"; } ); },\n"
        "  { names = \"b\"; root = \"/2\"; },\n"
        "  { names = \"c\"; root = \"/3\"; mounts = ( { root = \"/f\"; path = \"/f/\"; } );\n"
        "    rules = ( { match = \"/*\"; redirect = \"/x/$1\";\n"
        "                headers = { set = [ \"A: b\", \"C: d\" ]; preset = \"security\"; };\n"
        "                cors = { origins = \"https://a\"; credentials = true; }; } ); } );");
    assert_int_equal(c->sites[0].listen.count, 2);
    assert_int_equal(c->sites[0].etag, CONF_ETAG_DIGEST);
    assert_int_equal(c->sites[0].symlinks, SYMLINKS_NONE);
    assert_true(c->sites[0].listing);
    assert_int_equal(c->sites[0].rule_count, 2);
    assert_int_equal(c->sites[1].rule_count, 0);
    assert_int_equal(c->sites[2].first_rule, 2);
    assert_int_equal(c->sites[2].rule_count, 1);
    assert_int_equal(c->sites[2].first_mount, 2);
    assert_int_equal(c->mount_count, 3);
    assert_string_equal(c->mounts[0].root, "/etc/d");
    assert_string_equal(c->mounts[2].path, "/f/");
    assert_int_equal(c->mounts[2].site, 2);
    assert_int_equal(c->rules[0].status, 410);
    assert_int_equal(c->rules[1].listing, TOGGLE_ON);
    assert_int_equal(c->rules[2].site, 2);
    assert_int_equal(c->rules[2].origin.line, 8);
    assert_string_equal(c->rules[2].headers.set.items[1], "C: d");
    assert_string_equal(c->rules[2].headers.preset.items[0], "security");
    assert_true(c->rules[2].cors.credentials);
    conf_free(c);
}

#define IN(line) "/etc/t.conf:" #line ": "

static const struct {
    const char *text;
    const char *want;
} wrong[] = {
    // names
    {SITE "worker = 2;", IN(2) "unknown option \"worker\"; did you mean \"workers\"?\n"},
    {SITE "limits = { listings = 64; };", IN(2) "the option \"limits.listings\" is gone; "
                                                "\"limits.listing_memory\" has taken its place\n"},
    {SITE "timeout = { idle = \"3s\"; };",
     IN(2) "unknown option \"timeout\"; did you mean \"timeouts\"?\n"},
    {SITE "timeouts = { idel = \"3s\"; };",
     IN(2) "unknown option \"timeouts.idel\"; did you mean \"timeouts.idle\"?\n"},
    {SITE "idle = \"3s\";", IN(2) "unknown option \"idle\"; did you mean \"timeouts.idle\"?\n"},
    {SITE "frobnicate = \"/run/x\";",
     IN(2) "unknown option \"frobnicate\"; tined.conf(5) lists all options\n"},
    {"site = ( { root = \"/srv\"; } );",
     IN(1) "unknown option \"site\"; did you mean \"sites\"?\n"},
    {"sites = ( { root = \"/srv\";\n name = \"x\"; } );",
     IN(2) "unknown option \"sites.name\"; did you mean \"sites.names\"?\n"},
    {SITE "listen = ( { adress = \"*:80\"; } );",
     IN(2) "unknown option \"listen.adress\"; did you mean \"listen.address\"?\n" IN(
         2) "this entry of \"listen\" lacks \"address\"; add address = \"*:80\";\n"},
    // types
    {SITE "workers = \"4\";", IN(2) "\"workers\" must be a whole number, e.g. 0; found \"4\"\n"},
    {SITE "workers = 1.5;",
     IN(2) "\"workers\" must be a whole number, e.g. 0; found a number with a fraction\n"},
    {SITE "server_header = \"yes\";",
     IN(2) "\"server_header\" must be true or false; found \"yes\"\n"},
    {SITE "user = 33;", IN(2) "\"user\" must be a string in quotes, e.g. \"tined\"; found 33\n"},
    {SITE "user = true;",
     IN(2) "\"user\" must be a string in quotes, e.g. \"tined\"; found true\n"},
    {SITE "user = ( \"a\" );",
     IN(2) "\"user\" must be a string in quotes, e.g. \"tined\"; found a list\n"},
    {SITE "timeouts = { idle = 30; };",
     IN(2) "\"timeouts.idle\" must be a time with a unit (ms, s, min, h, d), e.g. \"75s\"; found "
           "30\n"},
    {SITE "timeouts = { idle = \"30\"; };",
     IN(2) "\"timeouts.idle\" must be a time with a unit (ms, s, min, h, d), e.g. \"75s\"; found "
           "\"30\"\n"},
    {SITE "limits = { body = \"1MB\"; };",
     IN(2) "\"limits.body\" must be a size, in bytes or with a unit (K, M, G), e.g. \"64K\"; found "
           "\"1MB\"\n"},
    {SITE "limits = { body = { }; };",
     IN(2) "\"limits.body\" must be a size, in bytes or with a unit (K, M, G), e.g. \"64K\"; found "
           "a group\n"},
    {SITE "timeouts = \"30s\";",
     IN(2) "\"timeouts\" must be a group of options, e.g. timeouts = { ... };\n"},
    {SITE "listen = \"*:80\";",
     IN(2) "\"listen\" must be a list of one or more groups, e.g. listen = ( { address = \"*:80\"; "
           "} );\n"},
    {SITE "listen = ( \"*:80\" );",
     IN(2) "\"listen\" must be a list of one or more groups, e.g. listen = ( { address = \"*:80\"; "
           "} );\n"},
    {"sites = ();",
     IN(1) "\"sites\" must be a list of one or more groups, e.g. sites = ( { root = \"/srv/www\"; "
           "} );\n"},
    {"sites = ( { root = \"/srv\"; names = [ 1, 2 ]; } );",
     IN(1) "\"sites.names\" must be a list of strings, e.g. [ \"example.org\", \"*.example.org\" "
           "]; found a list that does not hold strings only\n"},
    {SITE "listen = ( { address = \"unix:/x\"; mode = 660; } );",
     IN(2) "\"listen.mode\" must be a string in quotes, e.g. \"0660\"; found 660\n"},
    // ranges
    {SITE "threads = 0;", IN(2) "\"threads\" must be between 1 and 64; found 0\n"},
    {SITE "threads = 65;", IN(2) "\"threads\" must be between 1 and 64; found 65\n"},
    {SITE "workers = -1;", IN(2) "\"workers\" must be between 0 and 1024; found -1\n"},
    {SITE "limits = { request_line = \"64K\"; };",
     IN(2) "\"limits.request_line\" must be between 64 and 32K; found \"64K\"\n"},
    {SITE "timeouts = { linger = \"1h\"; };",
     IN(2) "\"timeouts.linger\" must be between 0 and 1min; found \"1h\"\n"},
    {SITE "limits = { body = 4294967297; };",
     IN(2) "the number 4294967297 does not fit into 32 bits; write a size or time as a string, "
           "e.g. \"4G\"\n"},
    {SITE "limits = { body = 0xFFFFFFFF; };",
     IN(2) "the number 0xFFFFFFFF does not fit into 32 bits; write a size or time as a string, "
           "e.g. \"4G\"\n"},
    {SITE "workers = 010;", IN(2) "the number 010 begins with a zero; leave the zero out\n"},
    {SITE "workers = 08;", IN(2) "the number 08 begins with a zero; leave the zero out\n"},
    {"sites = ( { root = \"/srv\"; },\n);",
     IN(1) "no value follows this comma; leave the comma out\n"},
    {SITE "user = \"\";", IN(2) "\"user\" must not be empty\n"},
    {"sites = ( { root = \"\"; } );", IN(1) "\"sites.root\" must not be empty\n"},
    // checks of the rows
    {SITE "listen = ( { address = \"80\"; } );",
     IN(2) "\"listen.address\" cannot be \"80\": a port alone is no address: write e.g. "
           "\"*:80\"\n"},
    {"sites = ( { root = \"/srv\"; names = \"a/b\"; } );",
     IN(1) "\"sites.names\" cannot be \"a/b\": only letters, digits, '-', '_' and dots can stand "
           "in a name\n"},
    {SITE "log = { level = \"loud\"; };",
     IN(2) "\"log.level\" cannot be \"loud\": the levels are \"error\", \"warning\", \"notice\", "
           "\"info\" and \"debug\"\n"},
    {SITE "log = { access = \"of\"; };",
     IN(2) "\"log.access\" must be \"off\", \"stdout\", \"journal\" or a path with a slash, e.g. "
           "\"/var/log/tined/access.log\"; found \"of\"\n"},
    {SITE "listen = ( { address = \"unix:/x\"; mode = \"rw\"; } );",
     IN(2) "\"listen.mode\" cannot be \"rw\": write the permissions in octal, e.g. \"0660\"\n"},
    {"sites = ( { root = \"/srv\"; index = \"a/index.html\"; } );",
     IN(1) "\"sites.index\" cannot be \"a/index.html\": it is a name within the directory; leave "
           "out the slash\n"},
    {"sites = ( { root = \"/srv\"; index = [ \".htaccess\" ]; } );",
     IN(1) "\"sites.index\" cannot be \".htaccess\": names that begin with a dot are not served\n"},
    // lists and groups in entries
    {"sites = ( { root = \"/srv\"; rules = { match = \"/a\"; }; } );",
     IN(1) "\"sites.rules\" must be a list of one or more groups, e.g. rules = ( { match = "
           "\"/old/**\"; redirect = \"/new/$1\"; } );\n"},
    {"sites = ( { root = \"/srv\"; mounts = ( \"/a/\" ); } );",
     IN(1) "\"sites.mounts\" must be a list of one or more groups, e.g. mounts = ( { path = "
           "\"/downloads/\"; root = \"/srv/downloads\"; } );\n"},
    {"sites = ( { root = \"/srv\";\nrules = ( { match = \"/a\"; headers = 1; } ); } );",
     IN(2) "\"sites.rules.headers\" must be a group of options, e.g. headers = { ... };\n"},
    {"sites = ( { root = \"/srv\";\nrules = ( { cache = \"x\"; } ); } );",
     IN(2) "this entry of \"sites.rules\" lacks \"match\"; add match = \"/assets/**\";\n"},
    {"sites = ( { root = \"/srv\";\nmounts = ( { } ); } );",
     IN(2) "this entry of \"sites.mounts\" lacks \"path\"; add path = \"/downloads/\";\n" IN(
         2) "this entry of \"sites.mounts\" lacks \"root\"; add root = \"/srv/downloads\";\n"},
    {"sites = ( { root = \"/srv\"; rules = ( { match = \"/a\";\nheaders = { sett = \"x\"; }; } ); "
     "} );",
     IN(2) "unknown option \"sites.rules.headers.sett\"; did you mean "
           "\"sites.rules.headers.set\"?\n"},
    {SITE "rules = ( { match = \"/a\"; } );",
     IN(2) "unknown option \"rules\"; did you mean \"sites.rules\"?\n"},
    {"sites = ( { root = \"/srv\"; etag = \"shard\"; } );",
     IN(1) "\"sites.etag\" must be \"file\", \"shared\", \"digest\" or \"off\"; found \"shard\"; "
           "did you mean \"shared\"?\n"},
    {"sites = ( { root = \"/srv\"; rules = ( { match = \"/a\"; listing = \"on\"; } ); } );",
     IN(1) "\"sites.rules.listing\" must be true or false; found \"on\"\n"},
    {"sites = ( { root = \"/srv\"; rules = ( { match = \"a\"; cache = \"x\"; } ); } );",
     IN(1) "\"sites.rules.match\" cannot be \"a\": paths begin with '/'; \"/**/NAME\" is a name in "
           "any directory\n"},
    {"sites = ( { root = \"/srv\"; rules = ( { match = \"/a\"; headers = { set = 1; }; } ); } );",
     IN(1) "\"sites.rules.headers.set\" must be a list of strings, e.g. [ \"X-Robots-Tag: "
           "noindex\" "
           "]; found 1\n"},
    // entries and sites
    {"", "/etc/t.conf: there is no site to serve; add sites = ( { root = \"/srv/www\"; } );\n"},
    {"sites = ( { names = \"a\"; } );",
     IN(1) "this entry of \"sites\" lacks \"root\"; add root = \"/srv/www\";\n"},
    {"sites = ( { names = \"a\"; root = \"/1\"; },\n{ names = \"A\"; root = \"/2\"; } );",
     IN(2) "the site at /etc/t.conf:1 has the name \"A\" too; a name belongs to one site\n"},
    {"sites = ( { names = [ \"a\", \"a\" ]; root = \"/1\"; } );",
     IN(1) "this site has the name \"a\" twice; remove one\n"},
    {"sites = ( { root = \"/1\"; },\n{ root = \"/2\"; } );",
     IN(2) "the site at /etc/t.conf:1 has no \"names\" either; only one site can answer for all "
           "other hosts\n"},
    // syntax
    {"sites = ( { root = \"/srv\" } ;\n",
     IN(1) "syntax error; look for a missing \";\", quote or bracket here or just above\n"},
    {SITE "user = \"a\";\nuser = \"b\";",
     IN(3) "this name stands twice in its group; keep one of them\n"},
    {SITE "x = [ 1, \"a\" ];", IN(2) "values of different kinds in one [ ]; make all of them "
                                     "strings\n"},
    {SITE "@include \"/etc/passwd\"\n",
     IN(2) "@include is not supported; write include = \"FILE\"; instead\n"},
    {SITE "user = \"tined;\nthreads = 0;",
     IN(2) "the string that begins here never ends; close it with \"\n"},
    {SITE "/* threads = 0;", IN(2) "the comment that begins here never ends; close it with */\n"},
    {SITE "include = 5;",
     IN(2) "\"include\" must be a path or a list of paths, e.g. \"conf.d/*.conf\"\n"},
    {SITE "include = \"none.conf\";",
     IN(2) "cannot read \"/etc/none.conf\": no such file; create it or name another one\n"},
    // all in one go
    {"threads = 0;\nfoo = 1;\nuser = 1;",
     IN(1) "\"threads\" must be between 1 and 64; found 0\n" IN(
         2) "unknown option \"foo\"; tined.conf(5) lists all options\n" IN(3) "\"user\" must be a "
                                                                              "string in quotes, "
                                                                              "e.g. \"tined\"; "
                                                                              "found 1\n"},
};

TEST(test_wrong_files)
{
    struct reports r;
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        assert_null(load_reported("/etc/t.conf", wrong[i].text, NULL, NULL, &r));
        assert_reports(r.text, wrong[i].want);
    }
}

TEST(test_wrong_overrides)
{
    static const struct {
        const char *option;
        const char *value;
        const char *want;
    } cases[] = {
        {"timeout.idle", "3s",
         "-o: unknown option \"timeout.idle\"; did you mean \"timeouts.idle\"?\n"},
        {"timeouts.idle", "3",
         "-o: \"timeouts.idle\" must be a time with a unit (ms, s, min, h, d), e.g. \"75s\"; found "
         "\"3\"\n"},
        {"threads", "99", "-o: \"threads\" must be between 1 and 64; found \"99\"\n"},
        {"threads", "two", "-o: \"threads\" must be a whole number, e.g. 1; found \"two\"\n"},
        {"server_header", "no", "-o: \"server_header\" must be true or false; found \"no\"\n"},
        {"listen", "80",
         "-o: \"listen.address\" cannot be \"80\": a port alone is no address: write e.g. "
         "\"*:80\"\n"},
        {"listen.address", "*:80",
         "-o: \"listen.address\" belongs to an entry of a list and is set in a file only; here "
         "write listen=*:80\n"},
        {"sites.index", "x",
         "-o: \"sites.index\" belongs to an entry of a list and is set in a file only; here write "
         "sites=/srv/www\n"},
        {"sites", "", "-o: \"sites.root\" must not be empty\n"},
        {"sites.rules", "x",
         "-o: \"sites.rules\" belongs to an entry of a list and is set in a file only; here write "
         "sites=/srv/www\n"},
        {"sites.rules.headers", "x",
         "-o: \"sites.rules.headers\" belongs to an entry of a list and is set in a file only; "
         "here "
         "write sites=/srv/www\n"},
        {"sites.rules.cors.origins", "x",
         "-o: \"sites.rules.cors.origins\" belongs to an entry of a list and is set in a file "
         "only; "
         "here write sites=/srv/www\n"},
        {"include", "x", "-o: \"include\" works in a file only; name a whole file with -c\n"},
        {"limits", "x",
         "-o: \"limits\" is a group of options; set them one by one, as OPTION=VALUE with the "
         "option's full name\n"},
    };
    struct reports r;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_null(load_reported("/etc/t.conf", SITE, cases[i].option, cases[i].value, &r));
        assert_reports(r.text, cases[i].want);
    }
}

TEST(test_overrides)
{
    static const struct conf_override overrides[] = {
        {"timeouts.idle", "5s", "-o"}, {"timeouts.idle", "7s", "-o"},
        {"listen", "*:1", "-l"},       {"listen", "*:2", "-l"},
        {"sites", "htdocs", "serve"},  {"server_header", "false", "-o"},
    };
    const struct conf_source source = {.file = "/etc/t.conf",
                                       .text = "listen = ( { address = \"*:9\"; } );\n"
                                               "timeouts = { idle = \"1s\"; };"
                                               "sites = ( { root = \"/srv\"; rules = (\n"
                                               "{ match = \"/\"; status = 404; } ); } );",
                                       .overrides = overrides,
                                       .override_count = ARRAY_SIZE(overrides)};
    struct reports r = {""};
    char cwd[4096], want[8192];
    struct conf *c = conf_load(&source, reports_collect, &r);
    assert_reports(r.text, "");
    assert_int_equal(c->timeouts.idle, 7000);
    assert_false(c->server_header);
    assert_int_equal(c->listen_count, 2);
    assert_string_equal(c->listen[0].address, "*:1");
    assert_string_equal(c->listen[1].origin.file, "-l");
    assert_int_equal(c->site_count, 1);
    assert_int_equal(c->rule_count, 0);
    assert_int_equal(c->sites[0].rule_count, 0);
    assert_non_null(getcwd(cwd, sizeof(cwd)));
    snprintf(want, sizeof(want), "%s/htdocs", cwd);
    assert_string_equal(c->sites[0].root, want);
    conf_free(c);
}

TEST(test_defaults_without_a_file)
{
    struct reports r;
    struct conf *c = load_reported(NULL, NULL, NULL, NULL, &r);
    assert_non_null(c);
    assert_reports(r.text, "");
    assert_int_equal(c->site_count, 0);
    conf_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),          cmocka_unit_test(test_everything_set),
        cmocka_unit_test(test_defaults_of_rules), cmocka_unit_test(test_rules_and_mounts),
        cmocka_unit_test(test_wrong_files),       cmocka_unit_test(test_wrong_overrides),
        cmocka_unit_test(test_overrides),         cmocka_unit_test(test_defaults_without_a_file),
    };
    return cmocka_run_group_tests_name("conf_load", tests, NULL, NULL);
}

#include "conf/conf_options.h"

#include "conf/conf.h"
#include "conf/nearest.h"
#include "base/util.h"

#include <assert.h>
#include <limits.h>

#define TOP(member)    #member, CONF_TOP, offsetof(struct conf, member)
#define LISTEN(member) "listen." #member, CONF_LISTEN, offsetof(struct conf_listen, member)
#define SITE(member)   "sites." #member, CONF_SITES, offsetof(struct conf_site, member)
#define RULE(member)   "sites.rules." #member, CONF_RULES, offsetof(struct conf_rule, member)
#define MOUNT(member)  "sites.mounts." #member, CONF_MOUNTS, offsetof(struct conf_mount, member)

#define KIB    UINT64_C(1024)
#define MIB    (1024 * KIB)
#define GIB    (1024 * MIB)
#define SECOND UINT64_C(1000)
#define DAY    (86400 * SECOND)

enum { NAME_MAX_LENGTH = 255, TEXT_MAX_LENGTH = 2048, PATH_MAX_LENGTH = PATH_MAX - 1 };

#define SYMLINKS "|beneath|none|any" // enum conf_symlinks
#define SANDBOX  "enforce|log|off"   // enum conf_sandbox

// clang-format off
static const struct conf_option options[] = {
    {TOP(workers), CONF_COUNT, "0", 0, 1024, CHECK_NONE, NULL,
     "Number of worker processes; 0 means one for each CPU that tined may use."},
    {TOP(threads), CONF_COUNT, "1", 1, 64, CHECK_NONE, NULL,
     "Number of event loops in each worker, each one a thread."},
    {TOP(backlog), CONF_COUNT, "4096", 1, INT_MAX, CHECK_NONE, NULL,
     "Most connections that wait to be accepted on one address; the kernel cuts it to "
     "net.core.somaxconn."},
    {TOP(user), CONF_STRING, "tined", 1, NAME_MAX_LENGTH, CHECK_NONE, NULL,
     "User that the workers run as when tined is started by root."},
    {TOP(group), CONF_STRING, "", 0, NAME_MAX_LENGTH, CHECK_NONE, "www-data",
     "Group that the workers run as when tined is started by root; empty means the user's own."},
    {TOP(server_header), CONF_BOOL, "true", 0, 1, CHECK_NONE, NULL,
     "Whether answers carry the Server field."},
    {TOP(control), CONF_PATH, "/run/tined/control.sock", 0, 107, CHECK_NONE, NULL,
     "UNIX socket on which the master takes commands such as tined explain; the default one is done "
     "without where its directory is missing, and empty means none."},
    {TOP(mime_types), CONF_PATH, "/etc/mime.types", 1, PATH_MAX_LENGTH, CHECK_NONE, NULL,
     "File that says which media type belongs to which file name extension; the default one need "
     "not exist."},
    {"include", CONF_TOP, 0, CONF_INCLUDE, "", 1, 1024, CHECK_NONE, "conf.d/*.conf",
     "Further files to read at this place: a path, a pattern or a list of them, relative to the "
     "directory of the file that says so."},

    {TOP(limits.request_line), CONF_SIZE, "8K", 64, 32 * KIB, CHECK_NONE, NULL,
     "Longest request line; a longer one is answered with 414."},
    {TOP(limits.fields), CONF_SIZE, "32K", 256, 64 * KIB, CHECK_NONE, NULL,
     "Most bytes of all header fields of a request together; more are answered with 431."},
    {TOP(limits.field_lines), CONF_COUNT, "100", 1, 128, CHECK_NONE, NULL,
     "Most header field lines of a request; more are answered with 431."},
    {TOP(limits.body), CONF_SIZE, "64K", 0, GIB, CHECK_NONE, NULL,
     "Most bytes of a request's content, which is read and thrown away; more is answered with "
     "413."},
    {TOP(limits.requests), CONF_COUNT, "0", 0, UINT32_MAX, CHECK_NONE, NULL,
     "Most requests on one connection, which then is closed; 0 means no limit."},
    {TOP(limits.send_rate), CONF_SIZE, "500", 0, GIB, CHECK_NONE, NULL,
     "Bytes per second that a client must take on average over each timeouts.send; a slower one "
     "is cut off."},
    {TOP(limits.connections), CONF_COUNT, "0", 0, 1048576, CHECK_NONE, NULL,
     "Most connections of one worker; 0 derives it from the limit on open files."},
    {TOP(limits.big_heads), CONF_COUNT, "256", 0, 65536, CHECK_NONE, NULL,
     "Most request heads beyond 4K that one worker reads at the same time; beyond it the answer "
     "is 503."},
    {TOP(limits.listing), CONF_COUNT, "100000", 1, 10000000, CHECK_NONE, NULL,
     "Most entries of a directory that a listing shows."},
    {TOP(limits.listings), CONF_COUNT, "64", 1, 65536, CHECK_NONE, NULL,
     "Most listings that one worker makes or sends at the same time; beyond it the answer is 503."},
    {TOP(limits.worker_requests), CONF_COUNT, "0", 0, UINT64_C(1000000000000), CHECK_NONE, NULL,
     "Requests after which a worker is replaced and its connections go to the others, some a quarter "
     "earlier so that not all come due together; 0 means no limit."},
    {TOP(limits.worker_age), CONF_TIME, "0", 0, 366 * DAY, CHECK_NONE, NULL,
     "Time after which a worker is replaced, likewise; 0 means no limit."},

    {TOP(timeouts.head), CONF_TIME, "10s", 10, DAY, CHECK_NONE, NULL,
     "Time for a request's head to arrive as a whole."},
    {TOP(timeouts.body), CONF_TIME, "10s", 10, DAY, CHECK_NONE, NULL,
     "Time for a request's content to arrive as a whole."},
    {TOP(timeouts.send), CONF_TIME, "30s", 10, DAY, CHECK_NONE, NULL,
     "Time after which a client that has taken nothing of an answer, or too little, is cut off."},
    {TOP(timeouts.idle), CONF_TIME, "60s", 10, DAY, CHECK_NONE, NULL,
     "Time that a connection stays open between two requests."},
    {TOP(timeouts.linger), CONF_TIME, "2s", 0, 60 * SECOND, CHECK_NONE, NULL,
     "Time to wait for the client to close after the last answer of a connection."},
    {TOP(timeouts.drain), CONF_TIME, "30s", 0, DAY, CHECK_NONE, NULL,
     "Time for answers in flight to finish when tined stops or a worker is replaced."},
    {TOP(timeouts.lame_duck), CONF_TIME, "0", 0, DAY, CHECK_NONE, "10s",
     "Time for which a server that is told to stop serves on and says at the admin listener that it "
     "is not ready, so that balancers go elsewhere before it stops."},
    {TOP(timeouts.watchdog), CONF_TIME, "10s", 0, DAY, CHECK_NONE, NULL,
     "Time after which an event loop that stands still has its worker killed and replaced, at least "
     "3s; 0 means never."},

    {TOP(log.access), CONF_LOG_TARGET, "off", 1, PATH_MAX_LENGTH, CHECK_NONE,
     "/var/log/tined/access.log",
     "Where requests are logged: \"off\", \"stdout\", \"journal\" (see ACCESS LOG IN THE JOURNAL), or "
     "a file's path with at least one slash."},
    {TOP(log.level), CONF_STRING, "info", 1, NAME_MAX_LENGTH, CHECK_LOG_LEVEL, NULL,
     "Least important messages that are logged: \"error\", \"warning\", \"notice\", \"info\" or "
     "\"debug\"."},

    {TOP(cache.memory), CONF_SIZE, "16M", 0, 64 * GIB, CHECK_NONE, NULL,
     "Memory of one worker for the content of small files; what is asked for often stays in it."},
    {TOP(cache.files), CONF_COUNT, "4096", 0, 65536, CHECK_NONE, NULL,
     "Most files that one worker keeps open; half of the descriptors that it may have at most."},

    {TOP(sandbox.landlock), CONF_CHOICE, "enforce", 1, NAME_MAX_LENGTH, CHECK_NONE, SANDBOX,
     "Whether the kernel keeps workers to reading beneath the roots: \"enforce\", \"log\" (only say "
     "so at the start), or \"off\"."},
    {TOP(sandbox.seccomp), CONF_CHOICE, "enforce", 1, NAME_MAX_LENGTH, CHECK_NONE, SANDBOX,
     "Whether the kernel ends workers that make a system call that they do not need: \"enforce\", "
     "\"log\" (only log such calls), or \"off\"."},

    {LISTEN(address), CONF_STRING, NULL, 1, NAME_MAX_LENGTH, CHECK_ADDRESS, "*:80",
     "Address to listen on: \"*:80\" (IPv4 and IPv6), \"192.0.2.1:80\", \"[2001:db8::1]:80\", "
     "\"localhost:8080\", \"unix:/path\", \"unix:@abstract\" or \"systemd:NAME\"."},
    {LISTEN(mode), CONF_STRING, "", 0, NAME_MAX_LENGTH, CHECK_MODE, "0660",
     "Permissions of a UNIX socket in octal; empty leaves them to the umask."},
    {LISTEN(owner), CONF_STRING, "", 0, NAME_MAX_LENGTH, CHECK_NONE, "www-data",
     "Owner of a UNIX socket; empty means the user who starts tined."},
    {LISTEN(group), CONF_STRING, "", 0, NAME_MAX_LENGTH, CHECK_NONE, "www-data",
     "Group of a UNIX socket; empty means the group of who starts tined."},
    {LISTEN(freebind), CONF_BOOL, "false", 0, 1, CHECK_NONE, NULL,
     "Whether to listen on an address that the machine does not have yet."},
    {LISTEN(backlog), CONF_COUNT, "0", 0, INT_MAX, CHECK_NONE, NULL,
     "Most connections that wait to be accepted here; 0 means the global backlog."},

    {TOP(admin.address), CONF_STRING, "", 0, NAME_MAX_LENGTH, CHECK_ADDRESS, "127.0.0.1:8081",
     "Address on which /healthz and /readyz answer for the server itself, for balancers and probes; "
     "empty means none."},

    {SITE(names), CONF_STRINGS, "", 0, 65536, CHECK_SITE_NAME, "example.org|*.example.org",
     "Host names that the site answers for, \"*.\" standing for any labels; a site without names "
     "answers for all others."},
    {SITE(root), CONF_PATH, NULL, 1, PATH_MAX_LENGTH, CHECK_NONE, "/srv/www",
     "Directory that is served."},
    {SITE(index), CONF_STRINGS, "index.html", 0, 16, CHECK_FILE_NAME, "index.html|index.htm",
     "Files that answer for a directory; the first one that exists does."},
    {SITE(listen), CONF_STRINGS, "", 0, 1024, CHECK_NONE, "*:80",
     "Addresses of the list listen on which the site answers; without them it answers on all."},
    {SITE(etag), CONF_CHOICE, "file", 1, NAME_MAX_LENGTH, CHECK_NONE, "file|shared|digest|off",
     "What an ETag is made of: \"file\" takes modification time, size and inode, \"shared\" time "
     "and size and so is the same on every replica, \"digest\" a stored SHA-256; \"off\" sends "
     "none."},
    {SITE(precompressed), CONF_STRINGS, "", 0, 16, CHECK_CODING, "zstd|br|gzip",
     "Content codings of the files' compressed siblings (.zst, .br, .gz), the best one first."},
    {SITE(types), CONF_STRINGS, "", 0, 4096, CHECK_TYPES_LINE, "text/markdown md markdown",
     "Media types and their file name extensions, as lines of mime_types, which are asked first."},
    {SITE(default_type), CONF_STRING, "application/octet-stream", 1, NAME_MAX_LENGTH,
     CHECK_MEDIA_TYPE, NULL, "Media type of files whose extension says nothing."},
    {SITE(charset), CONF_STRING, "utf-8", 0, NAME_MAX_LENGTH, CHECK_TOKEN, NULL,
     "Character set that is said of text; empty says none."},
    {SITE(listing), CONF_BOOL, "false", 0, 1, CHECK_NONE, NULL,
     "Whether a directory without an index is listed."},
    {SITE(dotfiles), CONF_BOOL, "false", 0, 1, CHECK_NONE, NULL,
     "Whether names that begin with a dot are served; /.well-known/ always is."},
    {SITE(symlinks), CONF_CHOICE, "beneath", 1, NAME_MAX_LENGTH, CHECK_NONE, SYMLINKS,
     "Which symbolic links are followed: \"beneath\" those that stay in the root, \"none\", or "
     "\"any\"."},

    {RULE(match), CONF_STRING, NULL, 1, NAME_MAX_LENGTH, CHECK_GLOB, "/assets/**",
     "Paths that the rule is for, as a pattern."},
    {RULE(cache), CONF_STRING, "", 1, TEXT_MAX_LENGTH, CHECK_FIELD_VALUE,
     "public, max-age=31536000, immutable",
     "Value of Cache-Control in answers with the status 200, 206 or 304."},
    {RULE(type), CONF_STRING, "", 1, NAME_MAX_LENGTH, CHECK_MEDIA_TYPE, "text/plain; charset=utf-8",
     "Media type, whatever the file's name says."},
    {RULE(redirect), CONF_STRING, "", 1, TEXT_MAX_LENGTH, CHECK_REDIRECT, "/new/$1",
     "Where the client is sent: a path, or a URL of http or https; $1 to $9 are what the wildcards "
     "of match stood for."},
    {RULE(status), CONF_COUNT, "0", 0, 599, CHECK_NONE, "410",
     "Status of the redirect (301, 302, 303, 307 or 308; 302 when none is given); without one 403, "
     "404 or 410, which ends the request."},
    {RULE(allow), CONF_STRINGS, "", 1, 65536, CHECK_NETWORK, "192.0.2.0/24|2001:db8::/32|unix",
     "Networks of clients that may; all others get 403."},
    {RULE(deny), CONF_STRINGS, "", 1, 65536, CHECK_NETWORK, "198.51.100.0/24",
     "Networks of clients that may not and get 403."},
    {RULE(rewrite), CONF_STRING, "", 1, PATH_MAX_LENGTH, CHECK_PATH, "/current/$1",
     "Path that takes the place of the request's, once and without matching again."},
    {RULE(try), CONF_STRINGS, "", 1, 16, CHECK_PATH, "$path|$path.html|$path/index.html",
     "Paths of which the first that is a file answers; when none is, the answer is 404."},
    {RULE(fallback), CONF_STRING, "", 1, PATH_MAX_LENGTH, CHECK_FILE, "/index.html",
     "File that answers, with 200, when a browser navigates to what does not exist."},
    {RULE(error_pages), CONF_STRINGS, "", 1, 64, CHECK_ERROR_PAGE, "404 /404.html",
     "Statuses and the files that are their content."},
    {RULE(listing), CONF_SWITCH, "", 0, 1, CHECK_NONE, "true",
     "In place of the site's option of this name."},
    {RULE(dotfiles), CONF_SWITCH, "", 0, 1, CHECK_NONE, "true",
     "In place of the site's option of this name."},
    {RULE(symlinks), CONF_CHOICE, "", 1, NAME_MAX_LENGTH, CHECK_NONE, SYMLINKS,
     "In place of the site's option of this name."},
    {RULE(headers.set), CONF_STRINGS, "", 1, 64, CHECK_HEADER_SET, "X-Robots-Tag: noindex",
     "Header fields that the answer gets, in place of those with the same name."},
    {RULE(headers.add), CONF_STRINGS, "", 1, 64, CHECK_HEADER_ADD,
     "Link: </style.css>; rel=preload; as=style",
     "Header fields that the answer gets besides those with the same name."},
    {RULE(headers.unset), CONF_STRINGS, "", 1, 64, CHECK_HEADER_UNSET, "X-Frame-Options",
     "Names of header fields that the answer loses."},
    {RULE(headers.preset), CONF_STRINGS, "", 1, 16, CHECK_PRESET, "security",
     "Sets of header fields that are built in: \"security\"."},
    {RULE(headers.only_ok), CONF_BOOL, "false", 0, 1, CHECK_NONE, NULL,
     "Whether the rule's header fields are for the statuses 200, 206 and 304 only."},
    {RULE(cors.origins), CONF_STRINGS, "", 1, 1024, CHECK_ORIGIN, "https://app.example.org",
     "Origins whose scripts may read the answer; \"*\" stands for all."},
    {RULE(cors.headers), CONF_STRINGS, "", 1, 64, CHECK_TOKEN, "X-Requested-With",
     "Header fields that requests of these scripts may carry."},
    {RULE(cors.expose), CONF_STRINGS, "", 1, 64, CHECK_TOKEN, "ETag",
     "Header fields of the answer that these scripts may read."},
    {RULE(cors.max_age), CONF_TIME, "5s", 0, DAY, CHECK_NONE, NULL,
     "Time for which a browser may keep the answer to a preflight request."},
    {RULE(cors.credentials), CONF_BOOL, "false", 0, 1, CHECK_NONE, NULL,
     "Whether these scripts may send cookies and credentials."},

    {MOUNT(path), CONF_STRING, NULL, 1, PATH_MAX_LENGTH, CHECK_DIRECTORY, "/downloads/",
     "Place of the directory in the site; begins and ends with a slash."},
    {MOUNT(root), CONF_PATH, NULL, 1, PATH_MAX_LENGTH, CHECK_NONE, "/srv/downloads",
     "Directory that is served there."},
};
// clang-format on

static const char *const groups[] = {
    "limits",          "timeouts", "log", "admin", "cache", "sandbox", "sites.rules.headers",
    "sites.rules.cors"};

static const struct conf_list lists[CONF_SCOPE_COUNT] = {
    [CONF_LISTEN] = {.path = "listen",
                     .example = "( { address = \"*:80\"; } )",
                     .size = sizeof(struct conf_listen),
                     .items = offsetof(struct conf, listen),
                     .count = offsetof(struct conf, listen_count),
                     .origin = offsetof(struct conf_listen, origin)},
    [CONF_SITES] = {.path = "sites",
                    .example = "( { root = \"/srv/www\"; } )",
                    .size = sizeof(struct conf_site),
                    .items = offsetof(struct conf, sites),
                    .count = offsetof(struct conf, site_count),
                    .origin = offsetof(struct conf_site, origin)},
    [CONF_RULES] = {.path = "sites.rules",
                    .example = "( { match = \"/old/**\"; redirect = \"/new/$1\"; } )",
                    .parent = CONF_SITES,
                    .is_sparse = true,
                    .size = sizeof(struct conf_rule),
                    .items = offsetof(struct conf, rules),
                    .count = offsetof(struct conf, rule_count),
                    .origin = offsetof(struct conf_rule, origin),
                    .owner = offsetof(struct conf_rule, site),
                    .first = offsetof(struct conf_site, first_rule),
                    .length = offsetof(struct conf_site, rule_count)},
    [CONF_MOUNTS] = {.path = "sites.mounts",
                     .example = "( { path = \"/downloads/\"; root = \"/srv/downloads\"; } )",
                     .parent = CONF_SITES,
                     .size = sizeof(struct conf_mount),
                     .items = offsetof(struct conf, mounts),
                     .count = offsetof(struct conf, mount_count),
                     .origin = offsetof(struct conf_mount, origin),
                     .owner = offsetof(struct conf_mount, site),
                     .first = offsetof(struct conf_site, first_mount),
                     .length = offsetof(struct conf_site, mount_count)},
};

const struct conf_option *conf_options_all(size_t *ret_count)
{
    *ret_count = ARRAY_SIZE(options);
    return options;
}

const struct conf_option *conf_options_find(struct slice path)
{
    for (size_t i = 0; i < ARRAY_SIZE(options); i++)
        if (slice_equal(path, slice_of(options[i].path)))
            return &options[i];
    return NULL;
}

size_t conf_options_index(const struct conf_option *option)
{
    assert(option >= options && option < options + ARRAY_SIZE(options));
    return (size_t)(option - options);
}

bool conf_options_is_group(struct slice path)
{
    for (size_t i = 0; i < ARRAY_SIZE(groups); i++)
        if (slice_equal(path, slice_of(groups[i])))
            return true;
    return false;
}

enum conf_scope conf_options_list(struct slice path)
{
    for (size_t i = CONF_TOP + 1; i < CONF_SCOPE_COUNT; i++)
        if (slice_equal(path, slice_of(lists[i].path)))
            return (enum conf_scope)i;
    return CONF_TOP;
}

const struct conf_list *conf_options_list_of(enum conf_scope scope)
{
    assert(scope != CONF_TOP);
    return &lists[scope];
}

const char *conf_options_scope_path(enum conf_scope scope)
{
    return scope == CONF_TOP ? "" : lists[scope].path;
}

enum conf_scope conf_options_holder(struct slice path)
{
    for (size_t i = CONF_SCOPE_COUNT - 1; i > CONF_TOP; i--) {
        struct slice list = slice_of(lists[i].path);
        if (path.len > list.len && path.ptr[list.len] == '.' && slice_starts_with(path, list))
            return (enum conf_scope)i;
    }
    return CONF_TOP;
}

// What stands behind the last dot.
static const char *last_name(const char *path)
{
    const char *dot = strrchr(path, '.');
    return dot ? dot + 1 : path;
}

const char *conf_options_nearest(struct slice path)
{
    struct slice name = path;
    for (struct slice rest = path; rest.ptr;)
        name = slice_split(&rest, '.');
    // How much may differ goes by the name: long paths have much in common already.
    struct nearest n = nearest_make(name);
    n.word = path;
    for (size_t i = 0; i < ARRAY_SIZE(options); i++)
        nearest_offer(&n, slice_of(options[i].path), options[i].path);
    for (size_t i = CONF_TOP + 1; i < CONF_SCOPE_COUNT; i++)
        nearest_offer(&n, slice_of(lists[i].path), lists[i].path);
    for (size_t i = 0; i < ARRAY_SIZE(groups); i++)
        nearest_offer(&n, slice_of(groups[i]), groups[i]);
    // A good name in the wrong place, or without its group.
    for (size_t i = 0; i < ARRAY_SIZE(options) && !n.best; i++)
        if (slice_equal(name, slice_of(conf_option_name(&options[i]))))
            n.best = options[i].path;
    for (size_t i = CONF_TOP + 1; i < CONF_SCOPE_COUNT && !n.best; i++)
        if (slice_equal(name, slice_of(conf_list_name(&lists[i]))))
            n.best = lists[i].path;
    return n.best;
}

const char *conf_option_name(const struct conf_option *option)
{
    return last_name(option->path);
}

const char *conf_list_name(const struct conf_list *list)
{
    return last_name(list->path);
}

const char *conf_option_example(const struct conf_option *option)
{
    return option->example && option->type != CONF_CHOICE ? option->example : option->def;
}

bool conf_option_is_quoted(const struct conf_option *option)
{
    return option->type != CONF_COUNT && option->type != CONF_BOOL && option->type != CONF_SWITCH;
}

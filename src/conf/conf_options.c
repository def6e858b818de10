#include "conf/conf_options.h"

#include "conf/conf.h"
#include "conf/nearest.h"
#include "base/util.h"

#include <assert.h>
#include <limits.h>

#define TOP(member)    #member, CONF_TOP, offsetof(struct conf, member)
#define LISTEN(member) "listen." #member, CONF_LISTEN, offsetof(struct conf_listen, member)
#define SITE(member)   "sites." #member, CONF_SITES, offsetof(struct conf_site, member)

#define KIB    UINT64_C(1024)
#define MIB    (1024 * KIB)
#define GIB    (1024 * MIB)
#define SECOND UINT64_C(1000)
#define DAY    (86400 * SECOND)

enum { NAME_MAX_LENGTH = 255, PATH_MAX_LENGTH = PATH_MAX - 1 };

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

    {TOP(log.access), CONF_LOG_TARGET, "off", 1, PATH_MAX_LENGTH, CHECK_NONE,
     "/var/log/tined/access.log",
     "Where requests are logged: \"off\", \"stdout\", or a file's path with at least one slash."},
    {TOP(log.level), CONF_STRING, "info", 1, NAME_MAX_LENGTH, CHECK_LOG_LEVEL, NULL,
     "Least important messages that are logged: \"error\", \"warning\", \"notice\", \"info\" or "
     "\"debug\"."},

    {TOP(cache.memory), CONF_SIZE, "16M", 0, 64 * GIB, CHECK_NONE, NULL,
     "Memory of one worker for the content of small files."},
    {TOP(cache.files), CONF_COUNT, "512", 0, 65536, CHECK_NONE, NULL,
     "Most files that one worker keeps open."},

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

    {SITE(names), CONF_STRINGS, "", 0, 65536, CHECK_SITE_NAME, "example.org *.example.org",
     "Host names that the site answers for, \"*.\" standing for any labels; a site without names "
     "answers for all others."},
    {SITE(root), CONF_PATH, NULL, 1, PATH_MAX_LENGTH, CHECK_NONE, "/srv/www",
     "Directory that is served."},
    {SITE(index), CONF_STRINGS, "index.html", 0, 16, CHECK_FILE_NAME, "index.html index.htm",
     "Files that answer for a directory; the first one that exists does."},
};
// clang-format on

static const char *const groups[] = {"limits", "timeouts", "log", "cache"};
static const char *const list_names[CONF_SCOPE_COUNT] = {"", "listen", "sites"};

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
        if (slice_equal(path, slice_of(list_names[i])))
            return (enum conf_scope)i;
    return CONF_TOP;
}

const char *conf_options_list_name(enum conf_scope scope)
{
    return list_names[scope];
}

const char *conf_options_nearest(struct slice path)
{
    struct nearest n = nearest_make(path);
    for (size_t i = 0; i < ARRAY_SIZE(options); i++)
        nearest_offer(&n, options[i].path, options[i].path);
    for (size_t i = CONF_TOP + 1; i < CONF_SCOPE_COUNT; i++)
        nearest_offer(&n, list_names[i], list_names[i]);
    for (size_t i = 0; i < ARRAY_SIZE(groups); i++)
        nearest_offer(&n, groups[i], groups[i]);
    // A good name in the wrong place, or without its group.
    struct slice name = path;
    for (struct slice rest = path; rest.ptr;)
        name = slice_split(&rest, '.');
    for (size_t i = 0; i < ARRAY_SIZE(options) && !n.best; i++)
        if (slice_equal(name, slice_of(conf_option_name(&options[i]))))
            n.best = options[i].path;
    return n.best;
}

const char *conf_option_name(const struct conf_option *option)
{
    const char *dot = strchr(option->path, '.');
    return dot ? dot + 1 : option->path;
}

const char *conf_option_example(const struct conf_option *option)
{
    return option->example ? option->example : option->def;
}

bool conf_option_is_quoted(const struct conf_option *option)
{
    return option->type != CONF_COUNT && option->type != CONF_BOOL;
}

#include "conf/conf_options.h"

#include "conf/conf_types.h"
#include "conf/conf_check.h"
#include "conf/suggest.h"
#include "base/address.h"
#include "base/log.h"
#include "base/network.h"
#include "base/util.h"
#include "http/decision.h"
#include "http/encoding.h"
#include "http/fieldline.h"
#include "http/hostname.h"
#include "http/preset.h"
#include "http/rulecheck.h"

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

#define SYMLINKS       "|beneath|none|any"         // enum symlinks
#define ETAGS          "|file|shared|digest|off"   // enum conf_etag
#define CODINGS        "|zstd|br|gzip"             // enum coding
#define PROXY_PROTOCOL "off|accept|require"        // enum proxy_protocol
#define FORWARDED      "x-forwarded-for|forwarded" // enum forwarded_field
#define SCHEMES        "|http|https"               // enum scheme
#define SANDBOX        "enforce|log|off"           // enum sandbox_mode

// clang-format off
static const struct conf_option options[] = {
    {TOP(workers), CONF_COUNT, "0", 0, 1024, NULL, NULL,
     "Number of worker processes; 0 means one for each CPU that tined may use."},
    {TOP(threads), CONF_COUNT, "1", 1, 64, NULL, NULL,
     "Number of event loops in each worker, each one a thread."},
    {TOP(backlog), CONF_COUNT, "4096", 1, INT_MAX, NULL, NULL,
     "Most connections that wait to be accepted on one address; the kernel cuts it to "
     "net.core.somaxconn."},
    {TOP(user), CONF_STRING, "tined", 1, NAME_MAX_LENGTH, NULL, NULL,
     "User that the workers run as when tined is started by root: a name or a number."},
    {TOP(group), CONF_STRING, "", 0, NAME_MAX_LENGTH, NULL, "www-data",
     "Group that the workers run as when tined is started by root: a name or a number; empty means "
     "the user's own."},
    {TOP(server_header), CONF_BOOL, "true", 0, 1, NULL, NULL,
     "Whether answers carry the Server field."},
    {TOP(control), CONF_PATH, "/run/tined/control.sock", 0, 107, NULL, NULL,
     "UNIX socket for commands to the running master; empty means none, and the default one is left "
     "out when its directory is missing."},
    {TOP(mime_types), CONF_PATH, "/etc/mime.types", 1, PATH_MAX_LENGTH, NULL, NULL,
     "File with the media types of file name extensions, which overrule those that are built in; "
     "the default one is asked last, and need not exist."},
    {TOP(unknown_host), CONF_CHOICE, "first", 1, NAME_MAX_LENGTH, NULL, "first|refuse",
     "Answer for a host that no site names, when each site has names: \"first\" is that of the "
     "first site, \"refuse\" the status 421."},
    {TOP(trusted_proxies), CONF_STRINGS, "", 0, 1024, conf_check_proxy, "10.0.0.0/8|unix",
     "Networks of the proxies in front that are believed when they say who the client is: see BEHIND "
     "A PROXY."},
    {TOP(forwarded), CONF_CHOICE, "x-forwarded-for", 1, NAME_MAX_LENGTH, NULL, FORWARDED,
     "Field in which trusted_proxies name the client of each request: \"x-forwarded-for\" or "
     "\"forwarded\"; the other one counts for nothing."},
    {"include", CONF_TOP, 0, CONF_INCLUDE, "", 1, 1024, NULL, "conf.d/*.conf",
     "Further files to read at this place: a path, a pattern or a list of them, relative to the "
     "directory of the file that includes them."},

    {TOP(limits.request_line), CONF_SIZE, "8K", 64, 32 * KIB, NULL, NULL,
     "Longest request line; a longer one is answered with 414, or with 501 when the method alone is "
     "as long."},
    {TOP(limits.fields), CONF_SIZE, "32K", 256, 64 * KIB, NULL, NULL,
     "Most bytes of all header fields of a request together; more are answered with 431."},
    {TOP(limits.field_lines), CONF_COUNT, "100", 1, 128, NULL, NULL,
     "Most header field lines of a request; more are answered with 431."},
    {TOP(limits.body), CONF_SIZE, "64K", 0, GIB, NULL, NULL,
     "Most bytes of a request's content, which is read and thrown away; more is answered with "
     "413."},
    {TOP(limits.ranges), CONF_COUNT, "256", 0, DECISION_MAX_RANGES, NULL, NULL,
     "Most ranges of a file in one request, each of which takes 16 bytes of memory until it is sent; "
     "with more of them the whole file is sent. 0 means that no ranges are served "
     "(Accept-Ranges: none)."},
    {TOP(limits.requests), CONF_COUNT, "0", 0, UINT32_MAX, NULL, NULL,
     "Most requests on one connection, which then is closed; 0 means no limit."},
    {TOP(limits.connection_age), CONF_TIME, "0", 0, 366 * DAY, NULL, "1h",
     "Time after which a connection is closed: the next answer says Connection: close; 0 means no "
     "limit."},
    {TOP(limits.send_rate), CONF_SIZE, "500", 0, GIB, NULL, NULL,
     "Bytes per second that a client must take on average over each timeouts.send; a slower one "
     "is cut off."},
    {TOP(limits.connections), CONF_COUNT, "0", 0, 1048576, NULL, NULL,
     "Most connections of one worker; 0 derives it from the limit on open files. Beyond it "
     "those that never asked give way, then the longest idle of the client that has most."},
    {TOP(limits.big_heads), CONF_COUNT, "256", 0, 65536, NULL, NULL,
     "Most request heads beyond 4K that one worker reads at the same time; beyond it the answer "
     "is 503."},
    {TOP(limits.listing), CONF_COUNT, "100000", 1, 10000000, NULL, NULL,
     "Most entries of a directory that a listing shows."},
    {TOP(limits.listing_memory), CONF_SIZE, "32M", 64 * KIB, 64 * GIB, NULL, NULL,
     "Most memory that directories take which one worker is listing, each of them once for all who "
     "ask; beyond it the answer is 503."},
    {TOP(limits.worker_requests), CONF_COUNT, "0", 0, UINT64_C(1000000000000), NULL, NULL,
     "Requests after which a worker is replaced and its connections go to the others, some a quarter "
     "earlier so that not all come due together; 0 means no limit."},
    {TOP(limits.worker_age), CONF_TIME, "0", 0, 366 * DAY, NULL, NULL,
     "Time after which a worker is replaced, likewise; 0 means no limit."},

    {TOP(timeouts.head), CONF_TIME, "10s", 10, DAY, NULL, NULL,
     "Time for a request's head to arrive as a whole."},
    {TOP(timeouts.body), CONF_TIME, "10s", 10, DAY, NULL, NULL,
     "Time for a request's content to arrive as a whole."},
    {TOP(timeouts.send), CONF_TIME, "30s", 10, DAY, NULL, NULL,
     "Time after which a client that has taken nothing of an answer, or too little, is cut off; so "
     "is one that has half closed and waits for a directory to be read, for it may be gone."},
    {TOP(timeouts.idle), CONF_TIME, "75s", 10, DAY, NULL, NULL,
     "Time that a connection stays open between two requests; proxies and balancers in front should "
     "close theirs first, and many do after 60s."},
    {TOP(timeouts.linger), CONF_TIME, "2s", 0, 60 * SECOND, NULL, NULL,
     "Time to wait for the client to close after the last answer of a connection."},
    {TOP(timeouts.drain), CONF_TIME, "30s", 0, DAY, NULL, NULL,
     "Time for answers in flight to finish when tined stops or a worker is replaced."},
    {TOP(timeouts.lame_duck), CONF_TIME, "0", 0, DAY, NULL, "10s",
     "Time for which a server that is told to stop serves on and says at the admin listener that it "
     "is not ready, so that balancers go elsewhere before it stops."},
    {TOP(timeouts.root), CONF_TIME, "5s", 10, 60 * SECOND, NULL, NULL,
     "Time for a root, and whatever else the configuration names, to answer when tined starts or "
     "reloads, and for a file system that is not local to answer a request; otherwise 503 is "
     "answered (see FILE SYSTEMS THAT DO NOT ANSWER)."},
    {TOP(timeouts.watchdog), CONF_TIME, "10s", 0, DAY, NULL, NULL,
     "Time after which an event loop that stands still has its worker killed and replaced, at least "
     "3s; 0 means never, but for one that does not become ready within 30s."},

    {TOP(log.access), CONF_LOG_TARGET, "off", 1, PATH_MAX_LENGTH, NULL,
     "/var/log/tined/access.log",
     "Where requests are logged: \"off\", \"stdout\", \"journal\" (see ACCESS LOG IN THE JOURNAL), or "
     "a file's path with at least one slash (see ACCESS LOG IN A FILE); /dev/stdout and /dev/stderr "
     "mean the streams."},
    {TOP(log.level), CONF_STRING, "info", 1, NAME_MAX_LENGTH, log_level_check, NULL,
     "Least important messages that are logged: \"error\", \"warning\", \"notice\", \"info\" or "
     "\"debug\"."},

    {TOP(cache.memory), CONF_SIZE, "16M", 0, 64 * GIB, NULL, NULL,
     "Memory of one worker for the content of small files; those that are requested often stay in it."},
    {TOP(cache.files), CONF_COUNT, "4096", 0, 65536, NULL, NULL,
     "Most files that one worker keeps open; half of the descriptors that it may have at most."},

    {TOP(sandbox.landlock), CONF_CHOICE, "enforce", 1, NAME_MAX_LENGTH, NULL, SANDBOX,
     "Whether the kernel keeps workers to reading beneath the roots: \"enforce\", \"log\" (only say "
     "so at the start), or \"off\"."},
    {TOP(sandbox.seccomp), CONF_CHOICE, "enforce", 1, NAME_MAX_LENGTH, NULL, SANDBOX,
     "Whether the kernel ends workers that make a system call that they do not need: \"enforce\", "
     "\"log\" (only log such calls), or \"off\"."},

    {LISTEN(address), CONF_STRING, NULL, 1, NAME_MAX_LENGTH, address_check, "*:80",
     "Address to listen on: \"*:80\" (IPv4 and IPv6), \"192.0.2.1:80\", \"[2001:db8::1]:80\", "
     "\"localhost:8080\", \"unix:/path\", \"unix:@abstract\" or \"systemd:NAME\"."},
    {LISTEN(mode), CONF_STRING, "", 0, NAME_MAX_LENGTH, conf_check_mode, "0660",
     "Permissions of a UNIX socket in octal; empty leaves them to the umask."},
    {LISTEN(owner), CONF_STRING, "", 0, NAME_MAX_LENGTH, NULL, "www-data",
     "Owner of a UNIX socket, a name or a number; empty means the user who starts tined."},
    {LISTEN(group), CONF_STRING, "", 0, NAME_MAX_LENGTH, NULL, "www-data",
     "Group of a UNIX socket, a name or a number; empty means the group of the user who starts "
     "tined."},
    {LISTEN(freebind), CONF_BOOL, "false", 0, 1, NULL, NULL,
     "Whether to listen on an address that the machine does not have yet."},
    {LISTEN(backlog), CONF_COUNT, "0", 0, INT_MAX, NULL, NULL,
     "Most connections that wait to be accepted here; 0 means the global backlog."},
    {LISTEN(proxy_protocol), CONF_CHOICE, "off", 1, NAME_MAX_LENGTH, NULL, PROXY_PROTOCOL,
     "Whether connections begin with a PROXY header that names the client: \"accept\" takes one from "
     "trusted_proxies, \"require\" closes connections without one (see BEHIND A PROXY)."},

    {TOP(admin.address), CONF_STRING, "", 0, NAME_MAX_LENGTH, address_check, "127.0.0.1:8081",
     "Address on which /healthz and /readyz answer for the server itself, for balancers and probes; "
     "empty means none."},

    {SITE(names), CONF_STRINGS, "", 0, 65536, hostname_check, "example.org|*.example.org",
     "Host names that the site answers for, \"*.\" standing for any labels; a site without names "
     "answers for all others."},
    {SITE(root), CONF_PATH, NULL, 1, PATH_MAX_LENGTH, NULL, "/srv/www",
     "Directory that is served; when it is a link that is swapped for another one, requests that "
     "come after that wait until what it leads to can be served, for a second at most."},
    {SITE(index), CONF_STRINGS, "index.html", 0, 16, conf_check_file_name, "index.html|index.htm",
     "Files that answer for a directory; the first one that exists does."},
    {SITE(listen), CONF_STRINGS, "", 0, 1024, NULL, "*:80",
     "Addresses of the list listen on which the site answers; without them it answers on all."},
    {SITE(redirects), CONF_PATH, "", 0, PATH_MAX_LENGTH, NULL, "/etc/tined/redirects",
     "File of redirects, a line each, in the _redirects form of static hosts (see REDIRECTS FROM A "
     "FILE); empty means none."},
    {SITE(etag), CONF_CHOICE, "file", 1, NAME_MAX_LENGTH, NULL, ETAGS,
     "Parts of an ETag: \"file\" takes modification time, size and inode, \"shared\" time "
     "and size and so is the same on every replica, \"digest\" a stored SHA-256; \"off\" sends "
     "none."},
    {SITE(precompressed), CONF_STRINGS, "", 0, 16, encoding_check, "zstd|br|gzip",
     "Content codings of the files' compressed siblings (.zst, .br, .gz), the best one first."},
    {SITE(types), CONF_STRINGS, "", 0, 4096, rulecheck_types_line, "text/markdown md markdown",
     "Media types with their file name extensions, as in lines of mime_types, which they overrule."},
    {SITE(default_type), CONF_STRING, "application/octet-stream", 1, NAME_MAX_LENGTH,
     rulecheck_media_type, NULL, "Media type of files whose extension is unknown."},
    {SITE(charset), CONF_STRING, "utf-8", 0, NAME_MAX_LENGTH, rulecheck_token, NULL,
     "Character set in the media type of text; empty leaves it out."},
    {SITE(listing), CONF_BOOL, "false", 0, 1, NULL, NULL,
     "Whether a directory without an index is listed."},
    {SITE(hide), CONF_STRINGS, "", 0, 64, conf_check_name_pattern, "*.tmp|*~",
     "Patterns of names that listings leave out; they are served all the same to those who ask."},
    {SITE(dotfiles), CONF_BOOL, "false", 0, 1, NULL, NULL,
     "Whether names that begin with a dot are served; /.well-known/ always is."},
    {SITE(symlinks), CONF_CHOICE, "beneath", 1, NAME_MAX_LENGTH, NULL, SYMLINKS,
     "Which symbolic links are followed: \"beneath\" those that stay in the root, \"none\", or "
     "\"any\"."},
    {SITE(encoded_slash), CONF_CHOICE, "refuse", 1, NAME_MAX_LENGTH, NULL, "refuse|slash",
     "Meaning of an escaped slash in a path: \"refuse\" answers 404, \"slash\" takes it for a slash."},

    {RULE(match), CONF_STRINGS, NULL, 1, 4096, conf_check_match, "/assets/**",
     "Patterns of the paths that the rule is for."},
    {RULE(except), CONF_STRINGS, "", 1, 4096, conf_check_match, "/.well-known/acme-challenge/**",
     "Patterns of paths that the rule is not for, though match has them."},
    {RULE(scheme), CONF_CHOICE, "", 0, NAME_MAX_LENGTH, NULL, SCHEMES,
     "Scheme by which a request must have come for the rule, by the word of a trusted proxy (see "
     "BEHIND A PROXY): \"http\" or \"https\"."},
    {RULE(cache), CONF_STRING, "", 1, TEXT_MAX_LENGTH, rulecheck_field_value,
     "public, max-age=31536000, immutable",
     "Value of Cache-Control in answers with the status 200, 206 or 304."},
    {RULE(type), CONF_STRING, "", 1, NAME_MAX_LENGTH, rulecheck_media_type, "text/plain; charset=utf-8",
     "Media type, whatever the file's name says."},
    {RULE(redirect), CONF_STRING, "", 1, TEXT_MAX_LENGTH, rulecheck_redirect, "/new/$1",
     "Target of a redirect: a path, or a URL of http or https; $1 to $9 are the texts that the "
     "wildcards of match stood for, $host is the request's host, and a '?' at the end drops the "
     "query."},
    {RULE(status), CONF_COUNT, "0", 0, 599, NULL, "410",
     "Status of the redirect (301, 302, 303, 307 or 308; 302 when none is given); in a rule without "
     "redirect, the status of an answer without a file: 204, 403, 404, 410, 451 or 503."},
    {RULE(retry_after), CONF_TIME, "0", 0, 366 * DAY, NULL, "10min",
     "Time after which a client that gets the status 503 may ask again; 0 says nothing."},
    {RULE(allow), CONF_STRINGS, "", 1, 65536, network_check, "192.0.2.0/24|2001:db8::/32|unix",
     "Networks of the clients that are allowed; all others get 403."},
    {RULE(deny), CONF_STRINGS, "", 1, 65536, network_check, "198.51.100.0/24",
     "Networks of the clients that are refused with 403."},
    {RULE(rewrite), CONF_STRING, "", 1, PATH_MAX_LENGTH, rulecheck_path, "/current/$1",
     "Path that takes the place of the request's, once; it is not matched again."},
    {RULE(try), CONF_STRINGS, "", 1, 16, rulecheck_path, "$path|$path.html|$path/index.html",
     "Paths to try in this order: the first one that is a file answers, and without one 404."},
    {RULE(fallback), CONF_STRING, "", 1, PATH_MAX_LENGTH, rulecheck_file, "/index.html",
     "File that answers with 200 when a browser navigates to a path that does not exist."},
    {RULE(error_pages), CONF_STRINGS, "", 1, 64, rulecheck_error_page, "404 /404.html",
     "Statuses and the files that are their content."},
    {RULE(listing), CONF_TOGGLE, "", 0, 1, NULL, "true",
     "In place of the site's option of this name."},
    {RULE(dotfiles), CONF_TOGGLE, "", 0, 1, NULL, "true",
     "In place of the site's option of this name."},
    {RULE(symlinks), CONF_CHOICE, "", 1, NAME_MAX_LENGTH, NULL, SYMLINKS,
     "In place of the site's option of this name."},
    {RULE(index), CONF_STRINGS, "", 0, 16, conf_check_file_name, "index.html|index.htm",
     "In place of the site's option of this name."},
    {RULE(etag), CONF_CHOICE, "", 1, NAME_MAX_LENGTH, NULL, ETAGS,
     "In place of the site's option of this name."},
    {RULE(precompressed), CONF_STRINGS, "", 0, 16, encoding_check, "br|gzip",
     "In place of the site's option of this name; empty means none."},
    {RULE(content_encoding), CONF_CHOICE, "", 1, NAME_MAX_LENGTH, NULL, CODINGS,
     "Coding in which the files are stored under their own name: they are sent as they are, whatever "
     "the client accepts."},
    {RULE(charset), CONF_STRING, "", 0, NAME_MAX_LENGTH, rulecheck_token, "iso-8859-1",
     "In place of the site's option of this name; empty says none."},
    {RULE(headers.set), CONF_STRINGS, "", 1, 64, fieldline_check_set, "X-Robots-Tag: noindex",
     "Header fields that the answer gets, in place of those with the same name."},
    {RULE(headers.add), CONF_STRINGS, "", 1, 64, fieldline_check_add,
     "Link: </style.css>; rel=preload; as=style",
     "Header fields that the answer gets besides those with the same name."},
    {RULE(headers.unset), CONF_STRINGS, "", 1, 64, fieldline_check_unset, "X-Frame-Options",
     "Names of header fields that the answer loses."},
    {RULE(headers.preset), CONF_STRINGS, "", 1, 16, preset_check, "security",
     "Sets of header fields that are built in: \"security\", and \"hsts\" where the scheme is https."},
    {RULE(headers.only_ok), CONF_BOOL, "false", 0, 1, NULL, NULL,
     "Whether the rule's header fields are for the statuses 200, 206 and 304 only."},
    {RULE(cors.origins), CONF_STRINGS, "", 1, 1024, rulecheck_origin, "https://app.example.org",
     "Origins whose scripts may read the answer; \"*\" stands for all, \"http://localhost:*\" for "
     "one of localhost with any port."},
    {RULE(cors.headers), CONF_STRINGS, "", 1, 64, rulecheck_token, "X-Requested-With",
     "Header fields that requests of these scripts may carry, besides those for ranges and their "
     "conditions."},
    {RULE(cors.expose), CONF_STRINGS, "", 1, 64, rulecheck_token, "ETag",
     "Header fields of the answer that these scripts may read, besides those that tell of ranges."},
    {RULE(cors.max_age), CONF_TIME, "5s", 0, DAY, NULL, NULL,
     "Time for which a browser may keep the answer to a preflight request."},
    {RULE(cors.credentials), CONF_BOOL, "false", 0, 1, NULL, NULL,
     "Whether these scripts may send cookies and credentials."},

    {MOUNT(path), CONF_STRING, NULL, 1, PATH_MAX_LENGTH, rulecheck_directory, "/downloads/",
     "Place of the directory in the site; begins and ends with a slash."},
    {MOUNT(root), CONF_PATH, NULL, 1, PATH_MAX_LENGTH, NULL, "/srv/downloads",
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

// The part of a path behind its last dot.
static const char *last_name(const char *path)
{
    const char *dot = strrchr(path, '.');
    return dot ? dot + 1 : path;
}

const char *conf_options_successor(struct slice path)
{
    static const char *const gone[][2] = {
        {"limits.listings", "limits.listing_memory"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(gone); i++)
        if (slice_equal(path, slice_of(gone[i][0])))
            return gone[i][1];
    return NULL;
}

const char *conf_options_nearest(struct slice path)
{
    struct slice name = path;
    for (struct slice rest = path; rest.ptr;)
        name = slice_split(&rest, '.');
    // How much may differ goes by the name: long paths have much in common already.
    struct suggest n = suggest_for(name);
    n.word = path;
    for (size_t i = 0; i < ARRAY_SIZE(options); i++)
        suggest_offer(&n, slice_of(options[i].path), options[i].path);
    for (size_t i = CONF_TOP + 1; i < CONF_SCOPE_COUNT; i++)
        suggest_offer(&n, slice_of(lists[i].path), lists[i].path);
    for (size_t i = 0; i < ARRAY_SIZE(groups); i++)
        suggest_offer(&n, slice_of(groups[i]), groups[i]);
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
    return option->type != CONF_COUNT && option->type != CONF_BOOL && option->type != CONF_TOGGLE;
}

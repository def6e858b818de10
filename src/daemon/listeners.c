#include "daemon/listeners.h"

#include "base/buf.h"
#include "base/log.h"
#include "sys/holder.h"
#include "sys/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MESSAGE_MAX 1024

// The most endpoints that one entry becomes: what a name resolves to.
#define ENDPOINTS_MAX 16

struct reporter {
    conf_report_cb *report;
    void *context;
};

static void report_at(const struct reporter *to, const struct conf_listen *conf, const char *format,
                      ...) PRINTF_LIKE(3, 4);

static void report_at(const struct reporter *to, const struct conf_listen *conf, const char *format,
                      ...)
{
    char where[CONF_ORIGIN_MAX], message[MESSAGE_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    to->report(to->context, conf_origin_format(conf->origin, where), message);
}

// ---- planning ----------------------------------------------------------------------------------

static bool append(struct listeners *l, const struct conf_listen *conf, const struct endpoint *e,
                   int inherited_fd)
{
    struct listeners_entry *items = realloc(l->items, (l->count + 1) * sizeof(*items));
    if (!items)
        return false;
    l->items = items;
    l->items[l->count++] = (struct listeners_entry){
        .wanted = *e, .conf = conf, .fd = inherited_fd, .inherited = inherited_fd >= 0};
    return true;
}

// `"http" (0.0.0.0:80), "admin" (127.0.0.1:9000)`, as far as it fits.
static const char *list_inherited(const struct listeners_inherited *inherited,
                                  char text[static MESSAGE_MAX])
{
    struct buf b = buf_make(text, MESSAGE_MAX / 2);
    for (size_t i = 0; i < inherited->count; i++) {
        char address[ADDR_TEXT_MAX] = "no listener";
        struct endpoint e;
        if (listener_address(inherited->sockets[i].fd, &e) == 0)
            addr_format(&e, address);
        buf_printf(&b, "%s\"%s\" (%s)", i ? ", " : "", inherited->sockets[i].name, address);
    }
    text[b.len] = '\0';
    return text;
}

static const char *why_unusable(int error)
{
    switch (-error) {
    case EPROTOTYPE:
        return "it is no stream socket; the socket unit has to say ListenStream=";
    case EINVAL:
        return "it does not listen; the socket unit has to say Accept=no";
    case EAFNOSUPPORT:
        return "it is neither TCP nor a UNIX socket; see ListenStream= in the socket unit";
    case ENOTSOCK:
        return "it is no socket; see ListenStream= in the socket unit";
    default:
        return strerror(-error);
    }
}

static void report_missing(const struct conf_listen *conf, const char *name,
                           const struct listeners_inherited *inherited, const struct reporter *to)
{
    char text[MESSAGE_MAX];
    if (inherited->count == 0)
        report_at(to, conf,
                  "\"%s\": no socket of that name was passed in; set FileDescriptorName=%s in the "
                  "socket unit, and start the service by it",
                  conf->address, name);
    else
        report_at(to, conf,
                  "\"%s\": no socket of that name was passed in, but %s; set "
                  "FileDescriptorName=%s in the socket unit, or listen on a name that is there",
                  conf->address, list_inherited(inherited, text), name);
}

// Every socket of that name; name NULL: every socket.
static int plan_inherited(struct listeners *l, const struct conf_listen *conf, const char *name,
                          const struct listeners_inherited *inherited, const struct reporter *to)
{
    size_t found = 0;
    for (size_t i = 0; i < inherited->count; i++) {
        const struct systemd_socket *s = &inherited->sockets[i];
        struct endpoint e;
        if (name && strcmp(s->name, name) != 0)
            continue;
        int r = listener_adopt(s->fd);
        if (r == 0)
            r = listener_address(s->fd, &e);
        int fd = r == 0 ? fcntl(s->fd, F_DUPFD_CLOEXEC, 3) : -1;
        if (fd < 0 || !append(l, conf, &e, fd)) {
            report_at(to, conf, "the inherited socket \"%s\" cannot be used: %s", s->name,
                      why_unusable(r < 0 ? r : -errno));
            return -1;
        }
        found++;
    }
    if (found == 0)
        report_missing(conf, name, inherited, to);
    return found ? 0 : -1;
}

// "*" and "localhost" mean both families wherever there are both; containers often have no IPv6
// though /etc/hosts knows ::1.
static bool is_missing_ipv6(const struct endpoint *e)
{
    return e->sa.sa_family == AF_INET6 &&
           (IN6_IS_ADDR_UNSPECIFIED(&e->in6.sin6_addr) ||
            IN6_IS_ADDR_LOOPBACK(&e->in6.sin6_addr)) &&
           !listener_has_address(e);
}

static int plan_entry(struct listeners *l, const struct conf_listen *conf,
                      const struct listeners_inherited *inherited, const struct reporter *to)
{
    struct endpoint endpoints[ENDPOINTS_MAX];
    struct addr addr;
    const char *why = addr_parse(conf->address, &addr);
    if (why) {
        report_at(to, conf, "\"%s\": %s", conf->address, why);
        return -1;
    }
    if (addr.kind == ADDR_SYSTEMD)
        return inherited ? plan_inherited(l, conf, addr.name, inherited, to) : 0;
    int count = addr_resolve(&addr, endpoints, ENDPOINTS_MAX);
    if (count < 0) {
        report_at(to, conf, "\"%s\": the name cannot be resolved: %s", conf->address,
                  strerror(-count));
        return -1;
    }
    for (int i = 0; i < count; i++) {
        if (addr.kind != ADDR_IP && count > 1 && is_missing_ipv6(&endpoints[i])) {
            log_notice("no IPv6 here: \"%s\" means IPv4 only", conf->address);
            continue;
        }
        if (!append(l, conf, &endpoints[i], -1)) {
            report_at(to, conf, "no memory");
            return -1;
        }
    }
    return 0;
}

static int check_overlaps(const struct listeners *l, const struct reporter *to)
{
    char where[CONF_ORIGIN_MAX];
    int result = 0;
    for (size_t i = 0; i < l->count; i++) {
        for (size_t j = 0; j < i; j++) {
            if (!addr_overlaps(&l->items[i].wanted, &l->items[j].wanted))
                continue;
            report_at(to, l->items[i].conf, "\"%s\" overlaps with \"%s\" (%s); remove one of them",
                      l->items[i].conf->address, l->items[j].conf->address,
                      conf_origin_format(l->items[j].conf->origin, where));
            result = -1;
            break;
        }
    }
    return result;
}

// What systemd listens on already is there under its name only.
static bool is_taken(const struct listeners_entry *entry, const struct systemd_socket *s,
                     const struct reporter *to)
{
    char text[ADDR_TEXT_MAX];
    struct endpoint e;
    if (listener_address(s->fd, &e) < 0 || !addr_overlaps(&entry->wanted, &e))
        return false;
    report_at(to, entry->conf,
              "%s is what systemd has passed in as \"%s\"; listen on \"systemd:%s\", or leave "
              "`listen` out, or stop the socket unit",
              addr_format(&entry->wanted, text), s->name, s->name);
    return true;
}

static bool is_used(const struct listeners *l, const struct systemd_socket *s)
{
    struct endpoint e;
    if (listener_address(s->fd, &e) < 0)
        return false;
    for (size_t i = 0; i < l->count; i++)
        if (l->items[i].inherited && addr_equal(&l->items[i].wanted, &e))
            return true;
    return false;
}

// Both sides of a mismatch: what is wanted is taken by a socket of systemd; nobody wants a socket.
static int check_inherited(const struct listeners *l, const struct listeners_inherited *inherited,
                           const struct reporter *to)
{
    int result = 0;
    for (size_t i = 0; i < inherited->count; i++) {
        const struct systemd_socket *s = &inherited->sockets[i];
        for (size_t j = 0; j < l->count; j++)
            if (!l->items[j].inherited && is_taken(&l->items[j], s, to))
                result = -1;
        if (result == 0 && !is_used(l, s))
            log_notice("the inherited socket \"%s\" is not used: nothing listens on "
                       "\"systemd:%s\", and who connects there waits in vain",
                       s->name, s->name);
    }
    return result;
}

// The listener that answers about the server itself comes last.
static int plan_admin(struct listeners *l, const struct conf *conf,
                      const struct listeners_inherited *inherited, const struct reporter *to)
{
    static char none[] = "";
    l->admin = l->count;
    l->admin_conf = (struct conf_listen){
        .address = conf->admin.address, .mode = none, .owner = none, .group = none};
    return *conf->admin.address ? plan_entry(l, &l->admin_conf, inherited, to) : 0;
}

int listeners_plan(struct listeners *l, const struct conf *conf,
                   const struct listeners_inherited *inherited, conf_report_cb *report,
                   void *context)
{
    const struct reporter to = {report, context};
    int result = 0;
    *l = (struct listeners){.backlog = conf->backlog};
    // Nothing configured, but sockets passed in: those are what is meant.
    if (conf->listen_count == 1 && !conf->listen[0].origin.file && inherited && inherited->count)
        result = plan_inherited(l, &conf->listen[0], NULL, inherited, &to);
    else
        for (size_t i = 0; i < conf->listen_count; i++)
            if (plan_entry(l, &conf->listen[i], inherited, &to) < 0)
                result = -1;
    if (result == 0)
        result = plan_admin(l, conf, inherited, &to);
    if (result == 0)
        result = check_overlaps(l, &to);
    if (result == 0 && inherited)
        result = check_inherited(l, inherited, &to);
    if (result < 0)
        listeners_close(l, NULL);
    return result;
}

// ---- opening -----------------------------------------------------------------------------------

// Whether the socket is what is wanted: it was asked for in these words, or the kernel chose the
// port that stands there now.
static bool is_at(const struct listeners_entry *entry, const struct endpoint *wanted)
{
    struct endpoint bound;
    return addr_equal(&entry->wanted, wanted) ||
           (listener_address(entry->fd, &bound) == 0 && addr_equal(&bound, wanted));
}

// The first such socket but `skip`: port 0 can be wanted several times over.
static const struct listeners_entry *find(const struct listeners *l, const struct endpoint *wanted,
                                          size_t skip)
{
    for (size_t i = 0; l && i < l->count; i++)
        if (l->items[i].fd >= 0 && is_at(&l->items[i], wanted) && skip-- == 0)
            return &l->items[i];
    return NULL;
}

// How many before this entry want the same.
static size_t rank(const struct listeners *l, const struct listeners_entry *entry)
{
    size_t n = 0;
    for (const struct listeners_entry *e = l->items; e < entry; e++)
        n += addr_equal(&e->wanted, &entry->wanted);
    return n;
}

static int options_of(const struct conf_listen *conf, uint64_t backlog,
                      struct listener_options *ret, const struct reporter *to)
{
    *ret = (struct listener_options){
        .backlog = (int)(conf->backlog ? conf->backlog : backlog),
        .freebind = conf->freebind,
        .mode = conf->mode[0] ? (mode_t)strtoul(conf->mode, NULL, 8) : 0660,
        .owner = (uid_t)-1,
        .group = (gid_t)-1,
    };
    if (conf->owner[0]) {
        const struct passwd *user = getpwnam(conf->owner);
        if (!user) {
            report_at(to, conf, "there is no user \"%s\"", conf->owner);
            return -1;
        }
        ret->owner = user->pw_uid;
    }
    if (conf->group[0]) {
        const struct group *group = getgrnam(conf->group);
        if (!group) {
            report_at(to, conf, "there is no group \"%s\"", conf->group);
            return -1;
        }
        ret->group = group->gr_gid;
    }
    return 0;
}

static void report_failure(const struct listeners_entry *entry, int error, const char *what,
                           const struct reporter *to)
{
    char address[ADDR_TEXT_MAX], holder[HOLDER_TEXT_MAX];
    addr_format(&entry->wanted, address);
    switch (-error) {
    case EADDRINUSE:
        report_at(to, entry->conf, "%s is in use by %s; stop it, or listen elsewhere", address,
                  holder_find(&entry->wanted, holder));
        break;
    case EACCES:
    case EPERM:
        report_at(to, entry->conf,
                  "%s: %s is not permitted; use a port from 1024 on, start as "
                  "root, or let systemd pass the socket in (systemd:NAME)",
                  address, what);
        break;
    case EADDRNOTAVAIL:
        report_at(to, entry->conf,
                  "%s is not an address of this machine; if it comes up later, "
                  "set freebind = true",
                  address);
        break;
    case EEXIST:
        report_at(to, entry->conf,
                  "%s exists and is not a socket; remove it, or choose another "
                  "path",
                  address);
        break;
    default:
        report_at(to, entry->conf, "%s: %s: %s", address, what, strerror(-error));
    }
}

// Those that a socket on `wanted` would collide with share their port with it, or no longer.
static void share_port(const struct listeners *l, const struct endpoint *wanted, bool on)
{
    for (size_t i = 0; l && i < l->count; i++)
        if (l->items[i].fd >= 0 && addr_overlaps(&l->items[i].wanted, wanted))
            listener_share_port(l->items[i].fd, on);
}

// The wildcard may follow one address of its port, or the other way round, without a moment in
// which nobody listens.
static int open_beside(const struct listeners_entry *entry, struct listener_options options,
                       const struct listeners *previous, const char **ret_what)
{
    options.share_port = true;
    share_port(previous, &entry->wanted, true);
    int fd = listener_open(&entry->wanted, &options, ret_what);
    share_port(previous, &entry->wanted, false);
    return fd;
}

static int open_entry(const struct listeners *l, struct listeners_entry *entry,
                      const struct listeners *previous, const struct reporter *to)
{
    const struct listeners_entry *same = find(previous, &entry->wanted, rank(l, entry));
    struct listener_options options;
    const char *what = "fcntl";
    int fd;
    if (entry->inherited)
        return 0;
    if (same) {
        fd = fcntl(same->fd, F_DUPFD_CLOEXEC, 3);
        fd = fd < 0 ? -errno : fd;
    } else {
        if (options_of(entry->conf, l->backlog, &options, to) < 0)
            return -1;
        fd = listener_open(&entry->wanted, &options, &what);
        if (fd == -EADDRINUSE)
            fd = open_beside(entry, options, previous, &what);
    }
    if (fd < 0) {
        report_failure(entry, fd, what, to);
        return -1;
    }
    entry->fd = fd;
    return 0;
}

// The kernel cuts a backlog without a word.
static void notice_somaxconn(const struct listeners *l)
{
    int most = listener_somaxconn();
    if (most > 0 && l->backlog > (uint64_t)most)
        log_notice("net.core.somaxconn cuts the backlog of %llu to %d",
                   (unsigned long long)l->backlog, most);
}

int listeners_open(struct listeners *l, const struct listeners *previous, conf_report_cb *report,
                   void *context)
{
    const struct reporter to = {report, context};
    int result = 0;
    for (size_t i = 0; i < l->count; i++)
        if (open_entry(l, &l->items[i], previous, &to) < 0)
            result = -1;
    if (result < 0)
        listeners_close(l, previous);
    else
        notice_somaxconn(l);
    return result;
}

void listeners_announce(const struct listeners *l)
{
    char text[ADDR_TEXT_MAX];
    struct endpoint e;
    for (size_t i = 0; i < l->count; i++)
        if (listener_address(l->items[i].fd, &e) == 0)
            log_info("listening on %s", addr_format(&e, text));
}

bool listeners_has(const struct listeners *l, const struct listeners_entry *entry)
{
    return l && find(l, &entry->wanted, 0);
}

bool listeners_has_all(const struct listeners *l, const struct listeners *other)
{
    for (size_t i = 0; i < other->count; i++)
        if (!listeners_has(l, &other->items[i]))
            return false;
    return true;
}

void listeners_close(struct listeners *l, const struct listeners *successor)
{
    for (size_t i = 0; i < l->count; i++) {
        struct listeners_entry *entry = &l->items[i];
        if (entry->fd < 0)
            continue;
        if (!entry->inherited && !listeners_has(successor, entry))
            listener_unlink(entry->fd);
        close(entry->fd);
    }
    free(l->items);
    *l = (struct listeners){0};
}

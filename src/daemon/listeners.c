#include "daemon/listeners.h"

#include "base/log.h"
#include "sys/account.h"
#include "sys/clock.h"
#include "sys/listener.h"
#include "sys/port_owner.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

// Workers whose master was killed accept what is queued, and then close their listeners: after some
// 1.5 s.
#define LEFT_PATIENCE 5000 // ms
#define LEFT_DELAY    50   // ms, between two looks

// A proxy that sends a header where none is expected does so for each client.
#define PROXY_NOTICE_PERIOD 60000 // ms

bool listeners_append(struct listeners *l, const struct listeners_entry *entry)
{
    struct listeners_entry *items = realloc(l->items, (l->count + 1) * sizeof(*items));
    if (!items)
        return false;
    l->items = items;
    l->items[l->count++] = *entry;
    return true;
}

void listeners_report(const struct listeners_reporter *to, const struct conf_listen *conf,
                      const char *format, ...)
{
    char where[CONF_ORIGIN_MAX], message[LISTENERS_MESSAGE_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    to->report(to->context, conf_origin_format(conf->origin, where), message);
}

// Whether the socket is what is wanted: it was asked for in these words, or the kernel chose the
// port that stands there now.
static bool is_at_address(const struct listeners_entry *entry, const struct endpoint *wanted)
{
    struct endpoint bound;
    return endpoint_equal(&entry->wanted, wanted) ||
           (listener_address(entry->fd, &bound) == 0 && endpoint_equal(&bound, wanted));
}

// The first such socket but `skip`: port 0 can be wanted several times over.
static const struct listeners_entry *find_entry(const struct listeners *l,
                                                const struct endpoint *wanted, size_t skip)
{
    for (size_t i = 0; l && i < l->count; i++)
        if (l->items[i].fd >= 0 && is_at_address(&l->items[i], wanted) && skip-- == 0)
            return &l->items[i];
    return NULL;
}

// How many before this entry want the same.
static size_t count_equal_before(const struct listeners *l, const struct listeners_entry *entry)
{
    size_t n = 0;
    for (const struct listeners_entry *e = l->items; e < entry; e++)
        n += endpoint_equal(&e->wanted, &entry->wanted);
    return n;
}

static int options_of(const struct conf_listen *conf, uint64_t backlog,
                      struct listener_options *ret, const struct listeners_reporter *to)
{
    *ret = (struct listener_options){
        .backlog = (int)(conf->backlog ? conf->backlog : backlog),
        .freebind = conf->freebind,
        .mode = conf->mode[0] ? (mode_t)strtoul(conf->mode, NULL, 8) : 0660,
        .owner = (uid_t)-1,
        .group = (gid_t)-1,
    };
    gid_t group_of_owner;
    if (conf->owner[0] && account_find_user(conf->owner, &ret->owner, &group_of_owner) < 0) {
        listeners_report(to, conf, "there is no user \"%s\"", conf->owner);
        return -1;
    }
    if (conf->group[0] && account_find_group(conf->group, &ret->group) < 0) {
        listeners_report(to, conf, "there is no group \"%s\"", conf->group);
        return -1;
    }
    return 0;
}

static void report_bind_failure(const struct listeners *l, const struct listeners_entry *entry,
                                int error, const char *what, const struct listeners_reporter *to)
{
    char address[ENDPOINT_TEXT_MAX], holder[PORT_OWNER_TEXT_MAX];
    endpoint_format(&entry->wanted, address);
    switch (-error) {
    case EADDRINUSE:
        listeners_report(to, entry->conf, "%s is in use by %s; stop it, or listen elsewhere",
                         address, port_owner_find(&entry->wanted, holder));
        break;
    case EACCES:
    case EPERM:
        listeners_report(to, entry->conf,
                         "%s: %s is not permitted; use a port from 1024 on, start as "
                         "root, or let systemd pass the socket in (systemd:NAME)",
                         address, what);
        break;
    case EADDRNOTAVAIL:
        listeners_report(to, entry->conf, "%s is not an address of this machine; %s", address,
                         entry->conf == &l->admin_conf
                             ? "name one that it has"
                             : "if it comes up later, set freebind = true");
        break;
    case EEXIST:
        listeners_report(to, entry->conf,
                         "%s exists and is not a socket; remove it, or choose another "
                         "path",
                         address);
        break;
    default:
        listeners_report(to, entry->conf, "%s: %s: %s", address, what, strerror(-error));
    }
}

// Those that a socket on `wanted` would collide with share their port with it, or no longer.
static void share_port(const struct listeners *l, const struct endpoint *wanted, bool on)
{
    for (size_t i = 0; l && i < l->count; i++)
        if (l->items[i].fd >= 0 && endpoint_overlaps(&l->items[i].wanted, wanted))
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

// Waits for workers that a killed master has left. For the first generation only: a master that
// serves waits for nobody.
static int open_after(const struct listeners_entry *entry, const struct listener_options *options,
                      const char **ret_what)
{
    const struct timespec delay = {.tv_nsec = LEFT_DELAY * 1000000L};
    const int64_t end = clock_now() + LEFT_PATIENCE;
    char address[ENDPOINT_TEXT_MAX];
    bool is_told = false;
    for (;;) {
        bool is_left = port_owner_is_left(&entry->wanted);
        // They may have let go before the look.
        int fd = listener_open(&entry->wanted, options, ret_what);
        if (fd != -EADDRINUSE || !is_left || clock_now() >= end)
            return fd;
        if (!is_told)
            log_notice("%s: waiting for workers whose master has ended to let go of it",
                       endpoint_format(&entry->wanted, address));
        is_told = true;
        nanosleep(&delay, NULL);
    }
}

// The socket itself is asked for, and no other in its place: one that listens already stays,
// whatever has been switched off or forbidden since.
static bool is_missing_ipv6(const struct listeners_entry *entry, int error)
{
    return entry->dispensable && (error == -EAFNOSUPPORT || error == -EADDRNOTAVAIL);
}

// Leaves an entry without a socket when it is dispensable.
static int open_entry(const struct listeners *l, struct listeners_entry *entry,
                      const struct listeners *previous, const struct listeners_reporter *to)
{
    const struct listeners_entry *same = find_entry(previous, &entry->wanted,
                                                    count_equal_before(l, entry));
    struct listener_options options;
    const char *what = "fcntl";
    int fd;
    if (entry->inherited)
        return 0;
    if (same && !same->is_spoilt) {
        fd = fcntl(same->fd, F_DUPFD_CLOEXEC, 3);
        fd = fd < 0 ? -errno : fd;
    } else {
        if (options_of(entry->conf, l->backlog, &options, to) < 0)
            return -1;
        fd = same ? -EADDRINUSE : listener_open(&entry->wanted, &options, &what);
        if (fd == -EADDRINUSE)
            fd = open_beside(entry, options, previous, &what);
        if (fd == -EADDRINUSE && (!previous || previous->count == 0))
            fd = open_after(entry, &options, &what);
    }
    if (is_missing_ipv6(entry, fd)) {
        log_notice("no IPv6 here: \"%s\" means IPv4 only", entry->conf->address);
        return 0;
    }
    if (fd < 0) {
        report_bind_failure(l, entry, fd, what, to);
        return -1;
    }
    entry->fd = fd;
    return 0;
}

static void drop_unopened(struct listeners *l)
{
    size_t kept = 0, kept_before_admin = 0;
    for (size_t i = 0; i < l->count; i++) {
        if (l->items[i].fd < 0)
            continue;
        kept_before_admin += i < l->admin;
        l->items[kept++] = l->items[i];
    }
    l->count = kept;
    l->admin = kept_before_admin;
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
    const struct listeners_reporter to = {report, context};
    int result = 0;
    for (size_t i = 0; i < l->count; i++)
        if (open_entry(l, &l->items[i], previous, &to) < 0)
            result = -1;
    if (result < 0) {
        listeners_close(l, previous);
        return result;
    }
    drop_unopened(l);
    notice_somaxconn(l);
    return 0;
}

void listeners_announce(const struct listeners *l)
{
    char text[ENDPOINT_TEXT_MAX];
    struct endpoint e;
    for (size_t i = 0; i < l->count; i++)
        if (listener_address(l->items[i].fd, &e) == 0)
            log_info("listening on %s", endpoint_format(&e, text));
}

void listeners_notice_proxy(struct listeners *l, size_t number, bool is_missing, int64_t now)
{
    static const char *const texts[] = {
        "got a PROXY header, and expects none: switch it off in the proxy (HAProxy: send-proxy "
        "and send-proxy-v2; nginx: proxy_protocol), or switch proxy_protocol on here",
        "requires a PROXY header, and closed a connection that had no good one or came from "
        "none of trusted_proxies: perhaps a check without it (HAProxy: check-send-proxy, also with "
        "\"port\"), or a client that does not come by the proxy",
    };
    char text[ENDPOINT_TEXT_MAX];
    struct endpoint e;
    if (number >= l->count || listener_address(l->items[number].fd, &e) < 0)
        return;
    int64_t *noticed = &l->items[number].proxy_noticed[is_missing];
    if (*noticed && now - *noticed < PROXY_NOTICE_PERIOD)
        return;
    *noticed = now;
    log_notice("%s %s", endpoint_format(&e, text), texts[is_missing]);
}

bool listeners_has(const struct listeners *l, const struct listeners_entry *entry)
{
    const uint64_t inode = listener_inode(entry->fd);
    for (size_t i = 0; l && i < l->count; i++)
        if (l->items[i].fd >= 0 && listener_inode(l->items[i].fd) == inode)
            return true;
    return false;
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

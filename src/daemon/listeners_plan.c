#include "daemon/listeners_plan.h"

#include "base/address.h"
#include "base/buf.h"
#include "base/log.h"
#include "sys/listener.h"
#include "sys/resolve.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

// The most endpoints that one entry becomes: what a name resolves to.
#define ENDPOINTS_MAX 16

static bool append_inherited(struct listeners *l, const struct conf_listen *conf,
                             const struct endpoint *e, int fd)
{
    return listeners_append(
        l, &(struct listeners_entry){.wanted = *e, .conf = conf, .fd = fd, .inherited = true});
}

// `"http" (0.0.0.0:80), "admin" (127.0.0.1:9000)`, as far as it fits.
static const char *list_inherited(const struct listeners_inherited *inherited,
                                  char text[static LISTENERS_MESSAGE_MAX])
{
    struct buf b = buf_make(text, LISTENERS_MESSAGE_MAX / 2);
    for (size_t i = 0; i < inherited->count; i++) {
        char address[ENDPOINT_TEXT_MAX] = "no listener";
        struct endpoint e;
        if (listener_address(inherited->sockets[i].fd, &e) == 0)
            endpoint_format(&e, address);
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
                           const struct listeners_inherited *inherited,
                           const struct listeners_reporter *to)
{
    char text[LISTENERS_MESSAGE_MAX];
    if (inherited->count == 0)
        listeners_report(
            to, conf,
            "\"%s\": no socket of that name was passed in; set FileDescriptorName=%s in the "
            "socket unit, and start the service by it",
            conf->address, name);
    else
        listeners_report(
            to, conf,
            "\"%s\": no socket of that name was passed in, but %s; set "
            "FileDescriptorName=%s in the socket unit, or listen on a name that is there",
            conf->address, list_inherited(inherited, text), name);
}

// Every socket of that name; name NULL: every socket.
static int plan_inherited(struct listeners *l, const struct conf_listen *conf, const char *name,
                          const struct listeners_inherited *inherited,
                          const struct listeners_reporter *to)
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
        if (fd < 0 || !append_inherited(l, conf, &e, fd)) {
            listeners_report(to, conf, "the inherited socket \"%s\" cannot be used: %s", s->name,
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
static bool is_dispensable(const struct endpoint *e, const struct address *addr, int count)
{
    return addr->kind != ADDRESS_IP && count > 1 && e->sa.sa_family == AF_INET6 &&
           (IN6_IS_ADDR_UNSPECIFIED(&e->in6.sin6_addr) || IN6_IS_ADDR_LOOPBACK(&e->in6.sin6_addr));
}

static int plan_entry(struct listeners *l, const struct conf_listen *conf,
                      const struct listeners_inherited *inherited,
                      const struct listeners_reporter *to)
{
    struct endpoint endpoints[ENDPOINTS_MAX];
    struct address addr;
    const char *why = address_parse(slice_of(conf->address), &addr);
    if (why) {
        listeners_report(to, conf, "\"%s\": %s", conf->address, why);
        return -1;
    }
    if (addr.kind == ADDRESS_SYSTEMD)
        return inherited ? plan_inherited(l, conf, addr.name, inherited, to) : 0;
    int count = resolve_address(&addr, endpoints, ENDPOINTS_MAX);
    if (count < 0) {
        listeners_report(to, conf, "\"%s\": the name cannot be resolved: %s", conf->address,
                         strerror(-count));
        return -1;
    }
    for (int i = 0; i < count; i++) {
        const struct listeners_entry entry = {
            .wanted = endpoints[i],
            .conf = conf,
            .fd = -1,
            .dispensable = is_dispensable(&endpoints[i], &addr, count)};
        if (!listeners_append(l, &entry)) {
            listeners_report(to, conf, "no memory");
            return -1;
        }
    }
    return 0;
}

static int check_overlaps(const struct listeners *l, const struct listeners_reporter *to)
{
    char where[CONF_ORIGIN_MAX];
    int result = 0;
    for (size_t i = 0; i < l->count; i++) {
        for (size_t j = 0; j < i; j++) {
            if (!endpoint_overlaps(&l->items[i].wanted, &l->items[j].wanted))
                continue;
            listeners_report(to, l->items[i].conf,
                             "\"%s\" overlaps with \"%s\" (%s); remove one of them",
                             l->items[i].conf->address, l->items[j].conf->address,
                             conf_origin_format(l->items[j].conf->origin, where));
            result = -1;
            break;
        }
    }
    return result;
}

// A socket that systemd passed in is used as "systemd:NAME" only.
static bool is_taken(const struct listeners_entry *entry, const struct systemd_socket *s,
                     const struct listeners_reporter *to)
{
    char text[ENDPOINT_TEXT_MAX];
    struct endpoint e;
    if (listener_address(s->fd, &e) < 0 || !endpoint_overlaps(&entry->wanted, &e))
        return false;
    listeners_report(
        to, entry->conf,
        "%s is what systemd has passed in as \"%s\"; listen on \"systemd:%s\", or leave "
        "`listen` out, or stop the socket unit",
        endpoint_format(&entry->wanted, text), s->name, s->name);
    return true;
}

static bool is_used(const struct listeners *l, const struct systemd_socket *s)
{
    struct endpoint e;
    if (listener_address(s->fd, &e) < 0)
        return false;
    for (size_t i = 0; i < l->count; i++)
        if (l->items[i].inherited && endpoint_equal(&l->items[i].wanted, &e))
            return true;
    return false;
}

// Both sides of a mismatch: what is wanted is taken by a socket of systemd; nobody wants a socket.
static int check_inherited(const struct listeners *l, const struct listeners_inherited *inherited,
                           const struct listeners_reporter *to)
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
                      const struct listeners_inherited *inherited,
                      const struct listeners_reporter *to)
{
    static char none[] = "";
    l->admin = l->count;
    l->admin_conf = (struct conf_listen){.origin = conf_origin_of(conf, "admin.address"),
                                         .address = conf->admin.address,
                                         .mode = none,
                                         .owner = none,
                                         .group = none};
    return *conf->admin.address ? plan_entry(l, &l->admin_conf, inherited, to) : 0;
}

int listeners_plan(struct listeners *l, const struct conf *conf,
                   const struct listeners_inherited *inherited, conf_report_cb *report,
                   void *context)
{
    const struct listeners_reporter to = {report, context};
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

#include "sys/listener.h"

#include "base/num.h"
#include "base/util.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stddef.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct option {
    int level, name, value;
};

// Inherited by the accepted sockets, or read when one is made: worth setting on an adopted one too.
// TCP_DEFER_ACCEPT is in seconds: a connection is accepted when its first bytes are there.
static const struct option tcp_options[] = {
    {IPPROTO_TCP, TCP_NODELAY, 1},
    {SOL_SOCKET, SO_KEEPALIVE, 1},
    {IPPROTO_TCP, TCP_DEFER_ACCEPT, 1},
};

static int set_socket_option(int fd, struct option o)
{
    return setsockopt(fd, o.level, o.name, &o.value, sizeof(o.value)) < 0 ? -errno : 0;
}

static int set_tcp_options(int fd)
{
    int r = 0;
    for (size_t i = 0; i < ARRAY_SIZE(tcp_options) && r == 0; i++)
        r = set_socket_option(fd, tcp_options[i]);
    return r;
}

// Sets the options that must stand before bind().
static int set_bind_options(int fd, int family, bool freebind)
{
    int r = set_socket_option(fd, (struct option){SOL_SOCKET, SO_REUSEADDR, 1});
    if (r == 0 && family == AF_INET6)
        r = set_socket_option(fd, (struct option){IPPROTO_IPV6, IPV6_V6ONLY, 1});
    if (r == 0 && freebind && family == AF_INET)
        r = set_socket_option(fd, (struct option){IPPROTO_IP, IP_FREEBIND, 1});
    if (r == 0 && freebind && family == AF_INET6)
        r = set_socket_option(fd, (struct option){IPPROTO_IPV6, IPV6_FREEBIND, 1});
    return r;
}

static bool is_path(const struct endpoint *e)
{
    return e->sa.sa_family == AF_UNIX && e->len > offsetof(struct sockaddr_un, sun_path) &&
           e->un.sun_path[0] != '\0';
}

// ---- UNIX sockets ------------------------------------------------------------------------------
//
// The order is bind, owner, mode, listen. A connection needs a listening socket, so nobody gets in
// before owner and mode hold, whatever the umask; and the socket is bound to its final name, which
// getsockname(2), /proc/net/unix and ss(8) show for good (a rename would leave the temporary one
// there).
//
// A file that is there already is removed only when it is a socket that refused a connection
// twice, a moment apart, and is still the same file after that: a server that has bound and is
// about to listen refuses as well. The instant between looking and unlinking is left; a lock would
// close it among ourselves only.

enum { ASK_AGAIN_MS = 50 };

// 0: somebody listens; -ECONNREFUSED: nobody does. -EAGAIN is a full queue: somebody has one.
static int knock(const struct endpoint *e, int *ret_fd)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    if (connect(fd, &e->sa, e->len) < 0) {
        int r = -errno;
        close(fd);
        return r;
    }
    *ret_fd = fd;
    return 0;
}

// Whether a socket of any type is in use at `e`: 0 no, or a negative errno.
static int check_unused(const struct endpoint *e)
{
    int fd, r = knock(e, &fd);
    if (r == 0)
        close(fd);
    switch (r) {
    case -ECONNREFUSED:
        return 0;
    case 0:
    case -EAGAIN:
    case -EPROTOTYPE: // a datagram or packet socket
        return -EADDRINUSE;
    default:
        return r;
    }
}

static int remove_stale_socket(const struct endpoint *e)
{
    const struct timespec moment = {.tv_nsec = ASK_AGAIN_MS * 1000000L};
    const char *path = e->un.sun_path;
    struct stat before, after;

    if (lstat(path, &before) < 0)
        return errno == ENOENT ? 0 : -errno;
    if (!S_ISSOCK(before.st_mode))
        return -EEXIST;
    int r = check_unused(e);
    if (r == 0) {
        nanosleep(&moment, NULL);
        r = check_unused(e);
    }
    if (r < 0)
        return r == -ENOENT ? 0 : r;
    if (lstat(path, &after) < 0)
        return errno == ENOENT ? 0 : -errno;
    if (after.st_dev != before.st_dev || after.st_ino != before.st_ino)
        return -EADDRINUSE;
    return unlink(path) < 0 && errno != ENOENT ? -errno : 0;
}

static int bind_unix(int fd, const struct endpoint *e)
{
    if (bind(fd, &e->sa, e->len) == 0)
        return 0;
    if (errno != EADDRINUSE || !is_path(e))
        return -errno;
    int r = remove_stale_socket(e);
    if (r < 0)
        return r;
    return bind(fd, &e->sa, e->len) < 0 ? -errno : 0;
}

// Never through a link that somebody put in the socket's place.
static int set_owner_and_mode(const char *path, const struct listener_options *o,
                              const char **ret_what)
{
    bool leave = o->owner == (uid_t)-1 && o->group == (gid_t)-1;
    if (!leave && fchownat(AT_FDCWD, path, o->owner, o->group, AT_SYMLINK_NOFOLLOW) < 0) {
        *ret_what = "chown";
        return -errno;
    }
    if (fchmodat(AT_FDCWD, path, o->mode, AT_SYMLINK_NOFOLLOW) < 0) {
        *ret_what = "chmod";
        return -errno;
    }
    return 0;
}

static int open_unix(int fd, const struct endpoint *e, const struct listener_options *o,
                     const char **ret_what)
{
    const char *what = "bind";
    int r = bind_unix(fd, e);
    if (r < 0) {
        *ret_what = what;
        return r;
    }
    if (is_path(e))
        r = set_owner_and_mode(e->un.sun_path, o, &what);
    if (r == 0 && listen(fd, o->backlog) < 0) {
        what = "listen";
        r = -errno;
    }
    if (r < 0) {
        *ret_what = what;
        if (is_path(e))
            unlink(e->un.sun_path);
    }
    return r;
}

// ---- opening -----------------------------------------------------------------------------------

static int open_tcp(int fd, const struct endpoint *e, const struct listener_options *o,
                    const char **ret_what)
{
    const char *what = "setsockopt";
    int r = set_bind_options(fd, e->sa.sa_family, o->freebind);
    if (r == 0)
        r = set_tcp_options(fd);
    if (r == 0 && o->share_port)
        r = set_socket_option(fd, (struct option){SOL_SOCKET, SO_REUSEPORT, 1});
    if (r == 0 && bind(fd, &e->sa, e->len) < 0) {
        what = "bind";
        r = -errno;
    }
    if (r == 0 && listen(fd, o->backlog) < 0) {
        what = "listen";
        r = -errno;
    }
    if (o->share_port)
        listener_share_port(fd, false);
    if (r < 0)
        *ret_what = what;
    return r;
}

int listener_open(const struct endpoint *e, const struct listener_options *o, const char **ret_what)
{
    int fd = socket(e->sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        *ret_what = "socket";
        return -errno;
    }
    int r = e->sa.sa_family == AF_UNIX ? open_unix(fd, e, o, ret_what)
                                       : open_tcp(fd, e, o, ret_what);
    if (r < 0) {
        close(fd);
        return r;
    }
    return fd;
}

void listener_share_port(int fd, bool on)
{
    // Where it fails, the bind does, and says so.
    set_socket_option(fd, (struct option){SOL_SOCKET, SO_REUSEPORT, on});
}

uint64_t listener_inode(int fd)
{
    struct stat st;
    return fstat(fd, &st) == 0 ? st.st_ino : 0;
}

int listener_queue(int fd, uint32_t *ret_queued, uint32_t *ret_backlog)
{
    struct tcp_info info;
    socklen_t len = sizeof(info);
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) < 0)
        return -errno;
    // Of a socket that listens these two are the queue (net/ipv4/tcp.c, tcp_get_info()).
    *ret_queued = info.tcpi_unacked;
    *ret_backlog = info.tcpi_sacked;
    return 0;
}

// ---- adopting ----------------------------------------------------------------------------------

static int get_int(int fd, int name, int *ret)
{
    socklen_t len = sizeof(*ret);
    return getsockopt(fd, SOL_SOCKET, name, ret, &len) < 0 ? -errno : 0;
}

static int make_nonblocking(int fd)
{
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
        return -errno;
    return fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 ? -errno : 0;
}

int listener_adopt(int fd)
{
    int domain, type, listening;
    int r = get_int(fd, SO_TYPE, &type);
    if (r == 0)
        r = get_int(fd, SO_DOMAIN, &domain);
    if (r == 0)
        r = get_int(fd, SO_ACCEPTCONN, &listening);
    if (r < 0)
        return r;
    if (type != SOCK_STREAM)
        return -EPROTOTYPE;
    if (!listening)
        return -EINVAL;
    if (domain != AF_INET && domain != AF_INET6 && domain != AF_UNIX)
        return -EAFNOSUPPORT;
    r = make_nonblocking(fd);
    if (r == 0 && domain != AF_UNIX)
        r = set_tcp_options(fd);
    return r;
}

// ---- the rest ----------------------------------------------------------------------------------

int listener_address(int fd, struct endpoint *ret)
{
    struct endpoint e = {0};
    e.len = sizeof(e) - offsetof(struct endpoint, sa);
    if (getsockname(fd, &e.sa, &e.len) < 0)
        return -errno;
    *ret = e;
    return 0;
}

void listener_stop_deferring(int fd)
{
    // Fails on a UNIX socket, which never defers.
    set_socket_option(fd, (struct option){IPPROTO_TCP, TCP_DEFER_ACCEPT, 0});
}

static bool same_listener(int connected, int fd)
{
    struct ucred theirs, ours;
    socklen_t theirs_len = sizeof(theirs), ours_len = sizeof(ours);
    return getsockopt(connected, SOL_SOCKET, SO_PEERCRED, &theirs, &theirs_len) == 0 &&
           getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &ours, &ours_len) == 0 && theirs.pid == ours.pid;
}

// Nothing tells the file that a socket was bound to (getsockname gives the name only), so it is
// asked: a connection to the name shows the process that called listen(). When the queue is too
// full for one, it is ours only if ours has something in it.
static bool name_leads_here(const struct endpoint *e, int fd)
{
    struct pollfd queue = {.fd = fd, .events = POLLIN};
    int connected, r = knock(e, &connected);
    if (r == -EAGAIN)
        return poll(&queue, 1, 0) == 1 && (queue.revents & POLLIN);
    if (r < 0)
        return false;
    bool same = same_listener(connected, fd);
    close(connected);
    return same;
}

void listener_unlink(int fd)
{
    struct endpoint e;
    if (listener_address(fd, &e) == 0 && is_path(&e) && name_leads_here(&e, fd))
        unlink(e.un.sun_path);
}

int listener_somaxconn(void)
{
    char text[32];
    uint64_t value = 0;
    int fd = open("/proc/sys/net/core/somaxconn", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    ssize_t n = read(fd, text, sizeof(text));
    close(fd);
    if (n > 0 && text[n - 1] == '\n')
        n--;
    if (n <= 0 || !num_parse_dec(slice_make(text, (size_t)n), INT32_MAX, &value))
        return 0;
    return (int)value;
}

// Listening sockets: opening, adopting, closing. Used by the master only; workers accept on them.
//
// Each is non-blocking and close-on-exec, with SO_REUSEADDR (a restart binds over TIME_WAIT),
// IPV6_V6ONLY on IPv6, TCP_NODELAY and SO_KEEPALIVE (inherited by what is accepted), and
// TCP_DEFER_ACCEPT of one second on TCP. SO_REUSEPORT is set for the moment of a bind only.
#pragma once

#include "base/endpoint.h"

#include <sys/types.h>

struct listener_options {
    int backlog;
    bool freebind;
    bool share_port; // bind beside others that share theirs, see listener_share_port()
    mode_t mode;     // UNIX sockets
    uid_t owner;     // UNIX sockets; (uid_t)-1: leave
    gid_t group;     // UNIX sockets; (gid_t)-1: leave
};

// Opens a listening socket on `e`. A stale UNIX socket file (nobody accepts on it) is replaced;
// one that is in use, or a file that is no socket, is not. Mode and owner hold before the first
// connection can arrive. Returns the fd, or a negative errno with what failed in *ret_what ("bind",
// "listen", "chmod", …; static):
//   -EADDRINUSE  somebody listens there: sys/port_owner.h may know who
//   -EEXIST      the path is something else than a socket
//   -EAFNOSUPPORT, -EADDRNOTAVAIL, -EACCES …  as from the system call
int listener_open(const struct endpoint *e, const struct listener_options *o,
                  const char **ret_what);

// Lets the wildcard and one address be bound to the same port, by one user, for as long as it is
// set on both: SO_REUSEADDR does not suffice while one of them listens.
void listener_share_port(int fd, bool on);

// Takes over an inherited fd: checks that it is a listening stream socket, makes it non-blocking
// and close-on-exec, sets the options above where they can still be set. Returns 0 or a negative
// errno (-ENOTSOCK, -EPROTOTYPE: not a stream, -EINVAL: not listening, -EAFNOSUPPORT: neither TCP
// nor UNIX).
int listener_adopt(int fd);

// The address that an fd is bound to (with the port that the kernel chose). 0 or a negative errno.
int listener_address(int fd, struct endpoint *ret);

// The number of its inode, which a socket has to itself for as long as it lives; 0: no socket.
uint64_t listener_inode(int fd);

// How many connections wait on a TCP listener to be accepted, and how many may (tcp(7), TCP_INFO).
// 0 or a negative errno: it is none.
int listener_queue(int fd, uint32_t *ret_queued, uint32_t *ret_backlog);

// Accepts also connections that have sent nothing yet, before the listener is closed.
void listener_stop_deferring(int fd);

// Removes the file of a UNIX listener when it still leads to this socket, which must be open and
// listening: a connection is made and dropped to see who answers. Harmless on any other. Not for
// adopted sockets, whose files belong to who made them.
void listener_unlink(int fd);

// net.core.somaxconn, which cuts every backlog; 0 when it cannot be read.
int listener_somaxconn(void);

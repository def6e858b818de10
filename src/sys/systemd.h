// The service manager: readiness and state (sd_notify(3)), sockets passed in by name
// (sd_listen_fds(3)). Master only. Without libsystemd, or when not started by systemd, all are
// no-ops that report nothing.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Sends one state, e.g. "READY=1\nSTATUS=…", when there is a manager to hear it.
void systemd_notify(const char *state);

// Whether there is one.
bool systemd_has_manager(void);

// Within which time the manager wants a sign of life, in ms; 0: it wants none.
int64_t systemd_watchdog(void);

// Has the manager keep a duplicate of a descriptor for the process that comes next, which gets it
// among its sockets (below) by this name; and drop what it keeps by that name. A manager that keeps
// none ignores it.
void systemd_store(int fd, const char *name);
void systemd_drop(const char *name);

// In a child, which has nothing to tell the manager: takes from the environment where it could.
void systemd_leave(void);

// The name of a socket that was given none (sd_listen_fds_with_names(3)), an empty one, or one that
// no address "systemd:NAME" can have: too long, or with a control byte.
#define SYSTEMD_NO_NAME "unknown"

struct systemd_socket {
    int fd;
    char name[256]; // FileDescriptorName=
};

// The sockets passed to this process, at most `max`; each is close-on-exec from now on. The
// environment variables are removed, so that nothing that is started later takes them for its own.
// Returns how many, or a negative errno (-E2BIG: more than max).
int systemd_take_sockets(struct systemd_socket *out, size_t max);

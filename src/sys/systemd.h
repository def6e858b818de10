// The service manager: readiness and state (sd_notify(3)), sockets passed in by name
// (sd_listen_fds(3)). Master only. Without libsystemd, or when not started by systemd, all are
// no-ops that report nothing.
#pragma once

#include <stdbool.h>
#include <stddef.h>

// Sends one state, e.g. "READY=1\nSTATUS=…", when there is a manager to hear it.
void systemd_notify(const char *state);

// "RELOADING=1", with the time of now that the manager wants beside it. READY=1 must follow.
void systemd_notify_reloading(void);

struct systemd_socket {
    int fd;
    char name[256]; // FileDescriptorName=, "unknown" where none was given
};

// The sockets passed to this process, at most `max`; each is close-on-exec from now on. The
// environment variables are removed, so that nothing that is started later takes them for its own.
// Returns how many, or a negative errno (-E2BIG: more than max).
int systemd_take_sockets(struct systemd_socket *out, size_t max);

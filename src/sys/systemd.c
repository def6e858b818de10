#include "sys/systemd.h"

#ifdef HAVE_LIBSYSTEMD

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <systemd/sd-daemon.h>
#include <time.h>

void systemd_notify(const char *state)
{
    // Without NOTIFY_SOCKET nothing is sent; a manager that does not listen is its own trouble.
    (void)sd_notify(0, state);
}

void systemd_notify_reloading(void)
{
    // The exact clock: a time before the manager's own "now" belongs to an earlier reload.
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    (void)sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRId64,
                     (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000);
}

static void free_names(char **names)
{
    for (char **name = names; name && *name; name++)
        free(*name);
    free(names);
}

int systemd_take_sockets(struct systemd_socket *out, size_t max)
{
    char **names = NULL;
    int n = sd_listen_fds_with_names(1, &names);
    if (n > 0 && (size_t)n > max) {
        n = -E2BIG;
    } else {
        for (int i = 0; i < n; i++) {
            out[i].fd = SD_LISTEN_FDS_START + i;
            snprintf(out[i].name, sizeof(out[i].name), "%s", names[i]);
        }
    }
    free_names(names);
    return n;
}

#else

void systemd_notify(const char *state)
{
    (void)state;
}

void systemd_notify_reloading(void)
{
}

int systemd_take_sockets(struct systemd_socket *out, size_t max)
{
    (void)out;
    (void)max;
    return 0;
}

#endif

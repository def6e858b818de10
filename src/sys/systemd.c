#include "sys/systemd.h"

#ifdef HAVE_LIBSYSTEMD

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <systemd/sd-daemon.h>

void systemd_notify(const char *state)
{
    // Without NOTIFY_SOCKET nothing is sent; a manager that does not listen is its own trouble.
    (void)sd_notify(0, state);
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

int systemd_take_sockets(struct systemd_socket *out, size_t max)
{
    (void)out;
    (void)max;
    return 0;
}

#endif

#include "sys/systemd.h"

#ifdef HAVE_LIBSYSTEMD

#include "base/slice.h"
#include "base/util.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <systemd/sd-daemon.h>

void systemd_notify(const char *state)
{
    // Without NOTIFY_SOCKET nothing is sent; a manager that does not listen is its own trouble.
    (void)sd_notify(0, state);
}

bool systemd_has_manager(void)
{
    return getenv("NOTIFY_SOCKET") != NULL;
}

int64_t systemd_watchdog(void)
{
    uint64_t us = 0;
    return sd_watchdog_enabled(0, &us) > 0 ? (int64_t)(us / 1000) : 0;
}

void systemd_store(int fd, const char *name)
{
    char state[64 + sizeof(((struct systemd_socket *)0)->name)];
    snprintf(state, sizeof(state), "FDSTORE=1\nFDNAME=%s", name);
    (void)sd_pid_notify_with_fds(0, 0, state, &fd, 1);
}

void systemd_drop(const char *name)
{
    (void)sd_notifyf(0, "FDSTOREREMOVE=1\nFDNAME=%s", name);
}

void systemd_leave(void)
{
    static const char *const names[] = {"NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC"};
    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        unsetenv(names[i]);
}

static void free_names(char **names)
{
    for (char **name = names; name && *name; name++)
        free(*name);
    free(names);
}

static void take_name(struct systemd_socket *s, const char *given)
{
    struct slice name = slice_of(given);
    if (name.len == 0 || name.len >= sizeof(s->name) || slice_has_control(name))
        name = SLICE(SYSTEMD_NO_NAME);
    memcpy(s->name, name.ptr, name.len);
    s->name[name.len] = '\0';
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
            take_name(&out[i], names[i]);
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

bool systemd_has_manager(void)
{
    return false;
}

int64_t systemd_watchdog(void)
{
    return 0;
}

void systemd_store(int fd, const char *name)
{
    (void)fd;
    (void)name;
}

void systemd_drop(const char *name)
{
    (void)name;
}

void systemd_leave(void)
{
}

int systemd_take_sockets(struct systemd_socket *out, size_t max)
{
    (void)out;
    (void)max;
    return 0;
}

#endif

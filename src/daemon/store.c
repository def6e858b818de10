#include "daemon/store.h"

#include "base/log.h"
#include "daemon/totals.h"
#include "sys/listener.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

// Names may not have a colon. That of a listener goes on with the number of its inode, which it
// keeps for as long as it lives.
#define LISTENER_PREFIX "tined-listener-"
#define TOTALS_NAME     "tined-totals"
#define NAME_MAX_LENGTH 64

// The counters of another table would be taken for these.
#define TOTALS_VERSION 1

struct stored_totals {
    uint64_t version;
    struct scoreboard_counts counts;
};

static void name_listener(int fd, char name[static NAME_MAX_LENGTH])
{
    struct stat st = {.st_ino = 0};
    fstat(fd, &st);
    snprintf(name, NAME_MAX_LENGTH, LISTENER_PREFIX "%llu", (unsigned long long)st.st_ino);
}

// ---- taking ------------------------------------------------------------------------------------

static bool append(struct listeners *l, int fd)
{
    struct listeners_entry *items = realloc(l->items, (l->count + 1) * sizeof(*items));
    if (!items)
        return false;
    l->items = items;
    l->items[l->count] = (struct listeners_entry){.fd = fd};
    if (listener_adopt(fd) < 0 || listener_address(fd, &l->items[l->count].wanted) < 0)
        return false;
    l->count++;
    return true;
}

// Whether it was stored, and not passed in by a socket unit.
static bool take(struct store *s, const struct systemd_socket *from)
{
    if (strcmp(from->name, TOTALS_NAME) == 0 && s->totals < 0) {
        s->totals = from->fd;
        return true;
    }
    if (strncmp(from->name, LISTENER_PREFIX, strlen(LISTENER_PREFIX)) != 0)
        return false;
    if (!append(&s->listeners, from->fd)) {
        log_notice("what was stored as \"%s\" is of no use and is dropped", from->name);
        systemd_drop(from->name);
        close(from->fd);
    }
    return true;
}

size_t store_take(struct store *s, struct systemd_socket *sockets, size_t count)
{
    size_t left = 0;
    for (size_t i = 0; i < count; i++)
        if (!take(s, &sockets[i]))
            sockets[left++] = sockets[i];
    return left;
}

// ---- keeping -----------------------------------------------------------------------------------

static bool has_file(const struct listeners_entry *entry)
{
    return entry->wanted.sa.sa_family == AF_UNIX && entry->wanted.un.sun_path[0];
}

void store_keep(const struct listeners *current, const struct listeners *previous)
{
    char name[NAME_MAX_LENGTH];
    for (size_t i = 0; i < current->count; i++) {
        const struct listeners_entry *entry = &current->items[i];
        if (entry->inherited || has_file(entry) || listeners_has(previous, entry))
            continue;
        name_listener(entry->fd, name);
        systemd_store(entry->fd, name);
    }
    for (size_t i = 0; i < previous->count; i++) {
        const struct listeners_entry *entry = &previous->items[i];
        if (entry->inherited || listeners_has(current, entry))
            continue;
        name_listener(entry->fd, name);
        systemd_drop(name);
    }
}

// ---- totals ------------------------------------------------------------------------------------

bool store_read_totals(const struct store *s, struct scoreboard_counts *ret)
{
    struct stored_totals stored;
    struct stat st;
    if (s->totals < 0 || fstat(s->totals, &st) < 0 || st.st_size != sizeof(stored) ||
        pread(s->totals, &stored, sizeof(stored), 0) != sizeof(stored) ||
        stored.version != TOTALS_VERSION)
        return false;
    const uint64_t *counts = (const uint64_t *)&stored.counts;
    for (size_t i = 0; i < SCOREBOARD_COUNTERS; i++)
        if (counts[i] > TOTALS_MAX)
            return false;
    *ret = stored.counts;
    return true;
}

void store_write_totals(struct store *s, const struct scoreboard_counts *totals)
{
    const struct stored_totals stored = {TOTALS_VERSION, *totals};
    bool is_new = s->totals < 0;
    if (is_new)
        s->totals = memfd_create(TOTALS_NAME, MFD_CLOEXEC);
    if (s->totals < 0 || pwrite(s->totals, &stored, sizeof(stored), 0) != sizeof(stored))
        return; // then the next master counts from zero
    if (is_new) {
        systemd_drop(TOTALS_NAME); // a predecessor's in this process
        systemd_store(s->totals, TOTALS_NAME);
    }
}

void store_cleanup(struct store *s)
{
    listeners_close(&s->listeners, NULL);
    if (s->totals >= 0)
        close(s->totals);
    s->totals = -1;
}

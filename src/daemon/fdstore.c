#include "daemon/fdstore.h"

#include "base/log.h"
#include "base/util.h"
#include "daemon/totals.h"
#include "sys/listener.h"

#include <inttypes.h>
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
// As a listener of no use it is dropped by a program that does not know it.
#define NOTES_NAME      "tined-listener-options"
#define NAME_MAX_LENGTH 64

// The text of the totals: this line, each counter by its key, and the last line.
#define TOTALS_FIRST "tined-totals 2"
#define TOTALS_LAST  "end"
#define TOTALS_SIZE  8192u

// The text of the notes: this line, and one for each.
#define NOTES_FIRST    "tined-listener-options 1\n"
#define NOTES_SIZE_MAX (1u << 20)

static void name_listener(int fd, char name[static NAME_MAX_LENGTH])
{
    snprintf(name, NAME_MAX_LENGTH, LISTENER_PREFIX "%" PRIu64, listener_inode(fd));
}

// ---- taking ------------------------------------------------------------------------------------

static bool take_listener(struct listeners *l, int fd)
{
    struct listeners_entry entry = {.fd = fd};
    return listener_adopt(fd) == 0 && listener_address(fd, &entry.wanted) == 0 &&
           listeners_append(l, &entry);
}

// Whether it was stored, and not passed in by a socket unit.
static bool take_stored(struct fdstore *s, const struct systemd_socket *from)
{
    if (strcmp(from->name, TOTALS_NAME) == 0 && s->totals < 0) {
        s->totals = from->fd;
        return true;
    }
    if (strcmp(from->name, NOTES_NAME) == 0 && !s->notes) {
        s->notes = from->fd;
        return true;
    }
    if (strncmp(from->name, LISTENER_PREFIX, strlen(LISTENER_PREFIX)) != 0)
        return false;
    if (!take_listener(&s->listeners, from->fd)) {
        log_notice("what was stored as \"%s\" is of no use and is dropped", from->name);
        systemd_drop(from->name);
        close(from->fd);
    }
    return true;
}

size_t fdstore_take(struct fdstore *s, struct systemd_socket *sockets, size_t count)
{
    size_t left = 0;
    for (size_t i = 0; i < count; i++)
        if (!take_stored(s, &sockets[i]))
            sockets[left++] = sockets[i];
    return left;
}

// ---- keeping -----------------------------------------------------------------------------------

static bool has_file(const struct listeners_entry *entry)
{
    return entry->wanted.sa.sa_family == AF_UNIX && entry->wanted.un.sun_path[0];
}

void fdstore_keep(const struct listeners *current, const struct listeners *previous)
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

static bool parse_totals(struct slice text, struct counters *ret)
{
    struct counters totals = {0};
    if (!slice_equal(slice_split(&text, '\n'), SLICE(TOTALS_FIRST)))
        return false;
    while (text.ptr) {
        struct slice line = slice_split(&text, '\n');
        if (slice_equal(line, SLICE(TOTALS_LAST))) {
            *ret = totals;
            return true;
        }
        if (!counters_parse(line, &totals))
            return false;
    }
    return false;
}

bool fdstore_read_totals(const struct fdstore *s, struct counters *ret)
{
    char text[TOTALS_SIZE];
    ssize_t n = s->totals < 0 ? -1 : pread(s->totals, text, sizeof(text), 0);
    return n > 0 && parse_totals(slice_make(text, (size_t)n), ret);
}

// Whether all of it was written. The rest of a longer text is behind the last line.
static bool write_totals(int fd, const struct counters *totals)
{
    char text[TOTALS_SIZE];
    struct buf b = buf_make(text, sizeof(text));
    buf_puts(&b, TOTALS_FIRST "\n");
    counters_format(&b, "", totals);
    buf_puts(&b, TOTALS_LAST "\n");
    return !b.overflow && pwrite(fd, text, b.len, 0) == (ssize_t)b.len;
}

void fdstore_write_totals(struct fdstore *s, const struct counters *totals)
{
    bool is_new = s->totals < 0;
    if (is_new)
        s->totals = memfd_create(TOTALS_NAME, MFD_CLOEXEC);
    if (s->totals < 0 || !write_totals(s->totals, totals))
        return; // then the next master counts from zero
    if (is_new) {
        systemd_drop(TOTALS_NAME); // a predecessor's in this process
        systemd_store(s->totals, TOTALS_NAME);
    }
}

// ---- notes -------------------------------------------------------------------------------------

void fdstore_read_notes(const struct fdstore *s, struct listener_notes *ret)
{
    struct stat st;
    const size_t head = strlen(NOTES_FIRST);
    if (!s->notes || fstat(s->notes, &st) < 0 || st.st_size > NOTES_SIZE_MAX)
        return;
    char *text = malloc((size_t)st.st_size + 1);
    ssize_t n = text ? pread(s->notes, text, (size_t)st.st_size, 0) : -1;
    if (n >= (ssize_t)head && memcmp(text, NOTES_FIRST, head) == 0)
        listener_notes_parse(slice_make(text + head, (size_t)n - head), ret);
    free(text);
}

static void write_notes(int fd, const struct listener_notes *notes)
{
    size_t size = strlen(NOTES_FIRST) + listener_notes_size(notes);
    char *text = malloc(size);
    struct buf b = buf_make(text, size);
    if (!text)
        return;
    buf_puts(&b, NOTES_FIRST);
    listener_notes_format(&b, notes);
    if (ftruncate(fd, 0) < 0 || pwrite(fd, text, b.len, 0) < 0)
        log_notice("the options of listeners cannot be noted for the next start");
    free(text);
}

void fdstore_write_notes(struct fdstore *s, const struct listener_notes *notes)
{
    bool is_new = !s->notes;
    if (is_new)
        s->notes = MAX(memfd_create(NOTES_NAME, MFD_CLOEXEC), 0);
    if (!s->notes)
        return; // then the next master takes what it finds for what is wanted
    write_notes(s->notes, notes);
    if (is_new)
        systemd_store(s->notes, NOTES_NAME);
}

void fdstore_cleanup(struct fdstore *s)
{
    listeners_close(&s->listeners, NULL);
    if (s->notes)
        close(s->notes);
    s->notes = 0;
    if (s->totals >= 0)
        close(s->totals);
    s->totals = -1;
}

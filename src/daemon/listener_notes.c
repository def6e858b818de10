#include "daemon/listener_notes.h"

#include "base/log.h"
#include "base/num.h"
#include "sys/listener.h"

#include <inttypes.h>
#include <stdlib.h>

// A note takes less: each option its name and its value in hexadecimal digits.
#define LINE_MAX_LENGTH (LISTENER_NOTE_OPTIONS * (32 + 2 * LISTENER_NOTE_VALUE_MAX))

// All names of options.
#define NAMES_MAX 1024

// ---- looking -----------------------------------------------------------------------------------

static struct listener_note *find_note(const struct listener_notes *n, uint64_t inode)
{
    for (size_t i = 0; i < n->count; i++)
        if (n->items[i].inode == inode)
            return &n->items[i].note;
    return NULL;
}

// A new one; NULL: no memory.
static struct listener_note *add_note(struct listener_notes *n, uint64_t inode)
{
    struct listener_notes_item *items = realloc(n->items, (n->count + 1) * sizeof(*items));
    if (!items)
        return NULL;
    n->items = items;
    items[n->count].inode = inode;
    return &items[n->count++].note;
}

static void tell_restored(const char *address, const char *names)
{
    log_event(EVENT_LISTENER_RESTORED, NULL,
              "the listener on %s had been changed, and is set back: %s", address, names);
}

static void tell_spoilt(const struct listeners_entry *entry, const char *address, const char *names)
{
    log_event(EVENT_LISTENER_SPOILT, NULL,
              "the listener on %s was changed in a way that cannot be set back: %s; %s", address,
              names,
              entry->inherited ? "renew it: systemctl restart UNIT.socket tined.service, with "
                                 "the socket unit that systemctl list-sockets names"
                               : "another one is bound in its place");
}

static void compare_entry(struct listeners_entry *entry, struct listener_note *note)
{
    char address[ENDPOINT_TEXT_MAX] = "an address", names[NAMES_MAX];
    struct endpoint e;
    struct buf b = buf_make(names, sizeof(names) - 1);
    if (listener_address(entry->fd, &e) == 0)
        endpoint_format(&e, address);
    enum listener_note_result r = listener_note_restore(entry->fd, note, &b);
    names[b.len] = '\0';
    if (r == LISTENER_NOTE_RESTORED)
        tell_restored(address, names);
    if (r == LISTENER_NOTE_SPOILT && !entry->is_spoilt)
        tell_spoilt(entry, address, names);
    entry->is_spoilt = r == LISTENER_NOTE_SPOILT;
}

void listener_notes_look(struct listener_notes *n, struct listeners *l)
{
    for (size_t i = 0; i < l->count; i++) {
        struct listeners_entry *entry = &l->items[i];
        if (entry->fd < 0 || !listener_note_applies(entry->fd))
            continue;
        uint64_t inode = listener_inode(entry->fd);
        struct listener_note *note = find_note(n, inode);
        if (note)
            compare_entry(entry, note);
        else if ((note = add_note(n, inode)))
            listener_note_take(entry->fd, note);
    }
}

static bool is_kept(uint64_t inode, const struct listeners *l,
                    const struct listeners_inherited *inherited)
{
    for (size_t i = 0; i < l->count; i++)
        if (l->items[i].fd >= 0 && listener_inode(l->items[i].fd) == inode)
            return true;
    for (size_t i = 0; i < inherited->count; i++)
        if (listener_inode(inherited->sockets[i].fd) == inode)
            return true;
    return false;
}

void listener_notes_forget(struct listener_notes *n, const struct listeners *l,
                           const struct listeners_inherited *inherited)
{
    size_t kept = 0;
    for (size_t i = 0; i < n->count; i++)
        if (is_kept(n->items[i].inode, l, inherited))
            n->items[kept++] = n->items[i];
    n->count = kept;
}

// ---- as text -----------------------------------------------------------------------------------

size_t listener_notes_size(const struct listener_notes *n)
{
    return n->count * LINE_MAX_LENGTH;
}

void listener_notes_format(struct buf *b, const struct listener_notes *n)
{
    for (size_t i = 0; i < n->count; i++) {
        buf_printf(b, "%" PRIu64 " ", n->items[i].inode);
        listener_note_format(b, &n->items[i].note);
        buf_putc(b, '\n');
    }
}

void listener_notes_parse(struct slice text, struct listener_notes *ret)
{
    while (text.len) {
        struct slice line = slice_split(&text, '\n');
        struct slice number = slice_split(&line, ' ');
        struct listener_note note, *room;
        uint64_t inode;
        if (!num_parse_dec(number, UINT64_MAX, &inode) || !listener_note_parse(line, &note) ||
            !(room = add_note(ret, inode)))
            return;
        *room = note;
    }
}

void listener_notes_cleanup(struct listener_notes *n)
{
    free(n->items);
    *n = (struct listener_notes){0};
}

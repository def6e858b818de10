// Notes of the options (sys/listener_note.h) of all listeners that a master works with, whoever
// opened them: taken when it gets one first, for what a socket unit sets is wanted, and compared
// whenever somebody may have changed something. A socket is known by its inode. Master only.
#pragma once

#include "daemon/listeners.h"
#include "sys/listener_note.h"

struct listener_notes {
    struct listener_notes_item {
        uint64_t inode;
        struct listener_note note;
    } * items;
    size_t count;
};

// Takes the note of each listener that has none, and sets back what differs from one, which an
// event tells. A listener on which that fails is marked `is_spoilt`, which an event tells once for
// each entry. Without memory there is no note.
void listener_notes_look(struct listener_notes *n, struct listeners *l);

// Drops the notes of listeners that are neither of `l` nor passed in.
void listener_notes_forget(struct listener_notes *n, const struct listeners *l,
                           const struct listeners_inherited *inherited);

// Bytes that listener_notes_format() takes at most.
size_t listener_notes_size(const struct listener_notes *n);

// Appends a line for each note.
void listener_notes_format(struct buf *b, const struct listener_notes *n);

// Reads lines into `ret`, which is empty, up to the end of the text or to one that is none of ours.
void listener_notes_parse(struct slice text, struct listener_notes *ret);

void listener_notes_cleanup(struct listener_notes *n);

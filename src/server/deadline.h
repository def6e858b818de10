// Deadlines of connections: a class for each phase, one constant timeout per class.
//
// Since a class has one timeout, its members expire in the order in which they entered: a list per
// class is the whole structure, and every operation but deadline_set_since() is O(1). A deadline is
// absolute: it does not move when bytes come, only when the phase changes (or, for sending, when
// there is progress). Pure but for memory that the caller embeds; time is a parameter, in ms.
#pragma once

#include "base/list.h"

#include <stddef.h>
#include <stdint.h>

enum deadline_class {
    DEADLINE_FIRST,   // the first request head of a connection has not ended, or not begun
    DEADLINE_HEAD,    // the head of a later one has begun
    DEADLINE_BODY,    // content is read and thrown away
    DEADLINE_SEND,    // no progress in sending
    DEADLINE_DISK,    // the disk is waited for, not the client
    DEADLINE_LISTING, // likewise, before the first byte of an answer
    DEADLINE_IDLE,    // between requests
    DEADLINE_LAST,    // between requests of a server that is stopping
    DEADLINE_LINGER,  // reading off what comes after the last answer
    DEADLINE_ROOT,    // a new generation is waited for, not the client
    DEADLINE_ASKED,   // a file system that may not answer is waited for
    DEADLINE_CLASSES,
    DEADLINE_NONE = DEADLINE_CLASSES
};

struct deadline {
    struct list link;
    int64_t since;
    uint8_t class;
};

struct deadlines {
    struct list lists[DEADLINE_CLASSES];
    uint32_t counts[DEADLINE_CLASSES]; // of their members
    int64_t timeouts[DEADLINE_CLASSES];
};

void deadlines_init(struct deadlines *d, const int64_t timeouts[static DEADLINE_CLASSES]);

void deadline_init(struct deadline *one);

// Enters `class` now, or leaves all with DEADLINE_NONE.
void deadline_set(struct deadlines *d, struct deadline *one, enum deadline_class class,
                  int64_t now);

// Enters `class` as one that has been in it since then, which may be earlier than others.
void deadline_set_since(struct deadlines *d, struct deadline *one, enum deadline_class class,
                        int64_t since);

// When the next one expires, or -1.
int64_t deadlines_next(const struct deadlines *d);

// One that has expired, still in its class, or NULL.
struct deadline *deadlines_expired(const struct deadlines *d, int64_t now);

// The one that entered its class next after `one`, or NULL.
struct deadline *deadlines_after(const struct deadlines *d, const struct deadline *one);

// The one that has been longest in `class`, or NULL.
struct deadline *deadlines_oldest(const struct deadlines *d, enum deadline_class class);

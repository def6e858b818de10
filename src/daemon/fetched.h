// The things that a configuration names outside of itself: roots, files, the access log, the user.
// A list of what is to be fetched, and of what came of it.
//
// One process asks file systems for it (daemon/fetch_job.h), and another, which never does, makes a
// generation of it (daemon/generation_open.h).
#pragma once

#include "conf/conf.h"
#include "content/supply.h"
#include "sys/privs.h"

#include <limits.h>

enum fetched_kind {
    FETCHED_ROOT,      // a directory, open
    FETCHED_LOOK,      // which file a path leads to
    FETCHED_FILE,      // a copy of a file's content, open
    FETCHED_LOG,       // the access log, open
    FETCHED_LOG_CHECK, // whether it could be opened
    FETCHED_USER,      // ids of the workers
};

// The way in which the access log of a configuration is treated.
enum fetched_log {
    FETCHED_LOG_OPEN,    // opened, which may make it
    FETCHED_LOG_CHECKED, // whether it could be
    FETCHED_LOG_LEFT,    // nothing
};

// Not fetched yet; else 0 or a negative errno, -ETIMEDOUT: no answer.
#define FETCHED_PENDING 1

struct fetched_item {
    enum fetched_kind kind;
    const char *name;         // the path, or the user; of the configuration, or static
    const struct privs *user; // of a LOG, for the process; NULL: that of the configuration
    int error;
    int fd; // that came of it, owned; or -1
    // Of a ROOT or LOOK:
    uint64_t dev, inode;
    bool is_local;  // ROOT: see fstype_is_local()
    bool is_hidden; // ROOT that failed: by the service's unit (sys/unit_hides.h)
    enum rootfs_way way;
    char *real; // the root's real path, owned; NULL: unknown
};

struct fetched {
    struct conf *conf; // or NULL
    struct fetched_item *items;
    size_t count, room;
    size_t pending; // items
    size_t at;      // where the next is looked for
    bool is_short;  // there was no room for the descriptor of one that is pending
    bool keeps_ids; // there is no USER
    enum fetched_log log;
    struct privs privs;
    const char *unknown; // of a USER that could not be fetched: "user" or "group"
};

// The list of all that a generation of the configuration takes; with `keeps_ids` no user. 0 or
// -ENOMEM, with `conf` set.
int fetched_init(struct fetched *f, struct conf *conf, bool keeps_ids, enum fetched_log log);

// Closes and frees what was not taken. The configuration is the caller's.
void fetched_cleanup(struct fetched *f);

// Adds an item to a list that is all zero at first. 0 or -ENOMEM.
int fetched_add(struct fetched *f, enum fetched_kind kind, const char *name);

// Notes what came of an item that is pending.
void fetched_settle(struct fetched *f, struct fetched_item *item, int error);

// The first item of that kind and name behind the one that was found last. It must be there.
struct fetched_item *fetched_find(struct fetched *f, enum fetched_kind kind, const char *name);

// Takes the descriptor of such an item, or the negative errno.
int fetched_take(struct fetched *f, enum fetched_kind kind, const char *name);

// Its roots and files. Each is there to be taken as often as the configuration names it.
struct supply fetched_supply(struct fetched *f);

// The files that are kept ready to be sent (content/cached_file.h): an index by name, and two
// shares that push out what is not asked for.
//
// Never stale: an entry is used for a group of requests only after one statx(2) since they were
// received said that the path still names the same state of the same file. It is the whole path,
// with the root's, so that the same call notices a root that was swapped; what is served then still
// comes from the root that is open, all of it, until others take over. Content is kept only when
// the file did not change while it was read and is old enough (rootfs_is_young()); a younger file
// is read for each request and has no tag, and matches no date. That a file is missing holds for
// the group for which it was found out; other failures are not kept.
//
// Two things are scarce, and each has its share of entries (`cache.memory`, `cache.files`): small
// content in memory, and open descriptors. A file that is new goes where there is room: into
// memory, or when that is full, as a descriptor; what is asked for again there has earned memory as
// well, and if it is small takes it from what was not asked for since (content/sieve.h). So what is
// asked for once costs none of what is asked for often, and what lost its memory again still needs
// no opening.
//
// Trees that are not local are never looked at by the loop itself: it gets answers to questions
// (content/questions.h), for which the request may have to wait. The cache keeps
// content of such a tree in memory alone, and threads look whether it is current.
//
// One cache per event loop, no locks. An entry that was replaced or pushed out lives on until the
// last answer that uses it is sent.
#pragma once

#include "content/questions.h"

// Listed entries that have something in common.
struct filecache_share {
    struct sieve order;
    uint64_t used, limit;
};

// Files that are remembered as missing. Variants are among them, for which every request looks.
#define FILECACHE_MISSING 16u

struct filecache {
    const struct mimetable *types; // that sites have in common
    struct questions *questions;   // for trees that are not local; NULL: they are looked at here
    bool swapped;                  // a tree was seen that is no longer where its path leads
    struct cached_file **buckets;
    uint32_t bucket_mask;
    struct filecache_share memory; // entries with content, in bytes
    struct filecache_share files;  // entries with a descriptor
    struct list *tick_at;          // among those: where the next tick goes on
    struct cached_file *missing[FILECACHE_MISSING];
    const struct tree *checked_tree; // the last one that was, and for which group
    uint64_t checked;
};

// 0 or -ENOMEM.
int filecache_init(struct filecache *c, const struct mimetable *types, uint64_t memory_limit,
                   uint64_t file_limit);

// Frees all that is not referenced; nothing may be referenced any more.
void filecache_cleanup(struct filecache *c);

// The regular file that the key names. Returns 0 and a reference that the caller gives back with
// cached_file_release(), or a negative errno: as cached_file_open(), or -ENOMEM.
int filecache_get(struct filecache *c, const struct file_key *key, const struct file_moment *moment,
                  struct cached_file **ret);

// 0 when the key names a directory, or a negative errno as rootfs_look(), -ENOTDIR, or as above.
int filecache_look_at_directory(struct filecache *c, const struct file_key *key,
                                const struct file_moment *moment);

// To be called now and then: lets go of kept files that were removed or replaced and are not asked
// for any more, so that their space on the disk is free.
void filecache_tick(struct filecache *c);

// Closes a descriptor that is kept and not in use. False: there is none.
bool filecache_drop_file(struct filecache *c);

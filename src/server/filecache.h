// Files that are ready to be sent: content in memory for small ones, an open descriptor for large
// ones, and the field lines that describe them.
//
// Never stale: an entry is used in a round of the event loop only after one statx(2) in that round
// said that the path still names the same state of the same file. It is the whole path, with the
// root's, so that the same call notices a root that was swapped; what is served then still comes
// from the root that is open, all of it, until others take over. Content is kept only when the
// file did not change while it was read and is old enough (rootfs_is_young()); a younger file is
// read for each request and has no validators. Failures are never kept.
//
// One cache per event loop, no locks. Entries are counted references: one that was replaced or
// pushed out lives on until the last answer that uses it is sent.
#pragma once

#include "base/list.h"
#include "http/encoding.h"
#include "http/response.h"
#include "server/filedigest.h"
#include "server/sites.h"

// Which file, and as what.
struct file_key {
    const struct site *site;
    const struct tree *tree; // of the site
    struct slice path;       // relative to the tree; of a variant the path of its original
    enum coding coding;      // CODING_IDENTITY: the file itself; else its precompressed variant
    enum rootfs_links links; // that may be followed on the way to it
};

struct cached_file {
    struct representation about; // etag points into description.lines
    struct description description;
    char *body;               // the content, or NULL: read it from fd
    int fd;                   // -1 when the content is in memory
    struct filedigest digest; // looked for where the site's ETags are digests
    // private
    struct cached_file *next_in_bucket;
    struct list lru;
    uint32_t references;
    bool listed; // found by filecache_get(); else freed with the last reference
    uint64_t checked_round;
    struct file_key key; // its path is a part of full_path
    struct file_identity identity;
    char *full_path; // directory of the tree, path, and the suffix of a variant
    char lines[DESCRIPTION_MAX];
};

struct filecache {
    const struct mimetable *types; // that sites have in common
    bool swapped;                  // a tree was seen that is no longer where its path leads
    struct cached_file **buckets;
    uint32_t bucket_mask;
    struct list lru;               // least recently used first
    struct list *tick_at;          // in it: where the next tick goes on
    uint64_t memory, memory_limit; // bytes of listed entries
    uint64_t files, file_limit;    // descriptors of listed entries
};

// The largest content that is kept in memory.
#define FILECACHE_BODY_MAX (64u << 10)

// 0 or -ENOMEM.
int filecache_init(struct filecache *c, const struct mimetable *types, uint64_t memory_limit,
                   uint64_t file_limit);

// Frees all that is not referenced; nothing may be referenced any more.
void filecache_cleanup(struct filecache *c);

// When it is: the number of the loop's round, and the time in it.
struct file_moment {
    uint64_t round;
    int64_t wall_s;
};

// The regular file that the key names. Returns 0 and a reference that the caller gives back with
// filecache_release(), or a negative errno: as rootfs_open(), and -EISDIR for a directory, -EPERM
// for what is neither directory nor regular file.
int filecache_get(struct filecache *c, const struct file_key *key, const struct file_moment *moment,
                  struct cached_file **ret);

// A file that is open already and that nobody else will ask for, as a reference. Takes over the
// descriptor. NULL: no memory; the descriptor is the caller's then.
struct cached_file *filecache_adopt(int fd);

// The same of content in memory, which is copied.
struct cached_file *filecache_adopt_content(struct slice content);

// Whether the content of `a` was changed later than that of `b`, by their times.
bool filecache_is_newer(const struct cached_file *a, const struct cached_file *b);

// To be called now and then: lets go of kept files that were removed or replaced and are not asked
// for any more, so that their space on the disk is free.
void filecache_tick(struct filecache *c);

// Closes the descriptor that is kept and was not used for longest. False: none is kept.
bool filecache_drop_file(struct filecache *c);

void filecache_release(struct cached_file *file);

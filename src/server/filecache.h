// Files that are ready to be sent: content in memory for small ones, an open descriptor for large
// ones, and the field lines that describe them.
//
// Never stale: an entry is used for a group of requests only after one statx(2) since they were
// received said that the path still names the same state of the same file. It is the whole path,
// with the root's, so that the same call notices a root that was swapped; what is served then still
// comes from the root that is open, all of it, until others take over. Content is kept only when
// the file did not change while it was read and is old enough (rootfs_is_young()); a younger file
// is read for each request and has no validators. That a file is missing holds for the group for
// which it was found out; other failures are not kept.
//
// Two things are scarce, and each has its share of entries (`cache.memory`, `cache.files`): small
// content in memory, and open descriptors. A file that is new goes where there is room: into
// memory, or when that is full, as a descriptor; what is asked for again there has earned memory as
// well, and if it is small takes it from what was not asked for since (server/sieve.h). So what is
// asked for once costs none of what is asked for often, and what lost its memory again still needs
// no opening.
//
// One cache per event loop, no locks. Entries are counted references: one that was replaced or
// pushed out lives on until the last answer that uses it is sent.
#pragma once

#include "base/list.h"
#include "http/encoding.h"
#include "http/response.h"
#include "server/filedigest.h"
#include "server/sieve.h"
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
    int fd;                   // or -1: the content is in memory
    struct filedigest digest; // looked for where the site's ETags are digests
    // private
    struct cached_file *next_in_bucket;
    struct sieve_item in_memory, in_files; // its places in the shares
    uint32_t references;
    bool listed; // in a share, and found by filecache_get(); else freed with the last reference
    uint64_t checked;
    struct file_key key; // its path is a part of full_path
    struct file_identity identity;
    char *full_path; // directory of the tree, path, and the suffix of a variant
    char *lines;     // of the description
};

// Listed entries that have something in common.
struct filecache_share {
    struct sieve order;
    uint64_t used, limit;
};

// Files that are remembered as missing. Variants are among them, for which every request looks.
#define FILECACHE_MISSING 16u

struct filecache {
    const struct mimetable *types; // that sites have in common
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

// The largest content that is kept in memory. What is larger, or would have to wait for a disk, has
// a descriptor and no body.
#define FILECACHE_BODY_MAX (64u << 10)

// 0 or -ENOMEM.
int filecache_init(struct filecache *c, const struct mimetable *types, uint64_t memory_limit,
                   uint64_t file_limit);

// Frees all that is not referenced; nothing may be referenced any more.
void filecache_cleanup(struct filecache *c);

// When it is: the number of the group of requests that are answered (server/loop.h), and the
// time.
struct file_moment {
    uint64_t group;
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

// Closes a descriptor that is kept and not in use. False: there is none.
bool filecache_drop_file(struct filecache *c);

void filecache_release(struct cached_file *file);

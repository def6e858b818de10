// A file that is ready to be sent: its content in memory, or an open descriptor, and the field
// lines that describe it. This module fills and describes one; which files are kept, for how long
// and in which of the two ways is content/filecache.h's matter.
//
// Counted references: a file lives until the last answer that uses it is sent, and at least as long
// as the cache has it listed. One event loop owns it; no locks.
#pragma once

#include "content/filedigest.h"
#include "content/sieve.h"
#include "content/sites.h"
#include "http/encoding.h"
#include "http/response.h"
#include "sys/askers.h"

// Names a file, and says as what it is served.
struct file_key {
    const struct site *site;
    const struct tree *tree; // of the site
    struct slice path;       // relative to the tree; of a variant the path of its original
    enum coding coding;      // CODING_IDENTITY: the file itself; else its precompressed variant
    enum symlinks links;     // that may be followed on the way to it
    const char *charset;     // NULL: the site's
    enum conf_etag etag;     // CONF_ETAG_UNSET: the site's
    enum coding stored;      // of the file itself, by a rule; CODING_IDENTITY: none says it
};

// The largest content that is kept in memory. A file that is larger, or would have to wait for a
// disk, has a descriptor and no body.
#define CACHED_FILE_BODY_MAX (64u << 10)

// When it is: the number of the group of requests that are answered (server/loop.h), and the
// time.
struct file_moment {
    uint64_t group;
    int64_t wall_s;
};

struct cached_file {
    struct representation about; // etag points into description.lines
    struct description description;
    char *body;               // the content, or NULL: read it from fd
    int fd;                   // or -1: the content is in memory, or far away
    struct askers_file *far;  // owned: content that threads alone read (sys/askers.h); or NULL
    struct filedigest digest; // looked for where the site's ETags are digests
    // for content/filecache.c alone
    struct cached_file *next_in_bucket;
    struct sieve_item in_memory, in_files; // its places in the shares
    bool listed;                           // in a share, and found by filecache_get()
    uint64_t checked;
    // private
    uint32_t references;
    struct file_key key; // its path is a part of full_path
    struct file_identity identity;
    char *full_path; // directory of the tree, path, and the suffix of a variant
    char *lines;     // of the description
};

// The coding in which the content is: of a variant; or of a file that is stored so, by a rule or by
// a name that ends in ".svgz".
enum coding cached_file_coding(const struct cached_file *f);

// A file with one reference that is neither open nor described. Copies the path. NULL: no memory.
struct cached_file *cached_file_new(const struct file_key *key);

// A file that is open already and that nobody else will ask for, as a reference. Takes over the
// descriptor. NULL: no memory; the descriptor is the caller's then.
struct cached_file *cached_file_adopt(int fd);

// The same of content in memory, which is copied.
struct cached_file *cached_file_adopt_content(struct slice content);

// Whether both keys name the same file, served as the same.
bool cached_file_same_key(const struct file_key *a, const struct file_key *b);

// The same for the same file.
uint32_t cached_file_hash_key(const struct file_key *key);

// Gives a reference back: the last one frees a file that is not listed.
void cached_file_release(struct cached_file *f);

// Frees a file that is neither listed nor used by an answer, whatever its count says.
void cached_file_free(struct cached_file *f);

// Opens the regular file that the key names, and notes its identity. 0 or a negative errno: as
// rootfs_open(), -EISDIR for a directory, -ENXIO for anything else that is no regular file.
int cached_file_open(struct cached_file *f);

// Closes the descriptor; the content must be in memory.
void cached_file_close_fd(struct cached_file *f);

// Looks for the digest, where the site wants one. False: it may change unseen, so that the file is
// not to be kept.
bool cached_file_read_digest(struct cached_file *f, int64_t wall_s);

// Reads the content of an open file into memory, waiting for no disk (-EAGAIN). The file may grow
// or shrink meanwhile: the bytes that were read count, and *ret_same tells whether they are one
// state of the file. 0 or a negative errno.
int cached_file_read_body(struct cached_file *f, bool *ret_same);

// The same, waiting as long as it takes: for a thread.
int cached_file_load_body(struct cached_file *f, bool *ret_same);

// Formats the lines that every answer with this file repeats. A file that is not lasting has no
// tag, and a date that no later state of it has; one whose time says nothing has neither. 0 or
// -ENOMEM.
int cached_file_describe(struct cached_file *f, const struct mimetable *types, bool lasting,
                         int64_t wall_s);

// Bytes of memory that the file takes.
uint64_t cached_file_memory(const struct cached_file *f);

// Whether the whole path, through the directories of now, names the state that is noted: one call
// of statx(2).
bool cached_file_is_at_path(const struct cached_file *f);

// Whether the path beneath the root that is open names it.
bool cached_file_is_in_tree(const struct cached_file *f);

// Whether the digest is still in the state that was read; true where the site wants none.
bool cached_file_has_current_digest(const struct cached_file *f);

// Whether the content of `a` was changed later than that of `b`, by their times.
bool cached_file_is_newer(const struct cached_file *a, const struct cached_file *b);

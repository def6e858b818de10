#include "content/cached_file.h"

#include "base/util.h"
#include "sys/pagecache.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

// Room for every Content-Type value.
#define TYPE_MAX 280

struct cached_file *cached_file_new(const struct file_key *key)
{
    const char *directory = key->tree->directory;
    struct slice suffix = encoding_suffix(key->coding);
    size_t size = strlen(directory) + 1 + key->path.len + suffix.len + 1;
    struct cached_file *f = calloc(1, sizeof(*f));
    char *full_path = f ? malloc(size) : NULL;
    if (!full_path) {
        free(f);
        return NULL;
    }
    struct buf b = buf_make(full_path, size);
    buf_puts(&b, directory);
    buf_putc(&b, '/');
    f->key = *key;
    f->key.path.ptr = full_path + b.len;
    buf_put(&b, key->path);
    buf_put(&b, suffix);
    buf_putc(&b, '\0');
    f->full_path = full_path;
    f->fd = -1;
    f->references = 1;
    return f;
}

struct cached_file *cached_file_adopt(int fd)
{
    struct cached_file *f = calloc(1, sizeof(*f));
    if (!f)
        return NULL;
    f->fd = fd;
    f->references = 1;
    return f;
}

struct cached_file *cached_file_adopt_content(struct slice content)
{
    char *body = malloc(content.len ? content.len : 1);
    struct cached_file *f = body ? cached_file_adopt(-1) : NULL;
    if (!f) {
        free(body);
        return NULL;
    }
    if (content.len)
        memcpy(body, content.ptr, content.len);
    f->body = body;
    return f;
}

bool cached_file_same_key(const struct file_key *a, const struct file_key *b)
{
    return a->tree == b->tree && a->coding == b->coding && a->links == b->links &&
           a->charset == b->charset && a->etag == b->etag && a->stored == b->stored &&
           slice_equal(a->path, b->path);
}

// A client who makes chains long by chosen names needs files of those names on the server.
uint32_t cached_file_hash_key(const struct file_key *key)
{
    return slice_hash(key->path, (uint32_t)(uintptr_t)key->tree ^ (uint32_t)key->coding);
}

void cached_file_release(struct cached_file *f)
{
    if (--f->references == 0 && !f->listed)
        cached_file_free(f);
}

void cached_file_free(struct cached_file *f)
{
    if (f->fd >= 0)
        close(f->fd);
    if (f->far)
        askers_file_close(f->far);
    free(f->body);
    free(f->lines);
    free(f->full_path);
    free(f);
}

// The path of the file, relative to its tree.
static const char *path_of(const struct cached_file *f)
{
    return f->key.path.ptr;
}

// The root as this file may look at it.
static struct rootfs root_of_file(const struct cached_file *f)
{
    struct rootfs root = f->key.tree->root;
    root.links = f->key.links;
    return root;
}

static int type_error(uint32_t mode)
{
    if (S_ISREG(mode))
        return 0;
    return S_ISDIR(mode) ? -EISDIR : -ENXIO;
}

// Why there is nothing to serve. The quick look that found nothing, or no file, was not confined to
// the root: this one is, so that the errno tells nothing about files outside.
static int explain_absence(const struct cached_file *f)
{
    const struct rootfs root = root_of_file(f);
    struct file_identity found;
    int r = rootfs_look(&root, path_of(f), &found);
    if (r == 0)
        r = type_error(found.mode);
    return r < 0 ? r : -ENOENT; // it has come just now
}

// Looks before it opens: opening a device or a FIFO can have effects.
int cached_file_open(struct cached_file *f)
{
    const struct rootfs root = root_of_file(f);
    int r = rootfs_stat(&root, path_of(f), &f->identity);
    if (r < 0 || type_error(f->identity.mode) < 0)
        return explain_absence(f);
    f->fd = rootfs_open(&root, path_of(f));
    if (f->fd < 0)
        return f->fd;
    r = rootfs_fstat(f->fd, &f->identity);
    return r < 0 ? r : type_error(f->identity.mode);
}

void cached_file_close_fd(struct cached_file *f)
{
    close(f->fd);
    f->fd = -1;
}

static enum conf_etag etag_of(const struct cached_file *f)
{
    return f->key.etag ? f->key.etag : f->key.site->conf->etag;
}

static bool wants_digest(const struct cached_file *f)
{
    return etag_of(f) == CONF_ETAG_DIGEST;
}

bool cached_file_read_digest(struct cached_file *f, int64_t wall_s)
{
    if (!wants_digest(f))
        return true;
    const struct rootfs root = root_of_file(f);
    const struct filedigest_file file = {path_of(f), f->fd, &f->identity};
    filedigest_read(&f->digest, &root, &file, wall_s);
    return f->digest.lasting;
}

typedef ssize_t read_cb(int file, uint64_t offset, void *data, size_t len);

static int read_body_by(struct cached_file *f, read_cb *read, bool *ret_same)
{
    struct file_identity after;
    size_t got = 0;
    ssize_t n = 1;
    char *body = malloc(f->identity.size + 1); // never 0 bytes: NULL would mean no memory
    if (!body)
        return -ENOMEM;
    while (got < f->identity.size && n > 0) {
        n = read(f->fd, got, body + got, f->identity.size - got);
        got += n > 0 ? (size_t)n : 0;
    }
    int r = n < 0 ? (int)n : rootfs_fstat(f->fd, &after);
    if (r < 0) {
        free(body);
        return r;
    }
    *ret_same = got == f->identity.size && rootfs_same(&f->identity, &after);
    f->body = body;
    f->about.size = got;
    return 0;
}

int cached_file_read_body(struct cached_file *f, bool *ret_same)
{
    return read_body_by(f, pagecache_read, ret_same);
}

int cached_file_load_body(struct cached_file *f, bool *ret_same)
{
    return read_body_by(f, pagecache_wait, ret_same);
}

// All that changes with a state of the file, and does not show it. Two states may have one time of
// modification, which can be set; the change time cannot. The device counts, for images of file
// systems that were built alike have all the rest in common.
static uint64_t hash_state(const struct cached_file *f)
{
    const struct file_identity *id = &f->identity;
    const uint64_t numbers[] = {id->dev,      id->inode,
                                id->size,     (uint64_t)id->mtime_s,
                                id->mtime_ns, (uint64_t)id->ctime_s,
                                id->ctime_ns, f->key.coding};
    return siphash_numbers(&f->key.site->etag_key, numbers, ARRAY_SIZE(numbers));
}

enum coding cached_file_coding(const struct cached_file *f)
{
    if (f->key.coding != CODING_IDENTITY)
        return f->key.coding;
    if (f->key.stored != CODING_IDENTITY)
        return f->key.stored;
    return encoding_of_file(f->key.path);
}

// The tag that the site wants its files to have, if any.
static void put_site_etag(struct buf *b, const struct cached_file *f)
{
    const struct file_identity *id = &f->identity;
    switch (etag_of(f)) {
    case CONF_ETAG_OFF:
        return;
    case CONF_ETAG_SHARED:
        response_etag_shared(b, id->size, id->mtime_s, encoding_name(cached_file_coding(f)));
        return;
    case CONF_ETAG_DIGEST:
        if (f->digest.known) {
            digest_etag(b, f->digest.bytes);
            return;
        }
        break;
    case CONF_ETAG_UNSET:
    case CONF_ETAG_FILE:
        break;
    }
    response_etag(b, hash_state(f));
}

// Stores and images of packages set the time of every file to the epoch, or a second after it: such
// a time says nothing about the content.
static bool has_true_mtime(const struct cached_file *f)
{
    return f->identity.mtime_s != 0 && f->identity.mtime_s != 1;
}

// Last-Modified. A time of modification that lies ahead was set: the change time is the true one.
// The date of a file that may change unseen is a second early, so that no later state has it, and
// never later than that of the answer (RFC 9110 section 8.8.2.1).
static int64_t date_of_file(const struct cached_file *f, bool lasting, int64_t wall_s)
{
    int64_t date = MIN(f->identity.mtime_s, f->identity.ctime_s);
    return lasting ? date : MIN(date, wall_s) - 1;
}

int cached_file_describe(struct cached_file *f, const struct mimetable *types, bool lasting,
                         int64_t wall_s)
{
    const struct conf_site *conf = f->key.site->conf;
    const struct mimetable_site site = {&f->key.site->types, types, slice_of(conf->default_type),
                                        slice_of(f->key.charset ? f->key.charset : conf->charset)};
    char type_text[TYPE_MAX], etag_text[80], lines_text[DESCRIPTION_MAX];
    struct buf type = buf_make(type_text, sizeof(type_text));
    struct buf etag = buf_make(etag_text, sizeof(etag_text));
    struct buf lines = buf_make(lines_text, sizeof(lines_text));

    mimetable_type(&site, f->key.path, &type);
    f->about.max_ranges = f->key.site->max_ranges;
    f->about.mtime = has_true_mtime(f) ? date_of_file(f, lasting, wall_s) : -1;
    f->about.changed = f->identity.ctime_s;
    f->about.is_young = !lasting;
    f->about.etag = (struct slice){NULL, 0};
    if (lasting && has_true_mtime(f)) {
        put_site_etag(&etag, f);
        f->about.etag = buf_slice(&etag);
    }
    response_describe(&lines, &f->about, encoding_name(cached_file_coding(f)), buf_slice(&type),
                      &f->description);
    f->lines = malloc(lines.len + 1);
    if (!f->lines)
        return -ENOMEM;
    memcpy(f->lines, lines_text, lines.len);
    f->description.lines.ptr = f->lines;
    if (etag.len) // from here on the value stands in the line "ETag: VALUE\r\n"
        f->about.etag = slice_make(f->lines + strlen("ETag: "), etag.len);
    return 0;
}

uint64_t cached_file_memory(const struct cached_file *f)
{
    return sizeof(*f) + strlen(f->full_path) + 1 + f->description.lines.len +
           (f->body ? f->about.size : 0);
}

bool cached_file_is_at_path(const struct cached_file *f)
{
    struct file_identity now;
    return rootfs_stat_path(f->full_path, &now) == 0 && rootfs_same(&now, &f->identity);
}

bool cached_file_is_in_tree(const struct cached_file *f)
{
    struct file_identity now;
    return rootfs_stat(&f->key.tree->root, path_of(f), &now) == 0 &&
           rootfs_same(&now, &f->identity);
}

bool cached_file_has_current_digest(const struct cached_file *f)
{
    const struct rootfs root = root_of_file(f);
    return !wants_digest(f) || filedigest_is_current(&f->digest, &root, path_of(f));
}

bool cached_file_is_newer(const struct cached_file *a, const struct cached_file *b)
{
    return rootfs_is_newer(&a->identity, &b->identity);
}

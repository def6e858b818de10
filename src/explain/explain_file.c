#include "explain/explain_file.h"

#include "base/util.h"
#include "content/route_settings.h"
#include "explain/explain_text.h"
#include "http/httpdate.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>

// ---- the file ----------------------------------------------------------------------------------

static void put_mount(struct buf *b, const struct explain_file *e, const struct tree *tree)
{
    const struct conf_site *site = e->route->site->conf;
    char where[CONF_ORIGIN_MAX];
    for (size_t i = 0; i < site->mount_count; i++) {
        const struct conf_mount *mount = &e->conf->mounts[site->first_mount + i];
        if (mount->root == tree->directory)
            explain_text_line(b, "", "in what is mounted at %s (%s)", mount->path,
                              conf_origin_format(mount->origin, where));
    }
}

// Whether the request named a directory, and no rule another path.
static bool is_index(const struct explain_file *e, const struct cached_file *file)
{
    const struct ruling *ruling = &e->route->ruling;
    struct slice asked = e->route->path, name = slice_last(file->key.path, '/');
    size_t directory = file->key.tree->prefix.len + file->key.path.len - name.len;
    return asked.ptr[asked.len - 1] == '/' && asked.len == 1 + directory && !ruling->lookup.rule &&
           !e->route->mapped;
}

static void put_file(struct buf *b, const struct explain_file *e, const struct cached_file *file)
{
    char owner[EXPLAIN_TEXT_OWNER_MAX];
    struct stat st;
    if (fstatat(file->key.tree->root.fd, file->key.path.ptr, &st, 0) < 0)
        return;
    explain_text_line(b, "file", "%s (%" PRIu64 " bytes, %s)", file->full_path, file->about.size,
                      explain_text_owner(&st, owner));
    if (is_index(e, file))
        explain_text_line(b, "", "the index of the directory");
    if (file->key.tree->prefix.len)
        put_mount(b, e, file->key.tree);
}

// ---- variants ----------------------------------------------------------------------------------

static bool accepts_coding(const struct explain_file *e, enum coding coding)
{
    enum coding wanted[CODING_COUNT];
    return encoding_rank(e->request, &coding, 1, wanted) > 0;
}

// Says what became of the sibling in a coding; `sent` is the coding that answers.
static const char *fate(const struct explain_file *e, const struct cached_file *file,
                        enum coding coding, enum coding sent)
{
    struct file_key key = file->key;
    struct cached_file *variant;
    key.coding = coding;
    int error = filecache_get(e->query->cache, &key, &e->query->moment, &variant);
    if (error < 0)
        return error == -ENOENT ? "is not there" : strerror(-error);
    bool older = cached_file_is_newer(file, variant);
    cached_file_release(variant);
    if (older)
        return "is older than the file, so it is not used";
    if (coding == sent)
        return "is sent";
    if (resource_is_part_of_file(e->request, file))
        return "is there, but Range is of the file itself (without an If-Range of this variant)";
    if (!e->request->first[FIELD_ACCEPT_ENCODING].ptr)
        return "is there, but the request has no Accept-Encoding";
    return accepts_coding(e, coding)
               ? "is there, but another one is preferred"
               : "is there, but the request's Accept-Encoding does not want it";
}

static void put_variants(struct buf *b, const struct explain_file *e,
                         const struct cached_file *file)
{
    enum coding codings[CODING_COUNT], sent = e->route->file->key.coding;
    size_t count = route_settings_codings(e->route->site, &e->route->ruling, codings);
    if (count == 0)
        explain_text_line(b, "variant", "none is looked for: precompressed is empty");
    for (size_t i = 0; i < count; i++) {
        enum coding coding = codings[i];
        struct slice name = encoding_name(coding), suffix = encoding_suffix(coding);
        explain_text_line(b, i ? "" : "variant", "%.*s: %s%.*s %s", SLICE_ARG(name),
                          file->full_path, SLICE_ARG(suffix), fate(e, file, coding, sent));
    }
}

// ---- validators --------------------------------------------------------------------------------

static bool has_validators(const struct cached_file *file)
{
    return file->about.etag.len || file->about.mtime >= 0;
}

static const char *why_no_etag(const struct explain_file *e, const struct cached_file *file)
{
    if (rootfs_is_young(&file->identity, e->query->moment.wall_s))
        return "no ETag, and never 304: the file was changed less than 3 s ago, and may change "
               "again "
               "unseen";
    if (file->about.is_young)
        return "no ETag, and never 304: the file, or its digest, changed while it was looked at";
    return "no ETag: etag = \"off\"";
}

static const char *why_this_date(const struct cached_file *file)
{
    if (file->about.is_young)
        return "a second before the time of the file";
    if (file->about.mtime != file->identity.mtime_s)
        return "the time of the last change, for that of the file lies ahead of it";
    return "the time of the file";
}

static void put_etag_line(struct buf *b, const struct explain_file *e,
                          const struct cached_file *file)
{
    static const char *const modes[] = {
        [CONF_ETAG_FILE] = ", made of times, size and inode",
        [CONF_ETAG_SHARED] = ", made of time and size: etag = \"shared\"",
        [CONF_ETAG_DIGEST] = ", the SHA-256 that is stored: etag = \"digest\"",
        [CONF_ETAG_OFF] = "",
    };
    enum conf_etag said = file->key.etag, mode = said ? said : e->route->site->conf->etag;
    if (mode == CONF_ETAG_DIGEST && !file->digest.known)
        mode = CONF_ETAG_FILE;
    if (file->about.etag.len)
        explain_text_line(b, "validators", "ETag %.*s%s", SLICE_ARG(file->about.etag), modes[mode]);
    else
        explain_text_line(b, "validators", "%s", why_no_etag(e, file));
}

static void put_validators(struct buf *b, const struct explain_file *e,
                           const struct cached_file *file)
{
    char date[HTTPDATE_LEN];
    if (!has_validators(file)) {
        explain_text_line(b, "validators",
                          "none: the file's time is one that says nothing (0 or 1)");
        return;
    }
    put_etag_line(b, e, file);
    if (file->about.mtime < 0)
        return;
    httpdate_format(file->about.mtime, date);
    explain_text_line(b, "", "Last-Modified %.*s, %s", HTTPDATE_LEN, date, why_this_date(file));
}

void explain_file_put(struct buf *b, const struct explain_file *e)
{
    struct file_key key = e->route->file->key;
    struct cached_file *file;
    key.coding = CODING_IDENTITY;
    if (filecache_get(e->query->cache, &key, &e->query->moment, &file) < 0)
        return;
    put_file(b, e, file);
    put_variants(b, e, file);
    put_validators(b, e, e->route->file);
    cached_file_release(file);
}

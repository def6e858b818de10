#include "server/explain_file.h"

#include "base/util.h"
#include "http/httpdate.h"
#include "server/report.h"

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
            report_line(b, "", "in what is mounted at %s (%s)", mount->path,
                        conf_origin_format(mount->origin, where));
    }
}

// Whether the request named a directory, and no rule another path.
static bool is_index(const struct explain_file *e, const struct cached_file *file)
{
    const struct ruling *ruling = &e->route->ruling;
    struct slice asked = e->route->path, name = file->key.path;
    for (struct slice rest = name; rest.ptr;)
        name = slice_split(&rest, '/');
    size_t directory = file->key.tree->prefix.len + file->key.path.len - name.len;
    return asked.ptr[asked.len - 1] == '/' && asked.len == 1 + directory && !ruling->tries.rule &&
           !ruling->rewrite.rule;
}

static void put_file(struct buf *b, const struct explain_file *e, const struct cached_file *file)
{
    char owner[REPORT_OWNER_MAX];
    struct stat st;
    if (fstatat(file->key.tree->root.fd, file->key.path.ptr, &st, 0) < 0)
        return;
    report_line(b, "file", "%s (%" PRIu64 " bytes, %s)", file->full_path, file->about.size,
                report_owner(&st, owner));
    if (is_index(e, file))
        report_line(b, "", "the index of the directory");
    if (file->key.tree->prefix.len)
        put_mount(b, e, file->key.tree);
}

// ---- variants ----------------------------------------------------------------------------------

static bool is_wanted(const struct explain_file *e, enum coding coding)
{
    enum coding wanted[CODING_COUNT];
    return encoding_rank(e->request, &coding, 1, wanted) > 0;
}

// What became of the sibling in a coding, of which `sent` is the one that answers.
static const char *fate(const struct explain_file *e, const struct cached_file *file,
                        enum coding coding, enum coding sent)
{
    struct file_key key = file->key;
    struct cached_file *variant;
    key.coding = coding;
    int error = filecache_get(e->query->cache, &key, &e->query->moment, &variant);
    if (error < 0)
        return error == -ENOENT ? "is not there" : strerror(-error);
    bool older = filecache_is_newer(file, variant);
    filecache_release(variant);
    if (older)
        return "is older than the file, so it is not used";
    if (coding == sent)
        return "is sent";
    if (!e->request->first[FIELD_ACCEPT_ENCODING].ptr)
        return "is there, but the request has no Accept-Encoding";
    return is_wanted(e, coding) ? "is there, but another one is preferred"
                                : "is there, but the request's Accept-Encoding does not want it";
}

static void put_variants(struct buf *b, const struct explain_file *e,
                         const struct cached_file *file)
{
    const struct site *site = e->route->site;
    enum coding sent = e->route->file->key.coding;
    if (site->coding_count == 0)
        report_line(b, "variant", "none is looked for: precompressed is empty");
    for (size_t i = 0; i < site->coding_count; i++) {
        enum coding coding = site->codings[i];
        struct slice name = encoding_name(coding), suffix = encoding_suffix(coding);
        report_line(b, i ? "" : "variant", "%.*s: %s%.*s %s", SLICE_ARG(name), file->full_path,
                    SLICE_ARG(suffix), fate(e, file, coding, sent));
    }
}

// ---- validators --------------------------------------------------------------------------------

static const char *why_no_validators(const struct explain_file *e, const struct cached_file *file)
{
    if (rootfs_is_young(&file->identity, e->query->moment.wall_s))
        return "none: the file was changed less than 2 s ago, and may change again unseen";
    if (file->identity.mtime_s == 0 || file->identity.mtime_s == 1)
        return "none: the file's time is one that says nothing (0 or 1)";
    return "none: the file changed while it was looked at";
}

static void put_etag(struct buf *b, const struct explain_file *e, const struct cached_file *file)
{
    static const char *const modes[] = {
        [CONF_ETAG_FILE] = ", made of time, size and inode",
        [CONF_ETAG_SHARED] = ", made of time and size: etag = \"shared\"",
        [CONF_ETAG_DIGEST] = ", the SHA-256 that is stored: etag = \"digest\"",
        [CONF_ETAG_OFF] = "",
    };
    enum conf_etag mode = e->route->site->conf->etag;
    if (mode == CONF_ETAG_DIGEST && !file->digest.known)
        mode = CONF_ETAG_FILE;
    if (file->about.etag.len)
        report_line(b, "validators", "ETag %.*s%s", SLICE_ARG(file->about.etag), modes[mode]);
    else
        report_line(b, "validators", "no ETag: etag = \"off\"");
}

static void put_validators(struct buf *b, const struct explain_file *e,
                           const struct cached_file *file)
{
    char date[HTTPDATE_LEN];
    if (file->about.etag.len == 0 && file->about.mtime < 0) {
        report_line(b, "validators", "%s", why_no_validators(e, file));
        return;
    }
    put_etag(b, e, file);
    if (file->about.mtime < 0)
        return;
    httpdate_format(file->about.mtime, date);
    report_line(b, "", "Last-Modified %.*s, the time of the file", HTTPDATE_LEN, date);
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
    filecache_release(file);
}

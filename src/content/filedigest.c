#include "content/filedigest.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define SUFFIX "sha256"

// Enough for the digest and the white space that ends it; the name behind it does not matter.
#define TEXT_MAX 80

static bool sidecar_path(const char *path, char text[static PATH_MAX])
{
    return snprintf(text, PATH_MAX, "%s." SUFFIX, path) < PATH_MAX;
}

// Reads the sidecar and its state.
static ssize_t read_sidecar(const struct rootfs *root, const char *path, char *text,
                            struct file_identity *ret)
{
    struct file_identity id;
    int r = rootfs_look(root, path, &id);
    if (r == 0 && !S_ISREG(id.mode))
        r = -EPERM; // to open it may have effects
    int fd = r < 0 ? r : rootfs_open(root, path);
    if (fd < 0)
        return fd;
    r = rootfs_fstat(fd, ret);
    ssize_t n = r < 0 ? r : pread(fd, text, TEXT_MAX, 0);
    close(fd);
    return n;
}

static void take_sidecar(struct filedigest *d, const struct rootfs *root, const char *path,
                         const struct file_identity *id, int64_t now_s)
{
    char sidecar[PATH_MAX], text[TEXT_MAX];
    if (!sidecar_path(path, sidecar))
        return;
    ssize_t n = read_sidecar(root, sidecar, text, &d->sidecar);
    if (n < 0)
        return;
    d->lasting = !rootfs_is_young(&d->sidecar, now_s);
    d->known = !rootfs_is_newer(id, &d->sidecar) &&
               digest_parse(slice_make(text, (size_t)n), d->bytes);
}

// Every change of the content sets both times, the attribute only the time of change. Where they
// are equal nobody knows which came last.
static void take_attribute(struct filedigest *d, int fd, const struct file_identity *id)
{
    char text[TEXT_MAX];
    bool after = id->ctime_s > id->mtime_s ||
                 (id->ctime_s == id->mtime_s && id->ctime_ns > id->mtime_ns);
    ssize_t n = after ? rootfs_attribute(fd, "user." SUFFIX, text, sizeof(text)) : -ENODATA;
    d->known = n > 0 && digest_parse(slice_make(text, (size_t)n), d->bytes);
}

void filedigest_read(struct filedigest *d, const struct rootfs *root,
                     const struct filedigest_file *file, int64_t now_s)
{
    *d = (struct filedigest){.lasting = true};
    take_sidecar(d, root, file->path, file->id, now_s);
    if (!d->known)
        take_attribute(d, file->fd, file->id);
}

bool filedigest_is_current(const struct filedigest *d, const struct rootfs *root, const char *path)
{
    static const struct file_identity none;
    struct file_identity now;
    char sidecar[PATH_MAX];
    if (!sidecar_path(path, sidecar) || rootfs_stat(root, sidecar, &now) < 0)
        now = none;
    return rootfs_same(&now, &d->sidecar);
}

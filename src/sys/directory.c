#include "sys/directory.h"

#include <errno.h>
#include <unistd.h>

int directory_open(struct directory *d, int fd)
{
    DIR *stream = fdopendir(fd);
    if (!stream) {
        int error = -errno;
        close(fd);
        return error;
    }
    d->stream = stream;
    return 0;
}

int directory_fd(const struct directory *d)
{
    return dirfd(d->stream);
}

static enum directory_kind kind_of(unsigned char type)
{
    switch (type) {
    case DT_UNKNOWN:
        return DIRECTORY_UNKNOWN;
    case DT_REG:
        return DIRECTORY_FILE;
    case DT_DIR:
        return DIRECTORY_FOLDER;
    case DT_LNK:
        return DIRECTORY_LINK;
    default:
        return DIRECTORY_OTHER;
    }
}

int directory_next(struct directory *d, struct slice *name, enum directory_kind *kind)
{
    const struct dirent *entry;
    struct slice found;
    do {
        errno = 0;
        entry = readdir(d->stream);
        if (!entry)
            return -errno;
        found = slice_of(entry->d_name);
    } while (slice_equal(found, SLICE(".")) || slice_equal(found, SLICE("..")));
    *name = found;
    *kind = kind_of(entry->d_type);
    return 1;
}

void directory_close(struct directory *d)
{
    closedir(d->stream);
}

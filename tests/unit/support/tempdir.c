#include "tempdir.h"

void tempdir_make(struct tempdir *d)
{
    strcpy(d->path, "/tmp/tined-test-XXXXXX");
    assert_non_null(mkdtemp(d->path));
    assert_int_equal(chmod(d->path, 0755), 0);
}

char *tempdir_path(const struct tempdir *d, const char *name, char path[static PATH_MAX])
{
    snprintf(path, PATH_MAX, "%s/%s", d->path, name);
    return path;
}

static void tempdir_write(const struct tempdir *d, const char *name, const void *data, size_t len)
{
    char path[PATH_MAX];
    int fd = open(tempdir_path(d, name, path), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, data, len), len);
    close(fd);
}

void tempdir_puts(const struct tempdir *d, const char *name, const char *text)
{
    tempdir_write(d, name, text, strlen(text));
}

void tempdir_date(const struct tempdir *d, const char *name, time_t when)
{
    char path[PATH_MAX];
    const struct timespec times[] = {{.tv_sec = when}, {.tv_sec = when}};
    assert_int_equal(utimensat(AT_FDCWD, tempdir_path(d, name, path), times, AT_SYMLINK_NOFOLLOW),
                     0);
}

char pattern_at(size_t i)
{
    return (char)('a' + (i + i / 251 + i / 65521) % 26);
}

void tempdir_fill(const struct tempdir *d, const char *name, size_t len)
{
    char *data = malloc(len + 1);
    assert_non_null(data);
    for (size_t i = 0; i < len; i++)
        data[i] = pattern_at(i);
    tempdir_write(d, name, data, len);
    free(data);
}

void tempdir_mkdir(const struct tempdir *d, const char *name)
{
    char path[PATH_MAX];
    assert_int_equal(mkdir(tempdir_path(d, name, path), 0755), 0);
}

size_t tempdir_read(const struct tempdir *d, const char *name, char *data, size_t size)
{
    char path[PATH_MAX];
    int fd = open(tempdir_path(d, name, path), O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    ssize_t n = read(fd, data, size - 1);
    assert_true(n >= 0);
    data[n] = '\0';
    close(fd);
    return (size_t)n;
}

static int tempdir_remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

void tempdir_remove(struct tempdir *d)
{
    nftw(d->path, tempdir_remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

size_t count_fds(void)
{
    DIR *dir = opendir("/proc/self/fd");
    size_t count = 0;
    assert_non_null(dir);
    while (readdir(dir))
        count++;
    closedir(dir);
    return count;
}

void tempdir_enter(struct tempdir *d)
{
    tempdir_make(d);
    assert_int_equal(chdir(d->path), 0);
}

void tempdir_leave(struct tempdir *d)
{
    assert_int_equal(chdir("/"), 0);
    tempdir_remove(d);
}

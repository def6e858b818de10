#include "sys/fstype.h"

#include "base/util.h"

#include <assert.h>
#include <limits.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>

// The numbers are of <linux/magic.h> and of the file systems' own sources; overlayfs answers as the
// layers beneath it, which are local as a rule.
static const uint32_t local_types[] = {
    0xef53,     // ext2, ext3, ext4
    0x58465342, // xfs
    0x9123683e, // btrfs
    0xca451a4e, // bcachefs
    0x2fc12fc1, // zfs
    0xf2f52010, // f2fs
    0x01021994, // tmpfs
    0x858458f6, // ramfs
    0x794c7630, // overlayfs
    0x73717368, // squashfs
    0xe0f5e1e2, // erofs
    0x28cd3d45, // cramfs
    0x9660,     // isofs
    0x15013346, // udf
    0x4d44,     // vfat
    0x2011bab0, // exfat
    0x7366746e, // ntfs3
    0x3153464a, // jfs
    0x52654973, // reiserfs
    0x3434,     // nilfs
    0x9fa0,     // proc
    0x62656572, // sysfs
};

bool fstype_is_local(int fd)
{
    struct statfs fs;
    if (fstatfs(fd, &fs) < 0)
        return false;
    for (size_t i = 0; i < ARRAY_SIZE(local_types); i++)
        if ((uint32_t)fs.f_type == local_types[i])
            return true;
    return false;
}

// The names of the same, and of those that serve no files of anybody's.
static const char *const local_names[] = {
    "ext2",       "ext3",    "ext4",        "xfs",      "btrfs",    "bcachefs", "zfs",
    "f2fs",       "tmpfs",   "ramfs",       "overlay",  "squashfs", "erofs",    "cramfs",
    "iso9660",    "udf",     "vfat",        "exfat",    "ntfs3",    "jfs",      "reiserfs",
    "nilfs2",     "proc",    "sysfs",       "devtmpfs", "devpts",   "cgroup",   "cgroup2",
    "mqueue",     "pstore",  "bpf",         "configfs", "debugfs",  "tracefs",  "securityfs",
    "hugetlbfs",  "fusectl", "selinuxfs",   "efivarfs", "rootfs",   "nsfs",     "resctrl",
    "rpc_pipefs", "nfsd",    "binfmt_misc",
};

static bool is_local_name(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(local_names); i++)
        if (strcmp(local_names[i], name) == 0)
            return true;
    return false;
}

// A space, a tab, a line's end and a backslash are written as three octal digits behind one.
static void unescape(char *text)
{
    char *to = text;
    for (const char *from = text; *from; to++) {
        unsigned byte;
        if (from[0] == '\\' && sscanf(from + 1, "%3o", &byte) == 1) {
            *to = (char)byte;
            from += 4;
        } else {
            *to = *from++;
        }
    }
    *to = '\0';
}

static void note_mount(struct fstype_mounts *m, const char *line)
{
    char at[PATH_MAX], type[64];
    static_assert(PATH_MAX == 4096, "widths");
    const char *rest = strstr(line, " - "); // the optional fields before it hold no blank
    if (!rest || sscanf(line, "%*s %*s %*s %*s %4095s", at) != 1 ||
        sscanf(rest, " - %63s", type) != 1 || is_local_name(type))
        return;
    char **points = realloc(m->points, (m->count + 1) * sizeof(*points));
    if (!points)
        return;
    m->points = points;
    unescape(at);
    points[m->count] = strdup(at);
    m->count += points[m->count] != NULL;
}

void fstype_read_mounts(const char *mountinfo, struct fstype_mounts *ret)
{
    char *line = NULL;
    size_t size = 0;
    *ret = (struct fstype_mounts){.count = 0};
    FILE *f = fopen(mountinfo, "re");
    while (f && getline(&line, &size, f) > 0)
        note_mount(ret, line);
    free(line);
    if (f)
        fclose(f);
}

void fstype_free_mounts(struct fstype_mounts *m)
{
    for (size_t i = 0; i < m->count; i++)
        free(m->points[i]);
    free(m->points);
    *m = (struct fstype_mounts){.count = 0};
}

// Whether the directory `outer` is, or holds at any depth, `inner`.
static bool holds_path(const char *outer, const char *inner)
{
    size_t len = strlen(outer);
    while (len > 0 && outer[len - 1] == '/')
        len--;
    return strncmp(outer, inner, len) == 0 && (inner[len] == '/' || inner[len] == '\0');
}

bool fstype_meets_mount(const struct fstype_mounts *m, const char *path)
{
    for (size_t i = 0; i < m->count; i++)
        if (holds_path(m->points[i], path) || holds_path(path, m->points[i]))
            return true;
    return false;
}

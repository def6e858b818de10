#include "sys/fstype.h"

#include "base/util.h"

#include <stddef.h>
#include <stdint.h>
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

#include "sys/sharedmem.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010 // of linux/fcntl.h, since 5.1
#endif

// The mapping that can be written must be there before the seal forbids any other.
static int map_both(int fd, size_t size, void **ret_own, const void **ret_view)
{
    const int seals = F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL;
    if (ftruncate(fd, (off_t)size) < 0 || fchmod(fd, 0400) < 0)
        return -errno;
    void *view = NULL, *own = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (own == MAP_FAILED)
        return -errno;
    if (fcntl(fd, F_ADD_SEALS, seals) < 0 || madvise(own, size, MADV_DONTFORK) < 0 ||
        (ret_view && (view = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0)) == MAP_FAILED)) {
        int error = -errno;
        munmap(own, size);
        return error;
    }
    *ret_own = own;
    if (ret_view)
        *ret_view = view;
    return 0;
}

int sharedmem_map(const char *name, size_t size, void **ret_own, const void **ret_view)
{
    int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0)
        return -errno;
    int r = map_both(fd, size, ret_own, ret_view);
    close(fd); // the mappings stay
    return r;
}

void sharedmem_lend(void *own, size_t size, bool is_lent)
{
    int r = madvise(own, size, is_lent ? MADV_DOFORK : MADV_DONTFORK);
    assert(r == 0); // it is a mapping as a whole
}

void sharedmem_unmap(const void *memory, size_t size)
{
    munmap((void *)(uintptr_t)memory, size);
}

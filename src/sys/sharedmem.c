#include "sys/sharedmem.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

int sharedmem_map(size_t size, void **ret)
{
    int result = 0;
    int fd = memfd_create("tined-shared", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0)
        return -errno;
    void *memory = MAP_FAILED;
    if (ftruncate(fd, (off_t)size) == 0 &&
        fcntl(fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) == 0)
        memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (memory == MAP_FAILED)
        result = -errno;
    else
        *ret = memory;
    close(fd); // the mapping stays
    return result;
}

void sharedmem_unmap(void *memory, size_t size)
{
    munmap(memory, size);
}

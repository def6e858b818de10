#include "common.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

_Noreturn void die(const char *what)
{
    perror(what);
    exit(1);
}

uint64_t random_bits(void)
{
    static uint64_t state = 88172645463325252;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state >> 11;
}

char *load_file(const char *path, unsigned times, size_t *ret_len)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) < 0)
        die(path);
    size_t len = (size_t)st.st_size;
    char *data = malloc(len * times + 1);
    for (unsigned i = 0; i < times; i++)
        if (!data || pread(fd, data + i * len, len, 0) != (ssize_t)len)
            die(path);
    close(fd);
    *ret_len = len;
    return data;
}

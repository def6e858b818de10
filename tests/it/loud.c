// To be preloaded (LD_PRELOAD) into the server: a worker that receives "LOUD name" writes to its
// stderr, and to what else it may have of its master's, what a worker that was taken over would
// write, or one that dies.
#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char magic[] = "LOUD ";

// A megabyte that forges the master's lines and rewrites a terminal, by each descriptor that may
// lead there.
static void forge_lines(void)
{
    static const char text[] = "tined: ready: generation 99\n\033[2J\302\2332J\377\r\n"
                               "<0>tined: stopping\n";
    for (int i = 0; i < (1 << 20) / (int)sizeof(text); i++)
        while (write(i % 3, text, sizeof(text) - 1) < 0)
            if (errno != EAGAIN || poll(&(struct pollfd){i % 3, POLLOUT, 0}, 1, -1) < 0)
                return;
}

static void die_with_words(void)
{
    dprintf(STDERR_FILENO, "%s\n%s", "one more", "and the last");
    abort();
}

// Until nobody is there to listen any more.
static void speak_on(void)
{
    while (dprintf(STDERR_FILENO, "still here\n") > 0 || errno == EAGAIN)
        poll(NULL, 0, 100);
}

static const struct {
    const char *name;
    void (*speak)(void);
} ways[] = {
    {"forge-lines", forge_lines},
    {"die-with-words", die_with_words},
    {"speak-on", speak_on},
};

ssize_t recv(int fd, void *data, size_t size, int flags)
{
    ssize_t (*real)(int, void *, size_t, int);
    *(void **)&real = dlsym(RTLD_NEXT, "recv");
    ssize_t n = real(fd, data, size, flags);
    const char *name = (const char *)data + sizeof(magic) - 1;
    if (n < 32 || memcmp(data, magic, sizeof(magic) - 1) != 0)
        return n;
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
        if (strncmp(name, ways[i].name, strlen(ways[i].name)) == 0)
            ways[i].speak();
    return n;
}

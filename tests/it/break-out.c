// To be preloaded (LD_PRELOAD) into the server: a worker that receives "BREAK OUT name" tries what
// a worker that was taken over would try, and writes to stderr what came of it.
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static const char magic[] = "BREAK OUT ";

// Where somebody listens whom a worker has no business with.
static struct sockaddr_in target(void)
{
    return (struct sockaddr_in){.sin_family = AF_INET,
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                .sin_port = htons((uint16_t)atoi(getenv("BREAK_OUT_PORT")))};
}

// To have begun to connect is enough.
static int begun(ssize_t r)
{
    return r < 0 && errno == EINPROGRESS ? 0 : (int)r;
}

static int read_outside(int connection)
{
    (void)connection;
    return open("/etc/passwd", O_RDONLY | O_CLOEXEC);
}

static int write_inside(int connection)
{
    (void)connection;
    return open(getenv("BREAK_OUT_FILE"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
}

// The call that a worker needs for reading, of which a filter cannot see what it is to do.
static int write_by_openat2(int connection)
{
    const struct open_how how = {.flags = O_WRONLY | O_CREAT | O_CLOEXEC, .mode = 0600};
    (void)connection;
    return (int)syscall(SYS_openat2, AT_FDCWD, getenv("BREAK_OUT_FILE"), &how, sizeof(how));
}

// A client's connection is made to lead elsewhere.
static int connect_out(int connection)
{
    const struct sockaddr none = {.sa_family = AF_UNSPEC};
    const struct sockaddr_in to = target();
    if (connect(connection, &none, sizeof(none)) < 0)
        return -1;
    return begun(connect(connection, (const struct sockaddr *)&to, sizeof(to)));
}

// A listener of our own is made a socket that sending connects.
static int connect_fast(int connection)
{
    const struct sockaddr_in to = target();
    int listens = 0, fd = 2;
    socklen_t size = sizeof(listens);
    (void)connection;
    while (!listens && fd < 1024)
        getsockopt(++fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size);
    if (shutdown(fd, SHUT_RDWR) < 0)
        return -1;
    return begun(sendto(fd, "x", 1, MSG_FASTOPEN, (const struct sockaddr *)&to, sizeof(to)));
}

static int bind_port(int connection)
{
    const struct sockaddr_in any = {.sin_family = AF_INET};
    (void)connection;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return fd < 0 ? -1 : bind(fd, (const struct sockaddr *)&any, sizeof(any));
}

static int execute(int connection)
{
    (void)connection;
    return execl("/bin/sh", "sh", "-c", "echo break-out: execute: done >&2", (char *)NULL);
}

static int trace_master(int connection)
{
    (void)connection;
    return (int)ptrace(PTRACE_SEIZE, getppid(), NULL, NULL);
}

// By openat2, which no filter stops.
static int open_memory_of_master(int connection)
{
    const struct open_how how = {.flags = O_RDWR | O_CLOEXEC};
    char path[64];
    (void)connection;
    snprintf(path, sizeof(path), "/proc/%d/mem", (int)getppid());
    return (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));
}

static int kill_master(int connection)
{
    (void)connection;
    return kill(getppid(), SIGTERM);
}

static int abort_master(int connection)
{
    (void)connection;
    return (int)syscall(SYS_tgkill, getppid(), getppid(), SIGABRT);
}

static const struct {
    const char *name;
    int (*attempt)(int connection);
} attempts[] = {
    {"read-outside", read_outside},
    {"write-inside", write_inside},
    {"write-by-openat2", write_by_openat2},
    {"connect-out", connect_out},
    {"connect-fast", connect_fast},
    {"bind", bind_port},
    {"execute", execute},
    {"trace-master", trace_master},
    {"memory-of-master", open_memory_of_master},
    {"kill-master", kill_master},
    {"abort-master", abort_master},
};

static void break_out(const char *name, int connection)
{
    for (size_t i = 0; i < sizeof(attempts) / sizeof(attempts[0]); i++) {
        if (strncmp(name, attempts[i].name, strlen(attempts[i].name)) != 0)
            continue;
        int r = attempts[i].attempt(connection);
        dprintf(STDERR_FILENO, "break-out: %s: %s\n", attempts[i].name,
                r < 0 ? strerrorname_np(errno) : "done");
    }
}

ssize_t recv(int fd, void *data, size_t size, int flags)
{
    ssize_t (*real)(int, void *, size_t, int);
    *(void **)&real = dlsym(RTLD_NEXT, "recv");
    ssize_t n = real(fd, data, size, flags);
    if (n > (ssize_t)sizeof(magic) && memcmp(data, magic, sizeof(magic) - 1) == 0) {
        char name[64] = "";
        memcpy(name, (const char *)data + sizeof(magic) - 1,
               (size_t)n < sizeof(name) ? (size_t)n - sizeof(magic) + 1 : sizeof(name) - 1);
        break_out(name, fd);
    }
    return n;
}

// One layer that the configuration cannot switch off.
int prctl(int option, ...)
{
    unsigned long a[4];
    va_list list;
    va_start(list, option);
    for (int i = 0; i < 4; i++)
        a[i] = va_arg(list, unsigned long);
    va_end(list);
    if (option == PR_SET_DUMPABLE && !getenv("BREAK_OUT_HIDDEN"))
        return 0;
    return (int)syscall(SYS_prctl, option, a[0], a[1], a[2], a[3]);
}

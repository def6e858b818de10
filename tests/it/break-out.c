// To be preloaded (LD_PRELOAD) into the server: a worker that receives "BREAK OUT name" tries what
// a worker that was taken over would try, and writes to stderr what came of it.
#include <arpa/inet.h>
#include <asm/sockios.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
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

// The first socket that listens.
static int find_listener(void)
{
    int listens = 0, fd = 2;
    socklen_t size = sizeof(listens);
    while (!listens && fd < 1024)
        getsockopt(++fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size);
    return fd;
}

// A listener of our own is made a socket that sending connects.
static int connect_fast(int connection)
{
    const struct sockaddr_in to = target();
    int fd = find_listener();
    (void)connection;
    if (shutdown(fd, SHUT_RDWR) < 0)
        return -1;
    return begun(sendto(fd, "x", 1, MSG_FASTOPEN, (const struct sockaddr *)&to, sizeof(to)));
}

// Nobody who is further away than the next machine is heard on that port.
static int kill_port(int connection)
{
    const int least = 255;
    (void)connection;
    return setsockopt(find_listener(), IPPROTO_IP, IP_MINTTL, &least, sizeof(least));
}

// For good: nobody takes away a filter that is locked.
static int spoil_port(int connection)
{
    const int on = 1;
    (void)connection;
    return setsockopt(find_listener(), SOL_SOCKET, SO_LOCK_FILTER, &on, sizeof(on));
}

static int read_option(int connection)
{
    char congestion[16];
    socklen_t size = sizeof(congestion);
    return getsockopt(connection, IPPROTO_TCP, TCP_CONGESTION, congestion, &size);
}

// There may be nothing to look at.
static int peek(int connection)
{
    ssize_t n = recvmsg(connection, &(struct msghdr){0}, MSG_PEEK | MSG_DONTWAIT);
    return n < 0 && errno == EAGAIN ? 0 : (int)n;
}

static int send_urgent(int connection)
{
    return (int)send(connection, "x", 1, MSG_OOB | MSG_NOSIGNAL);
}

static int send_to_address(int connection)
{
    const struct sockaddr_in to = target();
    return (int)sendto(connection, "x", 1, MSG_NOSIGNAL, (const struct sockaddr *)&to, sizeof(to));
}

static int set_limit(int connection)
{
    (void)connection;
    return setrlimit(RLIMIT_NOFILE, &(struct rlimit){64, 64});
}

static int keep_over_exec(int connection)
{
    return fcntl(connection, F_SETFD, 0);
}

// Data that comes for the connection signals the master.
static int own_by_master(int connection)
{
    const int master = getppid();
    return ioctl(connection, FIOSETOWN, &master);
}

static int end_thread(void *unused)
{
    (void)unused;
    return 0;
}

static int make_other_thread(int connection)
{
    static char stack[16384] __attribute__((aligned(16)));
    (void)connection;
    return clone(end_thread, stack + sizeof(stack), CLONE_VM | CLONE_SIGHAND | CLONE_THREAD, NULL);
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

static int channel = -1; // to the master

// Does so until the worker is ended.
static int flood(const void *message, size_t len)
{
    for (;;)
        if (send(channel, message, len, MSG_NOSIGNAL) < 0 && errno != EAGAIN)
            return -1;
}

static int flood_master(int connection)
{
    static const uint32_t root_swapped[] = {6, 0};
    (void)connection;
    return flood(root_swapped, sizeof(root_swapped));
}

static int send_nonsense(int connection)
{
    (void)connection;
    return send(channel, "nonsense", 5, MSG_NOSIGNAL) < 0 ? -1 : poll(NULL, 0, -1);
}

static int start_again(int connection)
{
    static const uint32_t started[] = {5, 0};
    (void)connection;
    return send(channel, started, sizeof(started), MSG_NOSIGNAL) < 0 ? -1 : poll(NULL, 0, -1);
}

// ---- memory ------------------------------------------------------------------------------------

// The worker's own slots and notes, which the master lends to it before it is forked.
static uintptr_t own[2];

struct mapping {
    uintptr_t begin, end;
    bool is_writable;
};

// The next mapping of that name that is another worker's, and can be written or not; or none.
static struct mapping find_others(const char *name, bool is_writable)
{
    FILE *maps = fopen("/proc/self/maps", "re");
    struct mapping found = {0};
    unsigned long begin, end, inode, own_inodes[2] = {0};
    char mode[5], path[128], line[256];
    for (int pass = 0; maps && pass < 2; pass++, rewind(maps))
        while (!found.begin && fgets(line, sizeof(line), maps)) {
            if (sscanf(line, "%lx-%lx %4s %*s %*s %lu %127s", &begin, &end, mode, &inode, path) < 5)
                continue;
            bool is_own = begin == own[0] || begin == own[1];
            if (pass == 0 && is_own)
                own_inodes[begin == own[1]] = inode;
            if (pass == 1 && strstr(path, name) && (mode[1] == 'w') == is_writable &&
                inode != own_inodes[0] && inode != own_inodes[1])
                found = (struct mapping){begin, end, is_writable};
        }
    if (maps)
        fclose(maps);
    return found;
}

static sigjmp_buf after_fault;

static void on_fault(int number)
{
    (void)number;
    siglongjmp(after_fault, 1);
}

// Writes there, or says that it is not possible.
static int store(uintptr_t at)
{
    signal(SIGSEGV, on_fault);
    signal(SIGBUS, on_fault);
    if (at && sigsetjmp(after_fault, 1) == 0) {
        *(volatile uint32_t *)at = 3;
        return 0;
    }
    errno = EFAULT;
    return -1;
}

static int store_into_others(int connection)
{
    (void)connection;
    struct mapping slots = find_others("tined-slots", true);
    return store(slots.begin ? slots.begin : find_others("tined-slots", false).begin);
}

static int protect_others(int connection)
{
    (void)connection;
    struct mapping slots = find_others("tined-slots", false);
    return mprotect((void *)slots.begin, slots.end - slots.begin, PROT_READ | PROT_WRITE) < 0
               ? -1
               : store(slots.begin);
}

// It ends with the memory of this worker.
static int stretch_own(int connection)
{
    const size_t page = 4096;
    (void)connection;
    char *stretched = mremap((void *)own[0], page, 2 * page, MREMAP_MAYMOVE);
    return stretched == MAP_FAILED ? -1 : store((uintptr_t)stretched + page);
}

static int write_by_proc(int connection)
{
    const uint32_t nonsense = 3;
    (void)connection;
    off_t at = (off_t)find_others("tined-slots", false).begin;
    syscall(SYS_prctl, PR_SET_DUMPABLE, 1, 0, 0, 0); // or nobody may open it
    int fd = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
    return fd < 0 ? -1 : (int)pwrite(fd, &nonsense, sizeof(nonsense), at);
}

// A descriptor of anybody's memory.
static int find_descriptor(int connection)
{
    char path[64], target[128] = "";
    (void)connection;
    for (int fd = 0; fd < 1024; fd++) {
        snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        ssize_t n = readlink(path, target, sizeof(target) - 1);
        if (n > 0 && memmem(target, (size_t)n, "memfd:tined-", 12))
            return fd;
    }
    errno = ENOENT;
    return -1;
}

// The requests that others answer.
static int see_others_notes(int connection)
{
    (void)connection;
    bool is_there = find_others("tined-notes", true).begin ||
                    find_others("tined-notes", false).begin;
    errno = ENOENT;
    return is_there ? 0 : -1;
}

// All the beats that it can reach stand still until the worker is ended. They stand at the
// beginning of the notes.
static int stand_still(int connection)
{
    volatile uint64_t *others = (volatile uint64_t *)find_others("tined-notes", true).begin;
    (void)connection;
    for (;;) {
        *(volatile uint64_t *)own[1] = 7;
        if (others)
            *others = 7;
    }
}

// Before a worker is forked: its own memory. As it was once, all of it is everybody's.
int madvise(void *memory, size_t size, int advice)
{
    if (advice == MADV_DOFORK) {
        own[0] = own[1] ? 0 : own[0];
        own[1] = own[0] ? (uintptr_t)memory : 0;
        own[0] = own[0] ? own[0] : (uintptr_t)memory;
    }
    if (advice == MADV_DONTFORK && getenv("BREAK_OUT_SHARED"))
        return 0;
    return (int)syscall(SYS_madvise, memory, size, advice);
}

int fcntl64(int fd, int command, ...)
{
    va_list list;
    va_start(list, command);
    long argument = va_arg(list, long);
    va_end(list);
    if (command == F_ADD_SEALS && getenv("BREAK_OUT_SHARED"))
        argument &= ~F_SEAL_FUTURE_WRITE;
    return (int)syscall(SYS_fcntl, fd, command, argument);
}

int fcntl(int fd, int command, ...) __attribute__((alias("fcntl64")));

// Where asked for, each worker keeps what is handed over to it and says nothing.
ssize_t recvmsg(int fd, struct msghdr *m, int flags)
{
    static const char begin[] = "tine";
    ssize_t (*real)(int, struct msghdr *, int);
    *(void **)&real = dlsym(RTLD_NEXT, "recvmsg");
    ssize_t n = real(fd, m, flags);
    if (n <= (ssize_t)strlen(begin) || !getenv("BREAK_OUT_STEAL") ||
        memcmp(m->msg_iov[0].iov_base, begin, strlen(begin)) != 0)
        return n;
    errno = EAGAIN;
    return -1;
}

static const struct {
    const char *name;
    int (*attempt)(int connection);
} attempts[] = {
    {"store-into-others", store_into_others},
    {"protect-others", protect_others},
    {"stretch-own", stretch_own},
    {"write-by-proc", write_by_proc},
    {"find-descriptor", find_descriptor},
    {"see-others-notes", see_others_notes},
    {"stand-still", stand_still},
    {"flood-master", flood_master},
    {"send-nonsense", send_nonsense},
    {"start-again", start_again},
    {"read-outside", read_outside},
    {"write-inside", write_inside},
    {"write-by-openat2", write_by_openat2},
    {"connect-out", connect_out},
    {"connect-fast", connect_fast},
    {"kill-port", kill_port},
    {"spoil-port", spoil_port},
    {"read-option", read_option},
    {"peek", peek},
    {"send-urgent", send_urgent},
    {"send-to-address", send_to_address},
    {"set-limit", set_limit},
    {"keep-over-exec", keep_over_exec},
    {"own-by-master", own_by_master},
    {"make-other-thread", make_other_thread},
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

// The channel is where a worker says that it has started.
ssize_t sendmsg(int fd, const struct msghdr *m, int flags)
{
    ssize_t (*real)(int, const struct msghdr *, int);
    *(void **)&real = dlsym(RTLD_NEXT, "sendmsg");
    if (channel < 0 && m->msg_iovlen == 1 && m->msg_iov[0].iov_len == 2 * sizeof(uint32_t) &&
        *(const uint32_t *)m->msg_iov[0].iov_base == 5)
        channel = fd;
    return real(fd, m, flags);
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

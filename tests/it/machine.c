// Preloaded into the daemon (machine.py): a machine whose clocks jump or stand still, that knows no
// IPv6, or that permits as many descriptors as no machine here does. The file named by
// $TINED_MACHINE says which, and is read anew for each call.
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static struct machine {
    _Atomic int64_t wall;      // seconds that it is ahead
    _Atomic int64_t monotonic; // ns that it is ahead
    _Atomic int64_t suspended; // seconds, of CLOCK_BOOTTIME only
    _Atomic int64_t held;      // ns at which the monotonic clocks stand; 0: they run
    _Atomic int64_t descriptors;
    _Atomic int64_t without_ipv6;
    _Atomic int64_t asked_boottime; // calls, written here
    _Atomic int64_t asked_wall;
    _Atomic int64_t latest; // ns that a monotonic clock has shown, written here
} * machine;

__attribute__((constructor)) static void open_machine(void)
{
    static struct machine ordinary;
    const char *path = getenv("TINED_MACHINE");
    int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    machine = &ordinary;
    if (fd < 0)
        return;
    void *mapped = mmap(NULL, sizeof(*machine), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (mapped != MAP_FAILED)
        machine = mapped;
    close(fd);
}

// A clock that was read before it was held or let go must not be behind what others have read
// since.
static int64_t never_back(int64_t ns)
{
    int64_t latest = machine->latest;
    while (latest < ns && !atomic_compare_exchange_weak(&machine->latest, &latest, ns))
        ;
    return latest < ns ? ns : latest;
}

static void move(struct timespec *ts)
{
    int64_t ns = ts->tv_sec * INT64_C(1000000000) + ts->tv_nsec + machine->monotonic;
    int64_t held = machine->held;
    if (held)
        ns = held;
    ns = never_back(ns);
    ts->tv_sec = ns / 1000000000;
    ts->tv_nsec = ns % 1000000000;
}

int clock_gettime(clockid_t id, struct timespec *ts)
{
    long r = syscall(SYS_clock_gettime, id, ts);
    if (r < 0 || !machine)
        return (int)r;
    if (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE) {
        ts->tv_sec += machine->wall;
        machine->asked_wall++;
    } else if (id == CLOCK_BOOTTIME || id == CLOCK_BOOTTIME_ALARM) {
        move(ts);
        ts->tv_sec += machine->suspended;
        machine->asked_boottime++;
    } else if (id == CLOCK_MONOTONIC || id == CLOCK_MONOTONIC_COARSE || id == CLOCK_MONOTONIC_RAW) {
        move(ts);
    }
    return 0;
}

time_t time(time_t *ret)
{
    struct timespec ts;
    clock_gettime(CLOCK_REALTIME_COARSE, &ts);
    if (ret)
        *ret = ts.tv_sec;
    return ts.tv_sec;
}

int timerfd_create(int id, int flags)
{
    if (machine && (id == CLOCK_BOOTTIME || id == CLOCK_BOOTTIME_ALARM))
        machine->asked_boottime++;
    return (int)syscall(SYS_timerfd_create, id, flags);
}

static int limit(int pid, unsigned resource, const struct rlimit *set, struct rlimit *get)
{
    if (resource != RLIMIT_NOFILE || !machine || !machine->descriptors)
        return (int)syscall(SYS_prlimit64, pid, resource, set, get);
    if (get)
        get->rlim_cur = get->rlim_max = (rlim_t)machine->descriptors;
    return 0;
}

int getrlimit(__rlimit_resource_t resource, struct rlimit *ret)
{
    return limit(0, (unsigned)resource, NULL, ret);
}

int setrlimit(__rlimit_resource_t resource, const struct rlimit *wanted)
{
    return limit(0, (unsigned)resource, wanted, NULL);
}

int socket(int domain, int type, int protocol)
{
    if (domain == AF_INET6 && machine && machine->without_ipv6) {
        errno = EAFNOSUPPORT;
        return -1;
    }
    return (int)syscall(SYS_socket, domain, type, protocol);
}

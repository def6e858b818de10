#include "sys/sandbox.h"

#include "base/util.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h> // TIOCOUTQ, which SIOCOUTQ is
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>
#ifdef HAVE_LIBSECCOMP
#include <seccomp.h>
#endif

// ---- Landlock ----------------------------------------------------------------------------------

// Of linux/landlock.h, whose version at build time says nothing about the kernel at run time.
#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444 // these are the same on every architecture
#define SYS_landlock_add_rule       445
#define SYS_landlock_restrict_self  446
#endif

#define CREATE_RULESET_VERSION 1u
#define RULE_PATH_BENEATH      1
#define ACCESS_FS_READ_FILE    (UINT64_C(1) << 2)
#define ACCESS_FS_READ_DIR     (UINT64_C(1) << 3)

struct ruleset_attr {
    uint64_t handled_access_fs, handled_access_net, scoped;
};

struct path_beneath_attr {
    uint64_t allowed_access;
    int32_t parent_fd;
} __attribute__((packed));

#define FIRST(n) ((UINT64_C(1) << (n)) - 1)

// All that each version can forbid. An older kernel takes the longer struct when the rest is zero.
static const struct ruleset_attr all_of_abi[] = {
    {0},
    {.handled_access_fs = FIRST(13)},
    {.handled_access_fs = FIRST(14)}, // REFER
    {.handled_access_fs = FIRST(15)}, // TRUNCATE
    {FIRST(15), FIRST(2), 0},         // BIND_TCP, CONNECT_TCP
    {FIRST(16), FIRST(2), 0},         // IOCTL_DEV
    {FIRST(16), FIRST(2), FIRST(2)},  // ABSTRACT_UNIX_SOCKET, SIGNAL
};

int sandbox_landlock_abi(void)
{
#ifdef INSTRUMENTED
    return -ENOPKG;
#else
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, CREATE_RULESET_VERSION);
    return abi < 0 ? -errno : (int)abi;
#endif
}

static int allow_reading(int ruleset, int directory)
{
    const struct path_beneath_attr rule = {ACCESS_FS_READ_FILE | ACCESS_FS_READ_DIR, directory};
    long r = syscall(SYS_landlock_add_rule, ruleset, RULE_PATH_BENEATH, &rule, 0);
    return r < 0 ? -errno : 0;
}

static int allow_reading_all(int ruleset)
{
    int fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    int r = allow_reading(ruleset, fd);
    close(fd);
    return r;
}

static int make_ruleset(const struct sandbox_plan *plan, int abi, int *ret_fd)
{
    const struct ruleset_attr *all = &all_of_abi[MIN((size_t)abi, ARRAY_SIZE(all_of_abi) - 1)];
    int fd = (int)syscall(SYS_landlock_create_ruleset, all, sizeof(*all), 0); // close-on-exec
    if (fd < 0)
        return -errno;
    int r = plan->reads_all ? allow_reading_all(fd) : 0;
    for (size_t i = 0; r == 0 && i < plan->root_count; i++)
        r = allow_reading(fd, plan->roots[i]);
    if (r < 0)
        close(fd);
    else
        *ret_fd = fd;
    return r;
}

static int enter_landlock(struct sandbox *s)
{
    if (s->ruleset < 0)
        return 0;
    int r = syscall(SYS_landlock_restrict_self, s->ruleset, 0) < 0 ? -errno : 0;
    close(s->ruleset);
    s->ruleset = -1;
    return r;
}

// ---- seccomp -----------------------------------------------------------------------------------

#if defined(HAVE_LIBSECCOMP) && !defined(INSTRUMENTED)

// Calls that need no look at what they are given: for these the kernel (5.11) keeps the verdict in
// a bitmap and does not run the filter, so all that a request takes stands here, but for receiving
// and sending. Those that a machine does not have are passed over. No socket is made, named or
// connected; nothing is executed, changed on a disk or traced; nobody else is signalled; no limit
// is set.
// clang-format off
static const int calls[] = {
    // connections
    SCMP_SYS(accept4),
    SCMP_SYS(getpeername),
    SCMP_SYS(getsockname),
    SCMP_SYS(sendfile),
    SCMP_SYS(sendfile64),
    // files and descriptors
    SCMP_SYS(_llseek),
    SCMP_SYS(close),
    SCMP_SYS(close_range),
    SCMP_SYS(dup3),
    SCMP_SYS(fgetxattr),
    SCMP_SYS(fstat),
    SCMP_SYS(fstat64),
    SCMP_SYS(fstatat64),
    SCMP_SYS(fstatfs),
    SCMP_SYS(fstatfs64),
    SCMP_SYS(getdents64),
    SCMP_SYS(geteuid), // the walk asks it at links (sys/pathwalk.h)
    SCMP_SYS(geteuid32),
    SCMP_SYS(lseek),
    SCMP_SYS(newfstatat),
    SCMP_SYS(openat2), // its flags lie in memory, where a filter cannot look
    SCMP_SYS(pread64),
    SCMP_SYS(preadv2),
    SCMP_SYS(read),
    SCMP_SYS(readlinkat),
    SCMP_SYS(readv),
    SCMP_SYS(statx),
    SCMP_SYS(write),
    SCMP_SYS(writev),
    // waiting
    SCMP_SYS(epoll_create1),
    SCMP_SYS(epoll_ctl),
    SCMP_SYS(epoll_pwait),
    SCMP_SYS(epoll_wait),
    SCMP_SYS(eventfd2),
    SCMP_SYS(poll),
    SCMP_SYS(ppoll),
    SCMP_SYS(ppoll_time64),
    // time
    SCMP_SYS(clock_getres),
    SCMP_SYS(clock_getres_time64),
    SCMP_SYS(clock_gettime),
    SCMP_SYS(clock_gettime64),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(clock_nanosleep_time64),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(nanosleep),
    SCMP_SYS(time),
    // memory
    SCMP_SYS(brk),
    SCMP_SYS(madvise),
    SCMP_SYS(mremap),
    SCMP_SYS(munmap),
    // the C library's threads, signals and end
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
    SCMP_SYS(futex),
    SCMP_SYS(futex_time64),
    SCMP_SYS(getpid),
    SCMP_SYS(getppid),
    SCMP_SYS(getrandom),
    SCMP_SYS(gettid),
    SCMP_SYS(restart_syscall),
    SCMP_SYS(rseq),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(sched_getaffinity),
    SCMP_SYS(sched_yield),
    SCMP_SYS(set_robust_list),
    SCMP_SYS(sigaltstack),
    SCMP_SYS(sigreturn),
    SCMP_SYS(sysinfo), // qsort() before glibc 2.37
};
// clang-format on

// All bits of an int but these.
#define ALL_BUT(flags) (UINT32_MAX & ~(uint64_t)(flags))

#define SEND_FLAGS (MSG_DONTWAIT | MSG_MORE | MSG_NOSIGNAL)

// A thread as pthread_create() makes it. CLONE_DETACHED, which musl adds, means nothing.
#define THREAD_FLAGS                                                                    \
    (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SYSVSEM | CLONE_SIGHAND | CLONE_THREAD | \
     CLONE_SETTLS | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID)

// Calls that are allowed when all of these hold of their arguments. The kernel reads an int from
// the lower half of a register: a filter that looks at the whole could be led astray. Values that
// lie in memory cannot be seen, and a listener cannot be told from a connection: so a socket option
// that is set for either is one by which all of a port's clients can be reached.
static const struct limited {
    int call;
    struct condition {
        unsigned argument;
        uint64_t mask, value; // the argument has this value in these bits; mask 0: no condition
    } when[2];
} limited[] = {
    {SCMP_SYS(clone), {{0, ALL_BUT(CLONE_DETACHED), THREAD_FLAGS}}},
    {SCMP_SYS(fcntl), {{1, UINT32_MAX, F_DUPFD_CLOEXEC}}}, // F_SETOWN and F_SETSIG signal anybody
    {SCMP_SYS(fcntl), {{1, UINT32_MAX, F_GETFL}}},
    {SCMP_SYS(fcntl), {{1, UINT32_MAX, F_SETFD}, {2, UINT32_MAX, FD_CLOEXEC}}},
    {SCMP_SYS(fcntl64), {{1, UINT32_MAX, F_DUPFD_CLOEXEC}}},
    {SCMP_SYS(fcntl64), {{1, UINT32_MAX, F_GETFL}}},
    {SCMP_SYS(fcntl64), {{1, UINT32_MAX, F_SETFD}, {2, UINT32_MAX, FD_CLOEXEC}}},
    // Of a connection that is handed over.
    {SCMP_SYS(getsockopt), {{1, UINT32_MAX, SOL_SOCKET}, {2, UINT32_MAX, SO_TYPE}}},
    {SCMP_SYS(getsockopt), {{1, UINT32_MAX, SOL_SOCKET}, {2, UINT32_MAX, SO_ACCEPTCONN}}},
    {SCMP_SYS(ioctl), {{1, UINT32_MAX, SIOCOUTQ}}},
    {SCMP_SYS(mmap), {{2, PROT_EXEC, 0}}},
    {SCMP_SYS(mmap2), {{2, PROT_EXEC, 0}}},
    {SCMP_SYS(mprotect), {{2, PROT_EXEC, 0}}},
    {SCMP_SYS(openat), {{2, O_ACCMODE | O_CREAT | O_TRUNC, O_RDONLY}}},
    {SCMP_SYS(recvfrom), {{3, ALL_BUT(MSG_DONTWAIT), 0}}},
    // A message that is peeked at leaves its descriptor to the next, and nobody can count it.
    {SCMP_SYS(recvmsg), {{2, ALL_BUT(MSG_CMSG_CLOEXEC), 0}}},
    {SCMP_SYS(rt_sigaction), {{0, UINT32_MAX, SIGABRT}}}, // abort()
    {SCMP_SYS(rt_sigaction), {{0, UINT32_MAX, 33}}},      // SIGSETXID, with glibc's first thread
    {SCMP_SYS(sendmsg), {{2, ALL_BUT(SEND_FLAGS), 0}}},
    {SCMP_SYS(sendto), {{3, ALL_BUT(SEND_FLAGS), 0}, {4, UINT64_MAX, 0}}}, // send(): no address
    // When the master is gone.
    {SCMP_SYS(setsockopt), {{1, UINT32_MAX, IPPROTO_TCP}, {2, UINT32_MAX, TCP_DEFER_ACCEPT}}},
    // A listener that is shut down for reading is a socket that MSG_FASTOPEN connects anywhere.
    {SCMP_SYS(shutdown), {{1, UINT32_MAX, SHUT_WR}}},
    {SCMP_SYS(unshare), {{0, UINT32_MAX, CLONE_FILES}}}, // of threads (sys/askers.h); no namespace
};

// Whether this kernel, and whoever runs us in a container, has what the filter needs: 0 or a
// negative errno.
static int check_seccomp(void)
{
    const uint32_t needed[] = {SCMP_ACT_TRAP, SCMP_ACT_LOG};
    const unsigned get_action_avail = 2; // of linux/seccomp.h
    for (size_t i = 0; i < ARRAY_SIZE(needed); i++)
        if (syscall(SYS_seccomp, get_action_avail, 0, &needed[i]) < 0)
            return -errno;
    return 0;
}

static int allow_limited(scmp_filter_ctx filter, const struct limited *l)
{
    struct scmp_arg_cmp when[ARRAY_SIZE(l->when)];
    unsigned count = 0;
    for (; count < ARRAY_SIZE(l->when) && l->when[count].mask; count++) {
        const struct condition *c = &l->when[count];
        when[count] = (struct scmp_arg_cmp){c->argument, SCMP_CMP_MASKED_EQ, c->mask, c->value};
    }
    return seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, l->call, count, when);
}

static int add_rules(scmp_filter_ctx filter)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < ARRAY_SIZE(calls); i++)
        r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i], 0);
    for (size_t i = 0; r == 0 && i < ARRAY_SIZE(limited); i++)
        r = allow_limited(filter, &limited[i]);
    // Its flags lie in memory too; the C library then takes clone, whose flags do not.
    return r < 0 ? r : seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
}

static int set_attributes(scmp_filter_ctx filter, uint32_t otherwise)
{
    const struct {
        enum scmp_filter_attr name;
        uint32_t value;
    } attributes[] = {
        {SCMP_FLTATR_ACT_BADARCH, otherwise},
        {SCMP_FLTATR_CTL_OPTIMIZE, 2}, // a binary tree, for kernels that run it for every call
        {SCMP_FLTATR_CTL_SSB, 1},      // before 5.16 the processor would be slowed down for it
        {SCMP_FLTATR_API_SYSRAWRC, 1}, // errors are the kernel's
    };
    int r = 0;
    for (size_t i = 0; r == 0 && i < ARRAY_SIZE(attributes); i++)
        r = seccomp_attr_set(filter, attributes[i].name, attributes[i].value);
    return r;
}

static int make_filter(enum sandbox_mode mode, void **ret)
{
    const uint32_t otherwise = mode == SANDBOX_LOG ? SCMP_ACT_LOG : SCMP_ACT_TRAP;
    scmp_filter_ctx filter = seccomp_init(otherwise);
    if (!filter)
        return -ENOMEM;
    int r = set_attributes(filter, otherwise);
    if (r == 0)
        r = add_rules(filter);
    if (r < 0)
        seccomp_release(filter);
    else
        *ret = filter;
    return r;
}

static void free_filter(void *filter)
{
    seccomp_release(filter);
}

// abort() ends the process itself, and nobody else: of whom the number is not known before.
static int allow_abort(scmp_filter_ctx filter)
{
    const struct scmp_arg_cmp when[] = {
        {0, SCMP_CMP_MASKED_EQ, UINT32_MAX, (uint64_t)getpid()},
        {2, SCMP_CMP_MASKED_EQ, UINT32_MAX, SIGABRT},
    };
    return seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), ARRAY_SIZE(when), when);
}

static _Atomic uint64_t *note; // where it is said which call was refused

// kill() is refused as well, and a signal that is forced while it is being handled ends the
// process. That nobody handles it another way is seen to by the filter.
static void on_refused(int number, siginfo_t *info, void *context)
{
    (void)context;
    *note = (uint64_t)info->si_arch << 32 | (uint32_t)info->si_syscall;
    kill(getpid(), number);
}

static int enter_seccomp(const struct sandbox *s, _Atomic uint64_t *refused)
{
    const struct sigaction action = {.sa_sigaction = on_refused, .sa_flags = SA_SIGINFO};
    if (!s->filter)
        return 0;
    note = refused;
    if (sigaction(SIGSYS, &action, NULL) < 0)
        return -errno;
    int r = allow_abort(s->filter);
    return r < 0 ? r : seccomp_load(s->filter);
}

static void put_call(struct buf *b, uint32_t arch, int number)
{
    char *name = seccomp_syscall_resolve_num_arch(arch, number);
    if (name)
        buf_printf(b, "%s (%d)", name, number);
    else
        buf_printf(b, "number %d", number);
    free(name);
}

#else

static int check_seccomp(void)
{
    return -ENOPKG;
}

static int make_filter(enum sandbox_mode mode, void **ret)
{
    (void)mode;
    (void)ret;
    return -ENOSYS;
}

static void free_filter(void *filter)
{
    (void)filter;
}

static int enter_seccomp(const struct sandbox *s, _Atomic uint64_t *refused)
{
    (void)s;
    (void)refused;
    return 0;
}

static void put_call(struct buf *b, uint32_t arch, int number)
{
    (void)arch;
    buf_printf(b, "number %d", number);
}

#endif

// ---- both --------------------------------------------------------------------------------------

// That a layer is not to be had is told, and no failure.
static int make_landlock(struct sandbox *s, const struct sandbox_plan *plan)
{
    if (s->landlock == SANDBOX_OFF)
        return 0;
    s->landlock_abi = sandbox_landlock_abi();
    if (s->landlock_abi < 0 || s->landlock == SANDBOX_LOG)
        return 0;
    return make_ruleset(plan, s->landlock_abi, &s->ruleset);
}

static int make_seccomp(struct sandbox *s)
{
    if (s->seccomp == SANDBOX_OFF)
        return 0;
    s->seccomp_error = check_seccomp();
    return s->seccomp_error < 0 ? 0 : make_filter(s->seccomp, &s->filter);
}

int sandbox_init(struct sandbox *s, const struct sandbox_plan *plan)
{
    struct sandbox made = SANDBOX_NONE;
    made.landlock = plan->landlock;
    made.seccomp = plan->seccomp;
    made.reads_all = plan->reads_all;
    int r = make_landlock(&made, plan);
    if (r == 0)
        r = make_seccomp(&made);
    if (r < 0) {
        sandbox_cleanup(&made);
        return r;
    }
    *s = made;
    return 0;
}

void sandbox_cleanup(struct sandbox *s)
{
    if (s->ruleset >= 0)
        close(s->ruleset);
    if (s->filter)
        free_filter(s->filter);
    *s = SANDBOX_NONE;
}

// Landlock first: its call is none that the filter lets through.
int sandbox_enter(struct sandbox *s, _Atomic uint64_t *refused, const char **ret_what)
{
    int r = enter_landlock(s);
    if (r < 0) {
        *ret_what = "Landlock";
        return r;
    }
    r = enter_seccomp(s, refused);
    if (r < 0)
        *ret_what = "seccomp";
    return r;
}

void sandbox_describe_refused(struct buf *b, uint64_t refused)
{
    put_call(b, (uint32_t)(refused >> 32), (int)(uint32_t)refused);
}

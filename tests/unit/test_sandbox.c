#include "support/unit.h"

#include "sys/sandbox.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

// The end of a child that tried something.
enum outcome {
    DONE,    // it could
    REFUSED, // EACCES or EPERM
    KILLED,  // SIGSYS
    ABORTED, // SIGABRT
    UNFIT,   // something else
};

static char directory[] = "/tmp/test_sandbox.XXXXXX";
static int root;                // O_PATH, of the directory
static struct sockaddr_in port; // where somebody listens
// Made before the sandbox is entered.
static int ready_socket, spare_listener;
static pid_t other;               // a process
static _Atomic uint64_t *refused; // where the call is noted that ended one

static int result(int r)
{
    if (r >= 0)
        return DONE;
    return errno == EACCES || errno == EPERM ? REFUSED : UNFIT;
}

// ---- what is tried -----------------------------------------------------------------------------

static int read_root(void)
{
    char c;
    int fd = openat(root, "file", O_RDONLY | O_CLOEXEC);
    return fd < 0 ? result(fd) : result(read(fd, &c, 1) == 1 ? 0 : -1);
}

static int list_root(void)
{
    return result(openat(root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

static int stat_outside(void)
{
    struct stat st;
    return result(stat("/etc/passwd", &st));
}

static int open_passwd(void)
{
    return result(open("/etc/passwd", O_RDONLY | O_CLOEXEC));
}

static int write_root(void)
{
    return result(openat(root, "new", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
}

static int remove_from_root(void)
{
    return result(unlinkat(root, "new", 0));
}

static int make_socket(void)
{
    return result(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
}

static int connect_out(void)
{
    return result(connect(ready_socket, (const struct sockaddr *)&port, sizeof(port)));
}

static int bind_port(void)
{
    const struct sockaddr_in any = {.sin_family = AF_INET};
    return result(bind(ready_socket, (const struct sockaddr *)&any, sizeof(any)));
}

static int leave_more(void)
{
    return result(unshare(CLONE_FILES | CLONE_FS));
}

// "true" ends with DONE.
static int execute(void)
{
    execl("/bin/true", "true", (char *)NULL);
    return result(-1);
}

// By the way around the sockets that cannot be made: a listener of our own is made one to connect.
static int connect_fast(void)
{
    shutdown(spare_listener, SHUT_RDWR);
    ssize_t n = sendto(spare_listener, "x", 1, MSG_FASTOPEN, (const struct sockaddr *)&port,
                       sizeof(port));
    return errno == EOPNOTSUPP ? DONE : result((int)n); // where that is switched off
}

static int signal_other(void)
{
    return result(kill(other, 0));
}

static int abort_other(void)
{
    return result((int)syscall(SYS_tgkill, other, other, SIGABRT));
}

static int own_by_other(void)
{
    return result(fcntl(ready_socket, F_SETOWN, other));
}

static int set_option(int level, int name)
{
    const int value = 1;
    return result(setsockopt(spare_listener, level, name, &value, sizeof(value)));
}

static int get_option(int level, int name)
{
    int value;
    socklen_t size = sizeof(value);
    return result(getsockopt(spare_listener, level, name, &value, &size));
}

// SO_KEEPALIVE: the number of the option that is allowed, on another level.
static int set_option_of_socket(void)
{
    return set_option(SOL_SOCKET, TCP_DEFER_ACCEPT);
}

static int defer(void)
{
    return set_option(IPPROTO_TCP, TCP_DEFER_ACCEPT);
}

static int get_type(void)
{
    return get_option(SOL_SOCKET, SO_TYPE);
}

// Nothing is there to be received, and nobody to be sent to.
static int attempted(ssize_t r)
{
    return r < 0 && (errno == EAGAIN || errno == EPIPE || errno == ENOTCONN) ? DONE
                                                                             : result((int)r);
}

static int receive(void)
{
    char c;
    return attempted(recv(ready_socket, &c, 1, MSG_DONTWAIT));
}

static int peek(void)
{
    char c;
    return attempted(recv(ready_socket, &c, 1, MSG_DONTWAIT | MSG_PEEK));
}

static int send_plain(void)
{
    return attempted(send(ready_socket, "x", 1, MSG_DONTWAIT | MSG_NOSIGNAL | MSG_MORE));
}

static int send_urgent_message(void)
{
    return attempted(sendmsg(ready_socket, &(struct msghdr){0}, MSG_NOSIGNAL | MSG_OOB));
}

static int abort_self(void)
{
    abort();
}

static int ignore_end(void)
{
    return result(sigaction(SIGSYS, &(struct sigaction){.sa_handler = SIG_IGN}, NULL));
}

static int trace_other(void)
{
    return result((int)ptrace(PTRACE_SEIZE, other, NULL, NULL));
}

static int map_code(void)
{
    void *p = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return result(p == MAP_FAILED ? -1 : 0);
}

static int make_process(void)
{
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    return result(pid < 0 || waitpid(pid, NULL, 0) < 0 ? -1 : 0);
}

static void *in_thread(void *ret)
{
    void *memory = malloc(1u << 20);
    *(bool *)ret = memory != NULL;
    free(memory);
    return NULL;
}

static int run_thread(void)
{
    pthread_t thread;
    bool ran = false;
    errno = pthread_create(&thread, NULL, in_thread, &ran);
    if (errno)
        return result(-1);
    pthread_join(thread, NULL);
    return ran ? DONE : UNFIT;
}

// ---- and what becomes of it --------------------------------------------------------------------

enum layers { NONE, LANDLOCK, SECCOMP, BOTH, ALL_LAYERS };

// More about the arguments of calls is tried in a worker, by ../it/98-break-out.py.
static const struct attempt {
    const char *name;
    int (*f)(void);
    enum outcome want[ALL_LAYERS];
    int abi; // of Landlock, from which on it is as the table says
} attempts[] = {
    {"read a file beneath the root", read_root, {DONE, DONE, DONE, DONE}, 1},
    {"list the root", list_root, {DONE, DONE, DONE, DONE}, 1},
    {"look at a file elsewhere", stat_outside, {DONE, DONE, DONE, DONE}, 1},
    {"run a thread", run_thread, {DONE, DONE, DONE, DONE}, 1},
    {"read a file elsewhere", open_passwd, {DONE, REFUSED, DONE, REFUSED}, 1},
    {"write into the root", write_root, {DONE, REFUSED, KILLED, KILLED}, 1},
    {"remove from the root", remove_from_root, {DONE, REFUSED, KILLED, KILLED}, 1},
    {"make a socket", make_socket, {DONE, DONE, KILLED, KILLED}, 1},
    {"connect", connect_out, {DONE, REFUSED, KILLED, KILLED}, 4},
    {"bind", bind_port, {DONE, REFUSED, KILLED, KILLED}, 4},
    {"execute", execute, {DONE, REFUSED, KILLED, KILLED}, 1},
    {"connect by MSG_FASTOPEN", connect_fast, {DONE, DONE, KILLED, KILLED}, 1},
    {"signal another", signal_other, {DONE, REFUSED, KILLED, KILLED}, 6},
    {"abort another", abort_other, {DONE, REFUSED, KILLED, KILLED}, 6},
    {"have another signalled", own_by_other, {DONE, DONE, KILLED, KILLED}, 1},
    {"set the option of a socket", set_option_of_socket, {DONE, DONE, KILLED, KILLED}, 1},
    {"set TCP_DEFER_ACCEPT", defer, {DONE, DONE, DONE, DONE}, 1},
    {"get SO_TYPE", get_type, {DONE, DONE, DONE, DONE}, 1},
    {"receive", receive, {DONE, DONE, DONE, DONE}, 1},
    {"peek", peek, {DONE, DONE, KILLED, KILLED}, 1},
    {"send", send_plain, {DONE, DONE, DONE, DONE}, 1},
    {"send a message urgently", send_urgent_message, {DONE, DONE, KILLED, KILLED}, 1},
    {"abort", abort_self, {ABORTED, ABORTED, ABORTED, ABORTED}, 1},
    {"ignore the end", ignore_end, {DONE, DONE, KILLED, KILLED}, 1},
    {"trace another", trace_other, {DONE, REFUSED, KILLED, KILLED}, 1},
    {"map code", map_code, {DONE, DONE, KILLED, KILLED}, 1},
    {"leave more than the table of descriptors", leave_more, {DONE, DONE, KILLED, KILLED}, 1},
    {"make a process", make_process, {DONE, DONE, KILLED, KILLED}, 1},
};

static struct sandbox_plan plan_of(enum layers layers)
{
    return (struct sandbox_plan){
        .landlock = layers & LANDLOCK ? SANDBOX_ENFORCE : SANDBOX_OFF,
        .seccomp = layers & SECCOMP ? SANDBOX_ENFORCE : SANDBOX_OFF,
        .roots = &root,
        .root_count = 1,
    };
}

// Nothing of the tests' own output may come from a child.
static _Noreturn void run_child(struct sandbox *s, int (*f)(void))
{
    const char *what;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || sandbox_enter(s, refused, &what) < 0)
        _exit(UNFIT);
    _exit(f());
}

static _Noreturn void wait_for_end(void)
{
    prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0); // where Yama would refuse it anyway
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    for (;;)
        pause();
}

static enum outcome end_of(pid_t pid)
{
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT)
        return ABORTED;
    if (WIFSIGNALED(status))
        return WTERMSIG(status) == SIGSYS ? KILLED : UNFIT;
    return WEXITSTATUS(status) <= UNFIT ? (enum outcome)WEXITSTATUS(status) : UNFIT;
}

static enum outcome outcome_of(struct sandbox *s, int (*f)(void))
{
    ready_socket = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    spare_listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(listen(spare_listener, 1), 0);
    other = fork();
    if (other == 0)
        wait_for_end();
    pid_t pid = fork();
    assert_true(pid >= 0 && other >= 0);
    if (pid == 0)
        run_child(s, f);
    enum outcome outcome = end_of(pid);
    kill(other, SIGKILL);
    waitpid(other, NULL, 0);
    close(ready_socket);
    close(spare_listener);
    return outcome;
}

static void try_all(const struct sandbox_plan *plan, enum layers layers)
{
    struct sandbox s;
    assert_int_equal(sandbox_init(&s, plan), 0);
    if (s.landlock_abi < 0 || s.seccomp_error < 0) {
        sandbox_cleanup(&s);
        skip();
    }
    for (size_t i = 0; i < ARRAY_SIZE(attempts); i++) {
        const struct attempt *a = &attempts[i];
        if ((layers & LANDLOCK) && s.landlock_abi < a->abi)
            continue;
        close(openat(root, "new", O_WRONLY | O_CREAT | O_CLOEXEC, 0600)); // to be removed
        enum outcome got = outcome_of(&s, a->f);
        if (got != a->want[layers])
            fail_msg("%s, layers %d: %d, not %d", a->name, (int)layers, (int)got,
                     (int)a->want[layers]);
    }
    sandbox_cleanup(&s);
    assert_int_equal(s.ruleset, -1);
    assert_null(s.filter);
}

static void try_layers(enum layers layers)
{
    const struct sandbox_plan plan = plan_of(layers);
    try_all(&plan, layers);
}

// Which call it was is known afterwards.
TEST(test_note)
{
    static const struct {
        int (*f)(void);
        const char *says;
    } cases[] = {{make_socket, "socket ("}, {execute, "execve ("}, {trace_other, "ptrace ("}};
    const struct sandbox_plan plan = plan_of(SECCOMP);
    struct sandbox s;
    assert_int_equal(sandbox_init(&s, &plan), 0);
    for (size_t i = 0; i < ARRAY_SIZE(cases) && s.filter; i++) {
        char text[64] = "";
        struct buf b = buf_make(text, sizeof(text) - 1);
        *refused = 0;
        assert_int_equal(outcome_of(&s, cases[i].f), KILLED);
        sandbox_describe_refused(&b, *refused);
        assert_memory_equal(text, cases[i].says, strlen(cases[i].says));
    }
    bool lacks = !s.filter;
    sandbox_cleanup(&s);
    if (lacks)
        skip();
}

// A worker that was taken over may have written anything.
TEST(test_nonsense)
{
    for (unsigned i = 0; i < 64; i++) {
        char text[64];
        struct buf b = buf_make(text, sizeof(text));
        sandbox_describe_refused(&b, UINT64_C(0xfedcba9876543210) << i | 1);
        assert_false(b.overflow);
    }
}

TEST(test_none)
{
    try_layers(NONE);
}

TEST(test_landlock)
{
    try_layers(LANDLOCK);
}

TEST(test_seccomp)
{
    try_layers(SECCOMP);
}

TEST(test_both)
{
    try_layers(BOTH);
}

// To log is not to forbid: all goes on as without a sandbox.
TEST(test_log)
{
    struct sandbox_plan plan = plan_of(NONE);
    plan.landlock = plan.seccomp = SANDBOX_LOG;
    try_all(&plan, NONE);
}

TEST(test_reads_all)
{
    struct sandbox s;
    struct sandbox_plan plan = plan_of(LANDLOCK);
    plan.reads_all = true;
    assert_int_equal(sandbox_init(&s, &plan), 0);
    bool lacks = s.landlock_abi < 0;
    enum outcome reads = outcome_of(&s, open_passwd), writes = outcome_of(&s, write_root);
    sandbox_cleanup(&s);
    if (lacks)
        skip();
    assert_int_equal(reads, DONE);
    assert_int_equal(writes, REFUSED);
}

TEST(test_bad_root)
{
    struct sandbox s = SANDBOX_NONE;
    struct sandbox_plan plan = plan_of(LANDLOCK);
    const int bad = -1;
    plan.roots = &bad;
    if (sandbox_landlock_abi() < 0)
        skip();
    assert_int_equal(sandbox_init(&s, &plan), -EBADF);
    assert_int_equal(s.ruleset, -1);
}

static int set_up(void **state)
{
    (void)state;
    socklen_t size = sizeof(port);
    port = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (!mkdtemp(directory) || listener < 0 ||
        bind(listener, (const struct sockaddr *)&port, sizeof(port)) < 0 ||
        listen(listener, 64) < 0 || getsockname(listener, (struct sockaddr *)&port, &size) < 0)
        return -1;
    refused = mmap(NULL, sizeof(*refused), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
                   0);
    if (refused == MAP_FAILED)
        return -1;
    root = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    int fd = openat(root, "file", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    bool written = write(fd, "x", 1) == 1;
    close(fd);
    return written ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    unlinkat(root, "file", 0);
    unlinkat(root, "new", 0);
    return rmdir(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_none),     cmocka_unit_test(test_landlock),
        cmocka_unit_test(test_seccomp),  cmocka_unit_test(test_both),
        cmocka_unit_test(test_log),      cmocka_unit_test(test_reads_all),
        cmocka_unit_test(test_bad_root), cmocka_unit_test(test_note),
        cmocka_unit_test(test_nonsense),
    };
    return cmocka_run_group_tests_name("sandbox", tests, set_up, tear_down);
}

#include "daemon/upgrade_exec.h"

#include "base/log.h"
#include "base/num.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

// Where the state is: "FD" for a successor, "FD prove" for who has to prove itself.
#define VARIABLE "TINED_STATE"
#define PROVE    " prove"

// An image that has proven itself writes this over the state that it was given.
#define CONFIRMED "proven "

// The largest state; UPGRADE_STATE_MAX listeners with long names need less.
#define TEXT_MAX (1u << 20)

// ---- the state, written and read ---------------------------------------------------------------

// A memfd with the text. The descriptor or a negative errno.
static int write_state(const struct upgrade_state *s)
{
    char *text = malloc(TEXT_MAX);
    struct buf b = buf_make(text, text ? TEXT_MAX : 0);
    upgrade_state_format(&b, s);
    int fd = b.overflow ? -ENOMEM : memfd_create("tined-state", MFD_CLOEXEC);
    if (fd < 0 && !b.overflow)
        fd = -errno;
    if (fd >= 0 && pwrite(fd, text, b.len, 0) != (ssize_t)b.len) {
        close(fd);
        fd = -EIO;
    }
    free(text);
    return fd;
}

static int read_state(int fd, struct upgrade_state *ret)
{
    char *text = malloc(TEXT_MAX);
    ssize_t n = text ? pread(fd, text, TEXT_MAX, 0) : -1;
    int r = !text   ? -ENOMEM
            : n < 0 ? -errno
                    : upgrade_state_parse(slice_make(text, (size_t)n), ret);
    free(text);
    return r;
}

static void keep_on_exec(int fd)
{
    fcntl(fd, F_SETFD, 0);
}

static void close_on_exec(int fd)
{
    fcntl(fd, F_SETFD, FD_CLOEXEC);
}

// ---- the own image -----------------------------------------------------------------------------

// Takes the variable out of the environment. -ENOENT: there is none.
static int take_environment_variable(int *ret_fd, enum upgrade_exec_role *ret_role)
{
    struct slice value = slice_of(getenv(VARIABLE));
    uint64_t fd = 0;
    if (!value.ptr)
        return -ENOENT;
    struct slice rest = value;
    bool good = num_parse_dec(slice_split(&rest, ' '), INT_MAX, &fd);
    *ret_fd = (int)fd;
    *ret_role = rest.ptr ? UPGRADE_EXEC_PROVER : UPGRADE_EXEC_SUCCESSOR;
    unsetenv(VARIABLE);
    return good ? 0 : -EPROTO;
}

static int find_image(struct upgrade_exec *u)
{
    ssize_t n = readlink("/proc/self/exe", u->path, sizeof(u->path) - 1);
    if (n < 0)
        return -errno;
    u->path[n] = '\0';
    u->image = open("/proc/self/exe", O_PATH | O_CLOEXEC);
    return u->image < 0 ? -errno : 0;
}

int upgrade_exec_init(struct upgrade_exec *u, char *const *argv, enum upgrade_exec_role *ret_role,
                      struct upgrade_state *ret_state)
{
    enum upgrade_exec_role role = UPGRADE_EXEC_NONE;
    int fd;
    *u = (struct upgrade_exec){.argv = argv, .image = -1, .proof_state = -1};
    int r = find_image(u);
    if (r < 0)
        log_notice("without /proc there can be no upgrade: %s", strerror(-r));
    r = take_environment_variable(&fd, &role);
    if (r == -ENOENT) {
        *ret_role = UPGRADE_EXEC_NONE;
        return 0;
    }
    if (r == 0)
        r = read_state(fd, ret_state);
    if (r < 0)
        return r;
    if (role == UPGRADE_EXEC_PROVER)
        u->proof_state = fd;
    else
        close(fd);
    upgrade_state_each_fd(ret_state, close_on_exec);
    // Of a file that was replaced the link says where it was no longer.
    memcpy(u->path, ret_state->path, sizeof(u->path));
    *ret_role = role;
    return 0;
}

void upgrade_exec_cleanup(struct upgrade_exec *u)
{
    upgrade_exec_give_up(u);
    if (u->image >= 0)
        close(u->image);
    u->image = -1;
}

// ---- the proof ---------------------------------------------------------------------------------

// In the child. Returns only when the program cannot be executed.
static int run_proof(void *context, int channel)
{
    const struct upgrade_exec *u = ((void **)context)[0];
    const int *state = ((void **)context)[1];
    char value[32];
    close(channel);
    keep_on_exec(*state);
    snprintf(value, sizeof(value), "%d" PROVE, *state);
    setenv(VARIABLE, value, 1);
    execv(u->path, u->argv);
    log_err("\"%s\" cannot be executed: %s", u->path, strerror(errno));
    return 126;
}

int upgrade_exec_prove(struct upgrade_exec *u, const struct upgrade_state *s)
{
    if (u->image < 0)
        return -ENOSYS;
    int fd = write_state(s);
    if (fd < 0)
        return fd;
    void *context[] = {u, &fd};
    int r = child_spawn(&u->proof, run_proof, context, &fd, 1);
    if (r < 0)
        close(fd);
    else
        u->proof_state = fd;
    return r;
}

void upgrade_exec_confirm(struct upgrade_exec *u)
{
    ssize_t n = pwrite(u->proof_state, CONFIRMED, strlen(CONFIRMED), 0);
    (void)n; // without it the proof fails, as it should
}

static bool is_confirmed(const struct upgrade_exec *u)
{
    char text[sizeof(CONFIRMED) - 1];
    return pread(u->proof_state, text, sizeof(text), 0) == (ssize_t)sizeof(text) &&
           memcmp(text, CONFIRMED, sizeof(text)) == 0;
}

static void close_proof_state(struct upgrade_exec *u)
{
    if (u->proof_state >= 0)
        close(u->proof_state);
    u->proof_state = -1;
}

enum upgrade_exec_proof upgrade_exec_judge(struct upgrade_exec *u, int status)
{
    char how[128];
    child_close(&u->proof);
    bool confirmed = is_confirmed(u);
    close_proof_state(u);
    if (status == 0 && confirmed)
        return UPGRADE_EXEC_PROVEN;
    child_describe_status(status, how, sizeof(how));
    log_event(EVENT_UPGRADE_REFUSED, NULL, "upgrade refused: \"%s\" %s%s", u->path, how,
              status == 0 ? " and is no tined that can take over" : "");
    return UPGRADE_EXEC_REFUSED;
}

void upgrade_exec_give_up(struct upgrade_exec *u)
{
    if (u->proof.pid)
        child_kill(&u->proof);
    close_proof_state(u);
}

// ---- becoming ----------------------------------------------------------------------------------

// Executes `path`, or the program that is open as `image`.
static int become(const struct upgrade_exec *u, const struct upgrade_state *s, const char *path,
                  int image)
{
    char *const *argv = u->argv;
    char value[32];
    int fd = write_state(s);
    if (fd < 0)
        return fd;
    snprintf(value, sizeof(value), "%d", fd);
    if (setenv(VARIABLE, value, 1) < 0) {
        close(fd);
        return -ENOMEM;
    }
    upgrade_state_each_fd(s, keep_on_exec);
    keep_on_exec(fd);
    fflush(NULL);
    if (path)
        execv(path, argv);
    else
        fexecve(image, argv, environ);
    int error = -errno;
    unsetenv(VARIABLE);
    upgrade_state_each_fd(s, close_on_exec);
    close(fd);
    return error;
}

int upgrade_exec_become(const struct upgrade_exec *u, const struct upgrade_state *s)
{
    return become(u, s, u->path, -1);
}

int upgrade_exec_go_back(const struct upgrade_exec *u, const struct upgrade_state *s)
{
    struct upgrade_state last = *s;
    last.image = -1; // that one has nowhere to go back to
    return s->image < 0 ? -ENOENT : become(u, &last, NULL, s->image);
}

#include "server/worker_sandbox.h"

#include "base/log.h"
#include "base/util.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool follows_any_link(const struct conf *conf)
{
    for (size_t i = 0; i < conf->site_count; i++)
        if (conf->sites[i].symlinks == SYMLINKS_ANY)
            return true;
    for (size_t i = 0; i < conf->rule_count; i++)
        if (conf->rules[i].symlinks == SYMLINKS_ANY)
            return true;
    return false;
}

int worker_sandbox_make(struct sandbox *ret, const struct conf *conf, const struct sites *sites)
{
    size_t count = sites_fd_count(sites);
    int *roots = calloc(count + 1, sizeof(*roots));
    if (!roots)
        return -ENOMEM;
    sites_fds(sites, roots);
    const struct sandbox_plan plan = {
        .landlock = conf->sandbox.landlock,
        .seccomp = conf->sandbox.seccomp,
        .roots = roots,
        .root_count = count,
        .reads_all = follows_any_link(conf),
    };
    int r = sandbox_init(ret, &plan);
    free(roots);
    return r;
}

int worker_sandbox_make_explain(struct sandbox *ret, const struct conf *conf)
{
    const struct sandbox_plan plan = {
        .landlock = conf->sandbox.landlock,
        .seccomp = SANDBOX_OFF,
        .reads_all = true,
    };
    return sandbox_init(ret, &plan);
}

static bool is_same(const struct sandbox *a, const struct sandbox *b)
{
    return a->landlock == b->landlock && a->seccomp == b->seccomp && a->reads_all == b->reads_all &&
           a->landlock_abi == b->landlock_abi && a->seccomp_error == b->seccomp_error;
}

static const char *lack_reason(int error)
{
    static const struct {
        int error;
        const char *why;
    } reasons[] = {
        {ENOSYS, "the kernel has none, or a filter around this process says so"},
        {EOPNOTSUPP, "the kernel has it switched off: put landlock into lsm= of its command line"},
        {EPERM, "a filter around this process forbids its system calls"},
        {ENOPKG, "this build of tined has none"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(reasons); i++)
        if (reasons[i].error == -error)
            return reasons[i].why;
    return strerror(-error);
}

void worker_sandbox_describe_landlock(struct buf *b, const struct sandbox *s)
{
    const char *what = s->reads_all ? "reading files (anywhere: a site has symlinks = \"any\")"
                                    : "reading beneath the roots of the sites";
    if (s->landlock == SANDBOX_OFF)
        buf_puts(b, "Landlock is off: sandbox.landlock");
    else if (s->landlock_abi < 0)
        buf_printf(b, "Landlock is missing, so workers can do to files what their user can: %s",
                   lack_reason(s->landlock_abi));
    else if (s->landlock == SANDBOX_LOG)
        buf_printf(b, "Landlock (ABI %d) would keep workers to %s, but sandbox.landlock is \"log\"",
                   s->landlock_abi, what);
    else
        buf_printf(b, "Landlock (ABI %d) keeps workers to %s", s->landlock_abi, what);
}

void worker_sandbox_describe_seccomp(struct buf *b, const struct sandbox *s)
{
    if (s->seccomp == SANDBOX_OFF)
        buf_puts(b, "seccomp is off: sandbox.seccomp");
    else if (s->seccomp_error < 0)
        buf_printf(b, "seccomp is missing, so workers can make any system call: %s",
                   lack_reason(s->seccomp_error));
    else if (s->seccomp == SANDBOX_LOG)
        buf_puts(b, "seccomp only logs the system calls that workers should not make: "
                    "sandbox.seccomp is \"log\"");
    else
        buf_puts(b, "seccomp keeps workers to the system calls that they need");
}

void worker_sandbox_log(const struct sandbox *s, const struct sandbox *previous)
{
    const struct {
        void (*describe)(struct buf *b, const struct sandbox *s);
        enum sandbox_mode mode;
        bool is_missing;
    } layers[] = {
        {worker_sandbox_describe_landlock, s->landlock, s->landlock_abi < 0},
        {worker_sandbox_describe_seccomp, s->seccomp, s->seccomp_error < 0},
    };
    if (previous && is_same(s, previous))
        return;
    for (size_t i = 0; i < ARRAY_SIZE(layers); i++) {
        char text[256];
        struct buf b = buf_make(text, sizeof(text));
        if (layers[i].mode == SANDBOX_OFF)
            continue;
        layers[i].describe(&b, s);
        bool holds = layers[i].mode == SANDBOX_ENFORCE && !layers[i].is_missing;
        log_line(holds ? LOG_LEVEL_INFO : LOG_LEVEL_NOTICE, "%.*s", (int)b.len, text);
    }
}

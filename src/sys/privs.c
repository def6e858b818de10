#include "sys/privs.h"

#include "base/util.h"
#include "sys/account.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define BIT(capability) (UINT64_C(1) << (capability))

// Capabilities that a root master goes on needing: low ports at a reload; sockets, logs and roots
// that belong to others.
#define MASTER_CAPABILITIES \
    (BIT(CAP_NET_BIND_SERVICE) | BIT(CAP_CHOWN) | BIT(CAP_FOWNER) | BIT(CAP_DAC_OVERRIDE))
// To make workers of another user, and to signal them.
#define CHANGE_CAPABILITIES (BIT(CAP_SETUID) | BIT(CAP_SETGID) | BIT(CAP_SETPCAP) | BIT(CAP_KILL))

// ---- resolving ---------------------------------------------------------------------------------

int privs_resolve(const char *user, const char *group, struct privs *ret, const char **ret_what)
{
    struct privs p = {.group_count = PRIVS_MAX_GROUPS};
    if (geteuid() != 0 || !user || !user[0]) {
        *ret = (struct privs){.change_ids = false, .uid = geteuid(), .gid = getegid()};
        return 0;
    }
    p.change_ids = true;
    int r = account_find_user(user, &p.uid, &p.gid);
    if (r < 0) {
        *ret_what = "user";
        return r;
    }
    if (group && group[0])
        r = account_find_group(group, &p.gid);
    // Too many groups: leaving some out would deny files for a reason that nobody finds.
    if (r == 0 && getgrouplist(user, p.gid, p.groups, &p.group_count) < 0)
        r = -E2BIG;
    if (r < 0) {
        *ret_what = "group";
        return r;
    }
    // Whoever is that already needs no capability to become it, as in a container without any.
    p.change_ids = p.uid != geteuid() || p.gid != getegid();
    *ret = p;
    return 0;
}

// ---- capabilities ------------------------------------------------------------------------------

static int get_capabilities(uint64_t *ret_permitted, uint64_t *ret_inheritable)
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2];
    if (syscall(SYS_capget, &header, data) < 0)
        return -errno;
    *ret_permitted = (uint64_t)data[1].permitted << 32 | data[0].permitted;
    *ret_inheritable = (uint64_t)data[1].inheritable << 32 | data[0].inheritable;
    return 0;
}

// These are permitted and effective from now on; nothing is inheritable or ambient.
static int set_capabilities(uint64_t keep)
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    const uint32_t low = (uint32_t)keep, high = (uint32_t)(keep >> 32);
    const struct __user_cap_data_struct data[2] = {{.effective = low, .permitted = low},
                                                   {.effective = high, .permitted = high}};
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0 ||
        syscall(SYS_capset, &header, data) < 0)
        return -errno;
    return 0;
}

// Keeps all other capabilities from every program executed later. Needs CAP_SETPCAP; without it,
// no_new_privs does the same for a worker.
static int bound_capabilities(uint64_t keep)
{
    for (int capability = 0; prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; capability++) {
        if (keep & BIT(capability))
            continue;
        if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) < 0)
            return errno == EPERM ? 0 : -errno;
    }
    return 0;
}

// The process's memory and descriptors are root's business from now on.
static int forbid_looking_in(void)
{
    return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 ? -errno : 0;
}

int privs_reduce_master(const struct privs *p)
{
    uint64_t permitted = 0, inheritable = 0;
    const uint64_t keep = MASTER_CAPABILITIES | (p->change_ids ? CHANGE_CAPABILITIES : 0);
    if (geteuid() != 0)
        return forbid_looking_in(); // its workers are the same user
    int r = get_capabilities(&permitted, &inheritable);
    if (r == 0)
        r = bound_capabilities(keep);
    return r < 0 ? r : set_capabilities(keep & permitted);
}

// ---- the worker --------------------------------------------------------------------------------

static int drop_bounding(const struct privs *p, pid_t master)
{
    (void)p;
    (void)master;
    return bound_capabilities(0);
}

static int set_groups(const struct privs *p, pid_t master)
{
    (void)master;
    if (!p->change_ids)
        return 0;
    return setgroups((size_t)p->group_count, p->groups) < 0 ? -errno : 0;
}

static int set_gid(const struct privs *p, pid_t master)
{
    (void)master;
    return p->change_ids && setresgid(p->gid, p->gid, p->gid) < 0 ? -errno : 0;
}

static int set_uid(const struct privs *p, pid_t master)
{
    (void)master;
    return p->change_ids && setresuid(p->uid, p->uid, p->uid) < 0 ? -errno : 0;
}

// A service manager that gave none may have forbidden capset(2) as well.
static int drop_capabilities(const struct privs *p, pid_t master)
{
    uint64_t permitted = 0, inheritable = 0;
    (void)p;
    (void)master;
    int r = get_capabilities(&permitted, &inheritable);
    return r < 0 || !(permitted | inheritable) ? r : set_capabilities(0);
}

// The signal comes for a death from now on; whether the master died before is seen by who the
// parent is.
static int die_with_master(const struct privs *p, pid_t master)
{
    (void)p;
    if (prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0) < 0)
        return -errno;
    return getppid() == master ? 0 : -ESRCH;
}

static int hide_memory(const struct privs *p, pid_t master)
{
    (void)p;
    (void)master;
    return forbid_looking_in();
}

static int set_no_new_privs(const struct privs *p, pid_t master)
{
    (void)p;
    (void)master;
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -errno : 0;
}

// A drop that did not happen must not go unseen, whatever the reason.
static int check_no_way_back(const struct privs *p, pid_t master)
{
    uint64_t permitted = 0, inheritable = 0;
    (void)master;
    int r = get_capabilities(&permitted, &inheritable);
    if (r < 0)
        return r;
    if (permitted)
        return -EPERM;
    if (p->change_ids && p->uid != 0 && (setuid(0) == 0 || seteuid(0) == 0))
        return -EPERM;
    return 0;
}

static const struct step {
    const char *what;
    int (*take)(const struct privs *p, pid_t master);
} steps[] = {
    {"PR_CAPBSET_DROP", drop_bounding}, // needs a capability, so it comes first
    {"setgroups", set_groups},
    {"setresgid", set_gid},
    {"setresuid", set_uid},
    {"capset", drop_capabilities},
    {"PR_SET_PDEATHSIG", die_with_master}, // setresuid would clear it
    {"PR_SET_DUMPABLE", hide_memory},      // and decides anew
    {"PR_SET_NO_NEW_PRIVS", set_no_new_privs},
    {"check that root cannot be had back", check_no_way_back},
};

int privs_confine_worker(const struct privs *p, pid_t master, const char **ret_what)
{
    for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
        int r = steps[i].take(p, master);
        if (r < 0) {
            *ret_what = steps[i].what;
            return r;
        }
    }
    return 0;
}

const char *privs_remedy(const char *what, int error)
{
    bool is_id = strncmp(what, "set", strlen("set")) == 0;
    return error == -EPERM && is_id ? "; give the server CAP_SETGID and CAP_SETUID, or set user = "
                                      "\"root\""
                                    : "";
}

// ---- limits ------------------------------------------------------------------------------------

rlim_t privs_raise_nofile(rlim_t want)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return 0;
    struct rlimit raised = {MIN(limit.rlim_max, want), limit.rlim_max};
    if (raised.rlim_cur <= limit.rlim_cur || setrlimit(RLIMIT_NOFILE, &raised) < 0)
        return limit.rlim_cur;
    return raised.rlim_cur;
}

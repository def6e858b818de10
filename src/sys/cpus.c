#include "sys/cpus.h"

#include "base/num.h"
#include "base/slice.h"
#include "base/util.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

// No kernel is built for more.
enum { MAX_CPUS = 1 << 20 };

// ---- affinity ----------------------------------------------------------------------------------

// The kernel refuses with EINVAL a mask that is smaller than its own. 0: not known.
static unsigned cpus_of_affinity(void)
{
    unsigned count = 0;
    int error = EINVAL;
    for (int cpus = CPU_SETSIZE; error == EINVAL && cpus <= MAX_CPUS; cpus *= 2) {
        cpu_set_t *mask = CPU_ALLOC((size_t)cpus);
        size_t size = CPU_ALLOC_SIZE((size_t)cpus);
        if (!mask)
            return 0;
        error = sched_getaffinity(0, size, mask) < 0 ? errno : 0;
        if (error == 0)
            count = (unsigned)CPU_COUNT_S(size, mask);
        CPU_FREE(mask);
    }
    return count;
}

// ---- quota -------------------------------------------------------------------------------------

unsigned cpus_of_quota(const char *text)
{
    struct slice rest = slice_of(text);
    uint64_t quota, period;
    if (rest.len && rest.ptr[rest.len - 1] == '\n')
        rest.len--;
    struct slice first = slice_split(&rest, ' ');
    if (!num_parse_dec(first, UINT64_MAX, &quota) || !num_parse_dec(rest, UINT64_MAX, &period) ||
        period == 0)
        return 0;
    uint64_t cpus = quota / period + (quota % period != 0);
    return (unsigned)MIN(MAX(cpus, 1), UINT_MAX);
}

// The first bytes of a file, as text: false when there are none.
static bool read_small_file(const char *path, char *text, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t n = read(fd, text, size - 1);
    close(fd);
    if (n <= 0)
        return false;
    text[n] = '\0';
    return true;
}

static unsigned quota_v2(const char *directory)
{
    char path[PATH_MAX], text[64];
    int n = snprintf(path, sizeof(path), "%s/cpu.max", directory);
    if (n >= (int)sizeof(path) || !read_small_file(path, text, sizeof(text)))
        return 0;
    return cpus_of_quota(text);
}

// No limit is -1 there, which is no number to cpus_of_quota().
static unsigned quota_v1(const char *directory)
{
    char path[PATH_MAX], quota[32], period[32], text[64];
    int n = snprintf(path, sizeof(path), "%s/cpu.cfs_quota_us", directory);
    if (n >= (int)sizeof(path) || !read_small_file(path, quota, sizeof(quota)))
        return 0;
    n = snprintf(path, sizeof(path), "%s/cpu.cfs_period_us", directory);
    if (n >= (int)sizeof(path) || !read_small_file(path, period, sizeof(period)))
        return 0;
    quota[strcspn(quota, "\n")] = '\0';
    snprintf(text, sizeof(text), "%s %s", quota, period);
    return cpus_of_quota(text);
}

static unsigned lower_limit(unsigned a, unsigned b)
{
    return a && b ? MIN(a, b) : MAX(a, b);
}

// The lowest quota of the group at `mount`/`path` and of all above it. In a container the path may
// be one of the host: what is not there does not limit, and the mount's root is always looked at.
static unsigned lowest_quota(const char *mount, const char *path, unsigned (*quota)(const char *))
{
    char directory[PATH_MAX];
    unsigned lowest = 0;
    size_t top = strlen(mount);
    int n = snprintf(directory, sizeof(directory), "%s%s", mount, path);
    if (n < 0 || n >= (int)sizeof(directory))
        return 0;
    for (;;) {
        lowest = lower_limit(lowest, quota(directory));
        char *slash = strrchr(directory + top, '/');
        if (!slash)
            return lowest;
        *slash = '\0';
    }
}

static bool has_controller(const char *list, const char *name)
{
    struct slice rest = slice_of(list);
    while (rest.ptr)
        if (slice_equal(slice_split(&rest, ','), slice_of(name)))
            return true;
    return false;
}

// One line of /proc/self/cgroup, "ID:CONTROLLERS:PATH" (cgroups(7)); v2 has none there.
static unsigned quota_of_line(char *line, const char *cgroup_root)
{
    char mount[PATH_MAX];
    char *controllers = strchr(line, ':');
    char *path = controllers ? strchr(controllers + 1, ':') : NULL;
    if (!path)
        return 0;
    *path++ = '\0';
    controllers++;
    path[strcspn(path, "\n")] = '\0';
    if (controllers[0] == '\0')
        return lowest_quota(cgroup_root, path, quota_v2);
    if (!has_controller(controllers, "cpu"))
        return 0;
    snprintf(mount, sizeof(mount), "%s/cpu", cgroup_root);
    return lowest_quota(mount, path, quota_v1);
}

unsigned cpus_find_quota(const char *cgroups, const char *cgroup_root)
{
    char line[PATH_MAX + 128];
    unsigned lowest = 0;
    FILE *f = fopen(cgroups, "re");
    if (!f)
        return 0;
    while (fgets(line, sizeof(line), f))
        lowest = lower_limit(lowest, quota_of_line(line, cgroup_root));
    fclose(f);
    return lowest;
}

unsigned cpus_usable(void)
{
    unsigned quota = cpus_find_quota("/proc/self/cgroup", "/sys/fs/cgroup");
    return MAX(1, lower_limit(cpus_of_affinity(), quota));
}

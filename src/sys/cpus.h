// How many CPUs this process may use: the affinity mask, cut by the CPU quota of its cgroup and of
// every cgroup above (v2 cpu.max, v1 cpu.cfs_quota_us), rounded up.
#pragma once

// At least 1. A source that cannot be read (no /proc, no cgroups) does not limit.
unsigned cpus_usable(void);

// The CPUs that a quota allows: ceil(quota / period), at least 1; `text` is the content of cpu.max
// ("max 100000", "150000 100000"). 0: no limit, or not readable as such. Public for tests.
unsigned cpus_of_quota(const char *text);

// The lowest such number of the groups that `cgroups` (as /proc/self/cgroup) names and of all above
// them, in the tree at `cgroup_root` (as /sys/fs/cgroup). 0: no limit. For tests, which have trees
// of their own.
unsigned cpus_find_quota(const char *cgroups, const char *cgroup_root);

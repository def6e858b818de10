#include "sys/unit_hides.h"

#include <assert.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// A line of proc_pid_mountinfo(5), of which the fourth field is what is mounted and the fifth
// where.
static bool hides(const char *line, const char *path)
{
    char from[PATH_MAX], at[PATH_MAX];
    static_assert(PATH_MAX == 4096, "widths");
    if (sscanf(line, "%*s %*s %*s %4095s %4095s", from, at) != 2 ||
        !strstr(from, "/systemd/inaccessible/"))
        return false;
    size_t len = strlen(at);
    return strncmp(path, at, len) == 0 && (path[len] == '/' || path[len] == '\0');
}

bool unit_hides_path_in(const char *mounts, const char *path)
{
    char real[PATH_MAX] = "";
    char *line = NULL;
    size_t size = 0;
    bool is_hidden = false;
    // On failure, as far as it came: what it could not enter is what is asked for.
    if (!realpath(path, real) && !real[0])
        snprintf(real, sizeof(real), "%s", path);
    FILE *f = fopen(mounts, "re");
    while (f && !is_hidden && getline(&line, &size, f) > 0)
        is_hidden = hides(line, real);
    free(line);
    if (f)
        fclose(f);
    return is_hidden;
}

bool unit_hides_path(const char *path)
{
    return unit_hides_path_in("/proc/self/mountinfo", path);
}

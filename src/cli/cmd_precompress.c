#include "cli/cmd_precompress.h"

#include "base/log.h"
#include "cli/args.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HELPER "tined-precompress"

enum { ARGUMENTS_MAX = 10, OWN_PATH_MAX = PATH_MAX - 32 };

// The helper's path beside this program; "" when /proc does not tell.
static const char *beside(char path[static PATH_MAX])
{
    ssize_t len = readlink("/proc/self/exe", path, OWN_PATH_MAX);
    path[len > 0 && len < OWN_PATH_MAX ? len : 0] = '\0';
    char *slash = strrchr(path, '/');
    if (slash)
        strcpy(slash + 1, HELPER);
    return path;
}

static void make_arguments(const struct args *args, char *argv[static ARGUMENTS_MAX])
{
    const char *words[ARGUMENTS_MAX] = {HELPER};
    size_t count = 1;
    if (args->check)
        words[count++] = "--check";
    if (args->quiet)
        words[count++] = "--quiet";
    if (args->jobs) {
        words[count++] = "--jobs";
        words[count++] = args->jobs;
    }
    if (args->codings) {
        words[count++] = "--codings";
        words[count++] = args->codings;
    }
    words[count++] = "--";
    words[count++] = args->directory;
    words[count] = NULL;
    memcpy(argv, words, sizeof(words)); // execv() does not write to them, but says so nowhere
}

int cmd_precompress(const struct args *args)
{
    static const char installed[] = PKGLIBEXECDIR "/" HELPER;
    char path[PATH_MAX], *argv[ARGUMENTS_MAX];
    make_arguments(args, argv);
    execv(beside(path), argv);
    if (errno == ENOENT)
        execv(installed, argv);
    if (errno == ENOENT)
        log_err("the program that compresses is not installed: there is no %s", installed);
    else
        log_err("cannot execute " HELPER ": %s", strerror(errno));
    return EXIT_FAILURE;
}

// main() of the fuzzers where libFuzzer is not linked: runs the entry point over every file of the
// directories given. Arguments that begin with '-' are libFuzzer's and skipped. Fails when a
// directory cannot be read or there was no file at all.
#include "fuzz.h"

#include <dirent.h>
#include <stdio.h>

static int run_file(const char *directory, const char *name)
{
    static uint8_t data[1 << 20];
    char path[4096];
    snprintf(path, sizeof(path), "%s/%s", directory, name);
    FILE *f = fopen(path, "rb");
    if (!f) {
        perror(path);
        return -1;
    }
    size_t size = fread(data, 1, sizeof(data), f);
    int failed = ferror(f);
    fclose(f);
    if (failed) {
        fprintf(stderr, "%s: cannot be read\n", path);
        return -1;
    }
    // In a block of its own length, so that a sanitizer sees a read past the end.
    char *copy = fuzz_copy(fuzz_slice(data, size));
    LLVMFuzzerTestOneInput((const uint8_t *)copy, size);
    free(copy);
    return 0;
}

// Number of files run, or -1.
static long run_directory(const char *directory)
{
    long count = 0;
    DIR *d = opendir(directory);
    if (!d) {
        perror(directory);
        return -1;
    }
    for (struct dirent *e = readdir(d); e && count >= 0; e = readdir(d)) {
        if (e->d_name[0] != '.')
            count = run_file(directory, e->d_name) == 0 ? count + 1 : -1;
    }
    closedir(d);
    return count;
}

int main(int argc, char **argv)
{
    long total = 0;
    for (int i = 1; i < argc; i++) {
        if (argv[i][0] == '-')
            continue;
        long count = run_directory(argv[i]);
        if (count < 0)
            return 1;
        total += count;
    }
    printf("%ld inputs\n", total);
    return total == 0;
}

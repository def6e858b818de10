// main() of the fuzzers where libFuzzer is not linked: runs the entry point over every file of the
// directories given, and then over as many inputs of random bytes as -runs=COUNT says: those of the
// seeds from that of -seed=FIRST on, always the same. The seed of one that fails is printed.
// Other arguments that begin with '-' are libFuzzer's and skipped. Fails when a directory cannot be
// read or there was no input at all.
#include "fuzz.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#define RANDOM_MAX  512 // bytes of an input
#define RANDOM_TIME 60  // s that it may take

static uint64_t seed;

static void print_seed(int number)
{
    char text[64];
    int len = snprintf(text, sizeof(text), "-runs=1 -seed=%llu\n", (unsigned long long)seed);
    ssize_t n = write(STDERR_FILENO, text, (size_t)len);
    (void)n;
    signal(number, SIG_DFL);
    raise(number);
}

// xorshift64*
static uint64_t next_random(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * UINT64_C(2685821657736338717);
}

static void run_random(void)
{
    uint64_t state = (seed + 1) * UINT64_C(0x9e3779b97f4a7c15);
    uint8_t data[RANDOM_MAX];
    size_t size = next_random(&state) % (RANDOM_MAX + 1);
    for (size_t i = 0; i < size; i++)
        data[i] = (uint8_t)(next_random(&state) >> 32);
    LLVMFuzzerTestOneInput(data, size);
}

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
    long total = 0, runs = 0;
    for (int i = 1; i < argc; i++) {
        if (strncmp(argv[i], "-runs=", 6) == 0)
            runs = atol(argv[i] + 6);
        if (strncmp(argv[i], "-seed=", 6) == 0)
            seed = strtoull(argv[i] + 6, NULL, 10);
        if (argv[i][0] == '-')
            continue;
        long count = run_directory(argv[i]);
        if (count < 0)
            return 1;
        total += count;
    }
    signal(SIGABRT, print_seed);
#ifndef __SANITIZE_ADDRESS__ // which tells more itself
    signal(SIGSEGV, print_seed);
#endif
    signal(SIGALRM, print_seed);
    for (; runs > 0; runs--, total++, seed++) {
        alarm(RANDOM_TIME);
        run_random();
    }
    printf("%ld inputs\n", total);
    return total == 0;
}

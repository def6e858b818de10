// Reads a directory for its listing, and prints how long that takes, by the clock and of the
// processor (a busy machine lets it wait), and how much memory it needs. usage: list DIRECTORY
// [QUERY]
#include "base/util.h"
#include "content/dirlist.h"
#include "sys/clock.h"

#include <stdio.h>
#include <time.h>

static int64_t cpu_us(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
    return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

int main(int argc, char **argv)
{
    struct rootfs root;
    struct dirlist *d = NULL;
    struct listing_view view = {.path = {NULL, 0}};
    if (argc < 2 || rootfs_init(&root, argv[1]) < 0) {
        fprintf(stderr, "usage: list DIRECTORY [QUERY]\n");
        return 2;
    }
    struct budget memory = {.limit = UINT64_MAX};
    const struct dirlist_options options = {
        .root = &root, .path = "", .view = &view, .limit = UINT32_MAX, .memory = &memory};
    listing_view_parse(slice_of(argc > 2 ? argv[2] : ""), &view);
    int64_t begin = clock_now_us(), begin_cpu = cpu_us();
    int error = dirlist_read(&options, &d);
    int64_t took = clock_now_us() - begin, took_cpu = cpu_us() - begin_cpu;
    rootfs_cleanup(&root);
    if (error) {
        fprintf(stderr, "list: %s\n", strerror(-error));
        return 1;
    }
    printf("%u entries in %lld us (%lld of the processor), %llu KB of memory\n",
           d->directories + d->files, (long long)took, (long long)took_cpu,
           (unsigned long long)d->memory >> 10);
    dirlist_free(d);
    return 0;
}

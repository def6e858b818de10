// Makes the listing of a directory as a loop would, and prints how long its steps take, by the
// clock and of the processor (a busy machine lets it wait), and how much memory it needs. usage:
// list DIRECTORY [QUERY]
#include "base/util.h"
#include "server/dirlist.h"
#include "sys/clock.h"

#include <malloc.h>
#include <stdio.h>
#include <time.h>

static char room[32 << 10];

struct figures {
    int64_t longest_us, longest_cpu_us, total_us;
    size_t steps, bytes, memory;
};

static int64_t cpu_us(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
    return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

// 0 where the C library does not say.
static size_t memory_used(void)
{
#ifdef HAVE_MALLINFO2
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
#else
    return 0;
#endif
}

static int list(struct dirlist *d, struct figures *f)
{
    for (int result = DIRLIST_MORE; result == DIRLIST_MORE; f->steps++) {
        struct buf out = buf_make(room, sizeof(room));
        int64_t begin = clock_now_us(), begin_cpu = cpu_us();
        result = dirlist_step(d, &out);
        int64_t took = clock_now_us() - begin, took_cpu = cpu_us() - begin_cpu;
        if (result < 0)
            return result;
        f->longest_us = MAX(f->longest_us, took);
        f->longest_cpu_us = MAX(f->longest_cpu_us, took_cpu);
        f->total_us += took;
        f->bytes += out.len;
    }
    return 0;
}

int main(int argc, char **argv)
{
    struct rootfs root;
    struct figures f = {0};
    struct dirlist *d = NULL;
    if (argc < 2 || rootfs_init(&root, argv[1]) < 0) {
        fprintf(stderr, "usage: list DIRECTORY [QUERY]\n");
        return 2;
    }
    struct dirlist_options options = {.root = &root, .limit = UINT32_MAX};
    listing_view_parse(slice_of(argc > 2 ? argv[2] : ""), &options.view);
    size_t before = memory_used();
    int error = dirlist_new(&options, &d);
    if (!error)
        error = list(d, &f);
    f.memory = memory_used() - before;
    dirlist_free(d);
    rootfs_cleanup(&root);
    if (error) {
        fprintf(stderr, "list: %s\n", strerror(-error));
        return 1;
    }
    printf("%zu steps, longest %lld us (%lld of the processor), %lld ms in all, %zu bytes, "
           "%zu KB of memory\n",
           f.steps, (long long)f.longest_us, (long long)f.longest_cpu_us,
           (long long)f.total_us / 1000, f.bytes, f.memory >> 10);
    return 0;
}

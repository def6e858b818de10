// Prints the listing of a directory as the server would send it, and with -m instead how long its
// steps take, by the clock and of the processor (a busy machine lets it wait), and how much memory
// it needs.
// -p prints the policy that goes with the HTML.
// usage: list [-m] DIRECTORY [QUERY [PATH [LIMIT]]]
//        list -p
#include "base/util.h"
#include "server/dirlist.h"
#include "sys/clock.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
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

static int list(struct dirlist *d, bool measure, struct figures *f)
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
        if (!measure)
            fwrite(out.data, 1, out.len, stdout);
    }
    f->memory = mallinfo2().uordblks + mallinfo2().hblkhd;
    return 0;
}

int main(int argc, char **argv)
{
    bool measure = argc > 1 && strcmp(argv[1], "-m") == 0;
    char **words = argv + 1 + measure;
    int count = argc - 1 - measure;
    struct rootfs root;
    struct figures f = {0};
    struct dirlist *d = NULL;
    if (argc == 2 && strcmp(argv[1], "-p") == 0) {
        puts(LISTING_POLICY);
        return 0;
    }
    if (count < 1 || rootfs_init(&root, words[0]) < 0) {
        fprintf(stderr, "usage: list [-m] DIRECTORY [QUERY [PATH [LIMIT]]]\n");
        return 2;
    }
    struct dirlist_options options = {
        .root = &root,
        .path = SLICE(""),
        .view.path = slice_of(count > 2 ? words[2] : ""),
        .limit = count > 3 ? (uint32_t)strtoul(words[3], NULL, 10) : 100000,
    };
    listing_view_parse(slice_of(count > 1 ? words[1] : ""), &options.view);
    size_t before = mallinfo2().uordblks + mallinfo2().hblkhd;
    int error = dirlist_new(&options, &d);
    if (!error)
        error = list(d, measure, &f);
    dirlist_free(d);
    rootfs_cleanup(&root);
    if (error)
        fprintf(stderr, "list: %s\n", strerror(-error));
    else if (measure)
        printf("%zu steps, longest %lld us (%lld of the processor), %lld ms in all, %zu bytes, "
               "%zu KB of memory\n",
               f.steps, (long long)f.longest_us, (long long)f.longest_cpu_us,
               (long long)f.total_us / 1000, f.bytes, (f.memory - before) >> 10);
    return error ? 1 : 0;
}

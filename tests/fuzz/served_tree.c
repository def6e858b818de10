#include "served_tree.h"

#include "base/util.h"
#include "conf/conf_load.h"

#include <assert.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char directory[PATH_MAX];

static int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st, (void)kind, (void)ftw;
    return remove(path);
}

static void remove_directory(void)
{
    nftw(directory, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

static void put_file(const char *name, size_t len)
{
    static const char zeros[SERVED_TREE_LARGE];
    char path[PATH_MAX + 20];
    snprintf(path, sizeof(path), "%s/%s", directory, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    assert(fd >= 0 && write(fd, zeros, len) == (ssize_t)len);
    close(fd);
}

static void put_directory(const char *name)
{
    char path[PATH_MAX + 20];
    snprintf(path, sizeof(path), "%s/%s", directory, name);
    assert(mkdir(path, 0755) == 0);
}

static void make_directory(void)
{
    const char *parent = getenv("TMPDIR");
    char path[20];
    snprintf(directory, sizeof(directory), "%s/tined-fuzz-XXXXXX", parent ? parent : "/tmp");
    assert(mkdtemp(directory));
    atexit(remove_directory);
    put_directory("list");
    put_directory("far");
    put_directory("far/list");
    put_file("index.html", 100);
    put_file("small", 3000);
    put_file("large", SERVED_TREE_LARGE);
    put_file("far/small", 3000);
    put_file("far/large", SERVED_TREE_LARGE);
    put_file("far/list/README", 100);
    for (int i = 0; i < 40; i++) {
        snprintf(path, sizeof(path), "list/%d", i);
        put_file(path, 1);
    }
}

// Its file system may not answer.
static void add_far_mount(struct conf *conf)
{
    static char far[PATH_MAX + 20];
    static char path[] = "/far/";
    static struct conf_mount mount = {.path = path, .root = far};
    snprintf(far, sizeof(far), "%s/far", directory);
    conf->mounts = &mount;
    conf->mount_count = conf->sites[0].mount_count = 1;
}

static void set_proxies(struct proxies *p)
{
    static struct network peers_of_sockets = {.kind = NETWORK_UNIX};
    static enum proxy_protocol modes[SERVED_TREE_LISTENERS] = {
        PROXY_PROTOCOL_OFF, PROXY_PROTOCOL_ACCEPT, PROXY_PROTOCOL_REQUIRE};
    *p = (struct proxies){.trusted = &peers_of_sockets,
                          .trusted_count = 1,
                          .field = FORWARDED_X_FORWARDED_FOR,
                          .modes = modes,
                          .listener_count = SERVED_TREE_LISTENERS};
}

static void report(void *context, const char *where, const char *message)
{
    (void)context;
    fprintf(stderr, "%s: %s\n", where, message);
    abort();
}

void served_tree_make(struct served *s)
{
    const struct conf_override overrides[] = {
        {"sites", directory, "-"},      {"limits.request_line", "512", "-"},
        {"limits.fields", "6K", "-"},   {"limits.big_heads", "1", "-"},
        {"limits.requests", "20", "-"},
    };
    const struct conf_source source = {.overrides = overrides,
                                       .override_count = ARRAY_SIZE(overrides)};
    struct sites_failure failed;
    make_directory();
    struct conf *conf = conf_load(&source, report, NULL);
    conf->sites[0].listing = true;
    add_far_mount(conf);
    *s = served_make(conf);
    s->admin = SIZE_MAX;
    assert(sites_open(&s->sites, conf, &failed) == 0);
    assert(s->sites.items[0].tree_count == 2);
    s->sites.items[0].trees[0].is_local = false;
    set_proxies(&s->proxies);
    assert(scoreboard_init(&s->scoreboard, 1, 1) == 0);
}

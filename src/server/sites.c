#include "server/sites.h"

#include "base/util.h"
#include "http/hostname.h"

#include <errno.h>
#include <stdlib.h>

static struct sites_failure failure(struct conf_origin origin, const char *directory)
{
    return (struct sites_failure){origin, directory};
}

static int open_tree(struct tree *t, const char *directory, struct slice prefix)
{
    struct file_identity id;
    struct tree opened = {.directory = directory, .prefix = prefix};
    int r = rootfs_init(&opened.root, directory);
    if (r < 0)
        return r;
    r = rootfs_fstat(opened.root.fd, &id);
    if (r < 0) {
        rootfs_cleanup(&opened.root);
        return r;
    }
    opened.dev = id.dev;
    opened.inode = id.inode;
    *t = opened;
    return 0;
}

static int by_prefix(const void *a, const void *b)
{
    const struct tree *x = a, *y = b;
    return (x->prefix.len < y->prefix.len) - (x->prefix.len > y->prefix.len);
}

static int open_trees(struct site *site, const struct conf_mount *mounts,
                      struct sites_failure *ret_failed)
{
    const struct conf_site *conf = site->conf;
    site->trees = calloc(conf->mount_count + 1, sizeof(*site->trees));
    if (!site->trees)
        return -ENOMEM;
    for (size_t i = 0; i <= conf->mount_count; i++) {
        const struct conf_mount *mount = i < conf->mount_count ? &mounts[i] : NULL;
        const char *directory = mount ? mount->root : conf->root;
        struct slice prefix = mount ? slice_skip(slice_of(mount->path), 1) : SLICE("");
        int r = open_tree(&site->trees[i], directory, prefix);
        if (r < 0) {
            *ret_failed = failure(mount ? mount->origin : conf->origin, directory);
            return r;
        }
        site->tree_count++;
    }
    qsort(site->trees, site->tree_count, sizeof(*site->trees), by_prefix);
    return 0;
}

static void read_codings(struct site *site)
{
    const struct conf_strings *names = &site->conf->precompressed;
    for (size_t i = 0; i < names->count; i++) {
        enum coding coding;
        size_t at = 0;
        if (!encoding_parse(slice_of(names->items[i]), &coding))
            continue;
        while (at < site->coding_count && site->codings[at] != coding)
            at++;
        site->codings[at] = coding;
        site->coding_count = MAX(site->coding_count, at + 1);
    }
}

static int open_site(struct site *site, const struct conf *conf, struct sites_failure *ret_failed)
{
    const struct conf_site *c = site->conf;
    *ret_failed = failure(c->origin, NULL);
    read_codings(site);
    int r = ruleset_init(&site->rules, c->rule_count ? conf->rules + c->first_rule : NULL,
                         c->rule_count);
    if (r == 0)
        r = mimetable_make(&site->types, c->types.items, c->types.count);
    if (r == 0)
        r = open_trees(site, c->mount_count ? conf->mounts + c->first_mount : NULL, ret_failed);
    return r;
}

int sites_open(struct sites *s, const struct conf *conf, struct sites_failure *ret_failed)
{
    struct sites opened = {.items = calloc(conf->site_count + 1, sizeof(struct site))};
    *ret_failed = failure((struct conf_origin){NULL, 0}, NULL);
    if (!opened.items)
        return -ENOMEM;
    while (opened.count < conf->site_count) {
        struct site *site = &opened.items[opened.count];
        site->conf = &conf->sites[opened.count++];
        int r = open_site(site, conf, ret_failed);
        if (r < 0) {
            sites_close(&opened);
            return r;
        }
    }
    *s = opened;
    return 0;
}

void sites_close(struct sites *s)
{
    for (size_t i = 0; i < s->count; i++) {
        struct site *site = &s->items[i];
        for (size_t t = 0; t < site->tree_count; t++)
            rootfs_cleanup(&site->trees[t].root);
        free(site->trees);
        ruleset_cleanup(&site->rules);
        mimetable_cleanup(&site->types);
        free(site->answers_on);
    }
    free(s->items);
    *s = (struct sites){0};
}

static bool wants_address(const struct conf_site *site, const char *address)
{
    for (size_t i = 0; i < site->listen.count; i++)
        if (strcmp(site->listen.items[i], address) == 0)
            return true;
    return false;
}

int sites_bind(struct sites *s, const char *const *addresses, size_t count)
{
    s->listener_count = count;
    for (size_t i = 0; i < s->count; i++) {
        struct site *site = &s->items[i];
        if (site->conf->listen.count == 0)
            continue;
        site->answers_on = calloc(count + 1, sizeof(*site->answers_on));
        if (!site->answers_on)
            return -ENOMEM;
        for (size_t l = 0; l < count; l++)
            site->answers_on[l] = wants_address(site->conf, addresses[l]);
    }
    return 0;
}

size_t sites_fd_count(const struct sites *s)
{
    size_t count = 0;
    for (size_t i = 0; i < s->count; i++)
        count += s->items[i].tree_count;
    return count;
}

void sites_fds(const struct sites *s, int *fds)
{
    for (size_t i = 0; i < s->count; i++)
        for (size_t t = 0; t < s->items[i].tree_count; t++)
            *fds++ = s->items[i].trees[t].root.fd;
}

// How well a site answers for a host; more is better, 0 only when no other does. A name never beats
// an exact one because it is long: names are shorter than EXACT.
static size_t rank(const struct conf_site *site, struct slice host)
{
    enum { NAMELESS = 1, EXACT = 1 << 20 };
    size_t best = site->names.count == 0 ? NAMELESS : 0;
    for (size_t i = 0; i < site->names.count; i++) {
        struct slice pattern = slice_of(site->names.items[i]);
        enum hostname_match match = hostname_compare(pattern, host);
        if (match == HOST_EXACT)
            return EXACT;
        if (match == HOST_SUFFIX && NAMELESS + pattern.len > best)
            best = NAMELESS + pattern.len;
    }
    return best;
}

static bool answers_on(const struct sites *s, const struct site *site, size_t listener)
{
    return !site->answers_on || (listener < s->listener_count && site->answers_on[listener]);
}

const struct site *sites_find(const struct sites *s, size_t listener, struct slice host)
{
    const struct site *best = NULL;
    size_t best_rank = 0;
    for (size_t i = 0; i < s->count; i++) {
        const struct site *site = &s->items[i];
        if (!answers_on(s, site, listener))
            continue;
        size_t r = s->count > 1 ? rank(site->conf, host) : 0;
        if (!best || r > best_rank) {
            best = site;
            best_rank = r;
        }
    }
    return best;
}

const struct tree *sites_tree(const struct site *site, struct slice path)
{
    size_t i = 0;
    while (!slice_starts_with(path, site->trees[i].prefix))
        i++;
    return &site->trees[i];
}

bool sites_tree_is_swapped(const struct tree *tree)
{
    struct file_identity now;
    // A directory that cannot be looked at from here may well be the same.
    return rootfs_stat_path(tree->directory, &now) == 0 &&
           (now.dev != tree->dev || now.inode != tree->inode);
}

bool sites_are_swapped(const struct sites *s)
{
    bool swapped = false;
    for (size_t i = 0; i < s->count; i++)
        for (size_t t = 0; t < s->items[i].tree_count; t++)
            swapped = swapped || sites_tree_is_swapped(&s->items[i].trees[t]);
    return swapped;
}

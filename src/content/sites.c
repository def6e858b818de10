#include "content/sites.h"

#include "base/util.h"
#include "http/glob.h"
#include "http/hostname.h"
#include "sys/machine_id.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

static struct sites_failure failure(struct conf_origin origin, const char *directory)
{
    return (struct sites_failure){.origin = origin, .directory = directory};
}

// One that does not answer is not open.
static int open_tree(struct tree *t, const char *directory, struct slice prefix,
                     const struct supply *from)
{
    struct supply_root opened = {.root.fd = -1};
    int r = from->open_root(from->context, directory, &opened);
    if (r < 0 && r != -ETIMEDOUT)
        return r;
    *t = (struct tree){.directory = directory,
                       .prefix = prefix,
                       .root = opened.root,
                       .dev = opened.dev,
                       .inode = opened.inode,
                       .is_local = opened.is_local,
                       .silent = r < 0 ? directory : NULL};
    return 0;
}

static int by_prefix(const void *a, const void *b)
{
    const struct tree *x = a, *y = b;
    return (x->prefix.len < y->prefix.len) - (x->prefix.len > y->prefix.len);
}

static int open_trees(struct site *site, const struct conf_mount *mounts, const struct supply *from,
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
        int r = open_tree(&site->trees[i], directory, prefix, from);
        if (r < 0) {
            *ret_failed = failure(mount ? mount->origin : conf->origin, directory);
            return r;
        }
        site->tree_count++;
    }
    qsort(site->trees, site->tree_count, sizeof(*site->trees), by_prefix);
    return 0;
}

bool sites_hides(const struct site *site, struct slice name)
{
    const struct conf_strings *hide = &site->conf->hide;
    struct glob_match match;
    for (size_t i = 0; i < hide->count; i++)
        if (glob_match(slice_of(hide->items[i]), name, &match))
            return true;
    return false;
}

size_t sites_read_codings(const struct conf_strings *names, enum coding ret[static CODING_COUNT])
{
    size_t count = 0;
    for (size_t i = 0; i < names->count; i++) {
        enum coding coding;
        size_t at = 0;
        if (!encoding_parse(slice_of(names->items[i]), &coding))
            continue;
        while (at < count && ret[at] != coding)
            at++;
        ret[at] = coding;
        count = MAX(count, at + 1);
    }
    return count;
}

static void note_bad_line(void *context, unsigned line, const char *why)
{
    struct sites_failure *failed = context;
    if (failed->line_count < SITES_FAILURE_LINES)
        failed->lines[failed->line_count++] = (struct sites_bad_line){line, why};
}

static int load_redirects(struct site *site, const struct supply *from,
                          struct sites_failure *ret_failed)
{
    struct sites_failure failed = {.origin = site->conf->origin,
                                   .redirects = site->conf->redirects};
    if (!failed.redirects || !*failed.redirects)
        return 0;
    int fd = from->open_file(from->context, failed.redirects);
    int r = redirectmap_load(&site->redirects, fd, note_bad_line, &failed);
    if (r < 0)
        *ret_failed = failed;
    return r;
}

// A site without its redirects must not answer from its files instead.
static void silence_trees(struct site *site, const char *path)
{
    for (size_t i = 0; i < site->tree_count; i++) {
        rootfs_cleanup(&site->trees[i].root);
        site->trees[i].silent = path;
    }
}

static int open_site(struct site *site, const struct conf *conf, const struct supply *from,
                     struct sites_failure *ret_failed)
{
    const struct conf_site *c = site->conf;
    *ret_failed = failure(c->origin, NULL);
    site->coding_count = sites_read_codings(&c->precompressed, site->codings);
    site->max_ranges = (uint32_t)conf->limits.ranges;
    int r = ruleset_init(&site->rules, c->rule_count ? conf->rules + c->first_rule : NULL,
                         c->rule_count);
    if (r == 0)
        r = mimetable_make(&site->types, c->types.items, c->types.count);
    if (r == 0)
        r = load_redirects(site, from, ret_failed);
    bool is_silent = r == -ETIMEDOUT;
    if (r == 0 || is_silent)
        r = open_trees(site, c->mount_count ? conf->mounts + c->first_mount : NULL, from,
                       ret_failed);
    if (r == 0 && is_silent)
        silence_trees(site, c->redirects);
    return r;
}

static struct siphash_key read_machine_id(const struct supply *from)
{
    int fd = from->open_file(from->context, MACHINE_ID_FILE);
    struct siphash_key key = machine_id_key(fd);
    if (fd >= 0)
        close(fd);
    return key;
}

int sites_open_from(struct sites *s, const struct conf *conf, const struct supply *from,
                    struct sites_failure *ret_failed)
{
    struct sites opened = {.items = calloc(conf->site_count + 1, sizeof(struct site)),
                           .unknown_host = conf->unknown_host};
    const struct siphash_key etag_key = read_machine_id(from);
    *ret_failed = failure((struct conf_origin){NULL, 0}, NULL);
    if (!opened.items)
        return -ENOMEM;
    while (opened.count < conf->site_count) {
        struct site *site = &opened.items[opened.count];
        site->conf = &conf->sites[opened.count++];
        site->etag_key = etag_key;
        int r = open_site(site, conf, from, ret_failed);
        if (r < 0) {
            sites_close(&opened);
            return r;
        }
    }
    *s = opened;
    return 0;
}

int sites_open(struct sites *s, const struct conf *conf, struct sites_failure *ret_failed)
{
    return sites_open_from(s, conf, &supply_own, ret_failed);
}

void sites_close(struct sites *s)
{
    for (size_t i = 0; i < s->count; i++) {
        struct site *site = &s->items[i];
        for (size_t t = 0; t < site->tree_count; t++)
            rootfs_cleanup(&site->trees[t].root);
        free(site->trees);
        ruleset_cleanup(&site->rules);
        redirectmap_cleanup(&site->redirects);
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

size_t sites_count_silent(const struct sites *s, const struct tree **ret_first)
{
    size_t count = 0;
    *ret_first = NULL;
    for (size_t i = 0; i < s->count; i++)
        for (size_t t = 0; t < s->items[i].tree_count; t++)
            if (s->items[i].trees[t].silent && count++ == 0)
                *ret_first = &s->items[i].trees[t];
    return count;
}

size_t sites_fd_count(const struct sites *s)
{
    size_t count = 0;
    for (size_t i = 0; i < s->count; i++)
        for (size_t t = 0; t < s->items[i].tree_count; t++)
            count += s->items[i].trees[t].root.fd >= 0;
    return count;
}

void sites_fds(const struct sites *s, int *fds)
{
    for (size_t i = 0; i < s->count; i++)
        for (size_t t = 0; t < s->items[i].tree_count; t++)
            if (s->items[i].trees[t].root.fd >= 0)
                *fds++ = s->items[i].trees[t].root.fd;
}

enum { NAMELESS = 1, EXACT = 1 << 20 };

// How well a site answers for a host; more is better, 0 only when no other does. A name never beats
// an exact one because it is long: names are shorter than EXACT.
static size_t rank_site(const struct conf_site *site, struct slice host)
{
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

bool sites_has_name(const struct site *site, struct slice host)
{
    return rank_site(site->conf, host) > NAMELESS;
}

static bool answers_on(const struct sites *s, const struct site *site, size_t listener)
{
    return !site->answers_on || (listener < s->listener_count && site->answers_on[listener]);
}

const struct site *sites_find(const struct sites *s, size_t listener, struct slice host,
                              enum reason *ret_reason)
{
    const struct site *best = NULL;
    bool refuses = s->unknown_host == UNKNOWN_HOST_REFUSE;
    size_t best_rank = 0;
    for (size_t i = 0; i < s->count; i++) {
        const struct site *site = &s->items[i];
        if (!answers_on(s, site, listener))
            continue;
        size_t r = s->count > 1 || refuses ? rank_site(site->conf, host) : 0;
        if (!best || r > best_rank) {
            best = site;
            best_rank = r;
        }
    }
    if (!best)
        *ret_reason = REASON_SITE_NONE;
    else if (refuses && best_rank == 0)
        *ret_reason = REASON_SITE_UNKNOWN;
    else
        return best;
    return NULL;
}

size_t sites_most_rules(const struct sites *s)
{
    size_t most = 0;
    for (size_t i = 0; i < s->count; i++)
        most = MAX(most, s->items[i].rules.count);
    return most;
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
    return !tree->silent && rootfs_stat_path(tree->directory, &now) == 0 &&
           (now.dev != tree->dev || now.inode != tree->inode);
}

bool sites_is_swapped(const struct site *site)
{
    bool swapped = false;
    for (size_t t = 0; t < site->tree_count; t++)
        swapped = swapped || (site->trees[t].is_local && sites_tree_is_swapped(&site->trees[t]));
    return swapped;
}

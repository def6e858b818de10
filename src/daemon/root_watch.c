#include "daemon/root_watch.h"

#include "base/log.h"

#include <errno.h>
#include <string.h>

static bool leads_elsewhere(const struct tree *tree, uint64_t dev, uint64_t inode)
{
    return !tree->silent && (dev != tree->dev || inode != tree->inode);
}

// ---- what a process has seen -------------------------------------------------------------------

// The path that a tree is asked for by: of a silent one that which it waits for.
static const char *name_of_tree(const struct tree *tree)
{
    return tree->silent ? tree->silent : tree->directory;
}

// A directory that cannot be looked at may well be the same.
static enum root_watch_finding judge_item(const struct tree *tree, const struct fetched_item *item)
{
    if (item->error == -ETIMEDOUT && !tree->silent)
        return ROOT_WATCH_SILENCED;
    if (item->error < 0)
        return ROOT_WATCH_SAME;
    if (tree->silent)
        return ROOT_WATCH_ANSWERED;
    return leads_elsewhere(tree, item->dev, item->inode) ? ROOT_WATCH_SWAPPED : ROOT_WATCH_SAME;
}

// The items stand in the order of the trees.
static enum root_watch_finding judge_all(const struct root_watch *w, const struct fetched *f)
{
    const struct sites *sites = &w->generation->served.sites;
    enum root_watch_finding found = ROOT_WATCH_SAME;
    size_t at = 0;
    for (size_t i = 0; i < sites->count; i++)
        for (size_t t = 0; t < sites->items[i].tree_count && at < f->count; t++) {
            const struct tree *tree = &sites->items[i].trees[t];
            if (name_of_tree(tree) != f->items[at].name)
                continue;
            enum root_watch_finding here = judge_item(tree, &f->items[at++]);
            found = found == ROOT_WATCH_SAME ? here : found;
        }
    return found;
}

size_t root_watch_list_silent(const struct root_watch *w, const struct generation *g,
                              const char **names, size_t max)
{
    const struct sites *sites = &g->served.sites;
    size_t count = 0;
    for (size_t i = 0; i < sites->count; i++)
        for (size_t t = 0; t < sites->items[i].tree_count; t++) {
            const struct tree *tree = &sites->items[i].trees[t];
            const char *name = name_of_tree(tree);
            if ((tree->silent || fetches_is_silent(w->fetches, name)) && count++ < max)
                names[count - 1] = name;
        }
    return count;
}

static void on_looked(void *context, struct fetched *result)
{
    struct root_watch *w = context;
    enum root_watch_finding found = judge_all(w, result);
    fetched_cleanup(result);
    w->fetch = NULL;
    if (found != ROOT_WATCH_SAME)
        w->found(w->context, found);
}

// ---- asking ------------------------------------------------------------------------------------

// The finding that a tree shows without waiting; *ret_asks: a process has to look.
static enum root_watch_finding look_at_tree(const struct root_watch *w, const struct tree *tree,
                                            bool *ret_asks)
{
    struct file_identity now;
    bool is_silent = fetches_is_silent(w->fetches, name_of_tree(tree));
    int r = tree->silent || !tree->is_local ? -EAGAIN : rootfs_stat_cached(tree->directory, &now);
    *ret_asks = r == -EAGAIN && !is_silent;
    if (is_silent && !tree->silent)
        return ROOT_WATCH_SILENCED;
    return r == 0 && leads_elsewhere(tree, now.dev, now.inode) ? ROOT_WATCH_SWAPPED
                                                               : ROOT_WATCH_SAME;
}

static void begin_look(struct root_watch *w, const struct generation *g, struct fetched *wanted)
{
    w->generation = g;
    const struct fetch_terms terms = {(int64_t)g->served.conf->timeouts.root, on_looked, w};
    int r = fetch_start(w->fetches, wanted, &terms, &w->fetch);
    if (r < 0)
        log_warn("nobody can look at the roots: %s", strerror(-r));
}

enum root_watch_finding root_watch_look(struct root_watch *w, const struct generation *g)
{
    const struct sites *sites = &g->served.sites;
    struct fetched wanted = {.conf = NULL};
    enum root_watch_finding found = ROOT_WATCH_SAME;
    bool is_short = false;
    for (size_t i = 0; i < sites->count; i++)
        for (size_t t = 0; t < sites->items[i].tree_count && found == ROOT_WATCH_SAME; t++) {
            const struct tree *tree = &sites->items[i].trees[t];
            bool asks;
            found = look_at_tree(w, tree, &asks);
            if (asks && !w->fetch)
                is_short |= fetched_add(&wanted, FETCHED_LOOK, name_of_tree(tree)) < 0;
        }
    if (wanted.count && found == ROOT_WATCH_SAME && !is_short)
        begin_look(w, g, &wanted);
    else
        fetched_cleanup(&wanted);
    return found;
}

void root_watch_stop(struct root_watch *w)
{
    fetch_cancel(w->fetch);
    *w = (struct root_watch){.fetches = w->fetches, .found = w->found, .context = w->context};
}

#include "content/snapshot.h"

#include "base/util.h"
#include "content/route_settings.h"
#include "sys/clock.h"

#include <errno.h>
#include <stdlib.h>

// File systems stamp changes with a clock that goes on this often at least.
#define TICK 20 // ms

// A mount in the directory that is listed. It stands in the place of what has its name there.
struct listed_mount {
    struct slice name;
    int fd; // of its directory; borrowed
};

// For the time of reading.
struct reading_state {
    const struct snapshot *snapshot;
    char path[PATH_MAX + NAME_MAX + 2]; // of an entry in the site
    size_t mount_count;
    struct listed_mount mounts[];
};

// ---- what it is of ------------------------------------------------------------------------------

static char refuses(const struct rule *rule, const struct network *client)
{
    return rules_refusal(rule, client) != REASON_NONE;
}

static struct slice copy(char **at, struct slice s)
{
    char *place = *at;
    if (s.len)
        memcpy(place, s.ptr, s.len);
    *at += s.len;
    return slice_make(place, s.len);
}

struct snapshot *snapshot_new(const struct snapshot_query *q)
{
    const struct route *route = q->route;
    const struct ruleset *rules = &route->site->rules;
    size_t len = route->path.len + route->directory.len + 1 + rules->count;
    struct snapshot *one = calloc(1, sizeof(*one) + len);
    if (!one)
        return NULL;
    list_init(&one->link);
    one->is_wanted = true;
    one->site = route->site;
    one->tree = route->tree;
    one->root = route->tree->root;
    one->root.links = route_settings_links(route->site, &route->ruling);
    one->hidden = route_settings_shows_hidden(route->site, &route->ruling);
    one->view = (struct listing_view){.sort = q->view.sort, .descending = q->view.descending};
    one->client = q->client;
    one->scheme = q->scheme;
    one->limit = q->limit;
    char *at = one->text;
    one->path = copy(&at, route->path);
    one->directory = copy(&at, route->directory).ptr;
    at++; // NUL
    one->refusals = slice_make(at, rules->count);
    for (size_t i = 0; i < rules->count; i++)
        at[i] = refuses(&rules->rules[i], &q->client);
    return one;
}

void snapshot_free(struct snapshot *one)
{
    dirlist_free(one->list);
    free(one);
}

static bool are_refusals_same(const struct snapshot *one, const struct network *client)
{
    const struct ruleset *rules = &one->site->rules;
    for (size_t i = 0; i < rules->count; i++)
        if (one->refusals.ptr[i] != refuses(&rules->rules[i], client))
            return false;
    return true;
}

bool snapshot_answers(const struct snapshot *one, const struct snapshot_query *q)
{
    const struct route *route = q->route;
    return one->site == route->site && one->tree == route->tree && one->view.sort == q->view.sort &&
           one->view.descending == q->view.descending &&
           one->root.links == route_settings_links(route->site, &route->ruling) &&
           one->scheme == q->scheme &&
           one->hidden == route_settings_shows_hidden(route->site, &route->ruling) &&
           slice_equal(one->path, route->path) &&
           slice_equal(slice_of(one->directory), route->directory) &&
           are_refusals_same(one, &q->client);
}

// ---- which entries ------------------------------------------------------------------------------

static bool is_told(struct reading_state *s, struct slice name, bool directory)
{
    const struct snapshot *one = s->snapshot;
    const struct ruleset *rules = &one->site->rules;
    struct ruling ruling = {.matched = NULL, .scheme = one->scheme};
    size_t len = one->path.len;
    struct buf b = buf_make(s->path + len, sizeof(s->path) - len);
    if (sites_hides(one->site, name))
        return false;
    if (rules->count == 0)
        return true;
    buf_put(&b, name);
    if (directory)
        buf_putc(&b, '/');
    rules_apply(rules->rules, rules->count, slice_make(s->path, len + b.len), &one->client,
                &ruling);
    return !b.overflow && ruling.status < 400;
}

static bool is_listed(void *context, struct slice name, bool directory)
{
    struct reading_state *s = context;
    for (size_t i = 0; i < s->mount_count; i++)
        if (slice_equal(s->mounts[i].name, name))
            return false;
    return is_told(s, name, directory);
}

static int get_mount(void *context, size_t i, struct slice *ret_name, struct file_identity *ret)
{
    struct reading_state *s = context;
    if (i == s->mount_count)
        return 0;
    *ret_name = s->mounts[i].name;
    int error = rootfs_fstat(s->mounts[i].fd, ret);
    if (error)
        return error;
    return is_told(s, *ret_name, true) ? 1 : -EACCES;
}

// The name of a mount that lies in the directory itself, not deeper; ptr NULL: it does not.
static struct slice name_in_directory(const struct snapshot *one, struct slice mount)
{
    struct slice rest = mount, none = {NULL, 0}, directory = slice_of(one->directory);
    if (!slice_starts_with(rest, one->tree->prefix))
        return none;
    rest = slice_skip(rest, one->tree->prefix.len);
    if (!slice_starts_with(rest, directory))
        return none;
    rest = slice_skip(rest, directory.len);
    struct slice name = slice_split(&rest, '/');
    return name.len && rest.ptr && rest.len == 0 ? name : none;
}

static void find_mounts(struct reading_state *s)
{
    const struct site *site = s->snapshot->site;
    for (size_t i = 0; i < site->tree_count; i++) {
        const struct tree *tree = &site->trees[i];
        struct slice name = name_in_directory(s->snapshot, tree->prefix);
        if (name.ptr)
            s->mounts[s->mount_count++] = (struct listed_mount){name, tree->root.fd};
    }
}

// ---- reading ------------------------------------------------------------------------------------

static int read_snapshot_list(struct snapshot *one, struct reading_state *s)
{
    const struct dirlist_options options = {
        .root = &one->root,
        .path = one->directory,
        .view = &one->view,
        .limit = one->limit,
        .memory = one->memory,
        .hidden = one->hidden,
        .is_wanted = &one->is_wanted,
        .is_shown = is_listed,
        .extra = get_mount,
        .context = s,
    };
    s->snapshot = one;
    memcpy(s->path, one->path.ptr, one->path.len);
    find_mounts(s);
    return dirlist_read(&options, &one->list);
}

static int64_t changed_ms(const struct file_identity *id)
{
    return id->ctime_s * 1000 + id->ctime_ns / 1000000;
}

void snapshot_read(struct snapshot *one)
{
    size_t mounts = one->site->tree_count * sizeof(struct listed_mount);
    struct reading_state *s = calloc(1, sizeof(*s) + mounts);
    int64_t now = clock_wall_ms();
    one->error = s ? -ENAMETOOLONG : -ENOMEM;
    if (s && one->path.len < PATH_MAX)
        one->error = read_snapshot_list(one, s);
    free(s);
    if (one->error == 0)
        one->is_settled = changed_ms(&one->list->identity) + TICK <= now;
}

bool snapshot_is_current(const struct snapshot *one)
{
    struct file_identity now;
    return rootfs_look(&one->root, one->directory, &now) == 0 &&
           rootfs_same(&now, &one->list->identity);
}

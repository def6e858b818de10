#include "daemon/fetched.h"

#include "server/accesslog.h"
#include "sys/machine_id.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// ---- the list ----------------------------------------------------------------------------------

int fetched_add(struct fetched *f, enum fetched_kind kind, const char *name)
{
    if (f->count == f->room) {
        size_t room = 2 * f->room + 16;
        struct fetched_item *items = realloc(f->items, room * sizeof(*items));
        if (!items)
            return -ENOMEM;
        f->items = items;
        f->room = room;
    }
    f->items[f->count++] = (struct fetched_item){
        .kind = kind, .name = name, .error = FETCHED_PENDING, .fd = -1};
    f->pending++;
    return 0;
}

static int add_site(struct fetched *f, const struct conf_site *site)
{
    const struct conf *conf = f->conf;
    int r = site->redirects && *site->redirects ? fetched_add(f, FETCHED_FILE, site->redirects) : 0;
    for (size_t i = 0; i < site->mount_count && r == 0; i++)
        r = fetched_add(f, FETCHED_ROOT, conf->mounts[site->first_mount + i].root);
    return r < 0 ? r : fetched_add(f, FETCHED_ROOT, site->root);
}

static int add_items(struct fetched *f)
{
    const struct conf *conf = f->conf;
    int r = f->keeps_ids ? 0 : fetched_add(f, FETCHED_USER, conf->user);
    if (r == 0)
        r = fetched_add(f, FETCHED_FILE, MACHINE_ID_FILE);
    for (size_t i = 0; i < conf->site_count && r == 0; i++)
        r = add_site(f, &conf->sites[i]);
    if (r == 0)
        r = fetched_add(f, FETCHED_FILE, conf->mime_types);
    if (r == 0 && f->log != FETCHED_LOG_LEFT && accesslog_is_file(conf->log.access))
        r = fetched_add(f, f->log == FETCHED_LOG_OPEN ? FETCHED_LOG : FETCHED_LOG_CHECK,
                        conf->log.access);
    return r;
}

int fetched_init(struct fetched *f, struct conf *conf, bool keeps_ids, enum fetched_log log)
{
    *f = (struct fetched){.conf = conf, .keeps_ids = keeps_ids, .log = log};
    int r = add_items(f);
    if (r < 0)
        fetched_cleanup(f);
    return r;
}

void fetched_cleanup(struct fetched *f)
{
    for (size_t i = 0; i < f->count; i++) {
        if (f->items[i].fd >= 0)
            close(f->items[i].fd);
        free(f->items[i].real);
    }
    free(f->items);
    *f = (struct fetched){.conf = f->conf};
}

void fetched_settle(struct fetched *f, struct fetched_item *item, int error)
{
    assert(item->error == FETCHED_PENDING);
    item->error = error;
    f->pending--;
}

// ---- taking ------------------------------------------------------------------------------------

struct fetched_item *fetched_find(struct fetched *f, enum fetched_kind kind, const char *name)
{
    for (size_t i = 0; i < f->count; i++) {
        struct fetched_item *item = &f->items[(f->at + i) % f->count];
        if (item->kind == kind && strcmp(item->name, name) == 0) {
            f->at += i + 1;
            return item;
        }
    }
    assert(!"it was asked for");
    return NULL;
}

int fetched_take(struct fetched *f, enum fetched_kind kind, const char *name)
{
    struct fetched_item *item = fetched_find(f, kind, name);
    int fd = item->fd;
    item->fd = -1;
    return item->error < 0 ? item->error : fd;
}

static int take_root(void *context, const char *directory, struct supply_root *ret)
{
    struct fetched_item *item = fetched_find(context, FETCHED_ROOT, directory);
    if (item->error < 0)
        return item->error;
    *ret = (struct supply_root){.dev = item->dev, .inode = item->inode, .is_local = item->is_local};
    rootfs_adopt(&ret->root, directory, item->fd, item->way, item->real ? item->real : "");
    item->fd = -1;
    return 0;
}

static int take_copy(void *context, const char *path)
{
    return fetched_take(context, FETCHED_FILE, path);
}

struct supply fetched_supply(struct fetched *f)
{
    return (struct supply){.open_root = take_root, .open_file = take_copy, .context = f};
}

#include "server/sites.h"

#include "http/hostname.h"

#include <errno.h>
#include <stdlib.h>

int sites_open(struct sites *s, const struct conf *conf, const struct conf_site **ret_failed)
{
    struct sites opened = {calloc(conf->site_count + 1, sizeof(struct site)), 0};
    if (!opened.items) {
        *ret_failed = NULL;
        return -ENOMEM;
    }
    for (; opened.count < conf->site_count; opened.count++) {
        struct site *site = &opened.items[opened.count];
        site->conf = &conf->sites[opened.count];
        int r = rootfs_init(&site->root, site->conf->root);
        if (r < 0) {
            *ret_failed = site->conf;
            sites_close(&opened);
            return r;
        }
    }
    *s = opened;
    return 0;
}

void sites_close(struct sites *s)
{
    for (size_t i = 0; i < s->count; i++)
        rootfs_cleanup(&s->items[i].root);
    free(s->items);
    *s = (struct sites){0};
}

// How well a site answers for a host; more is better, 0 not at all. A name never beats an exact
// one because it is long: names are shorter than EXACT.
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

const struct site *sites_find(const struct sites *s, struct slice host)
{
    const struct site *best = &s->items[0];
    size_t best_rank = 0;
    for (size_t i = 0; s->count > 1 && i < s->count; i++) {
        size_t r = rank(s->items[i].conf, host);
        if (r > best_rank) {
            best = &s->items[i];
            best_rank = r;
        }
    }
    return best;
}

// The sites of a configuration with their roots open, and finding the one that a host names.
//
// Opened by the master, inherited by workers; read-only afterwards.
#pragma once

#include "base/slice.h"
#include "conf/conf.h"
#include "sys/rootfs.h"

struct site {
    const struct conf_site *conf;
    struct rootfs root;
};

struct sites {
    struct site *items;
    size_t count;
};

// Opens the root of every site. 0, or a negative errno with *ret_failed the site whose root cannot
// be opened (NULL without memory); nothing stays open then.
int sites_open(struct sites *s, const struct conf *conf, const struct conf_site **ret_failed);
void sites_close(struct sites *s);

// The site for a host: an exact name before a suffix, the longer suffix before the shorter, then
// the site without names, then the first.
const struct site *sites_find(const struct sites *s, struct slice host);

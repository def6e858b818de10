// The sites of a configuration with their directories open, and finding the one that a request is
// for.
//
// Opened by the master, inherited by workers; read-only afterwards.
#pragma once

#include "base/slice.h"
#include "conf/conf.h"
#include "http/encoding.h"
#include "server/mimetable.h"
#include "server/ruleset.h"
#include "sys/rootfs.h"

// A directory tree that a site serves: its root, or a mount.
struct tree {
    const char *directory; // as configured, absolute
    struct slice prefix;   // where in the site, without the slash in front: "docs/"; "": its root
    struct rootfs root;
    uint64_t dev, inode; // of the directory that is open
};

struct site {
    const struct conf_site *conf;
    struct tree *trees; // longer prefixes first, the root last
    size_t tree_count;
    struct ruleset rules;
    struct mimetable types;            // the site's own
    enum coding codings[CODING_COUNT]; // of compressed siblings that are looked for, each once
    size_t coding_count;
    bool *answers_on; // by number of the listener; NULL: on all
};

struct sites {
    struct site *items;
    size_t count;
    size_t listener_count; // once they are bound
};

// What could not be opened.
struct sites_failure {
    struct conf_origin origin;
    const char *directory; // NULL: there is no memory
};

// Opens the directories of every site. 0, or a negative errno and what failed; nothing stays open
// then.
int sites_open(struct sites *s, const struct conf *conf, struct sites_failure *ret_failed);
void sites_close(struct sites *s);

// Tells which listener has which of the configured addresses, so that sites can be bound to some
// of them. Before that every site answers on all. 0 or -ENOMEM.
int sites_bind(struct sites *s, const char *const *addresses, size_t count);

// How many descriptors they hold, and these, in `fds`, which has room for them.
size_t sites_fd_count(const struct sites *s);
void sites_fds(const struct sites *s, int *fds);

// The site for a host on a listener, of those that answer there: an exact name before a suffix, the
// longer suffix before the shorter, then the site without names, then the first. NULL: no site
// answers on this listener. To a number that no listener has no site is bound.
const struct site *sites_find(const struct sites *s, size_t listener, struct slice host);

// The tree that a decoded path, without the slash in front, lies in. Never NULL.
const struct tree *sites_tree(const struct site *site, struct slice path);

// Whether the tree's directory is another one by now (a link was swapped, a directory renamed).
bool sites_tree_is_swapped(const struct tree *tree);

// Whether any tree's is.
bool sites_are_swapped(const struct sites *s);

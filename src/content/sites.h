// The sites of a configuration with their directories open, and finding the one that a request is
// for.
//
// Opened by the master, inherited by workers; read-only afterwards.
#pragma once

#include "base/siphash.h"
#include "base/slice.h"
#include "conf/conf.h"
#include "content/mimetable.h"
#include "content/redirectmap.h"
#include "content/ruleset.h"
#include "content/supply.h"
#include "http/encoding.h"
#include "http/reason.h"

// A directory tree that a site serves: its root, or a mount.
struct tree {
    const char *directory; // as configured, absolute
    struct slice prefix;   // where in the site, without the slash in front: "docs/"; "": its root
    struct rootfs root;    // not open (-1) when `silent`
    uint64_t dev, inode;   // of the directory that is open
    bool is_local;         // see struct supply_root; others are asked by threads (questions.h)
    const char *silent; // the path that does not answer, which the tree waits for: its directory,
                        // or the site's file of redirects; NULL: none
};

struct site {
    const struct conf_site *conf;
    struct tree *trees; // longer prefixes first, the root last
    size_t tree_count;
    struct ruleset rules;
    struct redirectmap redirects;
    struct mimetable types;            // the site's own
    uint32_t max_ranges;               // of one request
    struct siphash_key etag_key;       // the same for all sites, and after a restart
    enum coding codings[CODING_COUNT]; // of compressed siblings that are looked for, each once
    size_t coding_count;
    bool *answers_on; // by number of the listener; NULL: on all
};

struct sites {
    struct site *items;
    size_t count;
    size_t listener_count; // once they are bound
    enum unknown_host unknown_host;
};

// The most bad lines of a file of redirects that are told of at once.
#define SITES_FAILURE_LINES 10

// The directory or file of redirects that could not be opened; neither: there is no memory.
struct sites_failure {
    struct conf_origin origin;
    const char *directory, *redirects;
    struct sites_bad_line {
        unsigned number;
        const char *why;
    } lines[SITES_FAILURE_LINES]; // with -EBADMSG
    size_t line_count;
};

// Opens the directories of every site: takes from `from` what another process has opened. 0, or a
// negative errno and what failed; nothing stays open then. A path that fails with -ETIMEDOUT does
// not answer: its trees are silent, and that is no failure.
int sites_open_from(struct sites *s, const struct conf *conf, const struct supply *from,
                    struct sites_failure *ret_failed);

// The same by itself. For tests.
int sites_open(struct sites *s, const struct conf *conf, struct sites_failure *ret_failed);
void sites_close(struct sites *s);

// Tells which listener has which of the configured addresses, so that sites can be bound to some
// of them. Before that every site answers on all. 0 or -ENOMEM.
int sites_bind(struct sites *s, const char *const *addresses, size_t count);

// How many trees are silent, and the first of them (NULL: none).
size_t sites_count_silent(const struct sites *s, const struct tree **ret_first);

// How many descriptors they hold, and these, in `fds`, which has room for them.
size_t sites_fd_count(const struct sites *s);
void sites_fds(const struct sites *s, int *fds);

// The site for a host on a listener, of those that answer there: an exact name before a suffix, the
// longer suffix before the shorter, then the site without names, then the first, unless unknown
// hosts are refused. NULL: *ret_reason says why. To a number that no listener has no site is bound.
const struct site *sites_find(const struct sites *s, size_t listener, struct slice host,
                              enum reason *ret_reason);

// Whether the host is one of the site's names.
bool sites_has_name(const struct site *site, struct slice host);

// Whether the site's listings leave out this name, and what it stands for.
bool sites_hides(const struct site *site, struct slice name);

// The codings that have these names, each once; how many.
size_t sites_read_codings(const struct conf_strings *names, enum coding ret[static CODING_COUNT]);

// The most rules that one of them has.
size_t sites_most_rules(const struct sites *s);

// The tree that a decoded path, without the slash in front, lies in. Never NULL.
const struct tree *sites_tree(const struct site *site, struct slice path);

// Whether the tree's directory is another one by now (a link was swapped, a directory renamed).
// Never of a silent one.
bool sites_tree_is_swapped(const struct tree *tree);

// Whether one of the site's trees is, of those that are local.
bool sites_is_swapped(const struct site *site);

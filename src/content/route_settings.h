// Settings that tell which files are found and as what a file is sent: those of the last rule that
// says so in a ruling, else the site's.
#pragma once

#include "content/cached_file.h"
#include "content/sites.h"
#include "http/rules.h"

// Which links may be followed.
static inline enum symlinks route_settings_links(const struct site *site,
                                                 const struct ruling *ruling)
{
    enum symlinks said = rules_links(ruling);
    return said == SYMLINKS_UNSET ? site->conf->symlinks : said;
}

// Whether hidden names are shown.
static inline bool route_settings_shows_hidden(const struct site *site, const struct ruling *ruling)
{
    return modes_is_on(rules_dotfiles(ruling), site->conf->dotfiles);
}

// Whether directories are listed.
static inline bool route_settings_lists(const struct site *site, const struct ruling *ruling)
{
    return modes_is_on(rules_listing(ruling), site->conf->listing);
}

// Names of files that answer for a directory.
static inline const struct conf_strings *route_settings_index(const struct site *site,
                                                              const struct ruling *ruling)
{
    const struct rule *rule = ruling->index;
    return rule ? &ruleset_conf(&site->rules, rule)->index : &site->conf->index;
}

// The codings of siblings that are looked for, each once, best first; how many.
size_t route_settings_codings(const struct site *site, const struct ruling *ruling,
                              enum coding ret[static CODING_COUNT]);

// NULL: the site's.
static inline const char *route_settings_charset(const struct site *site,
                                                 const struct ruling *ruling)
{
    const struct rule *rule = ruling->charset;
    return rule ? ruleset_conf(&site->rules, rule)->charset : NULL;
}

// In which the file is stored; CODING_IDENTITY: no rule says it.
static inline enum coding route_settings_stored(const struct site *site,
                                                const struct ruling *ruling)
{
    const struct rule *rule = ruling->stored;
    return rule ? ruleset_conf(&site->rules, rule)->content_encoding : CODING_IDENTITY;
}

// CONF_ETAG_UNSET: the site's.
static inline enum conf_etag route_settings_etag(const struct site *site,
                                                 const struct ruling *ruling)
{
    const struct rule *rule = ruling->etag;
    return rule ? ruleset_conf(&site->rules, rule)->etag : CONF_ETAG_UNSET;
}

// Sets in the key of a file what these say; whether that changes it.
bool route_settings_change(const struct site *site, const struct ruling *ruling,
                           struct file_key *key);

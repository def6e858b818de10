// Settings that tell which files are found and as what a file is sent: those of the last rule that
// says so in a ruling, else the site's.
#pragma once

#include "content/cached_file.h"
#include "content/sites.h"
#include "http/rules.h"

// Which links may be followed.
enum symlinks route_settings_links(const struct site *site, const struct ruling *ruling);

// Whether hidden names are shown.
bool route_settings_shows_hidden(const struct site *site, const struct ruling *ruling);

// Whether directories are listed.
bool route_settings_lists(const struct site *site, const struct ruling *ruling);

// Names of files that answer for a directory.
const struct conf_strings *route_settings_index(const struct site *site,
                                                const struct ruling *ruling);

// The codings of siblings that are looked for, each once, best first; how many.
size_t route_settings_codings(const struct site *site, const struct ruling *ruling,
                              enum coding ret[static CODING_COUNT]);

// NULL: the site's.
const char *route_settings_charset(const struct site *site, const struct ruling *ruling);

// In which the file is stored; CODING_IDENTITY: no rule says it.
enum coding route_settings_stored(const struct site *site, const struct ruling *ruling);

// CONF_ETAG_UNSET: the site's.
enum conf_etag route_settings_etag(const struct site *site, const struct ruling *ruling);

// Sets in the key of a file what these say; whether that changes it.
bool route_settings_change(const struct site *site, const struct ruling *ruling,
                           struct file_key *key);

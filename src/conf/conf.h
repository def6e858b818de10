// The configuration as the rest of the program sees it: the struct, its owners, and where its
// values came from.
#pragma once

#include "conf/conf_types.h"

// Room for every text of conf_origin_format(); longer ones are cut.
#define CONF_ORIGIN_MAX 1024

// "/etc/tined/tined.conf:12", "-o" or "default". Returns `text`.
char *conf_origin_format(struct conf_origin origin, char text[static CONF_ORIGIN_MAX]);

// Where the option of this path was set; no file: it has its default.
struct conf_origin conf_origin_of(const struct conf *c, const char *path);

// Room for every text of conf_place_format().
#define CONF_PLACE_MAX (CONF_ORIGIN_MAX + 2)

// How a message about the option of this path begins: "/etc/tined/tined.conf:12: ", where it was
// set; "" when it has its default. Returns `text`.
char *conf_place_format(const struct conf *c, const char *path, char text[static CONF_PLACE_MAX]);

// Whether nobody has set the option of this path ("mime_types"), so that it has its default.
bool conf_is_default(const struct conf *c, const char *path);

// Another owner of the same configuration, who gives it back with conf_free(). For one thread.
struct conf *conf_share(struct conf *c);

// Frees it and all that it owns, when this was the last owner; NULL is fine.
void conf_free(struct conf *c);

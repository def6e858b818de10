// The facts about what a generation serves and where: made and owned by the generation
// (daemon/generation.h), read by its workers, by each of their loops and by `tined explain`.
#pragma once

#include "base/endpoint.h"
#include "conf/conf.h"
#include "content/mimetable.h"
#include "content/sites.h"
#include "server/proxies.h"
#include "server/scoreboard.h"

struct served {
    struct conf *conf;
    struct sites sites;
    struct mimetable types;
    int *listeners;             // descriptors; a worker closes its own when it accepts no more
    struct endpoint *addresses; // that the listeners are bound to
    size_t listener_count;
    struct proxies proxies;
    size_t admin;   // number of the first listener that is for the server itself, not for sites
    int access_log; // descriptor, or -1
    struct scoreboard scoreboard;
};

// That of a configuration alone, without anything that is open.
struct served served_make(struct conf *conf);

// Closes and frees all of it but the listeners' descriptors, which others share.
void served_cleanup(struct served *s);

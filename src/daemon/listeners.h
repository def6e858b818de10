// The listening sockets that a configuration asks for: planned, opened, kept over a reload.
//
// Master only. Planning looks at the configuration alone (and asks the resolver for names); opening
// binds. A reload opens a new set that shares the sockets of the old one that it also wants.
#pragma once

#include "conf/conf.h"
#include "conf/conf_load.h"
#include "sys/addr.h"
#include "sys/systemd.h"

struct listeners_entry {
    struct endpoint wanted;         // as configured; port 0 stays 0
    const struct conf_listen *conf; // who asked for it
    int fd;
    bool inherited; // from the service manager: not ours to unlink
};

struct listeners {
    struct listeners_entry *items; // fd -1: planned only
    size_t count;
    size_t admin; // number of the first one that is not for sites, but for the server itself
    struct conf_listen admin_conf; // what those are asked for by
    uint64_t backlog;              // where an entry has none of its own
};

// What the service manager passed in.
struct listeners_inherited {
    struct systemd_socket *sockets;
    size_t count;
};

// Works out every endpoint of `conf` and reports, with places, what cannot be: overlaps, names that
// do not resolve, "systemd:NAME" without such a socket (with `inherited` NULL nothing is known of
// those, and they are passed over). 0 or -1 after at least one report.
int listeners_plan(struct listeners *l, const struct conf *conf,
                   const struct listeners_inherited *inherited, conf_report_cb *report,
                   void *context);

// Opens what was planned; an endpoint that `previous` (or NULL) has too shares its socket. 0, or -1
// after a report; then all that was opened is closed again and `previous` is as it was.
int listeners_open(struct listeners *l, const struct listeners *previous, conf_report_cb *report,
                   void *context);

// Logs where each listens, as "listening on ADDRESS".
void listeners_announce(const struct listeners *l);

// Whether `l` has a socket for what this entry of another set listens on.
bool listeners_has(const struct listeners *l, const struct listeners_entry *entry);

// Whether it has one for each entry of the other set.
bool listeners_has_all(const struct listeners *l, const struct listeners *other);

// Closes all, and removes the files of UNIX sockets that `successor` (or NULL) does not have.
void listeners_close(struct listeners *l, const struct listeners *successor);

// The listening sockets that a configuration asks for: opened, kept over a reload.
//
// Master only. daemon/listeners_plan.h works out which they are. A reload opens a new set that
// shares the sockets of the old one that it also wants.
#pragma once

#include "conf/conf.h"
#include "conf/conf_source.h"
#include "base/endpoint.h"
#include "base/util.h"
#include "sys/systemd.h"

struct listeners_entry {
    struct endpoint wanted;         // as configured; port 0 stays 0
    const struct conf_listen *conf; // who asked for it
    int fd;
    bool inherited;           // from the service manager: not ours to unlink
    bool dispensable;         // the IPv6 half of "*" or "localhost", which not every machine has
    bool is_spoilt;           // its options cannot be set back (daemon/listener_notes.h)
    int64_t proxy_noticed[2]; // when listeners_notice_proxy() logged; 0: never
};

struct listeners {
    struct listeners_entry *items; // fd -1: planned only
    size_t count;
    size_t admin; // number of the first one that is not for sites, but for the server itself
    struct conf_listen admin_conf; // what those are asked for by
    uint64_t backlog;              // where an entry has none of its own
};

// The sockets that the service manager passed in.
struct listeners_inherited {
    struct systemd_socket *sockets;
    size_t count;
};

// The one that hears of all that cannot be.
struct listeners_reporter {
    conf_report_cb *report;
    void *context;
};

// The longest message of a report, with the NUL.
#define LISTENERS_MESSAGE_MAX 1024

// Reports what is wrong with an entry of the configuration, with its place.
void listeners_report(const struct listeners_reporter *to, const struct conf_listen *conf,
                      const char *format, ...) PRINTF_LIKE(3, 4);

// Opens what was planned; an endpoint that `previous` (or NULL) has too shares its socket, unless
// that is spoilt: then another one is bound beside it. One that
// is dispensable and cannot be had, since its family or address is missing, leaves the set, and a
// notice says so. 0, or -1 after a report; then all that was opened is closed again and `previous`
// is as it was.
int listeners_open(struct listeners *l, const struct listeners *previous, conf_report_cb *report,
                   void *context);

// Adds a copy of the entry, whose descriptor it takes over. False: no memory.
bool listeners_append(struct listeners *l, const struct listeners_entry *entry);

// Logs where each listens, as "listening on ADDRESS".
void listeners_announce(const struct listeners *l);

// A worker says that a client of this number's listener began with a PROXY header where none is
// expected, or that a good one is missing where it is required: logs a notice, of each once a
// minute for each listener.
void listeners_notice_proxy(struct listeners *l, size_t number, bool is_missing, int64_t now);

// Whether `l` has the very socket of this entry of another set.
bool listeners_has(const struct listeners *l, const struct listeners_entry *entry);

// Whether it has that of each entry of the other set.
bool listeners_has_all(const struct listeners *l, const struct listeners *other);

// Closes all, and removes the files of UNIX sockets that `successor` (or NULL) does not have.
void listeners_close(struct listeners *l, const struct listeners *successor);

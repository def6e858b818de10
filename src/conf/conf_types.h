// The configuration as a plain struct, immutable once loaded: conf/conf.h has what is done with it.
//
// Made by conf_load() (conf/conf_load.h) from the option table (conf/conf_options.h); a reload
// makes a new one. Times are milliseconds, sizes bytes. Strings are NUL-terminated and owned by
// the struct. In master and workers; workers get it through fork and only read it.
#pragma once

#include "base/modes.h"
#include "http/encoding.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Where a value came from. file is "-o", "-l" … for the command line, NULL for a default.
struct conf_origin {
    const char *file; // owned by the conf
    unsigned line;    // 0 where there are no lines
};

struct conf_strings {
    char **items;
    size_t count;
};

struct conf_listen {
    char *address;    // in a form of base/address.h, checked
    char *mode;       // UNIX sockets: octal text, e.g. "0660"
    char *owner;      // UNIX sockets: user name or empty
    char *group;      // UNIX sockets: group name or empty
    bool freebind;    // bind an address that is not up yet (IP_FREEBIND)
    uint64_t backlog; // 0: the global `backlog`
    enum proxy_protocol proxy_protocol;
    struct conf_origin origin;
};

// In the order of the words of its row in the table.
enum conf_etag {
    CONF_ETAG_UNSET,
    CONF_ETAG_FILE,
    CONF_ETAG_SHARED,
    CONF_ETAG_DIGEST,
    CONF_ETAG_OFF
};

// Another directory at a place of a site.
struct conf_mount {
    char *path; // begins and ends with '/'
    char *root; // directory; absolute after loading
    size_t site;
    struct conf_origin origin;
};

struct conf_headers {
    struct conf_strings set; // "Name: value"
    struct conf_strings add; // "Name: value"
    struct conf_strings unset;
    struct conf_strings preset; // names of sets that are built in: "security"
    bool only_ok;
};

struct conf_cors {
    struct conf_strings origins; // "https://app.example.org" or "*"; none: no CORS
    struct conf_strings headers; // that requests may carry
    struct conf_strings expose;  // header fields of answers that scripts may read
    uint64_t max_age;            // ms that a preflight's answer may be kept
    bool credentials;
};

// Settings for the paths of a site that match. An empty string or list: not mentioned.
struct conf_rule {
    struct conf_strings match, except; // globs (http/glob.h)
    enum scheme scheme;
    struct conf_headers headers;
    char *cache; // Cache-Control
    char *type;  // Content-Type
    char *redirect;
    uint64_t status;      // of the redirect, or of an answer without a file; 0: not mentioned
    uint64_t retry_after; // ms; of the status 503
    struct conf_strings allow, deny; // networks (base/network.h)
    char *rewrite;
    struct conf_strings try;
    char *fallback;
    struct conf_strings error_pages; // "404 /404.html"
    struct conf_cors cors;
    enum toggle listing, dotfiles;
    enum symlinks symlinks;
    enum conf_etag etag;
    enum coding content_encoding; // in which the file is stored; CODING_IDENTITY: not mentioned
    // In place of the site's; NULL, or items NULL: not mentioned.
    struct conf_strings index, precompressed;
    char *charset;
    size_t site;
    struct conf_origin origin;
};

struct conf_site {
    struct conf_strings names;  // none: answers what no other site's names match
    struct conf_strings listen; // addresses of `listen` on which it answers; none: all
    char *root;                 // directory; absolute after loading
    char *redirects;            // file of lines (http/redirectline.h); empty: none
    struct conf_strings index;
    enum conf_etag etag;               // never CONF_ETAG_UNSET
    struct conf_strings precompressed; // codings, best first (http/encoding.h)
    struct conf_strings types;         // lines in the format of mime.types
    char *default_type;
    char *charset; // of text; empty: none is said
    bool listing, dotfiles;
    struct conf_strings hide; // globs (http/glob.h) of names that listings leave out
    enum symlinks symlinks;   // never SYMLINKS_UNSET
    enum encoded_slash encoded_slash;
    size_t first_rule, rule_count;   // in conf.rules
    size_t first_mount, mount_count; // in conf.mounts
    struct conf_origin origin;
};

struct conf_limits {
    uint64_t request_line;    // bytes
    uint64_t fields;          // bytes
    uint64_t field_lines;     // lines
    uint64_t body;            // bytes of a request's content that are read and thrown away
    uint64_t ranges;          // of one request; 0: none are served
    uint64_t requests;        // per connection; 0: no limit
    uint64_t connection_age;  // ms that a connection may last; 0: no limit
    uint64_t send_rate;       // bytes per second that a client must take on average
    uint64_t connections;     // per worker; 0: derived from RLIMIT_NOFILE
    uint64_t big_heads;       // per worker: request heads beyond 4K at one time
    uint64_t listing;         // entries of a directory that are listed
    uint64_t worker_requests; // that a worker answers before it is replaced; 0: no limit
    uint64_t worker_age;      // ms that it serves before it is replaced; 0: no limit
    uint64_t listing_memory;  // per worker
};

struct conf_timeouts {
    uint64_t head, body, send, idle, linger, drain; // ms
    uint64_t lame_duck;                             // ms
    uint64_t watchdog;                              // ms; 0: off
    uint64_t root;                                  // ms
};

struct conf_log {
    char *access; // "off", "stdout", "journal", or a path
    char *level;  // a name of base/log.h
};

struct conf_cache {
    uint64_t memory; // bytes per worker
    uint64_t files;  // open files per worker
};

struct conf {
    uint64_t workers; // 0: one per CPU
    uint64_t threads;
    uint64_t backlog;
    char *user;
    char *group; // empty: the user's primary group
    bool server_header;
    char *control;    // path of the control socket; empty: none
    char *mime_types; // path; need not exist when it is the default
    enum unknown_host unknown_host;
    struct conf_strings trusted_proxies; // networks (base/network.h)
    enum forwarded_field forwarded;
    struct conf_limits limits;
    struct conf_timeouts timeouts;
    struct conf_log log;
    struct conf_cache cache;
    struct conf_sandbox_modes {
        enum sandbox_mode landlock, seccomp;
    } sandbox; // of workers
    struct conf_admin {
        char *address; // of the listener that answers about the server itself; empty: none
    } admin;
    struct conf_listen *listen;
    size_t listen_count;
    struct conf_site *sites;
    size_t site_count;
    struct conf_rule *rules; // of all sites, those of one next to each other
    size_t rule_count;
    struct conf_mount *mounts; // likewise
    size_t mount_count;
    unsigned sharers;                   // private to src/conf: owners besides the first
    struct conf_provenance *provenance; // private to src/conf: where each value came from
};

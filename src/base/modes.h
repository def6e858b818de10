// Modes that an option sets in one layer and that another layer acts on, each in one place.
//
// The words of an option stand in the order of its enum (conf/conf_options.c).
#pragma once

#include <stdbool.h>

// An option of a rule that is true, false, or not mentioned.
enum toggle { TOGGLE_UNSET, TOGGLE_OFF, TOGGLE_ON };

// Which symbolic links in a path are followed.
enum symlinks {
    SYMLINKS_UNSET,
    SYMLINKS_BENEATH, // those that stay beneath the root
    SYMLINKS_NONE,    // a link anywhere is -ELOOP
    SYMLINKS_ANY      // wherever they lead; the path itself still begins at the root
};

// The answer to a host that no site has among its names, where each site has names.
enum unknown_host { UNKNOWN_HOST_FIRST, UNKNOWN_HOST_REFUSE };

// The header with which proxies tell of the client, on a listener (http/proxyheader.h).
enum proxy_protocol {
    PROXY_PROTOCOL_OFF,
    PROXY_PROTOCOL_ACCEPT, // trusted proxies may send it
    PROXY_PROTOCOL_REQUIRE // all have to, or are closed
};

// The field in which trusted proxies name the client of a request (http/forwarded.h).
enum forwarded_field { FORWARDED_X_FORWARDED_FOR, FORWARDED_FORWARDED };

// By which a request came to the proxy that is in front; in a rule, for which it is.
enum scheme { SCHEME_UNSET, SCHEME_HTTP, SCHEME_HTTPS };

// The meaning of an escaped slash in a path.
enum encoded_slash { ENCODED_SLASH_REFUSE, ENCODED_SLASH_SLASH };

// How a layer of the sandbox (sys/sandbox.h) holds.
enum sandbox_mode {
    SANDBOX_ENFORCE,
    SANDBOX_LOG, // seccomp: the kernel's audit log tells of a call; Landlock: not enforced
    SANDBOX_OFF
};

// Whether it is on, by what the rules say, or else by `otherwise`, the site's option.
static inline bool modes_is_on(enum toggle said, bool otherwise)
{
    return said == TOGGLE_UNSET ? otherwise : said == TOGGLE_ON;
}

#include "http/hostname.h"

#include "http/authority.h"
#include "http/chars.h"

// Longest name and label (RFC 1035 section 2.3.4).
#define NAME_MAX_LEN  253
#define LABEL_MAX_LEN 63

static bool is_wildcard(struct slice pattern)
{
    return slice_starts_with(pattern, SLICE("*."));
}

// One label or more, none of them empty.
static bool has_labels(struct slice s)
{
    do
        if (slice_split(&s, '.').len == 0)
            return false;
    while (s.ptr);
    return true;
}

enum hostname_match hostname_compare(struct slice pattern, struct slice host)
{
    if (host.len && host.ptr[host.len - 1] == '.')
        host.len--;
    if (!is_wildcard(pattern))
        return slice_equal_nocase(pattern, host) ? HOST_EXACT : HOST_NO_MATCH;
    struct slice suffix = slice_skip(pattern, 1);
    if (!slice_ends_with_nocase(host, suffix) ||
        !has_labels(slice_make(host.ptr, host.len - suffix.len)))
        return HOST_NO_MATCH;
    return HOST_SUFFIX;
}

// NULL, or what is wrong.
static const char *check_label(struct slice label)
{
    if (label.len == 0)
        return "there is an empty label (two dots in a row, or a dot at an end)";
    if (label.len > LABEL_MAX_LEN)
        return "a label is longer than 63 bytes";
    if (!chars_all(label, CHAR_LABEL))
        return "only letters, digits, '-', '_' and dots can stand in a name";
    if (label.ptr[0] == '-' || label.ptr[label.len - 1] == '-')
        return "a label begins or ends with '-'";
    return NULL;
}

static const char *check_dns_name(struct slice name)
{
    const char *why = NULL;
    if (name.len == 0)
        return "it is empty";
    if (name.len > NAME_MAX_LEN)
        return "it is longer than 253 bytes";
    if (slice_find(name, '*') >= 0)
        return "'*' can only be the whole first label of a longer name, as in \"*.example.org\"";
    if (slice_find(name, ':') >= 0)
        return "a name has no port, and an IPv6 address stands in brackets";
    while (name.ptr && !why)
        why = check_label(slice_split(&name, '.'));
    return why;
}

const char *hostname_check(struct slice pattern)
{
    if (pattern.len && pattern.ptr[0] == '[')
        return authority_is_ipv6(pattern) ? NULL : "it is not an IPv6 address in brackets";
    return check_dns_name(is_wildcard(pattern) ? slice_skip(pattern, 2) : pattern);
}

#include "conf/conf_check.h"

#include "base/network.h"
#include "http/glob.h"

#include <limits.h>

const char *conf_check_mode(struct slice text)
{
    bool good = text.len == 3 || (text.len == 4 && text.ptr[0] == '0');
    for (size_t i = 0; i < text.len; i++)
        good &= text.ptr[i] >= '0' && text.ptr[i] <= '7';
    return good ? NULL : "write the permissions in octal, e.g. \"0660\"";
}

const char *conf_check_file_name(struct slice text)
{
    if (slice_find(text, '/') >= 0)
        return "it is a name within the directory; leave out the slash";
    if (text.len > NAME_MAX)
        return "no file's name is longer than 255 bytes";
    if (slice_starts_with(text, SLICE(".")))
        return "names that begin with a dot are not served";
    return NULL;
}

const char *conf_check_name_pattern(struct slice text)
{
    if (slice_find(text, '/') >= 0)
        return "it is for names, in every directory; leave out the slash";
    return glob_check(text);
}

const char *conf_check_proxy(struct slice text)
{
    struct network network;
    const char *problem = network_parse(text, &network);
    if (!problem && network.kind == NETWORK_ALL)
        return "whoever is trusted says who he is: name the networks of your proxies";
    return problem;
}

const char *conf_check_match(struct slice text)
{
    if (!slice_starts_with(text, SLICE("/")))
        return "paths begin with '/'; \"/**/NAME\" is a name in any directory";
    return glob_check(text);
}

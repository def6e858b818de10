#include "conf/conf.h"

#include "conf/conf_store.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct conf *conf_share(struct conf *c)
{
    c->sharers++;
    return c;
}

void conf_free(struct conf *c)
{
    if (!c || c->sharers-- > 0)
        return;
    conf_store_cleanup(c);
    free(c);
}

struct conf_origin conf_origin_of(const struct conf *c, const char *path)
{
    const struct conf_option *option = conf_options_find(slice_of(path));
    assert(option && option->scope == CONF_TOP);
    return *conf_store_origin(c, option, 0);
}

bool conf_is_default(const struct conf *c, const char *path)
{
    return !conf_origin_of(c, path).file;
}

char *conf_origin_format(struct conf_origin origin, char text[static CONF_ORIGIN_MAX])
{
    if (origin.line)
        snprintf(text, CONF_ORIGIN_MAX, "%s:%u", origin.file, origin.line);
    else
        snprintf(text, CONF_ORIGIN_MAX, "%s", origin.file ? origin.file : "default");
    return text;
}

char *conf_place_format(const struct conf *c, const char *path, char text[static CONF_PLACE_MAX])
{
    struct conf_origin origin = conf_origin_of(c, path);
    text[0] = '\0';
    return origin.file ? strcat(conf_origin_format(origin, text), ": ") : text;
}

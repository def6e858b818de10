#include "conf/conf_build.h"

#include "conf/conf.h"
#include "conf/conf_path.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#define DEFAULT_ADDRESS "*:80"

static void out_of_memory(struct conf_build *b)
{
    b->failed = true;
    b->report(b->context, "configuration", "out of memory");
}

int conf_build_start(struct conf_build *b, const struct conf_source *source, conf_report_cb *report,
                     void *context)
{
    *b = (struct conf_build){.source = source, .report = report, .context = context};
    b->conf = conf_store_new();
    if (!b->conf) {
        out_of_memory(b);
        return -1;
    }
    b->working_directory = getcwd(NULL, 0);
    if (!b->working_directory) {
        conf_build_error(b, (struct conf_origin){"configuration", 0},
                         "the working directory cannot be told: %s; start tined in another one",
                         strerror(errno));
        return -1;
    }
    return 0;
}

void conf_build_error(struct conf_build *b, struct conf_origin origin, const char *format, ...)
{
    char where[CONF_MESSAGE_MAX], message[2 * CONF_MESSAGE_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    b->failed = true;
    b->report(b->context, conf_origin_format(origin, where), message);
}

void conf_build_unknown(struct conf_build *b, struct conf_origin origin, const char *path)
{
    const char *successor = conf_options_successor(slice_of(path));
    const char *near = conf_options_nearest(slice_of(path));
    if (successor)
        conf_build_error(b, origin, "the option \"%s\" is gone; \"%s\" has taken its place", path,
                         successor);
    else if (near)
        conf_build_error(b, origin, "unknown option \"%s\"; did you mean \"%s\"?", path, near);
    else
        conf_build_error(b, origin, "unknown option \"%s\"; tined.conf(5) lists all options", path);
}

void conf_build_set(struct conf_build *b, const struct conf_option *option, size_t entry,
                    const struct conf_raw *raw, const struct conf_place *place)
{
    struct conf_origin *origin = conf_store_origin(b->conf, option, entry);
    char message[CONF_MESSAGE_MAX], where[CONF_MESSAGE_MAX];

    // The command line, which has no lines, may set anew what a file or itself has set.
    if (origin->file && place->origin.line) {
        conf_build_error(b, place->origin, "\"%s\" is set here and at %s; keep one of them",
                         option->path, conf_origin_format(*origin, where));
        return;
    }
    void *target = conf_store_target(b->conf, option, entry);
    int error = conf_value_set(option, target, raw, place->directory, message);
    // Also a bad value was given: it is not missing, and a second one is one too many.
    *origin = place->origin;
    if (error == -ENOMEM)
        out_of_memory(b);
    else if (error < 0)
        conf_build_error(b, place->origin, "%s", message);
}

ptrdiff_t conf_build_add(struct conf_build *b, enum conf_scope scope, size_t parent,
                         struct conf_origin origin)
{
    ptrdiff_t entry = conf_store_add(b->conf, scope, parent, origin);
    if (entry < 0)
        out_of_memory(b);
    return entry;
}

void conf_build_check_entry(struct conf_build *b, enum conf_scope scope, size_t entry)
{
    size_t count;
    const struct conf_option *rows = conf_options_all(&count);
    for (size_t i = 0; i < count; i++) {
        const struct conf_option *o = &rows[i];
        if (o->scope == scope && !o->def && !conf_store_origin(b->conf, o, entry)->file)
            conf_build_error(b, conf_store_entry_origin(b->conf, scope, entry),
                             "this entry of \"%s\" lacks \"%s\"; add %s = \"%s\";",
                             conf_options_scope_path(scope), conf_option_name(o),
                             conf_option_name(o), conf_option_example(o));
    }
}

// A list from the command line takes one value, the member that its entries must have.
static const struct conf_option *required_member(enum conf_scope scope)
{
    size_t count;
    const struct conf_option *rows = conf_options_all(&count);
    for (size_t i = 0; i < count; i++)
        if (rows[i].scope == scope && !rows[i].def)
            return &rows[i];
    return NULL;
}

static void override_list(struct conf_build *b, enum conf_scope scope, const char *value,
                          const struct conf_place *place)
{
    const struct conf_raw raw = {.kind = RAW_TEXT, .text = value};
    if (!b->overridden[scope])
        conf_store_clear(b->conf, scope);
    b->overridden[scope] = true;
    ptrdiff_t entry = conf_build_add(b, scope, 0, place->origin);
    if (entry >= 0)
        conf_build_set(b, required_member(scope), (size_t)entry, &raw, place);
}

// Entries of lists have no names that the command line could call them by.
static void refuse_member(struct conf_build *b, const char *path, enum conf_scope list,
                          const struct conf_place *place)
{
    while (conf_options_list_of(list)->parent != CONF_TOP)
        list = conf_options_list_of(list)->parent;
    conf_build_error(b, place->origin,
                     "\"%s\" belongs to an entry of a list and is set in a file only; here "
                     "write %s=%s",
                     path, conf_options_scope_path(list),
                     conf_option_example(required_member(list)));
}

static void override_one(struct conf_build *b, const struct conf_override *o,
                         const struct conf_place *place)
{
    const struct conf_raw raw = {.kind = RAW_TEXT, .text = o->value};
    struct slice path = slice_of(o->option);
    enum conf_scope list = conf_options_list(path), holder = conf_options_holder(path);
    const struct conf_option *option = conf_options_find(path);
    if (!option && list == CONF_TOP && !conf_options_is_group(path))
        conf_build_unknown(b, place->origin, o->option);
    else if (holder != CONF_TOP)
        refuse_member(b, o->option, holder, place);
    else if (list != CONF_TOP)
        override_list(b, list, o->value, place);
    else if (!option)
        conf_build_error(b, place->origin,
                         "\"%s\" is a group of options; set them one by one, as OPTION=VALUE "
                         "with the option's full name",
                         o->option);
    else if (option->type == CONF_INCLUDE)
        conf_build_error(b, place->origin, "\"%s\" works in a file only; name a whole file with -c",
                         option->path);
    else
        conf_build_set(b, option, 0, &raw, place);
}

void conf_build_override(struct conf_build *b)
{
    for (size_t i = 0; i < b->source->override_count; i++) {
        const struct conf_override *o = &b->source->overrides[i];
        struct conf_place place = {{conf_store_name(b->conf, o->from), 0}, b->working_directory};
        if (place.origin.file)
            override_one(b, o, &place);
        else
            out_of_memory(b);
    }
}

static void add_default_listen(struct conf_build *b)
{
    struct conf_override o = {"listen", DEFAULT_ADDRESS, ""};
    const struct conf_place place = {{NULL, 0}, b->working_directory};
    override_one(b, &o, &place);
}

void conf_build_complete(struct conf_build *b)
{
    // An error may be the reason why something is missing.
    if (b->failed)
        return;
    if (b->source->file && b->conf->site_count == 0)
        conf_build_error(b, (struct conf_origin){b->source->file, 0},
                         "there is no site to serve; add sites = ( { root = \"/srv/www\"; } );");
    else if (b->conf->listen_count == 0)
        add_default_listen(b);
}

struct conf *conf_build_finish(struct conf_build *b)
{
    free(b->working_directory);
    if (!b->failed)
        return b->conf;
    conf_free(b->conf);
    return NULL;
}

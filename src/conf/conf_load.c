#include "conf/conf_load.h"

#include "conf/conf_build.h"
#include "conf/conf_crosscheck.h"
#include "conf/conf_path.h"
#include "conf/conf_prescan.h"

#include <errno.h>
#include <glob.h>
#include <libconfig.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { INCLUDE_DEPTH_MAX = 8 };

// One file that is being read; the chain of `parent` leads to the first.
struct reader {
    struct conf_build *build;
    const struct reader *parent;
    unsigned depth;
    const char *file; // owned by the configuration
    const char *text;
    char *directory; // absolute
    struct stat id;  // of the file; all zero for text that is no file
};

static void read_config_file(struct conf_build *b, const struct reader *parent, const char *file,
                             struct conf_origin from);

static struct conf_place place_of_setting(const struct reader *r, const config_setting_t *setting)
{
    unsigned line = config_setting_source_line(setting);
    return (struct conf_place){{r->file, line ? line : 1}, r->directory};
}

// ---- values ------------------------------------------------------------------------------------

static const char *name_of_type(const config_setting_t *s)
{
    switch (config_setting_type(s)) {
    case CONFIG_TYPE_GROUP:
        return "a group";
    case CONFIG_TYPE_FLOAT:
        return "a number with a fraction";
    default:
        return "a list that does not hold strings only";
    }
}

// The strings of an array or list, to be freed by the caller; NULL when it holds something else
// (or memory is short, which shows at the next allocation).
static const char **strings_of(const config_setting_t *s)
{
    int count = config_setting_length(s);
    const char **items = calloc((size_t)count + 1, sizeof(*items));
    for (int i = 0; items && i < count; i++) {
        items[i] = config_setting_get_string_elem(s, i);
        if (!items[i]) {
            free(items);
            return NULL;
        }
    }
    return items;
}

// The value of a setting. The caller frees *ret_items.
static struct conf_raw raw_of(const config_setting_t *s, const char ***ret_items)
{
    switch (config_setting_type(s)) {
    case CONFIG_TYPE_INT:
        return (struct conf_raw){.kind = RAW_NUMBER, .number = config_setting_get_int(s)};
    case CONFIG_TYPE_INT64:
        return (struct conf_raw){.kind = RAW_NUMBER, .number = config_setting_get_int64(s)};
    case CONFIG_TYPE_BOOL:
        return (struct conf_raw){.kind = RAW_BOOL, .number = config_setting_get_bool(s)};
    case CONFIG_TYPE_STRING:
        return (struct conf_raw){.kind = RAW_STRING, .text = config_setting_get_string(s)};
    case CONFIG_TYPE_ARRAY:
    case CONFIG_TYPE_LIST:
        *ret_items = strings_of(s);
        if (*ret_items)
            return (struct conf_raw){.kind = RAW_STRINGS,
                                     .items = *ret_items,
                                     .count = (size_t)config_setting_length(s)};
        break;
    }
    return (struct conf_raw){.kind = RAW_OTHER, .text = name_of_type(s)};
}

// Whether this number was reported already as one that libconfig gets wrong.
static bool has_wrapped(const struct reader *r, const config_setting_t *s)
{
    int type = config_setting_type(s);
    struct conf_prescan scan = conf_prescan_make(slice_of(r->text));
    struct conf_finding finding;
    if (type != CONFIG_TYPE_INT && type != CONFIG_TYPE_INT64)
        return false;
    while (conf_prescan_next(&scan, &finding))
        if (finding.line == config_setting_source_line(s))
            return true;
    return false;
}

static void set_option(const struct reader *r, const struct conf_option *option, size_t entry,
                       const config_setting_t *s)
{
    const char **items = NULL;
    struct conf_raw raw = raw_of(s, &items);
    struct conf_place place = place_of_setting(r, s);
    if (!has_wrapped(r, s))
        conf_build_set(r->build, option, entry, &raw, &place);
    free(items);
}

// ---- includes ----------------------------------------------------------------------------------

static void include_pattern(const struct reader *r, const char *path, struct conf_origin from)
{
    glob_t found;
    int result = glob(path, 0, NULL, &found);
    for (size_t i = 0; result == 0 && i < found.gl_pathc; i++)
        read_config_file(r->build, r, found.gl_pathv[i], from);
    if (result != 0 && result != GLOB_NOMATCH)
        conf_build_error(r->build, from, "cannot search for \"%s\"", path);
    globfree(&found);
}

// The path as it is to be opened and shown: beside the including file.
static char *include_path(const struct reader *r, const char *name)
{
    char *directory = conf_path_directory(r->file);
    char *path = directory ? conf_path_join(directory, name) : NULL;
    free(directory);
    return path;
}

static void include_one(const struct reader *r, const char *name, struct conf_origin from)
{
    char *path = include_path(r, name);
    if (!path)
        conf_build_error(r->build, from, "out of memory");
    else if (conf_path_is_pattern(name))
        include_pattern(r, path, from);
    else
        read_config_file(r->build, r, path, from);
    free(path);
}

static void include(const struct reader *r, const config_setting_t *s)
{
    const char **items = NULL;
    struct conf_raw raw = raw_of(s, &items);
    struct conf_origin from = place_of_setting(r, s).origin;
    if (raw.kind == RAW_STRING) {
        include_one(r, raw.text, from);
    } else if (raw.kind == RAW_STRINGS) {
        for (size_t i = 0; i < raw.count; i++)
            include_one(r, raw.items[i], from);
    } else {
        conf_build_error(r->build, from,
                         "\"include\" must be a path or a list of paths, e.g. \"conf.d/*.conf\"");
    }
    free(items);
}

// ---- settings ----------------------------------------------------------------------------------

// The place that a group's members belong to.
struct spot {
    enum conf_scope scope;
    size_t entry;
    const char *path; // of the list or group: "sites.rules.headers"; "" at the top
};

static void read_members(const struct reader *r, const struct spot *spot,
                         const config_setting_t *s);

static void read_list(const struct reader *r, enum conf_scope scope, size_t parent,
                      const config_setting_t *s)
{
    const struct conf_list *list = conf_options_list_of(scope);
    bool good = config_setting_type(s) == CONFIG_TYPE_LIST && config_setting_length(s) > 0;
    for (int i = 0; good && i < config_setting_length(s); i++)
        good = config_setting_type(config_setting_get_elem(s, (unsigned)i)) == CONFIG_TYPE_GROUP;
    if (!good)
        conf_build_error(r->build, place_of_setting(r, s).origin,
                         "\"%s\" must be a list of one or more groups, e.g. %s = %s;", list->path,
                         conf_list_name(list), list->example);
    for (int i = 0; good && i < config_setting_length(s); i++) {
        const config_setting_t *group = config_setting_get_elem(s, (unsigned)i);
        ptrdiff_t entry = conf_build_add(r->build, scope, parent,
                                         place_of_setting(r, group).origin);
        if (entry < 0)
            return;
        read_members(r, &(struct spot){scope, (size_t)entry, list->path}, group);
        conf_build_check_entry(r->build, scope, (size_t)entry);
    }
}

static void read_group(const struct reader *r, const struct spot *spot, const config_setting_t *s)
{
    if (config_setting_type(s) == CONFIG_TYPE_GROUP)
        read_members(r, spot, s);
    else
        conf_build_error(r->build, place_of_setting(r, s).origin,
                         "\"%s\" must be a group of options, e.g. %s = { ... };", spot->path,
                         config_setting_name(s));
}

static void read_setting(const struct reader *r, const struct spot *spot, const config_setting_t *s)
{
    char path[256];
    snprintf(path, sizeof(path), "%s%s%s", spot->path, *spot->path ? "." : "",
             config_setting_name(s));
    const struct conf_option *option = conf_options_find(slice_of(path));
    enum conf_scope list = conf_options_list(slice_of(path));
    if (option && option->type == CONF_INCLUDE)
        include(r, s);
    else if (option)
        set_option(r, option, spot->entry, s);
    else if (list != CONF_TOP)
        read_list(r, list, spot->entry, s);
    else if (conf_options_is_group(slice_of(path)))
        read_group(r, &(struct spot){spot->scope, spot->entry, path}, s);
    else
        conf_build_unknown(r->build, place_of_setting(r, s).origin, path);
}

static void read_members(const struct reader *r, const struct spot *spot, const config_setting_t *s)
{
    for (int i = 0; i < config_setting_length(s); i++)
        read_setting(r, spot, config_setting_get_elem(s, (unsigned)i));
}

// ---- files -------------------------------------------------------------------------------------

static void report_finding(const struct reader *r, const struct conf_finding *f)
{
    struct conf_origin at = {r->file, f->line};
    switch (f->kind) {
    case CONF_PRESCAN_NUMBER:
        conf_build_error(r->build, at,
                         "the number %.*s does not fit into 32 bits; write a size or time as a "
                         "string, e.g. \"4G\"",
                         SLICE_ARG(f->token));
        break;
    case CONF_PRESCAN_OCTAL:
        conf_build_error(r->build, at, "the number %.*s begins with a zero; leave the zero out",
                         SLICE_ARG(f->token));
        break;
    case CONF_PRESCAN_COMMA:
        conf_build_error(r->build, at, "no value follows this comma; leave the comma out");
        break;
    case CONF_PRESCAN_INCLUDE:
        conf_build_error(r->build, at,
                         "@include is not supported; write include = \"FILE\"; instead");
        break;
    case CONF_PRESCAN_STRING:
        conf_build_error(r->build, at, "the string that begins here never ends; close it with \"");
        break;
    case CONF_PRESCAN_COMMENT:
        conf_build_error(r->build, at, "the comment that begins here never ends; close it with */");
        break;
    }
}

// Reports what libconfig would get wrong. Returns false when it must not see the text at all: it
// acts on @include, 1.5 leaks an open string, and one version or the other calls the rest a syntax
// error as well.
static bool scan_text(const struct reader *r)
{
    struct conf_prescan scan = conf_prescan_make(slice_of(r->text));
    struct conf_finding f;
    bool readable = true;
    while (conf_prescan_next(&scan, &f)) {
        report_finding(r, &f);
        readable &= f.kind == CONF_PRESCAN_NUMBER;
    }
    return readable;
}

static void explain_syntax(const struct reader *r, const config_t *config)
{
    struct conf_origin at = {r->file, (unsigned)MAX(config_error_line(config), 1)};
    const char *text = config_error_text(config);
    if (strstr(text, "duplicate"))
        conf_build_error(r->build, at, "this name stands twice in its group; keep one of them");
    else if (strstr(text, "array"))
        conf_build_error(r->build, at,
                         "values of different kinds in one [ ]; make all of them strings");
    else
        conf_build_error(r->build, at,
                         "syntax error; look for a missing \";\", quote or bracket here or just "
                         "above");
}

static void parse_config_text(const struct reader *r)
{
    config_t config;
    if (!scan_text(r))
        return;
    config_init(&config);
    if (config_read_string(&config, r->text))
        read_members(r, &(struct spot){CONF_TOP, 0, ""}, config_root_setting(&config));
    else
        explain_syntax(r, &config);
    config_destroy(&config);
}

// Whether reading this file again would never end, or only repeat what it says.
static bool is_being_read(const struct reader *parent, const struct stat *id)
{
    for (; parent; parent = parent->parent)
        if (parent->id.st_ino == id->st_ino && parent->id.st_dev == id->st_dev && id->st_ino)
            return true;
    return false;
}

static void read_with(struct reader *r)
{
    char *directory = conf_path_directory(r->file);
    if (directory)
        r->directory = conf_path_join(r->build->working_directory, directory);
    if (r->directory)
        parse_config_text(r);
    else
        conf_build_error(r->build, (struct conf_origin){r->file, 0}, "out of memory");
    free(r->directory);
    free(directory);
}

// `from` is where the file is asked for; file NULL for the first one.
static void read_config_file(struct conf_build *b, const struct reader *parent, const char *file,
                             struct conf_origin from)
{
    struct reader r = {.build = b, .parent = parent, .depth = parent ? parent->depth + 1 : 0};
    char *text = NULL;
    r.file = conf_store_name(b->conf, file);
    int error = r.file ? conf_path_read(file, &text) : -ENOMEM;
    if (error < 0) {
        if (from.file)
            conf_build_error(b, from, "cannot read \"%s\": %s", file, conf_path_explain(error));
        else
            conf_build_error(b, (struct conf_origin){file, 0}, "%s", conf_path_explain(error));
        return;
    }
    if (stat(file, &r.id) < 0)
        r.id = (struct stat){0};
    r.text = text;
    if (is_being_read(parent, &r.id))
        conf_build_error(b, from, "\"%s\" includes itself; remove this include", file);
    else if (r.depth > INCLUDE_DEPTH_MAX)
        conf_build_error(b, from, "includes are nested deeper than %d", INCLUDE_DEPTH_MAX);
    else
        read_with(&r);
    free(text);
}

static void read_source(struct conf_build *b, const struct conf_source *source)
{
    struct reader r = {.build = b, .file = source->file, .text = source->text};
    if (source->text)
        r.file = conf_store_name(b->conf, source->file ? source->file : "text");
    if (source->text && r.file)
        read_with(&r);
    else if (source->file)
        read_config_file(b, NULL, source->file, (struct conf_origin){NULL, 0});
}

struct conf *conf_load(const struct conf_source *source, conf_report_cb *report, void *context)
{
    struct conf_build b;
    if (conf_build_start(&b, source, report, context) == 0) {
        read_source(&b, source);
        conf_build_override(&b);
        conf_build_complete(&b);
        conf_crosscheck(&b);
    }
    return conf_build_finish(&b);
}

#include "conf/conf_store.h"

#include "conf/conf_value.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

static size_t row_count(void)
{
    size_t count;
    conf_options_all(&count);
    return count;
}

// Members that the table of lists names by their offset are of several types, so they are copied
// as bytes.
static size_t get_number(const void *in, size_t offset)
{
    size_t number;
    memcpy(&number, (const char *)in + offset, sizeof(number));
    return number;
}

static void set_number(void *in, size_t offset, size_t number)
{
    memcpy((char *)in + offset, &number, sizeof(number));
}

static char *items_of(const struct conf *c, enum conf_scope scope)
{
    char *items;
    memcpy(&items, (const char *)c + conf_options_list_of(scope)->items, sizeof(items));
    return items;
}

static void set_items(struct conf *c, enum conf_scope scope, char *items, size_t count)
{
    const struct conf_list *list = conf_options_list_of(scope);
    memcpy((char *)c + list->items, &items, sizeof(items));
    set_number(c, list->count, count);
}

size_t conf_store_count(const struct conf *c, enum conf_scope scope)
{
    return scope == CONF_TOP ? 1 : get_number(c, conf_options_list_of(scope)->count);
}

static char *entry_at(const struct conf *c, enum conf_scope scope, size_t entry)
{
    assert(entry < conf_store_count(c, scope));
    if (scope == CONF_TOP)
        return (char *)(uintptr_t)c;
    return items_of(c, scope) + entry * conf_options_list_of(scope)->size;
}

void *conf_store_target(const struct conf *c, const struct conf_option *option, size_t entry)
{
    return entry_at(c, option->scope, entry) + option->offset;
}

struct conf_origin *conf_store_origin(const struct conf *c, const struct conf_option *option,
                                      size_t entry)
{
    assert(entry < conf_store_count(c, option->scope));
    return c->provenance->origins[option->scope] + entry * row_count() + conf_options_index(option);
}

struct conf_origin conf_store_entry_origin(const struct conf *c, enum conf_scope scope,
                                           size_t entry)
{
    struct conf_origin origin;
    memcpy(&origin, entry_at(c, scope, entry) + conf_options_list_of(scope)->origin,
           sizeof(origin));
    return origin;
}

struct conf_range conf_store_children(const struct conf *c, enum conf_scope scope, size_t parent)
{
    const struct conf_list *list = conf_options_list_of(scope);
    if (list->parent == CONF_TOP)
        return (struct conf_range){0, conf_store_count(c, scope)};
    const char *owner = entry_at(c, list->parent, parent);
    return (struct conf_range){get_number(owner, list->first), get_number(owner, list->length)};
}

// A text or list of a sparse entry that may be empty is NULL where it is not mentioned.
static bool stays_unsaid(const struct conf_option *o)
{
    bool is_text = o->type == CONF_STRING || o->type == CONF_STRINGS;
    return o->scope != CONF_TOP && conf_options_list_of(o->scope)->is_sparse && is_text && o->def &&
           o->min == 0;
}

static int set_defaults(struct conf *c, enum conf_scope scope, size_t entry)
{
    size_t count;
    const struct conf_option *rows = conf_options_all(&count);
    int error = 0;
    for (size_t i = 0; i < count && error == 0; i++)
        if (rows[i].scope == scope && rows[i].type != CONF_INCLUDE && !stays_unsaid(&rows[i]))
            error = conf_value_set_default(&rows[i], conf_store_target(c, &rows[i], entry));
    return error;
}

static void clear_entry(struct conf *c, enum conf_scope scope, size_t entry)
{
    size_t count;
    const struct conf_option *rows = conf_options_all(&count);
    for (size_t i = 0; i < count; i++)
        if (rows[i].scope == scope && rows[i].type != CONF_INCLUDE)
            conf_value_clear(&rows[i], conf_store_target(c, &rows[i], entry));
}

struct conf *conf_store_new(void)
{
    struct conf *c = calloc(1, sizeof(*c));
    if (!c)
        return NULL;
    c->provenance = calloc(1, sizeof(*c->provenance));
    if (c->provenance)
        c->provenance->origins[CONF_TOP] = calloc(row_count(), sizeof(struct conf_origin));
    if (!c->provenance || !c->provenance->origins[CONF_TOP] || set_defaults(c, CONF_TOP, 0) < 0) {
        conf_store_cleanup(c);
        free(c);
        return NULL;
    }
    return c;
}

// Tells parent and entry of each other.
static void link_to_parent(const struct conf *c, const struct conf_list *list, size_t parent,
                           size_t entry, char *item)
{
    char *owner = entry_at(c, list->parent, parent);
    size_t length = get_number(owner, list->length);
    if (length == 0)
        set_number(owner, list->first, entry);
    assert(get_number(owner, list->first) + length == entry);
    set_number(owner, list->length, length + 1);
    set_number(item, list->owner, parent);
}

ptrdiff_t conf_store_add(struct conf *c, enum conf_scope scope, size_t parent,
                         struct conf_origin origin)
{
    const struct conf_list *list = conf_options_list_of(scope);
    size_t entry = conf_store_count(c, scope), rows = row_count();
    struct conf_origin **all = &c->provenance->origins[scope];

    struct conf_origin *origins = realloc(*all, (entry + 1) * rows * sizeof(*origins));
    if (!origins)
        return -ENOMEM;
    memset(origins + entry * rows, 0, rows * sizeof(*origins));
    *all = origins;

    char *items = realloc(items_of(c, scope), (entry + 1) * list->size);
    if (!items)
        return -ENOMEM;
    char *item = items + entry * list->size;
    memset(item, 0, list->size);
    memcpy(item + list->origin, &origin, sizeof(origin));
    set_items(c, scope, items, entry + 1);
    int error = set_defaults(c, scope, entry);
    if (error < 0) {
        clear_entry(c, scope, entry);
        set_items(c, scope, items, entry);
        return error;
    }
    if (list->parent != CONF_TOP)
        link_to_parent(c, list, parent, entry, item);
    return (ptrdiff_t)entry;
}

static void clear_list(struct conf *c, enum conf_scope scope)
{
    for (size_t i = 0; i < conf_store_count(c, scope); i++)
        clear_entry(c, scope, i);
    free(items_of(c, scope));
    set_items(c, scope, NULL, 0);
    free(c->provenance->origins[scope]);
    c->provenance->origins[scope] = NULL;
}

void conf_store_clear(struct conf *c, enum conf_scope scope)
{
    assert(conf_options_list_of(scope)->parent == CONF_TOP);
    clear_list(c, scope);
    for (size_t i = CONF_TOP + 1; i < CONF_SCOPE_COUNT; i++)
        if (conf_options_list_of((enum conf_scope)i)->parent == scope)
            clear_list(c, (enum conf_scope)i);
}

const char *conf_store_name(struct conf *c, const char *name)
{
    struct conf_provenance *p = c->provenance;
    for (size_t i = 0; i < p->file_count; i++)
        if (strcmp(p->files[i], name) == 0)
            return p->files[i];
    char **files = realloc(p->files, (p->file_count + 1) * sizeof(*files));
    if (!files)
        return NULL;
    p->files = files;
    files[p->file_count] = strdup(name);
    return files[p->file_count] ? files[p->file_count++] : NULL;
}

static void free_provenance(struct conf_provenance *p)
{
    if (!p)
        return;
    for (size_t i = 0; i < p->file_count; i++)
        free(p->files[i]);
    free(p->files);
    for (size_t i = 0; i < CONF_SCOPE_COUNT; i++)
        free(p->origins[i]);
    free(p);
}

void conf_store_cleanup(struct conf *c)
{
    if (c->provenance)
        for (size_t i = CONF_TOP + 1; i < CONF_SCOPE_COUNT; i++)
            clear_list(c, (enum conf_scope)i);
    clear_entry(c, CONF_TOP, 0);
    free_provenance(c->provenance);
}

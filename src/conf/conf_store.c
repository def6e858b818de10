#include "conf/conf_store.h"

#include "conf/conf_value.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

// Where the entries of each scope are. The top has one entry, struct conf itself.
static const struct layout {
    size_t size;
    size_t items;  // offset in struct conf of the pointer to the entries
    size_t count;  // offset in struct conf of their number
    size_t origin; // offset in an entry of its origin
} layouts[CONF_SCOPE_COUNT] = {
    [CONF_LISTEN] = {sizeof(struct conf_listen), offsetof(struct conf, listen),
                     offsetof(struct conf, listen_count), offsetof(struct conf_listen, origin)},
    [CONF_SITES] = {sizeof(struct conf_site), offsetof(struct conf, sites),
                    offsetof(struct conf, site_count), offsetof(struct conf_site, origin)},
};

static size_t row_count(void)
{
    size_t count;
    conf_options_all(&count);
    return count;
}

// The pointers to entries have types of their own, so they are copied as bytes.
static char *items_of(const struct conf *c, enum conf_scope scope)
{
    char *items;
    memcpy(&items, (const char *)c + layouts[scope].items, sizeof(items));
    return items;
}

static void set_items(struct conf *c, enum conf_scope scope, char *items, size_t count)
{
    memcpy((char *)c + layouts[scope].items, &items, sizeof(items));
    memcpy((char *)c + layouts[scope].count, &count, sizeof(count));
}

size_t conf_store_count(const struct conf *c, enum conf_scope scope)
{
    size_t count;
    if (scope == CONF_TOP)
        return 1;
    memcpy(&count, (const char *)c + layouts[scope].count, sizeof(count));
    return count;
}

static char *entry_at(const struct conf *c, enum conf_scope scope, size_t entry)
{
    assert(entry < conf_store_count(c, scope));
    if (scope == CONF_TOP)
        return (char *)(uintptr_t)c;
    return items_of(c, scope) + entry * layouts[scope].size;
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
    memcpy(&origin, entry_at(c, scope, entry) + layouts[scope].origin, sizeof(origin));
    return origin;
}

static int set_defaults(struct conf *c, enum conf_scope scope, size_t entry)
{
    size_t count;
    const struct conf_option *rows = conf_options_all(&count);
    int error = 0;
    for (size_t i = 0; i < count && error == 0; i++)
        if (rows[i].scope == scope && rows[i].type != CONF_INCLUDE)
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
        conf_free(c);
        return NULL;
    }
    return c;
}

ptrdiff_t conf_store_add(struct conf *c, enum conf_scope scope, struct conf_origin origin)
{
    const struct layout *l = &layouts[scope];
    size_t entry = conf_store_count(c, scope), rows = row_count();
    struct conf_origin **all = &c->provenance->origins[scope];

    struct conf_origin *origins = realloc(*all, (entry + 1) * rows * sizeof(*origins));
    if (!origins)
        return -ENOMEM;
    memset(origins + entry * rows, 0, rows * sizeof(*origins));
    *all = origins;

    char *items = realloc(items_of(c, scope), (entry + 1) * l->size);
    if (!items)
        return -ENOMEM;
    memset(items + entry * l->size, 0, l->size);
    memcpy(items + entry * l->size + l->origin, &origin, sizeof(origin));
    set_items(c, scope, items, entry + 1);
    int error = set_defaults(c, scope, entry);
    return error < 0 ? error : (ptrdiff_t)entry;
}

void conf_store_clear(struct conf *c, enum conf_scope scope)
{
    for (size_t i = 0; i < conf_store_count(c, scope); i++)
        clear_entry(c, scope, i);
    free(items_of(c, scope));
    set_items(c, scope, NULL, 0);
    free(c->provenance->origins[scope]);
    c->provenance->origins[scope] = NULL;
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
            conf_store_clear(c, (enum conf_scope)i);
    clear_entry(c, CONF_TOP, 0);
    free_provenance(c->provenance);
}

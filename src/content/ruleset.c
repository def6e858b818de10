#include "content/ruleset.h"

#include "http/fieldline.h"
#include "http/preset.h"
#include "http/rulecheck.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

static size_t put_presets(const struct conf_strings *presets, bool only_ok, struct rule_header *to)
{
    size_t n = 0, count;
    const struct preset_field *fields = preset_fields(&count);
    for (size_t i = 0; i < presets->count; i++) {
        for (size_t f = 0; f < count; f++) {
            if (strcmp(fields[f].preset, presets->items[i]) != 0)
                continue;
            if (to)
                to[n] = (struct rule_header){RULE_SET, slice_of(fields[f].name),
                                             slice_of(fields[f].value), only_ok,
                                             fields[f].only_https};
            n++;
        }
    }
    return n;
}

static size_t put_actions(const struct conf_strings *texts, enum rule_action action, bool only_ok,
                          struct rule_header *to)
{
    for (size_t i = 0; to && i < texts->count; i++) {
        struct slice text = slice_of(texts->items[i]);
        to[i] = (struct rule_header){.action = action, .name = text, .only_ok = only_ok};
        if (action != RULE_UNSET)
            fieldline_split(text, &to[i].name, &to[i].value);
    }
    return texts->count;
}

// Puts the header actions of a rule in their order, presets first, so that a rule can change what
// its preset says. With `to` NULL only counts.
static size_t put_headers(const struct conf_rule *c, struct rule_header *to)
{
    const struct conf_headers *h = &c->headers;
    size_t n = put_presets(&h->preset, h->only_ok, to);
    n += put_actions(&h->set, RULE_SET, h->only_ok, to ? to + n : NULL);
    n += put_actions(&h->add, RULE_ADD, h->only_ok, to ? to + n : NULL);
    n += put_actions(&h->unset, RULE_UNSET, h->only_ok, to ? to + n : NULL);
    if (c->cache[0]) {
        if (to)
            to[n] = (struct rule_header){RULE_SET, SLICE("Cache-Control"), slice_of(c->cache), true,
                                         false};
        n++;
    }
    return n;
}

static int copy_headers(struct rule *rule, const struct conf_rule *c)
{
    size_t count = put_headers(c, NULL);
    struct rule_header *headers = calloc(count + 1, sizeof(*headers));
    if (!headers)
        return -ENOMEM;
    rule->header_count = put_headers(c, headers);
    rule->headers = headers;
    return 0;
}

static int copy_networks(const struct conf_strings *texts, struct rule_networks *ret)
{
    struct network *networks = calloc(texts->count + 1, sizeof(*networks));
    if (!networks)
        return -ENOMEM;
    for (size_t i = 0; i < texts->count; i++)
        if (network_parse(slice_of(texts->items[i]), &networks[i]))
            assert(!"a network that was checked");
    *ret = (struct rule_networks){networks, texts->count};
    return 0;
}

static int copy_texts(const struct conf_strings *texts, const struct slice **ret, size_t *ret_count)
{
    struct slice *slices = calloc(texts->count + 1, sizeof(*slices));
    if (!slices)
        return -ENOMEM;
    for (size_t i = 0; i < texts->count; i++)
        slices[i] = slice_of(texts->items[i]);
    *ret = slices;
    *ret_count = texts->count;
    return 0;
}

static int copy_pages(struct rule *rule, const struct conf_strings *texts)
{
    struct rule_page *pages = calloc(texts->count + 1, sizeof(*pages));
    if (!pages)
        return -ENOMEM;
    for (size_t i = 0; i < texts->count; i++) {
        unsigned status;
        rulecheck_split_error_page(slice_of(texts->items[i]), &status, &pages[i].path);
        pages[i].status = (int)status;
    }
    rule->pages = pages;
    rule->page_count = texts->count;
    return 0;
}

static bool list_has(struct slice list, struct slice word)
{
    while (list.ptr)
        if (slice_equal_nocase(slice_trim(slice_split(&list, ',')), word))
            return true;
    return false;
}

// A list as it stands in a field, "a, b", with those of the texts behind it that it does not have.
// NULL: no memory.
static char *join_texts(const char *before, const struct conf_strings *texts)
{
    size_t size = strlen(before) + 1;
    for (size_t i = 0; i < texts->count; i++)
        size += strlen(texts->items[i]) + 2;
    char *joined = malloc(size);
    if (!joined)
        return NULL;
    struct buf b = buf_make(joined, size - 1);
    buf_puts(&b, before);
    for (size_t i = 0; i < texts->count; i++) {
        if (list_has(slice_of(before), slice_of(texts->items[i])))
            continue;
        buf_puts(&b, ", ");
        buf_puts(&b, texts->items[i]);
    }
    joined[b.len] = '\0';
    return joined;
}

static int copy_cors(struct rule *rule, const struct conf_cors *c)
{
    if (c->origins.count == 0)
        return 0;
    struct cors *cors = calloc(1, sizeof(*cors));
    if (!cors)
        return -ENOMEM;
    rule->cors = cors;
    for (size_t i = 0; i < c->origins.count; i++)
        cors->any |= strcmp(c->origins.items[i], "*") == 0;
    cors->credentials = c->credentials;
    cors->max_age = c->max_age / 1000;
    cors->headers = slice_of(join_texts(CORS_HEADERS, &c->headers));
    cors->expose = slice_of(join_texts(CORS_EXPOSE, &c->expose));
    if (!cors->headers.ptr || !cors->expose.ptr)
        return -ENOMEM;
    return copy_texts(&c->origins, &cors->origins, &cors->origin_count);
}

static int init_rule(struct rule *rule, const struct conf_rule *c)
{
    rule->scheme = c->scheme;
    rule->type = slice_of(c->type);
    rule->redirect = slice_of(c->redirect);
    rule->status = (int)c->status;
    rule->retry_after = (uint32_t)((c->retry_after + 999) / 1000);
    rule->rewrite = slice_of(c->rewrite);
    rule->fallback = slice_of(c->fallback);
    rule->listing = c->listing;
    rule->dotfiles = c->dotfiles;
    rule->links = c->symlinks;
    rule->says.index = c->index.items;
    rule->says.etag = c->etag;
    rule->says.codings = c->precompressed.items;
    rule->says.charset = c->charset;
    rule->says.stored = c->content_encoding;
    int r = copy_texts(&c->match, &rule->patterns, &rule->pattern_count);
    if (r == 0)
        r = copy_texts(&c->except, &rule->excepts, &rule->except_count);
    if (r == 0)
        r = copy_headers(rule, c);
    if (r == 0)
        r = copy_networks(&c->allow, &rule->allow);
    if (r == 0)
        r = copy_networks(&c->deny, &rule->deny);
    if (r == 0)
        r = copy_texts(&c->try, &rule->tries, &rule->try_count);
    if (r == 0)
        r = copy_pages(rule, &c->error_pages);
    return r == 0 ? copy_cors(rule, &c->cors) : r;
}

int ruleset_init(struct ruleset *s, const struct conf_rule *conf, size_t count)
{
    struct ruleset made = {calloc(count + 1, sizeof(*made.rules)), 0, conf};
    if (!made.rules)
        return -ENOMEM;
    while (made.count < count) {
        size_t i = made.count++;
        if (init_rule(&made.rules[i], &conf[i]) < 0) {
            ruleset_cleanup(&made);
            return -ENOMEM;
        }
    }
    *s = made;
    return 0;
}

// Frees memory that was allocated here and is const to all users.
static void free_const(const void *p)
{
    free((void *)(uintptr_t)p);
}

static void free_cors(const struct cors *cors)
{
    if (!cors)
        return;
    free_const(cors->headers.ptr);
    free_const(cors->expose.ptr);
    free_const(cors->origins);
    free_const(cors);
}

void ruleset_cleanup(struct ruleset *s)
{
    for (size_t i = 0; i < s->count; i++) {
        const struct rule *rule = &s->rules[i];
        free_const(rule->patterns);
        free_const(rule->excepts);
        free_const(rule->headers);
        free_const(rule->allow.items);
        free_const(rule->deny.items);
        free_const(rule->tries);
        free_const(rule->pages);
        free_cors(rule->cors);
    }
    free(s->rules);
    *s = (struct ruleset){0};
}

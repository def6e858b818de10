#include "conf/conf_advice.h"

#include "base/util.h"
#include "base/buf.h"
#include "base/network.h"
#include "conf/conf_store.h"
#include "http/fieldline.h"
#include "http/glob.h"
#include "http/policy.h"
#include "http/preset.h"

#include <stdarg.h>
#include <stdio.h>

// Options of which the last one that matches counts; those of a row take each other's place.
static const char *const actions[][2] = {
    {"sites.rules.redirect", "sites.rules.status"},
    {"sites.rules.try", "sites.rules.rewrite"},
    {"sites.rules.fallback"},
    {"sites.rules.type"},
    {"sites.rules.cache"},
    {"sites.rules.cors.origins"},
    {"sites.rules.listing"},
    {"sites.rules.dotfiles"},
    {"sites.rules.symlinks"},
    {"sites.rules.index"},
    {"sites.rules.etag"},
    {"sites.rules.precompressed"},
    {"sites.rules.charset"},
    {"sites.rules.content_encoding"},
};

struct advice {
    const struct conf *conf;
    conf_report_cb *report;
    void *context;
    // The rows of the option table, which are searched for once.
    const struct conf_option *actions[ARRAY_SIZE(actions)][2];
    const struct conf_option *policy, *proxy_protocol, *allow;
};

static void advise(const struct advice *a, struct conf_origin at, const char *format, ...)
    PRINTF_LIKE(3, 4);

static void advise(const struct advice *a, struct conf_origin at, const char *format, ...)
{
    char where[CONF_ORIGIN_MAX], message[2 * CONF_ORIGIN_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    a->report(a->context, conf_origin_format(at, where), message);
}

static void find_rows(struct advice *a)
{
    for (size_t i = 0; i < ARRAY_SIZE(actions); i++)
        for (size_t j = 0; j < 2 && actions[i][j]; j++)
            a->actions[i][j] = conf_options_find(slice_of(actions[i][j]));
    a->proxy_protocol = conf_options_find(SLICE("listen.proxy_protocol"));
    a->allow = conf_options_find(SLICE("sites.rules.allow"));
    a->policy = conf_options_find(SLICE("sites.rules.headers.set"));
}

// ---- rules that a later one always overrules ---------------------------------------------------

// Whether one of `general` matches whatever any of `special` does.
static bool cover(const struct conf_strings *general, const struct conf_strings *special)
{
    for (size_t i = 0; i < special->count; i++) {
        size_t j = 0;
        while (j < general->count &&
               !glob_covers(slice_of(general->items[j]), slice_of(special->items[i])))
            j++;
        if (j == general->count)
            return false;
    }
    return true;
}

// The earlier one has to leave out whatever the later one does.
static bool is_covered(const struct conf_rule *earlier, const struct conf_rule *later)
{
    return (!later->scheme || later->scheme == earlier->scheme) &&
           cover(&later->match, &earlier->match) && cover(&earlier->except, &later->except);
}

// The option with which a rule takes the action; NULL: it does not.
static const struct conf_option *
option_taken(const struct advice *a, const struct conf_option *const action[static 2], size_t rule)
{
    for (size_t i = 0; i < 2 && action[i]; i++)
        if (conf_store_origin(a->conf, action[i], rule)->file)
            return action[i];
    return NULL;
}

static void advise_on_action(const struct advice *a,
                             const struct conf_option *const action[static 2], size_t rule,
                             size_t end)
{
    char where[CONF_ORIGIN_MAX];
    const struct conf_option *option = option_taken(a, action, rule);
    const struct conf_rule *rules = a->conf->rules;
    for (size_t later = rule + 1; option && later < end; later++) {
        if (!option_taken(a, action, later) || !is_covered(&rules[rule], &rules[later]))
            continue;
        advise(a, *conf_store_origin(a->conf, option, rule),
               "\"%s\" never counts: the rule at %s matches all that this one does, and of "
               "several the last counts; put the general one first",
               option->path, conf_origin_format(rules[later].origin, where));
        return;
    }
}

// ---- policies that are replaced as a whole -----------------------------------------------------

static struct slice own_policy(const struct conf_headers *h)
{
    struct slice name, value, policy = slice_make(NULL, 0);
    for (size_t i = 0; i < h->set.count; i++) {
        fieldline_split(slice_of(h->set.items[i]), &name, &value);
        if (slice_equal_nocase(name, POLICY_FIELD))
            policy = value;
    }
    return policy;
}

static struct slice preset_policy(const struct conf_headers *h)
{
    size_t count;
    const struct preset_field *fields = preset_fields(&count);
    for (size_t i = 0; i < count; i++)
        for (size_t p = 0; p < h->preset.count; p++)
            if (slice_equal_nocase(slice_of(fields[i].name), POLICY_FIELD) &&
                strcmp(fields[i].preset, h->preset.items[p]) == 0)
                return slice_of(fields[i].value);
    return slice_make(NULL, 0);
}

// A policy in a rule for some of the paths for which this one or an earlier one has a preset.
static void advise_on_policy(const struct advice *a, size_t first, size_t rule)
{
    const struct conf_rule *rules = a->conf->rules, *r = &rules[rule];
    struct slice policy = own_policy(&r->headers);
    for (size_t i = first; policy.len && i <= rule; i++) {
        char text[512];
        struct buf lost = buf_make(text, sizeof(text) - 1);
        if (!cover(&rules[i].match, &r->match) && !cover(&r->match, &rules[i].match))
            continue;
        policy_put_lost(&lost, preset_policy(&rules[i].headers), policy);
        if (lost.len == 0)
            continue;
        advise(a, *conf_store_origin(a->conf, a->policy, rule),
               "the Content-Security-Policy of this rule takes the place of the preset's as a "
               "whole, and loses %.*s; add what you want to keep",
               SLICE_ARG(buf_slice(&lost)));
        return;
    }
}

// ---- proxies -----------------------------------------------------------------------------------

static void advise_on_listener(const struct advice *a, size_t listener)
{
    static const char *const texts[] = {
        [PROXY_PROTOCOL_ACCEPT] = "takes a PROXY header from trusted_proxies only, and there are "
                                  "none: name the networks of your proxies",
        [PROXY_PROTOCOL_REQUIRE] = "believes whoever connects, for trusted_proxies names nobody: "
                                   "name the networks of your proxies, unless nobody else gets "
                                   "here",
    };
    enum proxy_protocol mode = a->conf->listen[listener].proxy_protocol;
    if (mode != PROXY_PROTOCOL_OFF && a->conf->trusted_proxies.count == 0)
        advise(a, *conf_store_origin(a->conf, a->proxy_protocol, listener),
               "\"listen.proxy_protocol\" %s", texts[mode]);
}

// The client's own word would stand there alone.
static void advise_on_unix(const struct advice *a)
{
    const struct conf *c = a->conf;
    for (size_t i = 0; i < c->trusted_proxies.count; i++)
        if (c->forwarded == FORWARDED_X_FORWARDED_FOR &&
            strcmp(c->trusted_proxies.items[i], "unix") == 0)
            advise(a, conf_origin_of(c, "trusted_proxies"),
                   "\"trusted_proxies\" names \"unix\": if that is HAProxy, it adds no "
                   "X-Forwarded-For for clients of its own UNIX sockets and passes on theirs; have "
                   "it delete the field first (http-request del-header x-forwarded-for)");
}

static struct network network_of_text(const char *text)
{
    struct network network = {.kind = NETWORK_ALL};
    network_parse(slice_of(text), &network); // it was checked
    return network;
}

// A client of which a proxy says nothing has the proxy's address: its checks, clients of its UNIX
// sockets.
static void advise_on_allow(const struct advice *a, size_t rule)
{
    const struct conf_strings *allow = &a->conf->rules[rule].allow;
    const struct conf_strings *trusted = &a->conf->trusted_proxies;
    for (size_t i = 0; i < allow->count * trusted->count; i++) {
        const char *texts[] = {allow->items[i / trusted->count],
                               trusted->items[i % trusted->count]};
        struct network client = network_of_text(texts[0]), proxy = network_of_text(texts[1]);
        if (client.kind == NETWORK_ALL ||
            (!network_has(&client, &proxy) && !network_has(&proxy, &client)))
            continue;
        advise(a, *conf_store_origin(a->conf, a->allow, rule),
               "\"sites.rules.allow\" names \"%s\", and \"trusted_proxies\" \"%s\": clients of "
               "whom such a proxy says nothing are taken for it, and let in",
               texts[0], texts[1]);
        return;
    }
}

void conf_advise(const struct conf *c, conf_report_cb *report, void *context)
{
    struct advice a = {.conf = c, .report = report, .context = context};
    find_rows(&a);
    advise_on_unix(&a);
    for (size_t i = 0; i < c->listen_count; i++)
        advise_on_listener(&a, i);
    for (size_t i = 0; i < c->rule_count; i++) {
        const struct conf_site *site = &c->sites[c->rules[i].site];
        for (size_t j = 0; j < ARRAY_SIZE(actions); j++)
            advise_on_action(&a, a.actions[j], i, site->first_rule + site->rule_count);
        advise_on_policy(&a, site->first_rule, i);
        advise_on_allow(&a, i);
    }
}

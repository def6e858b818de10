#include "content/route_settings.h"

static const struct conf_rule *conf_of(const struct site *site, const struct rule *rule)
{
    return ruleset_conf(&site->rules, rule);
}

enum symlinks route_settings_links(const struct site *site, const struct ruling *ruling)
{
    enum symlinks said = rules_links(ruling);
    return said == SYMLINKS_UNSET ? site->conf->symlinks : said;
}

bool route_settings_shows_hidden(const struct site *site, const struct ruling *ruling)
{
    return modes_is_on(rules_dotfiles(ruling), site->conf->dotfiles);
}

bool route_settings_lists(const struct site *site, const struct ruling *ruling)
{
    return modes_is_on(rules_listing(ruling), site->conf->listing);
}

const struct conf_strings *route_settings_index(const struct site *site,
                                                const struct ruling *ruling)
{
    const struct rule *rule = ruling->index;
    return rule ? &conf_of(site, rule)->index : &site->conf->index;
}

size_t route_settings_codings(const struct site *site, const struct ruling *ruling,
                              enum coding ret[static CODING_COUNT])
{
    const struct rule *rule = ruling->codings;
    if (rule)
        return sites_read_codings(&conf_of(site, rule)->precompressed, ret);
    memcpy(ret, site->codings, sizeof(site->codings));
    return site->coding_count;
}

const char *route_settings_charset(const struct site *site, const struct ruling *ruling)
{
    const struct rule *rule = ruling->charset;
    return rule ? conf_of(site, rule)->charset : NULL;
}

enum coding route_settings_stored(const struct site *site, const struct ruling *ruling)
{
    const struct rule *rule = ruling->stored;
    return rule ? conf_of(site, rule)->content_encoding : CODING_IDENTITY;
}

enum conf_etag route_settings_etag(const struct site *site, const struct ruling *ruling)
{
    const struct rule *rule = ruling->etag;
    return rule ? conf_of(site, rule)->etag : CONF_ETAG_UNSET;
}

bool route_settings_change(const struct site *site, const struct ruling *ruling,
                           struct file_key *key)
{
    const struct file_key before = *key;
    key->charset = route_settings_charset(site, ruling);
    key->etag = route_settings_etag(site, ruling);
    key->stored = route_settings_stored(site, ruling);
    return key->charset != before.charset || key->etag != before.etag ||
           key->stored != before.stored;
}

#include "content/route_settings.h"

size_t route_settings_codings(const struct site *site, const struct ruling *ruling,
                              enum coding ret[static CODING_COUNT])
{
    const struct rule *rule = ruling->codings;
    if (rule)
        return sites_read_codings(&ruleset_conf(&site->rules, rule)->precompressed, ret);
    memcpy(ret, site->codings, sizeof(site->codings));
    return site->coding_count;
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

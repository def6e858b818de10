// The rules of a site, from what the configuration says to what http/rules.h applies.
//
// Made by the master, inherited by workers; read-only afterwards. Borrows the strings of the
// configuration.
#pragma once

#include "conf/conf.h"
#include "http/rules.h"

struct ruleset {
    struct rule *rules;
    size_t count;
    const struct conf_rule *conf; // of the same number
};

// The configuration of a rule of the set.
static inline const struct conf_rule *ruleset_conf(const struct ruleset *s, const struct rule *rule)
{
    return &s->conf[rule - s->rules];
}

// 0 or -ENOMEM. The rules were checked when they were loaded.
int ruleset_init(struct ruleset *s, const struct conf_rule *conf, size_t count);
void ruleset_cleanup(struct ruleset *s);

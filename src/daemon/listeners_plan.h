// Which listening sockets a configuration asks for.
//
// Master only. Looks at the configuration and at sockets of the service manager, and asks the
// resolver for names; binds nothing (daemon/listeners.h opens what is planned).
#pragma once

#include "conf/conf.h"
#include "conf/conf_source.h"
#include "daemon/listeners.h"

// Works out every endpoint of `conf` and reports, with places, what cannot be: overlaps, names that
// do not resolve, "systemd:NAME" without such a socket (with `inherited` NULL nothing is known of
// those, and they are passed over). 0 or -1 after at least one report.
int listeners_plan(struct listeners *l, const struct conf *conf,
                   const struct listeners_inherited *inherited, conf_report_cb *report,
                   void *context);

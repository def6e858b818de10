// Advice of `tined check`: settings that are valid and can hardly be meant.
//
// Nothing of it is an error; the server does what is written. Reads the configuration only.
#pragma once

#include "conf/conf_load.h"

// Reports all that it finds at the place where the option is written.
void conf_advise(const struct conf *c, conf_report_cb *report, void *context);

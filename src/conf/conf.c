#include "conf/conf.h"

#include "conf/conf_store.h"

#include <stdlib.h>

void conf_free(struct conf *c)
{
    if (!c)
        return;
    conf_store_cleanup(c);
    free(c);
}

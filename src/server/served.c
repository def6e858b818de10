#include "server/served.h"

#include <stdlib.h>
#include <unistd.h>

struct served served_make(struct conf *conf)
{
    return (struct served){.conf = conf, .access_log = -1};
}

void served_cleanup(struct served *s)
{
    sites_close(&s->sites);
    mimetable_cleanup(&s->types);
    scoreboard_cleanup(&s->scoreboard);
    if (s->access_log >= 0)
        close(s->access_log);
    free(s->listeners);
    free(s->addresses);
    proxies_cleanup(&s->proxies);
    conf_free(s->conf);
    *s = served_make(NULL);
}

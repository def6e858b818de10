#include "server/proxies.h"

#include "base/endpoint.h"
#include "conf/conf.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

int proxies_init(struct proxies *p, const struct conf *conf, size_t listener_count)
{
    const struct conf_strings *texts = &conf->trusted_proxies;
    struct network *trusted = calloc(texts->count + 1, sizeof(*trusted));
    enum proxy_protocol *modes = calloc(listener_count + 1, sizeof(*modes));
    if (!trusted || !modes) {
        free(trusted);
        free(modes);
        return -ENOMEM;
    }
    for (size_t i = 0; i < texts->count; i++)
        if (network_parse(slice_of(texts->items[i]), &trusted[i]))
            assert(!"a network that was checked");
    *p = (struct proxies){trusted, texts->count, modes, listener_count};
    return 0;
}

void proxies_cleanup(struct proxies *p)
{
    free(p->trusted);
    free(p->modes);
    *p = (struct proxies){0};
}

bool proxies_has(const struct proxies *p, const struct sockaddr_in6 *client)
{
    if (p->trusted_count == 0)
        return false;
    struct network address = endpoint_network(client);
    for (size_t i = 0; i < p->trusted_count; i++)
        if (network_has(&p->trusted[i], &address))
            return true;
    return false;
}

enum proxy_protocol proxies_mode(const struct proxies *p, size_t listener)
{
    return listener < p->listener_count ? p->modes[listener] : PROXY_PROTOCOL_OFF;
}

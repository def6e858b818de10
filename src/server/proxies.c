#include "server/proxies.h"

#include "base/endpoint.h"
#include "conf/conf.h"
#include "http/forwarded.h"

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
    *p = (struct proxies){trusted, texts->count, conf->forwarded, modes, listener_count};
    return 0;
}

void proxies_cleanup(struct proxies *p)
{
    free(p->trusted);
    free(p->modes);
    *p = (struct proxies){0};
}

static bool has_address(const struct proxies *p, const struct network *address)
{
    for (size_t i = 0; i < p->trusted_count; i++)
        if (network_has(&p->trusted[i], address))
            return true;
    return false;
}

bool proxies_has(const struct proxies *p, const struct sockaddr_in6 *client)
{
    if (p->trusted_count == 0)
        return false;
    struct network address = endpoint_network(client);
    return has_address(p, &address);
}

static bool is_trusted_proxy(void *context, const struct network *address)
{
    return has_address(context, address);
}

void proxies_find_client(const struct proxies *p, const struct request *r,
                         struct proxies_client *client)
{
    const struct forwarded_trust trust = {is_trusted_proxy, (void *)(uintptr_t)p};
    struct network peer = endpoint_network(&client->address);
    struct forwarded forwarded;
    if (p->trusted_count == 0)
        return;
    forwarded_walk(r, p->field, &peer, &trust, &forwarded);
    client->address = endpoint_peer(&forwarded.client);
    if (forwarded.scheme)
        client->scheme = forwarded.scheme;
}

enum proxy_protocol proxies_mode(const struct proxies *p, size_t listener)
{
    return listener < p->listener_count ? p->modes[listener] : PROXY_PROTOCOL_OFF;
}

#include "server/conn_proxy.h"

#include "base/log.h"
#include "http/proxyheader.h"
#include "server/conn_close.h"
#include "server/conn_input.h"
#include "server/conn_step.h"
#include "server/conn_types.h"
#include "server/context.h"
#include "server/proxies.h"

_Static_assert(PROXYHEADER_MAX < BUFPOOL_SMALL, "a small block holds a header");

void conn_proxy_expect(const struct context *ctx, struct conn *c)
{
    const struct proxies *p = &ctx->served->proxies;
    enum proxy_protocol mode = proxies_mode(p, c->listener);
    if (mode == PROXY_PROTOCOL_REQUIRE ||
        (mode == PROXY_PROTOCOL_ACCEPT && proxies_has(p, &c->client)))
        c->state = CONN_PROXY;
}

// Without a list all are believed on a listener that requires the header. A connection that waits
// for one although this configuration does not ask was trusted by the one before.
static bool is_believed(const struct context *ctx, const struct conn *c)
{
    const struct proxies *p = &ctx->served->proxies;
    return p->trusted_count == 0 || proxies_mode(p, c->listener) != PROXY_PROTOCOL_REQUIRE ||
           proxies_has(p, &c->client);
}

static void refuse(struct context *ctx, struct conn *c, const char *why)
{
    log_line(LOG_LEVEL_DEBUG, "a connection is closed for its PROXY header: %s", why);
    context_tell_proxy(ctx, PROXY_NOTICE_MISSING, c->listener);
    conn_close(ctx, c, CONN_CLOSE_PROXY);
}

static uint8_t scheme_of_header(const struct proxyheader_ssl *ssl)
{
    if (!ssl->is_told)
        return SCHEME_UNSET;
    return ssl->is_tls ? SCHEME_HTTPS : SCHEME_HTTP;
}

static void take_proxy_header(struct context *ctx, struct conn *c, const struct proxyheader *header)
{
    if (header->has_client) {
        c->client = endpoint_peer(&header->client);
        c->by_proxy = true;
        c->scheme = scheme_of_header(&header->ssl);
    }
    c->state = CONN_HEAD;
    conn_input_consume(ctx, c, header->len);
    conn_step_requests(ctx, c);
}

static void await_more(struct context *ctx, struct conn *c)
{
    if (c->eof)
        conn_close(ctx, c, CONN_CLOSE_EOF);
    else if (conn_input(c).len == 0)
        conn_input_drop(ctx, c);
}

static void do_without(struct context *ctx, struct conn *c)
{
    if (proxies_mode(&ctx->served->proxies, c->listener) == PROXY_PROTOCOL_REQUIRE) {
        refuse(ctx, c, "there is none");
        return;
    }
    c->state = CONN_HEAD;
    conn_step_requests(ctx, c);
}

void conn_proxy_step(struct context *ctx, struct conn *c)
{
    struct proxyheader header;
    const char *wrong;
    if (!is_believed(ctx, c)) {
        refuse(ctx, c, "it does not come from one of trusted_proxies");
        return;
    }
    switch (proxyheader_parse(conn_input(c), &header, &wrong)) {
    case PROXYHEADER_COMPLETE:
        take_proxy_header(ctx, c, &header);
        break;
    case PROXYHEADER_MORE:
        await_more(ctx, c);
        break;
    case PROXYHEADER_NONE:
        do_without(ctx, c);
        break;
    case PROXYHEADER_BAD:
        refuse(ctx, c, wrong);
        break;
    }
}

void conn_proxy_expire(struct context *ctx, struct conn *c)
{
    conn_close(ctx, c, CONN_CLOSE_TIMEOUT);
}

#include "explain/explain_client.h"

#include "base/endpoint.h"
#include "explain/explain_text.h"
#include "http/forwarded.h"

// The walk, and the lines that it leaves.
struct walk {
    const struct explain_client *of;
    struct buf *out;
    size_t asked;
};

static enum field_id named_field(const struct proxies *p)
{
    return p->field == FORWARDED_FORWARDED ? FIELD_FORWARDED : FIELD_X_FORWARDED_FOR;
}

static enum field_id other_field(const struct proxies *p)
{
    return p->field == FORWARDED_FORWARDED ? FIELD_X_FORWARDED_FOR : FIELD_FORWARDED;
}

static const char *put_address(char text[static INET6_ADDRSTRLEN], const struct network *address)
{
    struct sockaddr_in6 client = endpoint_peer(address);
    struct buf b = buf_make(text, INET6_ADDRSTRLEN - 1);
    endpoint_put_host(&b, &client);
    text[b.len] = '\0';
    return text;
}

// A line for each address that is asked for, in the order of the walk.
static bool note_address(void *context, const struct network *address)
{
    struct walk *w = context;
    struct sockaddr_in6 client = endpoint_peer(address);
    bool is_trusted = proxies_has(w->of->proxies, &client);
    char text[INET6_ADDRSTRLEN];
    explain_text_line(w->out, w->asked++ ? "" : "client", "%s is %s of trusted_proxies",
                      put_address(text, address), is_trusted ? "one" : "none");
    return is_trusted;
}

static void put_end(const struct walk *w, const struct forwarded *f)
{
    struct slice name = request_field_name(named_field(w->of->proxies));
    char text[INET6_ADDRSTRLEN];
    put_address(text, &f->client);
    if (f->end == FORWARDED_BY_STRANGER)
        explain_text_line(w->out, "", "so its %.*s counts for nothing", SLICE_ARG(name));
    else if (f->end == FORWARDED_BY_NOBODY)
        explain_text_line(w->out, "", "and there is no %.*s, so it is the client", SLICE_ARG(name));
    else if (f->end == FORWARDED_CLIENT)
        explain_text_line(w->out, "", "so it is the client");
    else if (f->end == FORWARDED_NO_ADDRESS)
        explain_text_line(w->out, "", "which names \"%.*s\", no address: so %s is the client",
                          SLICE_ARG(f->element), text);
    else
        explain_text_line(w->out, "", "%s is the first of %.*s, so it is the client", text,
                          SLICE_ARG(name));
}

void explain_client_put(struct buf *out, const struct explain_client *c)
{
    const struct request *r = c->request;
    struct slice other = request_field_name(other_field(c->proxies));
    struct network peer = endpoint_network(c->peer);
    struct walk w = {.of = c, .out = out};
    const struct forwarded_trust trust = {note_address, &w};
    struct forwarded f;
    bool is_stranger = !proxies_has(c->proxies, c->peer);
    if (c->proxies->trusted_count == 0 || (is_stranger && !r->first[named_field(c->proxies)].ptr))
        return;
    forwarded_walk(r, c->proxies->field, &peer, &trust, &f);
    put_end(&w, &f);
    if (f.scheme)
        explain_text_line(out, "scheme", "%s, by its word",
                          f.scheme == SCHEME_HTTPS ? "https" : "http");
    if (r->first[other_field(c->proxies)].ptr)
        explain_text_line(out, "", "%.*s counts for nothing: see \"forwarded\"", SLICE_ARG(other));
}

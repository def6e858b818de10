#include "http/forwarded.h"

#include "base/buf.h"
#include "base/num.h"
#include "base/util.h"
#include "http/chars.h"

// ---- an address (RFC 7239 section 6, and as it is seen in X-Forwarded-For) ---------------------

// A number, or a word in its place (obfport).
static bool is_node_port(struct slice s)
{
    uint64_t port;
    bool is_word = s.len > 1 && s.ptr[0] == '_' && chars_all(s, CHAR_TOKEN);
    return is_word || (s.len <= 5 && num_parse_dec(s, UINT16_MAX, &port));
}

// "::" and "0.0.0.0" are nobody's: Squid names them for requests of its own.
static bool is_unspecified(const struct network *address)
{
    static const uint8_t zeros[16] = {0}, mapped[16] = {[10] = 0xff, [11] = 0xff};
    return memcmp(address->address, zeros, sizeof(zeros)) == 0 ||
           memcmp(address->address, mapped, sizeof(mapped)) == 0;
}

// Cuts the address off; what is left is empty, or a colon and a port. IPv6 stands in brackets, or
// without a port.
static struct slice cut_node_host(struct slice *rest)
{
    struct slice all = *rest, host = all, after = all;
    if (all.len && all.ptr[0] == '[') {
        ptrdiff_t end = slice_find(all, ']');
        *rest = slice_skip(all, end < 0 ? all.len : (size_t)end + 1);
        host = slice_make(all.ptr + 1, end < 0 ? 0 : (size_t)end - 1);
        return slice_find(host, ':') < 0 ? slice_make(all.ptr, 0) : host;
    }
    slice_split(&after, ':');
    if (after.ptr && slice_find(after, ':') < 0) // a single colon
        host.len = all.len - after.len - 1;
    *rest = slice_skip(all, host.len);
    return host;
}

static bool parse_node(struct slice text, struct network *ret)
{
    struct network address;
    struct slice rest = text, host = cut_node_host(&rest);
    if (rest.len && (rest.ptr[0] != ':' || !is_node_port(slice_skip(rest, 1))))
        return false;
    if (!network_parse_address(host, &address) || is_unspecified(&address))
        return false;
    *ret = address;
    return true;
}

// ---- an element of Forwarded (RFC 7239 section 4) ----------------------------------------------

// Room for every address with brackets and port, and each byte escaped.
#define VALUE_MAX 128

// The bytes before the next semicolon that stands outside of quotes.
static size_t pair_length(struct slice s)
{
    bool is_quoted = false;
    size_t i = 0;
    for (; i < s.len && (is_quoted || s.ptr[i] != ';'); i++) {
        if (s.ptr[i] == '"')
            is_quoted = !is_quoted;
        else if (s.ptr[i] == '\\' && is_quoted && i + 1 < s.len)
            i++;
    }
    return i;
}

// Puts a value without its quotes. Unquoted, a value may have the colons and brackets of IPv6: so
// it is written by hand in configurations. False: it is malformed, or too long.
static bool put_value(struct buf *b, struct slice raw)
{
    bool is_quoted = raw.len > 1 && raw.ptr[0] == '"' && raw.ptr[raw.len - 1] == '"';
    struct slice s = is_quoted ? slice_make(raw.ptr + 1, raw.len - 2) : raw;
    for (size_t i = 0; i < s.len; i++) {
        bool is_escaped = is_quoted && s.ptr[i] == '\\';
        if (is_escaped && ++i == s.len)
            return false;
        if (!is_escaped && (s.ptr[i] == '"' || (!is_quoted && slice_is_blank(s.ptr[i]))))
            return false;
        buf_putc(b, s.ptr[i]);
    }
    return !b->overflow;
}

// The parameters of one element that count, as they stand there; ptr NULL: not told.
struct element {
    struct slice node, proto;
    bool is_bad; // malformed, or one of the two is told twice (RFC 7239 section 4)
};

// False: it was set before.
static bool set_once(struct slice *parameter, struct slice value)
{
    bool is_first = !parameter->ptr;
    *parameter = value;
    return is_first;
}

static struct element take_element(struct slice rest)
{
    struct element e = {.is_bad = false};
    while (rest.len && !e.is_bad) {
        size_t len = pair_length(rest);
        struct slice value = slice_trim(slice_make(rest.ptr, len));
        rest = slice_skip(rest, MIN(len + 1, rest.len));
        if (value.len == 0)
            continue; // between two semicolons there may be nothing
        struct slice name = slice_split(&value, '=');
        if (!value.ptr || !name.len || !chars_all(name, CHAR_TOKEN))
            e.is_bad = true;
        else if (slice_equal_nocase(name, SLICE("for")))
            e.is_bad = !set_once(&e.node, value);
        else if (slice_equal_nocase(name, SLICE("proto")))
            e.is_bad = !set_once(&e.proto, value);
    }
    return e;
}

// ---- the walk ----------------------------------------------------------------------------------

static enum scheme scheme_of(struct slice text)
{
    if (slice_equal_nocase(text, SLICE("https")))
        return SCHEME_HTTPS;
    return slice_equal_nocase(text, SLICE("http")) ? SCHEME_HTTP : SCHEME_UNSET;
}

// Reads an element of Forwarded, with the scheme that it tells. False: it has no address.
static bool parse_forwarded(struct slice text, struct network *ret, enum scheme *ret_scheme)
{
    struct element e = take_element(text);
    char value[VALUE_MAX];
    struct buf proto = buf_make(value, sizeof(value));
    *ret_scheme = SCHEME_UNSET;
    if (e.is_bad)
        return false;
    if (put_value(&proto, e.proto))
        *ret_scheme = scheme_of(buf_slice(&proto));
    struct buf node = buf_make(value, sizeof(value));
    return put_value(&node, e.node) && parse_node(buf_slice(&node), ret);
}

// Reads an element of X-Forwarded-For, which some write in quotes.
static bool parse_plain(struct slice text, struct network *ret)
{
    bool is_quoted = text.len > 1 && text.ptr[0] == '"' && text.ptr[text.len - 1] == '"';
    return parse_node(is_quoted ? slice_make(text.ptr + 1, text.len - 2) : text, ret);
}

// A place between elements, from which those to the left are to be looked at.
struct cursor {
    const struct request *request;
    enum field_id id;
    uint32_t fields;   // field lines to the left of this one
    bool in_line;      // there is an element left in this one:
    struct slice rest; // all of them
};

// The element to the left. False: there is none.
static bool previous_element(struct cursor *c, struct slice *ret)
{
    while (!c->in_line && c->fields > 0) {
        const struct field *f = &c->request->fields[--c->fields];
        c->in_line = f->id == c->id;
        c->rest = f->value;
    }
    if (!c->in_line)
        return false;
    struct slice last = slice_last(c->rest, ',');
    c->in_line = last.len < c->rest.len;
    c->rest.len -= last.len + c->in_line;
    *ret = slice_trim(last);
    return true;
}

static enum field_id field_of(enum forwarded_field field)
{
    return field == FORWARDED_FORWARDED ? FIELD_FORWARDED : FIELD_X_FORWARDED_FOR;
}

static enum scheme plain_scheme(const struct request *r)
{
    struct slice value;
    return request_single_field(r, FIELD_X_FORWARDED_PROTO, &value) ? scheme_of(value)
                                                                    : SCHEME_UNSET;
}

void forwarded_walk(const struct request *r, enum forwarded_field field, const struct network *peer,
                    const struct forwarded_trust *trust, struct forwarded *ret)
{
    bool is_plain = field == FORWARDED_X_FORWARDED_FOR;
    struct cursor cursor = {.request = r, .id = field_of(field), .fields = r->field_count};
    *ret = (struct forwarded){.client = *peer, .end = FORWARDED_BY_STRANGER};
    if (!trust->is_trusted(trust->context, peer))
        return;
    ret->end = FORWARDED_BY_NOBODY;
    if (is_plain)
        ret->scheme = plain_scheme(r);
    while (ret->end != FORWARDED_CLIENT && previous_element(&cursor, &ret->element)) {
        bool is_address = is_plain ? parse_plain(ret->element, &ret->client)
                                   : parse_forwarded(ret->element, &ret->client, &ret->scheme);
        if (!is_address) {
            ret->end = FORWARDED_NO_ADDRESS;
            return;
        }
        ret->end = trust->is_trusted(trust->context, &ret->client) ? FORWARDED_ALL_TRUSTED
                                                                   : FORWARDED_CLIENT;
    }
}

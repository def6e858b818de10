#include "http/proxyheader.h"

#include "base/crc32c.h"
#include "base/num.h"
#include "base/util.h"

// Numbers in headings are sections of the specification.

// ---- version 1 (2.1) ---------------------------------------------------------------------------

#define V1_MAX 107u // with CRLF

static const struct slice v1_begin = {"PROXY ", 6};

// A port as decimal digits without leading zeros.
static bool is_v1_port(struct slice s)
{
    uint64_t port;
    return (s.len == 1 || (s.len && s.ptr[0] != '0')) && num_parse_dec(s, UINT16_MAX, &port);
}

// An address of IPv6, or of IPv4.
static bool parse_v1_address(struct slice s, bool is_v6, struct network *ret)
{
    return (slice_find(s, ':') >= 0) == is_v6 && network_parse_address(s, ret);
}

// "TCP4", source, destination, source port, destination port.
static bool parse_v1_words(struct slice rest, struct proxyheader *ret)
{
    struct slice family = slice_split(&rest, ' ');
    bool is_v6 = slice_equal(family, SLICE("TCP6"));
    if (slice_equal(family, SLICE("UNKNOWN")))
        return true; // all that follows counts for nothing
    if (!is_v6 && !slice_equal(family, SLICE("TCP4")))
        return false;
    struct network source, destination;
    if (!parse_v1_address(slice_split(&rest, ' '), is_v6, &source) ||
        !parse_v1_address(slice_split(&rest, ' '), is_v6, &destination) ||
        !is_v1_port(slice_split(&rest, ' ')) || !rest.ptr || !is_v1_port(rest))
        return false;
    ret->has_client = true;
    ret->client = source;
    return true;
}

static enum proxyheader_state parse_v1(struct slice data, struct proxyheader *ret,
                                       const char **ret_wrong)
{
    struct slice line = slice_make(data.ptr, MIN(data.len, (size_t)V1_MAX));
    ptrdiff_t lf = slice_find(line, '\n');
    if (lf < 0 && line.len < V1_MAX)
        return PROXYHEADER_MORE;
    if (lf < 0 || line.ptr[lf - 1] != '\r') {
        *ret_wrong = "its line has no end";
        return PROXYHEADER_BAD;
    }
    struct proxyheader header = {.len = (size_t)lf + 1};
    line.len = (size_t)lf - 1;
    if (!parse_v1_words(slice_skip(line, v1_begin.len), &header)) {
        *ret_wrong = "its line is none of TCP4, TCP6 or UNKNOWN with addresses and ports";
        return PROXYHEADER_BAD;
    }
    *ret = header;
    return PROXYHEADER_COMPLETE;
}

// ---- version 2 (2.2) ---------------------------------------------------------------------------

static const struct slice v2_begin = {"\r\n\r\n\0\r\nQUIT\n", 12};

// Bytes before the addresses: the beginning, version and command, family and transport, length.
#define V2_FIXED 16u

enum { COMMAND_LOCAL = 0x20, COMMAND_PROXY = 0x21 };
enum { TRANSPORT_STREAM = 1, TRANSPORT_MAX = 2 };
enum { FAMILY_UNSPEC, FAMILY_IPV4, FAMILY_IPV6, FAMILY_UNIX, FAMILIES };

// Bytes of both addresses and ports.
static const uint8_t address_sizes[FAMILIES] = {
    [FAMILY_IPV4] = 12, [FAMILY_IPV6] = 36, [FAMILY_UNIX] = 216};

static unsigned byte_at(struct slice s, size_t i)
{
    return (unsigned char)s.ptr[i];
}

static uint16_t number_at(struct slice s, size_t i)
{
    return (uint16_t)(byte_at(s, i) << 8 | byte_at(s, i + 1));
}

// ---- its items, type, length and value (2.2)
// ---------------------------------------------------------------------

#define TLV_FIXED 3u // type, and the length in two bytes

enum type {
    TYPE_ALPN = 0x01,
    TYPE_AUTHORITY = 0x02,
    TYPE_CRC32C = 0x03,
    TYPE_UNIQUE_ID = 0x05,
    TYPE_SSL = 0x20,
    TYPE_SSL_VERSION = 0x21,
    TYPE_SSL_CN = 0x22,
    TYPE_SSL_CIPHER = 0x23,
    TYPE_NETNS = 0x30,
};

struct item {
    unsigned type;
    struct slice value;
};

// A header that is being taken apart, and the checksum that it tells.
struct parsing {
    struct slice whole;
    struct proxyheader header;
    struct slice checksum; // points into `whole`; empty: there is none
    bool is_bad;
};

// Cuts the first one off *rest, which is not empty. False: it is cut short.
static bool next_tlv(struct slice *rest, struct item *ret)
{
    if (rest->len < TLV_FIXED || rest->len - TLV_FIXED < number_at(*rest, 1))
        return false;
    *ret = (struct item){byte_at(*rest, 0), slice_make(rest->ptr + TLV_FIXED, number_at(*rest, 1))};
    *rest = slice_skip(*rest, TLV_FIXED + ret->value.len);
    return true;
}

typedef void take_tlv_cb(struct parsing *p, const struct item *item);

// Gives each item to `take`; all of them are whole, or the header is bad.
static void take_tlvs(struct parsing *p, struct slice items, take_tlv_cb *take)
{
    struct item item;
    while (items.len && !p->is_bad) {
        if (next_tlv(&items, &item))
            take(p, &item);
        else
            p->is_bad = true;
    }
}

// Items that are bytes, and where they are kept.
static const struct {
    uint8_t type;
    bool in_ssl; // whether it stands in the item SSL
    size_t offset;
} texts[] = {
    {TYPE_ALPN, false, offsetof(struct proxyheader, alpn)},
    {TYPE_AUTHORITY, false, offsetof(struct proxyheader, authority)},
    {TYPE_UNIQUE_ID, false, offsetof(struct proxyheader, unique_id)},
    {TYPE_NETNS, false, offsetof(struct proxyheader, netns)},
    {TYPE_SSL_VERSION, true, offsetof(struct proxyheader, ssl.version)},
    {TYPE_SSL_CN, true, offsetof(struct proxyheader, ssl.common_name)},
    {TYPE_SSL_CIPHER, true, offsetof(struct proxyheader, ssl.cipher)},
};

// Types that are not in the table are passed over: fill bytes, the sender's own, later ones.
static void take_tlv_text(struct proxyheader *header, const struct item *item, bool in_ssl)
{
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
        if (texts[i].type == item->type && texts[i].in_ssl == in_ssl)
            memcpy((char *)header + texts[i].offset, &item->value, sizeof(item->value));
}

static void take_ssl_tlv(struct parsing *p, const struct item *item)
{
    take_tlv_text(&p->header, item, true);
}

// A byte of flags, four of which any that is set means a failure, and items. Senders disagree on
// these four without a certificate.
static void take_ssl(struct parsing *p, struct slice value)
{
    enum { FLAGS_TLS = 1, FLAGS_CERTIFICATE = 2 | 4, SSL_FIXED = 5 };
    struct proxyheader_ssl *ssl = &p->header.ssl;
    if (value.len < SSL_FIXED || ssl->is_told) {
        p->is_bad = true;
        return;
    }
    unsigned flags = byte_at(value, 0);
    ssl->is_told = true;
    ssl->is_tls = flags & FLAGS_TLS;
    ssl->has_certificate = flags & FLAGS_CERTIFICATE;
    ssl->is_verified = ssl->has_certificate && !number_at(value, 1) && !number_at(value, 3);
    take_tlvs(p, slice_skip(value, SSL_FIXED), take_ssl_tlv);
}

static void take_checksum(struct parsing *p, struct slice value)
{
    p->is_bad |= value.len != sizeof(uint32_t) || p->checksum.len;
    p->checksum = value;
}

static void take_tlv(struct parsing *p, const struct item *item)
{
    take_tlv_text(&p->header, item, false);
    p->header.has_unique_id |= item->type == TYPE_UNIQUE_ID;
    if (item->type == TYPE_CRC32C)
        take_checksum(p, item->value);
    else if (item->type == TYPE_SSL)
        take_ssl(p, item->value);
}

// The checksum is of the whole header, with 0 in its own place.
static bool is_checksum_right(const struct parsing *p)
{
    size_t before = (size_t)(p->checksum.ptr - p->whole.ptr);
    uint32_t told = (uint32_t)number_at(p->checksum, 0) << 16 | number_at(p->checksum, 2);
    uint32_t crc = crc32c(0, slice_make(p->whole.ptr, before));
    crc = crc32c(crc, SLICE("\0\0\0\0"));
    return crc32c(crc, slice_skip(p->whole, before + sizeof(told))) == told;
}

// ---- its addresses -----------------------------------------------------------------------------

static void take_v2_source(struct proxyheader *header, unsigned family, const char *addresses)
{
    const uint8_t *source = (const uint8_t *)addresses;
    header->has_client = family != FAMILY_UNSPEC;
    if (family == FAMILY_IPV4)
        header->client = network_of_ipv4(source);
    else if (family == FAMILY_IPV6)
        header->client = network_of_ipv6(source);
    else
        header->client = (struct network){.kind = NETWORK_UNIX};
}

// Version and command, family and transport are of those that the specification names. LOCAL has
// any of the latter: they count for nothing.
static const char *check_v2_fixed(struct slice data)
{
    unsigned command = byte_at(data, 12), protocol = byte_at(data, 13);
    if (command != COMMAND_LOCAL && command != COMMAND_PROXY)
        return "its version or command is not known";
    if (V2_FIXED + number_at(data, 14) > PROXYHEADER_MAX)
        return "it is longer than 4000 bytes";
    if (command == COMMAND_LOCAL)
        return NULL;
    if (protocol >> 4 >= FAMILIES || (protocol & 15) > TRANSPORT_MAX)
        return "its address family or transport is not known";
    if (number_at(data, 14) < address_sizes[protocol >> 4])
        return "it is too short for its addresses";
    return NULL;
}

// The items behind the addresses. Those of LOCAL count for nothing, but for the checksum.
static const char *parse_v2_items(struct parsing *p, bool is_local)
{
    unsigned family = byte_at(p->whole, 13) >> 4;
    size_t skip = V2_FIXED + (family < FAMILIES ? address_sizes[family] : 0u);
    take_tlvs(p, slice_skip(p->whole, MIN(skip, p->whole.len)), take_tlv);
    if (p->is_bad)
        return is_local ? NULL
                        : "an item of it (TLV) has a wrong length, or stands there a second time";
    if (p->checksum.len && !is_checksum_right(p))
        return "its checksum (CRC32C) is wrong";
    p->header.is_checked = p->checksum.len;
    return NULL;
}

// A header all of whose bytes are there. Returns the reason for which it is bad, or NULL.
static const char *parse_v2_whole(struct slice whole, struct proxyheader *ret)
{
    bool is_local = byte_at(whole, 12) == COMMAND_LOCAL;
    unsigned protocol = byte_at(whole, 13);
    struct parsing p = {.whole = whole, .header.len = whole.len};
    if (!is_local && (protocol & 15) == TRANSPORT_STREAM)
        take_v2_source(&p.header, protocol >> 4, whole.ptr + V2_FIXED);
    const char *wrong = parse_v2_items(&p, is_local);
    if (!wrong)
        *ret = p.header;
    return wrong;
}

static enum proxyheader_state parse_v2(struct slice data, struct proxyheader *ret,
                                       const char **ret_wrong)
{
    if (data.len < V2_FIXED)
        return PROXYHEADER_MORE;
    size_t len = V2_FIXED + number_at(data, 14);
    const char *wrong = check_v2_fixed(data);
    if (!wrong && data.len < len)
        return PROXYHEADER_MORE;
    if (!wrong)
        wrong = parse_v2_whole(slice_make(data.ptr, len), ret);
    if (!wrong)
        return PROXYHEADER_COMPLETE;
    *ret_wrong = wrong;
    return PROXYHEADER_BAD;
}

// ---- both --------------------------------------------------------------------------------------

// Whether all that has come of the beginning is the same.
static bool begins(struct slice data, struct slice begin)
{
    size_t len = MIN(data.len, begin.len);
    return slice_equal(slice_make(data.ptr, len), slice_make(begin.ptr, len));
}

enum proxyheader_state proxyheader_parse(struct slice data, struct proxyheader *ret,
                                         const char **ret_wrong)
{
    bool is_v1 = begins(data, v1_begin), is_v2 = begins(data, v2_begin);
    if (!is_v1 && !is_v2)
        return PROXYHEADER_NONE;
    if (is_v2)
        return data.len < v2_begin.len ? PROXYHEADER_MORE : parse_v2(data, ret, ret_wrong);
    return data.len < v1_begin.len ? PROXYHEADER_MORE : parse_v1(data, ret, ret_wrong);
}

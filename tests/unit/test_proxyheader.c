#include "support/unit.h"

#include "base/crc32c.h"
#include "http/proxyheader.h"

#include <stdlib.h>

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"

// The addresses of 127.0.0.1:0x1234 to 127.0.0.1:80.
#define IPV4  "\x7f\0\0\1\x7f\0\0\1\x12\x34\0\x50"
#define ZERO4 "\0\0\0\0"
#define ZEROS "\0\0\0\0\0\0\0\0\0\0\0\0"
#define UNIX  ZEROS ZEROS ZEROS ZEROS ZEROS ZEROS ZEROS ZEROS ZEROS

struct header {
    struct slice text;
    const char *client; // NULL: the connection's own; "BAD ...": what is wrong with it
};

#define V1(text, client)               \
    {                                  \
        SLICE("PROXY " text), (client) \
    }
#define V2(command, protocol, length, rest, client)             \
    {                                                           \
        SLICE(SIGNATURE command protocol length rest), (client) \
    }

static const struct header headers[] = {
    V1("TCP4 127.0.0.1 127.0.0.1 4660 80\r\n", "127.0.0.1"),
    V1("TCP4 192.0.2.7 198.51.100.1 0 65535\r\n", "192.0.2.7"),
    V1("TCP6 2001:db8::7 2001:db8::1 1 2\r\n", "2001:db8::7"),
    V1("TCP6 ::ffff:127.0.0.1 ::ffff:127.0.0.1 1 2\r\n", "127.0.0.1"),
    V1("TCP6 2001:db8::7 ::ffff:127.0.0.1 1 2\r\n", "2001:db8::7"),
    V1("TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 "
       "65535\r\n",
       "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    V1("UNKNOWN\r\n", NULL),
    V1("UNKNOWN 192.0.2.7 192.0.2.1 1 2\r\n", NULL),
    V1("UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
       "65535 65535\r\n",
       NULL),
    V1("UNKNOWN what\never\r\n", "BAD no end"),
    V1("UNKNOWNX\r\n", "BAD line"),
    V1("UNKNOWN\n", "BAD no end"),
    V1("\r\n", "BAD line"),
    V1(" TCP4 127.0.0.1 127.0.0.1 1 2\r\n", "BAD line"),
    V1("TCP5 127.0.0.1 127.0.0.1 1 2\r\n", "BAD line"),
    V1("tcp4 127.0.0.1 127.0.0.1 1 2\r\n", "BAD line"),
    V1("UDP4 127.0.0.1 127.0.0.1 1 2\r\n", "BAD line"),
    V1("TCP4\r\n", "BAD line"),
    V1("TCP4 \r\n", "BAD line"),
    V1("TCP4 127.0.0.1\r\n", "BAD line"),
    V1("TCP4 127.0.0.1 127.0.0.1\r\n", "BAD line"),
    V1("TCP4 127.0.0.1 127.0.0.1 1\r\n", "BAD line"),
    V1("TCP4 127.0.0.1 127.0.0.1 1 \r\n", "BAD line"),
    V1("TCP4 127.0.0.1 127.0.0.1 1 2 \r\n", "BAD line"),
    V1("TCP4 127.0.0.1 127.0.0.1 1 2 3\r\n", "BAD line"),
    V1("TCP4 127.0.0.1  127.0.0.1 1 2\r\n", "BAD line"),
    V1("TCP4 127.0.0.1\t127.0.0.1 1 2\r\n", "BAD line"),
    V1("TCP4 127.0.0.1 127.0.0.1 1 65536\r\n", "BAD line"),
    V1("TCP4 127.0.0.1 127.0.0.1 -1 2\r\n", "BAD line"),
    V1("TCP4 127.0.0.1 127.0.0.1 01 2\r\n", "BAD line"),
    V1("TCP4 127.0.0.1 127.0.0.1 1 +2\r\n", "BAD line"),
    V1("TCP4 127.0.0.1 localhost 1 2\r\n", "BAD line"),
    V1("TCP4 127.0.0.01 127.0.0.1 1 2\r\n", "BAD line"),
    V1("TCP4 127.0.0.1\0 127.0.0.1 1 2\r\n", "BAD line"),
    V1("TCP4 ::1 ::1 1 2\r\n", "BAD line"),
    V1("TCP4 ::ffff:127.0.0.1 127.0.0.1 1 2\r\n", "BAD line"),
    V1("TCP6 127.0.0.1 ::1 1 2\r\n", "BAD line"),
    V1("TCP6 fe80::1%eth0 ::1 1 2\r\n", "BAD line"),
    V1("TCP6 [::1] ::1 1 2\r\n", "BAD line"),
    V1("TCP4 127.0.0.1 127.0.0.1 1 2\r\r\n", "BAD line"),
    V1("TCP4 127.0.0.1 127.0.0.1 1 2\n", "BAD no end"),
    // a byte more than a line may have
    V1("UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
       "65535 65535 \r\n",
       "BAD no end"),

    V2("\x21", "\x11", "\0\x0c", IPV4, "127.0.0.1"),
    V2("\x21", "\x21", "\0\x24",
       "\x20\x01\x0d\xb8" ZERO4 ZERO4 "\0\0\0\7"
       "\x20\x01\x0d\xb8" ZERO4 ZERO4 "\0\0\0\1"
       "\0\0\0\x50",
       "2001:db8::7"),
    V2("\x21", "\x21", "\0\x24",
       ZERO4 ZERO4 "\0\0\xff\xff\x7f\0\0\1" ZERO4 ZERO4 "\0\0\xff\xff\x7f\0\0\1"
                   "\0\0\0\x50",
       "127.0.0.1"),
    V2("\x21", "\x31", "\0\xd8", UNIX UNIX, "unix"),
    V2("\x21", "\x31", "\0\xd7", UNIX UNIX, "BAD short"),
    V2("\x21", "\x00", "\0\0", "", NULL),
    V2("\x21", "\x01", "\0\0", "", NULL),
    V2("\x21", "\x12", "\0\x0c", IPV4, NULL), // UDP
    V2("\x21", "\x10", "\0\x0c", IPV4, NULL),
    V2("\x21", "\x22", "\0\x24", ZEROS ZEROS ZEROS, NULL),
    V2("\x20", "\0", "\0\0", "", NULL),
    V2("\x20", "\0", "\0\x03", "\4\0\0", NULL),
    V2("\x20", "\0", "\0\3", "\4\0\1", NULL), // LOCAL: skipped by its length
    V2("\x20", "\x11", "\0\0", "", NULL),
    V2("\x20", "\xff", "\0\1", "x", NULL),
    V2("\x20", "\x11", "\0\x0c", IPV4, NULL),
    V2("\x22", "\x11", "\0\x0c", IPV4, "BAD command"),
    V2("\x11", "\x11", "\0\x0c", IPV4, "BAD command"),
    V2("\x31", "\x11", "\0\x0c", IPV4, "BAD command"),
    V2("\0", "\x11", "\0\x0c", IPV4, "BAD command"),
    V2("\x21", "\x41", "\0\x0c", IPV4, "BAD family"),
    V2("\x21", "\x13", "\0\x0c", IPV4, "BAD family"),
    V2("\x21", "\x11", "\0\x0b", IPV4, "BAD short"),
    V2("\x21", "\x11", "\0\0", "", "BAD short"),
    V2("\x21", "\x21", "\0\x0c", IPV4, "BAD short"),
    V2("\x21", "\x11", "\x0f\xf1", IPV4, "BAD longer"),
    V2("\x20", "\0", "\xff\xff", "", "BAD longer"),
    // Items: whole, cut short in their beginning and their value.
    V2("\x21", "\x11", "\0\x0f", IPV4 "\4\0\0", "127.0.0.1"),
    V2("\x21", "\x11", "\0\x13", IPV4 "\xe0\0\1x\4\0\0", "127.0.0.1"),
    V2("\x21", "\x11", "\0\x0d", IPV4 "\4", "BAD item"),
    V2("\x21", "\x11", "\0\x0e", IPV4 "\4\0", "BAD item"),
    V2("\x21", "\x11", "\0\x0f", IPV4 "\4\0\1", "BAD item"),
    V2("\x21", "\x11", "\0\x0f", IPV4 "\4\xff\xff", "BAD item"),
    V2("\x21", "\0", "\0\1", "\4", "BAD item"),
    V2("\x21", "\x11", "\0\x13", IPV4 "\x20\0\4\0\0\0\0", "BAD item"),
    V2("\x21", "\x11", "\0\x15", IPV4 "\x20\0\6\1\0\0\0\0\x21", "BAD item"),
    V2("\x21", "\x11", "\0\x17", IPV4 "\x20\0\x08\1\0\0\0\0\x21\0\1", "BAD item"),
    V2("\x21", "\x11", "\0\x1c", IPV4 "\x20\0\5\1\0\0\0\0\x20\0\5\1\0\0\0\0", "BAD item"),
    V2("\x21", "\x11", "\0\x13", IPV4 "\3\0\4\0\0\0\0", "BAD checksum"),
    V2("\x21", "\x11", "\0\x12", IPV4 "\3\0\3\0\0\0", "BAD item"),
    V2("\x20", "\0", "\0\7", "\3\0\4\1\2\3\4", "BAD checksum"),
};

static void expect_header(const struct header *h, const struct proxyheader *got)
{
    assert_int_equal(got->len, h->text.len);
    assert_int_equal(got->has_client, h->client != NULL);
    if (!h->client)
        return;
    if (strcmp(h->client, "unix") == 0) {
        assert_int_equal(got->client.kind, NETWORK_UNIX);
        return;
    }
    struct network want;
    assert_null(network_parse(slice_of(h->client), &want));
    assert_true(network_has(&want, &got->client));
    assert_int_equal(got->client.bits, 128);
}

TEST(test_headers)
{
    for (size_t i = 0; i < ARRAY_SIZE(headers); i++) {
        const struct header *h = &headers[i];
        bool want_bad = h->client && strncmp(h->client, "BAD ", 4) == 0;
        struct proxyheader got = {.len = 77};
        const char *wrong = NULL;
        // The client's bytes follow.
        char *text = malloc(h->text.len + 3);
        memcpy(text, h->text.ptr, h->text.len);
        memcpy(text + h->text.len, "GET", 3);
        enum proxyheader_state now = proxyheader_parse(slice_make(text, h->text.len + 3), &got,
                                                       &wrong);
        if (now != (want_bad ? PROXYHEADER_BAD : PROXYHEADER_COMPLETE))
            fail_msg("%zu, %.*s: %d, %s", i, SLICE_ARG(h->text), now, wrong ? wrong : "good");
        if (want_bad) {
            assert_contains(wrong, h->client + 4);
            assert_int_equal(got.len, 77);
        } else {
            assert_null(wrong);
            expect_header(h, &got);
        }
        free(text);
    }
}

// Until all of a good one is there, more is to come; a bad one stays so.
TEST(test_in_pieces)
{
    for (size_t i = 0; i < ARRAY_SIZE(headers); i++) {
        const struct slice text = headers[i].text;
        bool want_bad = headers[i].client && strncmp(headers[i].client, "BAD ", 4) == 0;
        bool was_bad = false;
        for (size_t len = 0; len < text.len; len++) {
            struct proxyheader got;
            const char *wrong = NULL;
            char *part = malloc(len ? len : 1);
            if (len)
                memcpy(part, text.ptr, len);
            enum proxyheader_state now = proxyheader_parse(slice_make(part, len), &got, &wrong);
            if (now == PROXYHEADER_BAD)
                was_bad = true;
            else if (now == PROXYHEADER_MORE)
                assert_false(was_bad);
            else
                fail_msg("%zu, %zu bytes: %d", i, len, now);
            free(part);
        }
        assert_true(!was_bad || want_bad);
    }
}

TEST(test_none)
{
    static const struct slice others[] = {
        {"GET / HTTP/1.1\r\n", 16},
        {"PROPFIND", 8},
        {"P\r\n", 3},
        {"PROXY/", 6},
        {"PROXY\t", 6},
        {"\r\n\r\nG", 5},
        {"\r\nPROXY ", 8},
        {"\n", 1},
        {"proxy ", 6},
        {"\x16\x03\x01", 3},
        {"\0", 1},
        {" PROXY ", 7},
        {"\r\n\r\n\0\r\nQUIT\r", 12},
    };
    for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
        struct proxyheader got;
        const char *wrong;
        assert_int_equal(proxyheader_parse(others[i], &got, &wrong), PROXYHEADER_NONE);
    }
}

// ---- items -------------------------------------------------------------------------------------

struct text {
    char bytes[PROXYHEADER_MAX];
    size_t len;
};

static void put(struct text *t, struct slice s)
{
    assert_true(t->len + s.len <= sizeof(t->bytes));
    memcpy(t->bytes + t->len, s.ptr, s.len);
    t->len += s.len;
    size_t length = t->len - 16;
    t->bytes[14] = (char)(length >> 8);
    t->bytes[15] = (char)length;
}

// A header with these items, and with a checksum in place of the four bytes "CRC?".
static struct slice with_items(struct text *t, struct slice begin, struct slice items)
{
    t->len = 0;
    memcpy(t->bytes, SIGNATURE, 12);
    memcpy(t->bytes + 12, begin.ptr, 2);
    t->len = 16;
    put(t, slice_skip(begin, 2));
    put(t, items);
    char *at = memmem(t->bytes, t->len, "CRC?", 4);
    if (at) {
        memset(at, 0, 4);
        uint32_t crc = crc32c(0, slice_make(t->bytes, t->len));
        for (int i = 0; i < 4; i++)
            at[i] = (char)(crc >> (24 - 8 * i));
    }
    return slice_make(t->bytes, t->len);
}

static const struct slice client4 = {"\x21\x11" IPV4, 14};
static const struct slice local = {"\x20\0", 2};

static enum proxyheader_state parse_items(struct slice begin, struct slice items,
                                          struct proxyheader *ret)
{
    static struct text t;
    const char *wrong;
    return proxyheader_parse(with_items(&t, begin, items), ret, &wrong);
}

TEST(test_items)
{
    struct proxyheader h;
    // as HAProxy orders them: own types, checksum, ALPN
    assert_int_equal(parse_items(client4,
                                 SLICE("\xe0\0\2ab"
                                       "\3\0\4CRC?"
                                       "\1\0\2h2"
                                       "\2\0\x0b"
                                       "example.org"
                                       "\5\0\3id1"
                                       "\x30\0\3net"
                                       "\x77\0\0"),
                                 &h),
                     PROXYHEADER_COMPLETE);
    assert_true(h.is_checked);
    assert_slice(h.alpn, "h2");
    assert_slice(h.authority, "example.org");
    assert_true(h.has_unique_id);
    assert_slice(h.unique_id, "id1");
    assert_slice(h.netns, "net");
    assert_false(h.ssl.is_told);
    // a checksum is there, or not
    assert_int_equal(parse_items(client4, SLICE("\5\0\0"), &h), PROXYHEADER_COMPLETE);
    assert_false(h.is_checked);
    assert_true(h.has_unique_id);
    assert_int_equal(h.unique_id.len, 0);
    // twice
    assert_int_equal(parse_items(client4, SLICE("\3\0\4CRC?\3\0\4\0\0\0\0"), &h), PROXYHEADER_BAD);
}

// As a check of HAProxy's with options says it: a checksum, and an item SSL without TLS.
TEST(test_local_items)
{
    struct proxyheader h;
    assert_int_equal(parse_items(local, SLICE("\3\0\4CRC?\x20\0\5\0\0\0\0\0"), &h),
                     PROXYHEADER_COMPLETE);
    assert_int_equal(h.len, 16 + 0x0f);
    assert_false(h.has_client);
    assert_true(h.is_checked);
    assert_true(h.ssl.is_told);
    assert_false(h.ssl.is_tls);
    assert_int_equal(parse_items(local, SLICE("\3\0\4CRC?\x20\0\5\0\0\0\0\0\5\0\0"), &h),
                     PROXYHEADER_COMPLETE);
    assert_int_equal(h.len, 16 + 0x12);
    assert_true(h.has_unique_id);
}

TEST(test_ssl)
{
    struct proxyheader h;
    assert_int_equal(parse_items(client4,
                                 SLICE("\x20\0\x28\7\0\0\0\0"
                                       "\x21\0\7TLSv1.3"
                                       "\x23\0\x10TLS_AES_128_GCM_"
                                       "\x22\0\3joe"),
                                 &h),
                     PROXYHEADER_COMPLETE);
    assert_true(h.ssl.is_told && h.ssl.is_tls && h.ssl.has_certificate && h.ssl.is_verified);
    assert_slice(h.ssl.version, "TLSv1.3");
    assert_slice(h.ssl.cipher, "TLS_AES_128_GCM_");
    assert_slice(h.ssl.common_name, "joe");
    // hitch says 1 for the verification where there is no certificate, HAProxy 0
    assert_int_equal(parse_items(client4, SLICE("\x20\0\5\1\0\0\0\1"), &h), PROXYHEADER_COMPLETE);
    assert_true(h.ssl.is_tls && !h.ssl.has_certificate && !h.ssl.is_verified);
    assert_int_equal(parse_items(client4, SLICE("\x20\0\5\1\0\0\0\0"), &h), PROXYHEADER_COMPLETE);
    assert_true(h.ssl.is_tls && !h.ssl.has_certificate && !h.ssl.is_verified);
    // one that was not found good
    assert_int_equal(parse_items(client4, SLICE("\x20\0\5\3\0\1\0\0"), &h), PROXYHEADER_COMPLETE);
    assert_true(h.ssl.has_certificate && !h.ssl.is_verified);
    // outside of SSL these types mean nothing, and inside the others do not
    assert_int_equal(parse_items(client4, SLICE("\x22\0\3joe\x20\0\x09\1\0\0\0\0\1\0\1x"), &h),
                     PROXYHEADER_COMPLETE);
    assert_int_equal(h.ssl.common_name.len, 0);
    assert_int_equal(h.alpn.len, 0);
}

// Each bit that is turned round is seen, and the checksum itself counts as zeros.
TEST(test_checksum)
{
    static struct text t;
    struct slice whole = with_items(&t, client4, SLICE("\xea\0\2xy\3\0\4CRC?\1\0\2h2"));
    for (size_t i = 8 * 16; i < 8 * whole.len; i++) {
        struct proxyheader h;
        const char *wrong;
        t.bytes[i / 8] ^= (char)(1 << i % 8);
        enum proxyheader_state now = proxyheader_parse(whole, &h, &wrong);
        // The type of the checksum is the one place where a bit hides it.
        assert_true(now == PROXYHEADER_BAD || (!h.is_checked && t.bytes[16 + 12 + 5] != 3));
        t.bytes[i / 8] ^= (char)(1 << i % 8);
    }
}

TEST(test_longest)
{
    static struct text t;
    static char id[PROXYHEADER_MAX];
    struct proxyheader h;
    const char *wrong;
    size_t len = PROXYHEADER_MAX - 16 - 12 - 3;
    memset(id, 'x', sizeof(id));
    id[0] = 5;
    id[1] = (char)(len >> 8);
    id[2] = (char)len;
    struct slice whole = with_items(&t, client4, slice_make(id, len + 3));
    assert_int_equal(whole.len, PROXYHEADER_MAX);
    assert_int_equal(proxyheader_parse(whole, &h, &wrong), PROXYHEADER_COMPLETE);
    assert_int_equal(h.unique_id.len, len);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_headers),     cmocka_unit_test(test_in_pieces),
        cmocka_unit_test(test_none),        cmocka_unit_test(test_items),
        cmocka_unit_test(test_local_items), cmocka_unit_test(test_ssl),
        cmocka_unit_test(test_checksum),    cmocka_unit_test(test_longest),
    };
    return cmocka_run_group_tests_name("proxyheader", tests, NULL, NULL);
}

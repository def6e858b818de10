#include "support/confload.h"
#include "support/unit.h"

#include "base/endpoint.h"
#include "server/proxies.h"

#include <arpa/inet.h>
#include <stdio.h>

static struct conf *load(const char *text)
{
    const struct conf_source source = {.file = "f", .text = text};
    struct conf *conf = conf_load(&source, fail_on_report, NULL);
    assert_non_null(conf);
    return conf;
}

static struct sockaddr_in6 client_at(const char *text)
{
    struct sockaddr_in6 client = {.sin6_family = AF_INET6};
    struct sockaddr_in in = {.sin_family = AF_INET};
    if (strcmp(text, "unix") == 0)
        client.sin6_family = AF_UNIX;
    else if (inet_pton(AF_INET, text, &in.sin_addr) == 1)
        memcpy(&client, &in, sizeof(in));
    else
        assert_int_equal(inet_pton(AF_INET6, text, &client.sin6_addr), 1);
    return client;
}

TEST(test_trusted)
{
    static const struct {
        const char *client;
        bool want;
    } cases[] = {
        {"10.1.2.3", true}, {"::ffff:10.1.2.3", true}, {"11.1.2.3", false},
        {"fd00::1", true},  {"2001:db8::1", false},    {"unix", false},
    };
    struct proxies p;
    struct conf *conf = load("sites = ( { root = \"/r\"; } );\n"
                             "trusted_proxies = [ \"10.0.0.0/8\", \"fd00::/8\" ];");
    assert_int_equal(proxies_init(&p, conf, 2), 0);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct sockaddr_in6 client = client_at(cases[i].client);
        assert_int_equal(proxies_has(&p, &client), cases[i].want);
    }
    proxies_cleanup(&p);
    struct sockaddr_in6 client = client_at("10.1.2.3");
    assert_false(proxies_has(&p, &client));
    conf_free(conf);
}

TEST(test_unix)
{
    struct proxies p;
    struct sockaddr_in6 peer = client_at("unix"), client = client_at("::1");
    struct conf *conf = load("sites = ( { root = \"/r\"; } ); trusted_proxies = \"unix\";");
    assert_int_equal(proxies_init(&p, conf, 0), 0);
    assert_true(proxies_has(&p, &peer));
    assert_false(proxies_has(&p, &client));
    proxies_cleanup(&p);
    conf_free(conf);
}

static void expect_client(const struct proxies *p, const char *lines, const char *peer,
                          const char *want)
{
    static struct request r;
    char head[512], text[INET6_ADDRSTRLEN];
    struct buf b = buf_make(text, sizeof(text));
    int len = snprintf(head, sizeof(head), "GET / HTTP/1.1\r\nHost: a\r\n%s\r\n", lines);
    assert_int_equal(request_parse(slice_make(head, (size_t)len), &r), REASON_NONE);
    const struct sockaddr_in6 from = client_at(peer);
    struct proxies_client client = {.address = from};
    proxies_find_client(p, &r, &client);
    endpoint_put_host(&b, &client.address);
    assert_slice(buf_slice(&b), want);
}

TEST(test_client)
{
    static const struct {
        const char *lines, *peer, *client[3]; // by no proxy, X-Forwarded-For, Forwarded
    } cases[] = {
        {"", "10.0.0.1", {"10.0.0.1", "10.0.0.1", "10.0.0.1"}},
        {"X-Forwarded-For: 192.0.2.7\r\n", "10.0.0.1", {"10.0.0.1", "192.0.2.7", "10.0.0.1"}},
        {"X-Forwarded-For: 192.0.2.7\r\n", "11.0.0.1", {"11.0.0.1", "11.0.0.1", "11.0.0.1"}},
        {"X-Forwarded-For: unix:\r\n", "unix", {"unix", "unix", "unix"}},
        {"X-Forwarded-For: 2001:db8::1\r\n", "unix", {"unix", "2001:db8::1", "unix"}},
        {"Forwarded: for=192.0.2.7\r\nX-Forwarded-For: 192.0.2.8\r\n",
         "10.0.0.1",
         {"10.0.0.1", "192.0.2.8", "192.0.2.7"}},
    };
#define TRUSTING "sites = ( { root = \"/r\"; } ); trusted_proxies = [ \"10.0.0.0/8\", \"unix\" ];"
    static const char *const configs[] = {
        "sites = ( { root = \"/r\"; } );",
        TRUSTING,
        (TRUSTING "forwarded = \"forwarded\";"),
    };
    for (size_t i = 0; i < ARRAY_SIZE(configs); i++) {
        struct proxies p;
        struct conf *conf = load(configs[i]);
        assert_int_equal(proxies_init(&p, conf, 0), 0);
        for (size_t j = 0; j < ARRAY_SIZE(cases); j++)
            expect_client(&p, cases[j].lines, cases[j].peer, cases[j].client[i]);
        proxies_cleanup(&p);
        conf_free(conf);
    }
}

// Of the request if a trusted proxy says so, else of the connection.
TEST(test_scheme)
{
    static const struct {
        const char *peer, *lines;
        enum scheme before, want;
    } cases[] = {
        {"10.0.0.1", "", SCHEME_UNSET, SCHEME_UNSET},
        {"10.0.0.1", "", SCHEME_HTTPS, SCHEME_HTTPS},
        {"10.0.0.1", "X-Forwarded-Proto: https\r\n", SCHEME_UNSET, SCHEME_HTTPS},
        {"10.0.0.1", "X-Forwarded-Proto: http\r\n", SCHEME_HTTPS, SCHEME_HTTP},
        {"10.0.0.1", "X-Forwarded-Proto: ftp\r\n", SCHEME_HTTPS, SCHEME_HTTPS},
        {"192.0.2.1", "X-Forwarded-Proto: https\r\n", SCHEME_UNSET, SCHEME_UNSET},
        {"192.0.2.1", "X-Forwarded-Proto: http\r\n", SCHEME_HTTPS, SCHEME_HTTPS},
    };
    static struct request r;
    struct proxies p;
    struct conf *conf = load("sites = ( { root = \"/r\"; } ); trusted_proxies = \"10.0.0.0/8\";");
    assert_int_equal(proxies_init(&p, conf, 0), 0);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char head[512];
        struct proxies_client client = {client_at(cases[i].peer), cases[i].before};
        int len = snprintf(head, sizeof(head), "GET / HTTP/1.1\r\nHost: a\r\n%s\r\n",
                           cases[i].lines);
        assert_int_equal(request_parse(slice_make(head, (size_t)len), &r), REASON_NONE);
        proxies_find_client(&p, &r, &client);
        assert_int_equal(client.scheme, cases[i].want);
    }
    proxies_cleanup(&p);
    conf_free(conf);
}

TEST(test_modes)
{
    struct proxies p;
    struct conf *conf = load("sites = ( { root = \"/r\"; } );");
    assert_int_equal(proxies_init(&p, conf, 2), 0);
    p.modes[1] = PROXY_PROTOCOL_REQUIRE;
    assert_int_equal(proxies_mode(&p, 0), PROXY_PROTOCOL_OFF);
    assert_int_equal(proxies_mode(&p, 1), PROXY_PROTOCOL_REQUIRE);
    assert_int_equal(proxies_mode(&p, 2), PROXY_PROTOCOL_OFF);
    assert_int_equal(proxies_mode(&p, SIZE_MAX), PROXY_PROTOCOL_OFF);
    proxies_cleanup(&p);
    conf_free(conf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_trusted), cmocka_unit_test(test_unix),  cmocka_unit_test(test_client),
        cmocka_unit_test(test_scheme),  cmocka_unit_test(test_modes),
    };
    return cmocka_run_group_tests_name("proxies", tests, NULL, NULL);
}

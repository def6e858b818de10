#include "support/confload.h"
#include "support/unit.h"

#include "explain/explain.h"
#include "explain/explain_client.h"

#include <stdio.h>

#define CONFIG(more) \
    "sites = ( { root = \"/r\"; } ); trusted_proxies = [ \"10.0.0.0/8\", \"unix\" ];" more

static const char *explain_of(const char *config, const char *peer, const char *lines)
{
    static struct request r;
    static char text[2048];
    char head[512];
    struct proxies p;
    struct sockaddr_in6 from;
    const struct conf_source source = {.file = "f", .text = config};
    struct conf *conf = conf_load(&source, fail_on_report, NULL);
    int len = snprintf(head, sizeof(head), "GET / HTTP/1.1\r\nHost: a\r\n%s\r\n", lines);
    assert_int_equal(request_parse(slice_make(head, (size_t)len), &r), REASON_NONE);
    assert_true(explain_parse_client(peer, &from));
    assert_int_equal(proxies_init(&p, conf, 0), 0);
    struct buf out = buf_make(text, sizeof(text) - 1);
    const struct explain_client c = {.proxies = &p, .request = &r, .peer = &from};
    explain_client_put(&out, &c);
    text[out.len] = '\0';
    proxies_cleanup(&p);
    conf_free(conf);
    return text;
}

TEST(test_derivations)
{
    static const struct {
        const char *config, *peer, *lines, *want;
    } cases[] = {
        {"sites = ( { root = \"/r\"; } );", "10.0.0.1", "X-Forwarded-For: 192.0.2.7\r\n", ""},
        {CONFIG(""), "192.0.2.7", "", ""},
        {CONFIG(""), "192.0.2.7", "Forwarded: for=192.0.2.8\r\n", ""},
        {CONFIG(""), "192.0.2.7", "X-Forwarded-For: 192.0.2.8\r\n",
         "client     192.0.2.7 is none of trusted_proxies\n"
         "           so its X-Forwarded-For counts for nothing\n"},
        {CONFIG(""), "10.0.0.1", "",
         "client     10.0.0.1 is one of trusted_proxies\n"
         "           and there is no X-Forwarded-For, so it is the client\n"},
        {CONFIG(""), "unix", "X-Forwarded-For: 192.0.2.6, 192.0.2.7, 10.0.0.1\r\n",
         "client     unix is one of trusted_proxies\n"
         "           10.0.0.1 is one of trusted_proxies\n"
         "           192.0.2.7 is none of trusted_proxies\n"
         "           so it is the client\n"},
        {CONFIG(""), "10.0.0.1", "X-Forwarded-For: 192.0.2.7, unix:, 10.0.0.2\r\n",
         "client     10.0.0.1 is one of trusted_proxies\n"
         "           10.0.0.2 is one of trusted_proxies\n"
         "           which names \"unix:\", no address: so 10.0.0.2 is the client\n"},
        {CONFIG(""), "10.0.0.1", "X-Forwarded-For: 10.0.0.3\r\n",
         "client     10.0.0.1 is one of trusted_proxies\n"
         "           10.0.0.3 is one of trusted_proxies\n"
         "           10.0.0.3 is the first of X-Forwarded-For, so it is the client\n"},
        {CONFIG("forwarded = \"forwarded\";"), "10.0.0.1",
         "Forwarded: for=192.0.2.7\r\nX-Forwarded-For: 192.0.2.8\r\n",
         "client     10.0.0.1 is one of trusted_proxies\n"
         "           192.0.2.7 is none of trusted_proxies\n"
         "           so it is the client\n"
         "           X-Forwarded-For counts for nothing: see \"forwarded\"\n"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        assert_string_equal(explain_of(cases[i].config, cases[i].peer, cases[i].lines),
                            cases[i].want);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_derivations),
    };
    return cmocka_run_group_tests_name("explain_client", tests, NULL, NULL);
}

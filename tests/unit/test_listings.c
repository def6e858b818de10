#include "support/loopfixture.h"

#include "server/listings.h"

// A loop that lists its directory "sub" with so many entries.
static struct fixture *open_with_entries(int entries, const char *memory)
{
    char name[32], path[PATH_MAX];
    struct fixture *f = fixture_open("limits.listing_memory", memory, NULL);
    for (int i = 0; i < entries; i++) {
        snprintf(name, sizeof(name), "sub/%d", i);
        assert_int_equal(mknod(tempdir_path(&f->dir, name, path), S_IFREG | 0644, 0), 0);
    }
    f->conf->sites[0].listing = true;
    return f;
}

// Rounds until there is this text in what has come.
static void take_until(struct fixture *f, struct client *c, const char *text)
{
    for (int i = 0; i < 5000 && !(c->got && strstr(c->got, text)); i++) {
        fixture_round(f);
        if (!client_take(c, 1 << 20))
            usleep(200);
    }
    assert_non_null(c->got);
    assert_contains(c->got, text);
}

// Those who ask while it is being read share it.
TEST(test_shared)
{
    struct client c[3];
    struct fixture *f = open_with_entries(100, "32M");
    for (size_t i = 0; i < ARRAY_SIZE(c); i++)
        c[i] = client_open(f);
    fixture_await(f, ARRAY_SIZE(c));
    for (size_t i = 0; i < ARRAY_SIZE(c); i++)
        client_send(&c[i], GET("/sub/"));
    for (size_t i = 0; i < ARRAY_SIZE(c); i++) {
        take_until(f, &c[i], "0\r\n\r\n");
        assert_contains(c[i].got, "<caption>100 files</caption>");
        client_close(&c[i]);
    }
    fixture_await(f, 0);
    fixture_pass_time(f, SNAPSHOTS_YOUNG);
    assert_int_equal(f->loop.ctx.snapshots.used, 0);
    fixture_close(f);
}

// Answers before it are sent while it is awaited; requests behind it are answered behind it. The
// content of a request is thrown away once.
TEST(test_order)
{
    struct fixture *f = open_with_entries(3, "32M");
    struct client c = client_open(f);
    client_send(&c, GET("/hello.txt") "GET /sub/ HTTP/1.1\r\n" HOST
                                      "Content-Length: 5\r\n\r\n12345" GET("/none"));
    take_until(f, &c, "404 Not Found\r\n");
    assert_int_equal(count_text(c.got, "HTTP/1.1 "), 3);
    assert_true(strstr(c.got, "hello, world") < strstr(c.got, "<caption>3 files"));
    assert_int_equal(fixture_conn(f)->requests, 3);
    client_close(&c);
    fixture_close(f);
}

// The shortage is told before a byte of the listing.
TEST(test_no_memory)
{
    struct fixture *f = open_with_entries(3000, "64K");
    struct client c = client_open(f);
    client_send(&c, GET("/sub/") GET("/hello.txt"));
    take_until(f, &c, HELLO);
    assert_starts(c.got, "HTTP/1.1 503 Service Unavailable\r\n");
    assert_contains(c.got, "Retry-After: 1\r\n");
    client_close(&c);
    fixture_close(f);
}

// A client that leaves before it was read, and a loop that ends.
TEST(test_left)
{
    struct fixture *f = open_with_entries(2000, "32M");
    struct client c = client_open(f), other = client_open(f);
    fixture_await(f, 2);
    client_send(&c, GET("/sub/"));
    client_close(&c);
    client_send(&other, GET("/sub/?sort=size"));
    fixture_round(f);
    fixture_stop(f);
    client_close(&other);
    fixture_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shared),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_left),
    };
    return cmocka_run_group_tests_name("listings", tests, NULL, NULL);
}

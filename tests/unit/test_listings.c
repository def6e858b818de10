#include "support/loopfixture.h"

#include "server/listings.h"

#include <semaphore.h>

// ---- a disk that is read when the test says so --------------------------------------------------

static bool is_disk_slow;
static sem_t permits;           // each lets one directory be read
static _Atomic bool is_read_on; // whether the last one was still wanted then

void __real_snapshot_read(struct snapshot *one);
void __wrap_snapshot_read(struct snapshot *one);

void __wrap_snapshot_read(struct snapshot *one)
{
    if (is_disk_slow) {
        sem_wait(&permits);
        is_read_on = atomic_load(&one->is_wanted);
    }
    __real_snapshot_read(one);
}

static int setup_slow_disk(void **state)
{
    (void)state;
    is_disk_slow = true;
    is_read_on = false;
    return sem_init(&permits, 0, 0);
}

static int teardown_slow_disk(void **state)
{
    (void)state;
    is_disk_slow = false;
    return 0;
}

// ---- helpers ------------------------------------------------------------------------------------

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
    for (struct wait w = {0}; !(c->got && strstr(c->got, text)) && wait_on(&w);) {
        fixture_round(f);
        client_take(c, 1 << 20);
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
    assert_int_equal(budget_used(&f->listing_memory), 0);
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

static int64_t waiting_in(const struct fixture *f, enum deadline_class class)
{
    return f->loop.ctx.deadlines.counts[class];
}

// Rounds until so many connections wait for a listing.
static void await_listings(struct fixture *f, uint32_t connections)
{
    for (int i = 0; i < 5000 && waiting_in(f, DEADLINE_LISTING) != connections; i++) {
        fixture_round(f);
        usleep(200);
    }
    assert_int_equal(waiting_in(f, DEADLINE_LISTING), connections);
}

// Rounds until the loop has no snapshot any more.
static void await_no_snapshot(struct fixture *f)
{
    const struct snapshots *all = &f->loop.ctx.snapshots;
    for (int i = 0; i < 5000 && (all->reading || !list_is_empty(&all->shared)); i++) {
        fixture_round(f);
        usleep(200);
    }
    assert_null(all->reading);
    assert_true(list_is_empty(&all->shared));
}

// Of two that have half closed and one that has not, only that one has a slow disk waited for as
// long as it takes.
TEST(test_half_closed_wait_for_a_while)
{
    struct fixture *f = open_with_entries(3, "32M");
    struct client gone = client_open(f), behind = client_open(f), stays = client_open(f);
    fixture_await(f, 3);
    client_send(&gone, GET("/sub/"));
    await_listings(f, 1);
    client_send(&behind, GET("/hello.txt") GET("/sub/?sort=size"));
    client_send(&stays, GET("/sub/?sort=time"));
    await_listings(f, 3);
    shutdown(gone.fd, SHUT_WR);
    shutdown(behind.fd, SHUT_WR);
    fixture_pass_time(f, (int64_t)f->conf->timeouts.send - 1);
    assert_int_equal(waiting_in(f, DEADLINE_LISTING), 3);
    fixture_pass_time(f, 1);
    assert_int_equal(waiting_in(f, DEADLINE_LISTING), 1);
    fixture_await(f, 1);
    for (int i = 0; i < 3; i++)
        fixture_pass_time(f, (int64_t)f->conf->timeouts.send);
    assert_int_equal(waiting_in(f, DEADLINE_LISTING), 1);
    sem_post(&permits); // that of the first, which nobody wants, and not that of the second
    sem_post(&permits);
    take_until(f, &stays, "<caption>3 files</caption>");
    assert_true(is_read_on);
    client_close(&stays);
    fixture_await(f, 0);
    fixture_pass_time(f, SNAPSHOTS_YOUNG);
    await_no_snapshot(f);
    client_close(&gone);
    client_close(&behind);
    fixture_close(f);
}

// One that has half closed and waits gets its listing, to the end.
TEST(test_half_closed_are_served)
{
    struct fixture *f = open_with_entries(3, "32M");
    struct client c = client_open(f);
    fixture_await(f, 1);
    client_send(&c, GET("/sub/"));
    shutdown(c.fd, SHUT_WR);
    await_listings(f, 1);
    fixture_pass_time(f, (int64_t)f->conf->timeouts.send - 1);
    sem_post(&permits);
    take_until(f, &c, "0\r\n\r\n");
    assert_contains(c.got, "<caption>3 files</caption>");
    fixture_await(f, 0);
    client_close(&c);
    fixture_close(f);
}

// Nor is a directory read for one that was reset.
TEST(test_reset_while_waiting)
{
    const struct linger at_once = {.l_onoff = 1};
    struct fixture *f = open_with_entries(3, "32M");
    struct client c = client_open(f);
    fixture_await(f, 1);
    client_send(&c, GET("/sub/"));
    await_listings(f, 1);
    setsockopt(c.fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    client_close(&c);
    fixture_pass_time(f, (int64_t)f->conf->timeouts.send);
    fixture_await(f, 0);
    sem_post(&permits);
    await_no_snapshot(f);
    assert_false(is_read_on);
    fixture_close(f);
}

#define SLOW_DISK(test) cmocka_unit_test_setup_teardown(test, setup_slow_disk, teardown_slow_disk)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shared),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_left),
        SLOW_DISK(test_half_closed_wait_for_a_while),
        SLOW_DISK(test_half_closed_are_served),
        SLOW_DISK(test_reset_while_waiting),
    };
    return cmocka_run_group_tests_name("listings", tests, NULL, NULL);
}

#include "support/loopfixture.h"

#include "server/output.h"
#include "sys/pagecache.h"

#include <semaphore.h>
#include <sys/stat.h>

// ---- a disk that reads when the test says so
// ------------------------------------------------------

static bool is_cold; // the large file
static bool no_threads;
static sem_t permits;            // each lets one read go
static _Atomic unsigned begun;   // reads
static _Atomic size_t read_most; // bytes, at once

ssize_t __real_pagecache_read(int file, uint64_t offset, void *data, size_t len);
ssize_t __wrap_pagecache_read(int file, uint64_t offset, void *data, size_t len);
bool __real_pagecache_has(int file, uint64_t offset, size_t len);
bool __wrap_pagecache_has(int file, uint64_t offset, size_t len);
void __wrap_pagecache_load(int file, uint64_t offset, size_t len);
int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                          void *context);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                          void *context);

static bool is_cold_file(int fd)
{
    struct stat st;
    return is_cold && fstat(fd, &st) == 0 && st.st_size >= LARGE;
}

ssize_t __wrap_pagecache_read(int file, uint64_t offset, void *data, size_t len)
{
    return is_cold_file(file) ? -EAGAIN : __real_pagecache_read(file, offset, data, len);
}

bool __wrap_pagecache_has(int file, uint64_t offset, size_t len)
{
    return !is_cold_file(file) && __real_pagecache_has(file, offset, len);
}

void __wrap_pagecache_load(int file, uint64_t offset, size_t len)
{
    (void)file, (void)offset;
    begun++;
    read_most = MAX(read_most, len);
    sem_wait(&permits);
}

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                          void *context)
{
    return no_threads ? EAGAIN : __real_pthread_create(thread, attributes, run, context);
}

static int setup(void **state)
{
    (void)state;
    is_cold = true;
    no_threads = false;
    begun = 0;
    read_most = 0;
    return sem_init(&permits, 0, 0);
}

static void let_read(unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        sem_post(&permits);
}

// Rounds until as many connections as that wait for the disk.
static void await_disk(struct fixture *f, uint32_t connections)
{
    const struct scoreboard_notes *notes = f->served.scoreboard.places[0].notes;
    for (struct wait w = {0}; notes->waiting[DEADLINE_DISK] != connections && wait_on(&w);)
        fixture_round(f);
    assert_int_equal(notes->waiting[DEADLINE_DISK], connections);
}

static void await_reads(struct fixture *f, unsigned count)
{
    for (struct wait w = {0}; begun < count && wait_on(&w);)
        fixture_round(f);
    assert_int_equal(begun, count);
}

// Takes what comes until the content is complete.
static void take_all(struct fixture *f, struct client *c, size_t content)
{
    for (struct wait w = {0}; wait_on(&w);) {
        const char *end = c->got ? strstr(c->got, "\r\n\r\n") : NULL;
        if (end && c->len == (size_t)(end + 4 - c->got) + content)
            return;
        fixture_round(f);
        client_take(c, 1 << 20);
    }
    fail_msg("%zu bytes have come", c->len);
}

// Takes what comes until there is this text in it.
static void take_until(struct fixture *f, struct client *c, const char *text)
{
    for (struct wait w = {0};
         !(c->got && memmem(c->got, c->len, text, strlen(text))) && wait_on(&w);) {
        fixture_round(f);
        client_take(c, 1 << 20);
    }
    assert_non_null(memmem(c->got, c->len, text, strlen(text)));
}

// ---- the tests
// -------------------------------------------------------------------------------------

// One client's cold file holds up nobody else.
TEST(test_others_are_served)
{
    struct fixture *f = fixture_open(NULL);
    struct client slow = client_open(f), other = client_open(f);
    const size_t size = 5 * TRANSFER_LOOK_AHEAD / 2;
    const unsigned windows = 3;
    tempdir_fill(&f->dir, "larger.bin", size);
    client_send(&slow, GET("/larger.bin"));
    await_disk(f, 1);
    await_reads(f, 1);
    for (int i = 0; i < 10; i++)
        assert_string_equal(content_of(client_ask(f, &other, GET("/hello.txt"))), HELLO);
    assert_int_equal(begun, 1);
    let_read(windows);
    take_all(f, &slow, size);
    assert_pattern(content_of(slow.got), size);
    assert_int_equal(begun, windows);
    assert_int_equal(read_most, TRANSFER_LOOK_AHEAD); // all that was looked at
    client_close(&slow);
    client_close(&other);
    fixture_close(f);
}

// A request that came behind it is answered after it, without another event.
TEST(test_pipelined)
{
    struct fixture *f = fixture_open(NULL);
    struct client c = client_open(f);
    client_send(&c, GET("/large.bin") GET("/hello.txt"));
    await_disk(f, 1);
    let_read(10);
    take_until(f, &c, HELLO);
    const char *second = content_of(c.got) + LARGE;
    assert_string_equal(content_of(second), HELLO);
    client_close(&c);
    fixture_close(f);
}

// Several ranges jump about in the file: each is looked for.
TEST(test_ranges)
{
    struct fixture *f = fixture_open(NULL);
    struct client c = client_open(f);
    client_send(&c, "GET /large.bin HTTP/1.1\r\n" HOST "Range: bytes=600000-600009, 5-9\r\n\r\n");
    await_disk(f, 1);
    await_reads(f, 1);
    assert_int_equal(read_most, 10);
    let_read(1);
    take_until(f, &c, "bytes 600000-600009/");
    await_reads(f, 2);
    let_read(1);
    take_until(f, &c, "bytes 5-9/");
    take_until(f, &c, "--\r\n"); // the end
    client_close(&c);
    fixture_close(f);
}

// More files than threads: they wait for each other, and for nobody else.
TEST(test_many)
{
    struct fixture *f = fixture_open(NULL);
    struct client clients[READAHEAD_THREADS + 2];
    for (size_t i = 0; i < ARRAY_SIZE(clients); i++) {
        clients[i] = client_open(f);
        client_send(&clients[i], "GET /large.bin HTTP/1.1\r\n" HOST "Range: bytes=0-99\r\n\r\n");
    }
    await_disk(f, ARRAY_SIZE(clients));
    await_reads(f, READAHEAD_THREADS);
    assert_int_equal(f->loop.ctx.readahead.thread_count, READAHEAD_THREADS);
    let_read(ARRAY_SIZE(clients));
    for (size_t i = 0; i < ARRAY_SIZE(clients); i++) {
        take_all(f, &clients[i], 100);
        assert_pattern(content_of(clients[i].got), 100);
        client_close(&clients[i]);
    }
    assert_int_equal(begun, ARRAY_SIZE(clients));
    fixture_close(f);
}

// Neither a client that goes away nor a loop that ends waits for the disk.
TEST(test_cut)
{
    struct fixture *f = fixture_open(NULL);
    struct client c = client_open(f), d = client_open(f);
    client_send(&c, GET("/large.bin"));
    client_send(&d, GET("/large.bin"));
    await_disk(f, 2);
    client_close(&c);
    for (int i = 0; i < 5; i++)
        fixture_round(f); // nobody spins for the hang-up: the loop does not hear of it
    assert_int_equal(f->loop.ctx.slots.taken, 2);
    loop_poke(&f->loop, LOOP_RETIRING);
    fixture_round(f);
    fixture_pass_time(f, (int64_t)f->conf->timeouts.drain);
    assert_int_equal(f->loop.ctx.slots.taken, 0);
    let_read(2);
    fixture_close(f);
    client_close(&d);
}

// Nor are the threads needed: without one the loop waits itself.
TEST(test_no_threads)
{
    struct fixture *f = fixture_open(NULL);
    struct client c = client_open(f);
    no_threads = true;
    client_send(&c, GET("/large.bin"));
    take_all(f, &c, LARGE);
    assert_pattern(content_of(c.got), LARGE);
    assert_int_equal(begun, 0);
    client_close(&c);
    fixture_close(f);
}

// Content in memory is sent as if there were no thread for reading.
TEST(test_warm)
{
    struct fixture *f = fixture_open(NULL);
    struct client c = client_open(f);
    is_cold = false;
    client_send(&c, GET("/large.bin"));
    take_all(f, &c, LARGE);
    assert_int_equal(begun, 0);
    assert_int_equal(f->loop.ctx.readahead.thread_count, 0);
    client_close(&c);
    fixture_close(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_others_are_served, setup),
        cmocka_unit_test_setup(test_pipelined, setup),
        cmocka_unit_test_setup(test_ranges, setup),
        cmocka_unit_test_setup(test_many, setup),
        cmocka_unit_test_setup(test_cut, setup),
        cmocka_unit_test_setup(test_no_threads, setup),
        cmocka_unit_test_setup(test_warm, setup),
    };
    return cmocka_run_group_tests_name("readahead", tests, NULL, NULL);
}

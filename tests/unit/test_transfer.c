#include "support/unit.h"

#include "server/transfer.h"

static struct bufpool pool;

// ---- the disk -----------------------------------------------------------------------------------

static bool is_in_memory, has_threads;
static struct range asked; // what the disk was last asked for
static size_t looks;
static struct reading reading;

bool __wrap_pagecache_has(int fd, uint64_t offset, size_t len);
struct reading *__wrap_readahead_start(struct readahead *r, struct cached_file *file,
                                       struct range range, struct conn *waiting);

bool __wrap_pagecache_has(int fd, uint64_t offset, size_t len)
{
    (void)fd, (void)offset, (void)len;
    looks++;
    return is_in_memory;
}

struct reading *__wrap_readahead_start(struct readahead *r, struct cached_file *file,
                                       struct range range, struct conn *waiting)
{
    (void)r, (void)file, (void)waiting;
    asked = range;
    return has_threads ? &reading : NULL;
}

// ---- files --------------------------------------------------------------------------------------

TEST(test_a_file_in_memory)
{
    struct transfer t = {0};
    assert_false(transfer_is_active(&t));
    transfer_file(&t, cached_file_adopt_content(SLICE("0123456789")), (struct range){2, 6});
    assert_true(transfer_is_active(&t));
    assert_false(transfer_is_in_file(&t));
    assert_slice(transfer_bytes(&t), "234567");
    assert_int_equal(t.length, 6);
    transfer_advance(&t, 4);
    assert_slice(transfer_bytes(&t), "67");
    assert_int_equal(transfer_left(&t), 2);
    transfer_finish(&t, &pool);
    assert_false(transfer_is_active(&t));
    assert_int_equal(transfer_left(&t), 0);
}

// A download looks at one stretch at a time, and once at each.
TEST(test_a_file_on_the_disk)
{
    const uint64_t size = 5 * TRANSFER_LOOK_AHEAD / 2;
    struct cached_file file = {.references = 2, .fd = -1};
    struct transfer t;
    looks = 0;
    is_in_memory = true;
    transfer_file(&t, &file, (struct range){0, size});
    assert_true(transfer_is_in_file(&t));
    assert_int_equal(transfer_bytes(&t).len, 0);
    for (uint64_t at = 0; at < size; at += TRANSFER_LOOK_AHEAD / 4) {
        assert_true(transfer_load(&t, NULL, NULL));
        transfer_advance(&t, TRANSFER_LOOK_AHEAD / 4);
    }
    assert_int_equal(looks, 3);
    assert_int_equal(t.loaded, size);
}

TEST(test_content_is_read_before_it_is_sent)
{
    struct cached_file file = {.references = 2, .fd = -1};
    struct transfer t;
    is_in_memory = false;
    has_threads = true;
    transfer_file(&t, &file, (struct range){100, 50});
    assert_false(transfer_load(&t, NULL, NULL));
    assert_ptr_equal(t.reading, &reading);
    assert_int_equal(asked.offset, 100);
    assert_int_equal(asked.length, 50);
    t.reading = NULL; // it was read
    assert_true(transfer_load(&t, NULL, NULL));

    has_threads = false; // sending waits for the disk
    transfer_file(&t, &file, (struct range){100, 50});
    assert_true(transfer_load(&t, NULL, NULL));
}

// Nobody is told any more of what is still being read.
TEST(test_given_up_while_it_is_read)
{
    struct cached_file file = {.references = 2, .fd = -1};
    struct transfer t;
    is_in_memory = false;
    has_threads = true;
    reading.conn = (struct conn *)&reading;
    transfer_file(&t, &file, (struct range){0, 50});
    transfer_load(&t, NULL, reading.conn);
    transfer_finish(&t, &pool);
    assert_null(reading.conn);
    assert_int_equal(file.references, 1);
}

// ---- sources ------------------------------------------------------------------------------------

static unsigned parts, freed;

static enum body_source_state next_part(struct body_source *source, struct range *range,
                                        struct buf *b)
{
    (void)source;
    buf_puts(b, "part");
    if (parts++ == 0)
        *range = (struct range){7, 20};
    return parts == 2 ? BODY_SOURCE_END : BODY_SOURCE_MORE;
}

static void free_source(struct body_source *source)
{
    (void)source;
    freed++;
}

TEST(test_a_source)
{
    struct body_source source = {.next = next_part, .free = free_source};
    struct cached_file file = {.references = 2, .fd = -1};
    struct transfer t;
    char text[32];
    struct buf b = buf_make(text, sizeof(text));
    transfer_generated(&t, &file, &source);
    assert_int_equal(transfer_left(&t), 0);
    assert_int_equal(t.length, 0);
    buf_puts(&b, "head");
    assert_int_equal(transfer_next(&t, &b), BODY_SOURCE_MORE);
    assert_int_equal(t.offset, 7);
    assert_int_equal(transfer_left(&t), 20);
    assert_int_equal(t.length, 24); // without the head
    assert_false(source.ended);
    assert_int_equal(transfer_next(&t, &b), BODY_SOURCE_END);
    assert_int_equal(transfer_left(&t), 0);
    assert_int_equal(t.length, 28);
    assert_true(source.ended);
    assert_slice(buf_slice(&b), "headpartpart");
    transfer_finish(&t, &pool);
    assert_int_equal(freed, 1);
    assert_int_equal(file.references, 1);
}

// ---- what a source wants in memory --------------------------------------------------------------

static enum body_source_state want_range(struct body_source *source, struct range *range,
                                         struct buf *b)
{
    (void)source, (void)b;
    *range = (struct range){5, 60};
    return BODY_SOURCE_LOAD;
}

// It is read as a whole, and none of it is sent.
TEST(test_fetch)
{
    struct body_source source = {.next = want_range};
    struct cached_file file = {.references = 2, .fd = -1};
    for (int threads = 0; threads <= 1; threads++) {
        struct transfer t = {.file = &file, .source = &source};
        char text[10];
        struct buf b = buf_make(text, sizeof(text));
        has_threads = threads;
        assert_int_equal(transfer_next(&t, &b), BODY_SOURCE_LOAD);
        assert_int_equal(transfer_fetch(&t, NULL, NULL), !threads);
        assert_ptr_equal(t.reading, threads ? &reading : NULL);
        assert_int_equal(asked.offset, 5);
        assert_int_equal(asked.length, 60);
        assert_int_equal(transfer_left(&t), 0);
        assert_int_equal(t.length, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_file_in_memory),
        cmocka_unit_test(test_a_file_on_the_disk),
        cmocka_unit_test(test_content_is_read_before_it_is_sent),
        cmocka_unit_test(test_given_up_while_it_is_read),
        cmocka_unit_test(test_a_source),
        cmocka_unit_test(test_fetch),
    };
    return cmocka_run_group_tests_name("transfer", tests, NULL, NULL);
}

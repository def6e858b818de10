#include "support/listfixture.h"
#include "support/scarce.h"

#include "content/listing_body.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static struct budget memory = {.limit = 1 << 20};
static struct snapshots snapshots;

static int setup(void **state)
{
    snapshots_init(&snapshots, &memory);
    return listfixture_open(state);
}

static int teardown(void **state)
{
    snapshots_tick(&snapshots, 2 * SNAPSHOTS_YOUNG);
    assert_int_equal(budget_used(&memory), 0);
    snapshots_cleanup(&snapshots);
    return listfixture_close(state);
}

// With a snapshot that was read.
static struct listing_body_options options_for(const char *path, uint32_t limit)
{
    struct snapshot_query q = listfixture_query(path, "unix");
    q.limit = limit;
    snapshots_tick(&snapshots, 2 * SNAPSHOTS_YOUNG); // one with another limit would be shared
    struct listing_body_options o = {.snapshot = snapshots_get(&snapshots, &q, 0),
                                     .view = {.path = q.view.path, .format = LISTING_JSON},
                                     .chunked = true};
    assert_non_null(o.snapshot);
    if (o.snapshot->state != SNAPSHOT_READ) {
        assert_ptr_equal(snapshots_next(&snapshots, 0), o.snapshot);
        snapshot_read(o.snapshot);
        snapshots_done(&snapshots, o.snapshot);
    }
    assert_int_equal(o.snapshot->error, 0);
    return o;
}

// Takes all pieces; the last state.
static enum body_source_state take_all(struct body_source *p, struct buf *all)
{
    static char text[BODY_SOURCE_TEXT_MAX];
    struct range range = {0};
    enum body_source_state state;
    do {
        struct buf b = buf_make(text, sizeof(text));
        state = p->next(p, &range, &b);
        assert_false(b.overflow);
        assert_int_equal(range.length, 0); // no range of a file
        buf_put(all, buf_slice(&b));
    } while (state == BODY_SOURCE_YIELD || state == BODY_SOURCE_MORE);
    return state;
}

// Takes chunks apart, strictly; returns their content in place.
static const char *unchunk(char *text)
{
    char *to = text, *at = text, *end;
    for (;;) {
        size_t size = strtoul(at, &end, 16);
        assert_true(end > at);
        assert_memory_equal(end, "\r\n", 2);
        at = end + 2;
        if (size == 0)
            break;
        memmove(to, at, size);
        to += size;
        at += size;
        assert_memory_equal(at, "\r\n", 2);
        at += 2;
    }
    assert_string_equal(at, "\r\n"); // no trailers, and nothing behind
    *to = '\0';
    return text;
}

static const char *list(const struct listing_body_options *o)
{
    static char text[1 << 20];
    struct body_source *p = listing_body_new(o);
    struct buf all = buf_make(text, sizeof(text) - 1);
    assert_non_null(p);
    assert_int_equal(take_all(p, &all), BODY_SOURCE_END);
    p->free(p);
    assert_false(all.overflow);
    text[all.len] = '\0';
    return o->chunked ? unchunk(text) : text;
}

TEST(test_formats)
{
    struct listing_body_options o = options_for("/d/", 1000);
    o.view.format = LISTING_HTML;
    const char *text = list(&o);
    assert_starts(text, "<!DOCTYPE html>");
    assert_contains(text, "Index of /d/");
    assert_contains(text, "<caption>3 files</caption>");
    assert_contains(text, "</html>\n");
    o = options_for("/d/", 1000);
    o.chunked = false;
    text = list(&o);
    assert_starts(text, "{\"complete\":true,");
    assert_int_equal(count_text(text, "\"name\":"), 3);
    assert_contains(text, "]}\n");
}

TEST(test_cut)
{
    struct listing_body_options o = options_for("/d/", 1);
    assert_starts(list(&o), "{\"complete\":false,");
}

// In pieces, after each of which others have their turn; the whole is there once.
TEST(test_pieces)
{
    char name[32], text[BODY_SOURCE_TEXT_MAX];
    for (int i = 0; i < 2000; i++) {
        snprintf(name, sizeof(name), "dots/%d", i);
        tempdir_puts(&listfixture_dir, name, "");
    }
    struct listing_body_options o = options_for("/dots/", 10000);
    const char *whole = list(&o);
    assert_int_equal(count_text(whole, "\"name\":"), 2001);
    o = options_for("/dots/", 10000);
    struct body_source *p = listing_body_new(&o);
    struct buf b = buf_make(text, sizeof(text));
    struct range range = {0};
    assert_int_equal(p->next(p, &range, &b), BODY_SOURCE_YIELD);
    assert_true(b.len > BODY_SOURCE_TEXT_MAX - LISTING_ENTRY_MAX - 64);
    p->free(p); // at any time
}

TEST(test_no_memory)
{
    struct listing_body_options o = options_for("/d/", 1000);
    fail_allocation(1);
    assert_null(listing_body_new(&o));
    fail_allocation(0);
    snapshots_release(o.snapshot);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_formats),
        cmocka_unit_test(test_pieces),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests_name("listing_body", tests, setup, teardown);
}

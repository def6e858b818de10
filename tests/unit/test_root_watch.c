#include "support/masterparts.h"
#include "support/silence.h"

#include "daemon/root_watch.h"

static struct root_watch watch;
static struct generation generation;
static enum root_watch_finding found;
static struct conf_site site;
static struct conf conf;
static struct tree tree;
static struct site sites[1];

static void note_finding(void *context, enum root_watch_finding finding)
{
    assert_ptr_equal(context, &watch);
    found = finding;
}

static bool has_looked(void)
{
    return !watch.fetch;
}

// A generation as far as a look needs it, of one site at `directory`.
static void serve(const char *directory)
{
    struct file_identity id = {.dev = 0};
    rootfs_stat_path(directory, &id);
    conf = (struct conf){.sites = &site, .site_count = 1};
    conf.timeouts.root = strcmp(directory, "/silent") == 0 ? 50 : PATIENCE;
    tree = (struct tree){
        .directory = directory, .dev = id.dev, .inode = id.inode, .is_local = true};
    sites[0] = (struct site){.conf = &site, .trees = &tree, .tree_count = 1};
    generation = (struct generation){.id = 1};
    generation.served.conf = &conf;
    generation.served.sites = (struct sites){.items = sites, .count = 1};
    watch = (struct root_watch){
        .fetches = &parts.fetches, .found = note_finding, .context = &watch};
    found = ROOT_WATCH_SAME;
}

static enum root_watch_finding look(void)
{
    enum root_watch_finding at_once = root_watch_look(&watch, &generation);
    run_until(has_looked);
    return at_once == ROOT_WATCH_SAME ? found : at_once;
}

TEST(test_a_swapped_link)
{
    char path[PATH_MAX];
    for (int is_local = 0; is_local < 2; is_local++) {
        lead_site_to("one");
        serve(tempdir_path(&parts.dir, "site", path));
        conf.timeouts.root = 60000; // it does answer, however busy the machine
        tree.is_local = is_local;
        assert_int_equal(look(), ROOT_WATCH_SAME);
        lead_site_to("two");
        assert_int_equal(look(), ROOT_WATCH_SWAPPED);
        unlink(path); // gone for now
        found = ROOT_WATCH_SAME;
        assert_int_equal(look(), ROOT_WATCH_SAME);
    }
}

TEST(test_one_that_did_not_answer)
{
    char path[PATH_MAX];
    serve(tempdir_path(&parts.dir, "site", path));
    conf.timeouts.root = 60000;   // as above
    tree.silent = "/nonexistent"; // what it waits for counts, not the directory
    assert_int_equal(look(), ROOT_WATCH_SAME);
    tree.silent = path;
    assert_int_equal(look(), ROOT_WATCH_ANSWERED);
}

TEST(test_names_those_that_do_not_answer)
{
    const char *names[2];
    serve("/silent");
    tree.is_local = false;
    assert_int_equal(root_watch_list_silent(&watch, &generation, names, 2), 0);
    assert_int_equal(look(), ROOT_WATCH_SILENCED);
    assert_int_equal(root_watch_list_silent(&watch, &generation, names, 2), 1);
    assert_string_equal(names[0], "/silent");
    tree.silent = "/nonexistent"; // of a generation that knows of it
    found = ROOT_WATCH_SAME;
    assert_int_equal(look(), ROOT_WATCH_SAME);
    assert_int_equal(root_watch_list_silent(&watch, &generation, names, 2), 1);
    assert_string_equal(names[0], "/nonexistent");
}

// The process that asks is left: that is known without another one.
TEST(test_one_that_is_known_not_to_answer)
{
    serve("/silent");
    tree.is_local = false;
    root_watch_look(&watch, &generation);
    while (watch.fetch)
        watch_wait(&parts.watches);
    found = ROOT_WATCH_SAME;
    if (fetches_is_silent(&parts.fetches, "/silent")) { // else its end was heard of already
        assert_int_equal(root_watch_look(&watch, &generation), ROOT_WATCH_SILENCED);
        assert_null(watch.fetch);
    }
}

TEST(test_stopped)
{
    serve("/silent");
    tree.is_local = false;
    assert_int_equal(root_watch_look(&watch, &generation), ROOT_WATCH_SAME);
    assert_non_null(watch.fetch);
    assert_int_equal(root_watch_look(&watch, &generation), ROOT_WATCH_SAME); // one at a time
    root_watch_stop(&watch);
    assert_null(watch.fetch);
    assert_null(watch.generation);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup_parts, teardown_parts)
        CASE(test_a_swapped_link),
        CASE(test_one_that_did_not_answer),
        CASE(test_names_those_that_do_not_answer),
        CASE(test_one_that_is_known_not_to_answer),
        CASE(test_stopped),
#undef CASE
    };
    return cmocka_run_group_tests_name("root_watch", tests, NULL, NULL);
}

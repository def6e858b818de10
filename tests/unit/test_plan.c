#include "support/tempdir.h"
#include "support/unit.h"

#include "precompress/plan.h"

static struct tempdir d;
static char told[4096];

static int fake_compress(const struct compressor_io *io, uint64_t size)
{
    (void)io, (void)size;
    return 0;
}

static const struct compressor one = {CODING_ZSTD, fake_compress};
static const struct compressor two = {CODING_BR, fake_compress};
static const struct compressor *const both[] = {&one, &two, NULL};

static void note_orphan(void *context, const char *path)
{
    (void)context;
    sprintf(told + strlen(told), "orphan %s\n", path);
}

static void note_foreign(void *context, const char *path)
{
    (void)context;
    sprintf(told + strlen(told), "foreign %s\n", path);
}

static void note_failure(void *context, const char *path, int error)
{
    (void)context;
    sprintf(told + strlen(told), "failed %s %d\n", path, error);
}

static void make_plan(struct plan *p)
{
    const struct plan_listener listener = {note_orphan, note_foreign, note_failure, NULL};
    int root = open(d.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    told[0] = '\0';
    plan_make(p, root, both, &listener);
    close(root);
}

// "a.css.zst stale" of each job.
static void assert_jobs(const struct plan *p, const char *want)
{
    char got[4096] = "";
    for (size_t i = 0; i < p->count; i++)
        sprintf(got + strlen(got), "%s%s %s\n", p->jobs[i].path,
                compressor_suffix(p->jobs[i].compressor),
                p->jobs[i].state == SIBLING_STALE ? "stale" : "missing");
    assert_string_equal(got, want);
}

TEST(test_plan)
{
    struct plan p;
    tempdir_make(&d);
    tempdir_mkdir(&d, "sub");
    tempdir_fill(&d, "a.css", 1000);
    tempdir_fill(&d, "a.css.zst", 10);
    tempdir_fill(&d, "b.css", 3000);
    tempdir_fill(&d, "b.css.zst", 10);
    tempdir_fill(&d, "b.css.br", 10);
    tempdir_fill(&d, "image.png", 1000);
    tempdir_fill(&d, "small.css", 255);
    tempdir_fill(&d, "small.css.zst", 10);
    tempdir_fill(&d, "sub/c.html", 2000);
    tempdir_mkdir(&d, "sub/c.html.zst");
    tempdir_date(&d, "a.css", 1000);
    tempdir_date(&d, "a.css.zst", 999);
    tempdir_date(&d, "b.css", 1000);
    tempdir_date(&d, "b.css.zst", 1000);
    tempdir_date(&d, "b.css.br", 1001);
    tempdir_date(&d, "small.css", 1000);
    tempdir_date(&d, "small.css.zst", 999);
    make_plan(&p);
    assert_jobs(&p,
                "a.css.zst stale\na.css.br missing\nsmall.css.zst stale\nsub/c.html.br missing\n");
    assert_string_equal(told, "foreign sub/c.html.zst\n");
    assert_int_equal(p.fresh, 2);
    assert_int_equal(p.bytes, 1000 + 1000 + 255 + 2000);
    plan_sort_by_size(&p);
    assert_string_equal(p.jobs[0].path, "sub/c.html");
    assert_string_equal(p.jobs[3].path, "small.css");
    plan_cleanup(&p);
    assert_int_equal(p.count, 0);
    tempdir_remove(&d);
}

// Orphans are known by the suffixes of this build.
TEST(test_orphans)
{
    struct plan p;
    char name[64];
    size_t count;
    const struct compressor *all = compressor_all(&count);
    tempdir_make(&d);
    tempdir_fill(&d, "there.css", 10);
    for (size_t i = 0; i < 3; i++) {
        static const char *const originals[] = {"there.css", "gone.css", "packages.tar"};
        snprintf(name, sizeof(name), "%s%s", originals[i], compressor_suffix(all));
        tempdir_fill(&d, name, 10);
    }
    make_plan(&p);
    assert_jobs(&p, "");
    snprintf(name, sizeof(name), "orphan gone.css%s\n", compressor_suffix(all));
    assert_string_equal(told, name);
    plan_sort_by_size(&p); // of nothing
    plan_cleanup(&p);
    tempdir_remove(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plan),
        cmocka_unit_test(test_orphans),
    };
    return cmocka_run_group_tests_name("plan", tests, NULL, NULL);
}

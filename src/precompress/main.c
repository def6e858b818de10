// tined-precompress: makes and refreshes the compressed siblings of the files in a directory, or
// says which are stale. The daemon knows nothing of it: only this program links the compressors.
#include "base/log.h"
#include "precompress/interrupt.h"
#include "precompress/options.h"
#include "precompress/plan.h"
#include "precompress/pool.h"
#include "precompress/tally.h"
#include "sys/cpus.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define EXIT_USAGE 2

// The result of a job; a slot of its own for each, so that threads need no lock.
struct outcome {
    int result; // of job_run()
    uint64_t size;
};

struct run {
    const struct options *options;
    struct plan plan;
    struct outcome *outcomes;
    struct progress progress;
    struct job_env env;
    struct tally tally;
};

// ---- what is said ------------------------------------------------------------------------------

// "stale     a/b.css.br": a line of --check.
static void print_finding(const struct run *r, const char *what, const char *path,
                          const char *suffix)
{
    char line[4 * (PATH_MAX + 8) + 1]; // each byte may become an escape
    struct buf b = buf_make(line, sizeof(line) - 1);
    buf_put_escaped(&b, slice_of(path));
    line[b.len] = '\0';
    if (!r->options->quiet)
        printf("%-8s %s%s\n", what, line, suffix);
}

static void tell_failure(const char *path, const char *suffix, int error)
{
    log_err("%s%s: %s", path, suffix, job_explain(error));
}

static void take_orphan(void *context, const char *path)
{
    struct run *r = context;
    r->tally.orphans++;
    if (r->options->check)
        print_finding(r, "orphan", path, "");
}

static void take_foreign(void *context, const char *path)
{
    const struct run *r = context;
    if (!r->options->quiet)
        log_warn("%s: is not a file, and stays as it is", path);
}

static void take_failure(void *context, const char *path, int error)
{
    struct run *r = context;
    r->tally.failed++;
    tell_failure(path, "", error);
}

static void print_tally(const struct run *r)
{
    char text[512];
    struct buf b = buf_make(text, sizeof(text));
    if (r->options->quiet)
        return;
    if (r->options->check)
        tally_format_check(&r->tally, &b);
    else
        tally_format_run(&r->tally, &b);
    printf("%.*s\n", SLICE_ARG(buf_slice(&b)));
}

// ---- the work ----------------------------------------------------------------------------------

static void work(void *context, size_t index)
{
    struct run *r = context;
    const struct job *job = &r->plan.jobs[index];
    struct outcome *out = &r->outcomes[index];
    // A stale one is a finding whatever would become of it.
    bool idle = r->options->check && job->state == SIBLING_STALE;
    out->result = idle ? JOB_NOTHING : job_run(job, &r->env, &out->size);
    if (idle)
        progress_add(&r->progress, job->size);
    progress_finish_job(&r->progress);
    if (out->result < 0 && out->result != -ECANCELED) {
        progress_hide(&r->progress);
        tell_failure(job->path, compressor_suffix(job->compressor), out->result);
        progress_show(&r->progress);
    }
}

static void count_run(struct tally *t, const struct job *job, const struct outcome *out)
{
    t->made += out->result == JOB_MADE;
    t->not_smaller += out->result == JOB_NOT_SMALLER;
    t->removed += out->result == JOB_REMOVED;
    t->failed += out->result < 0;
    t->fresh += out->result == JOB_NOTHING;
    t->bytes_in += out->result == JOB_MADE ? job->size : 0;
    t->bytes_out += out->result == JOB_MADE ? out->size : 0;
}

static void count_check(struct run *r, const struct job *job, const struct outcome *out)
{
    bool stale = job->state == SIBLING_STALE;
    bool missing = !stale && out->result == JOB_MADE;
    r->tally.stale += stale;
    r->tally.missing += missing;
    r->tally.not_smaller += !stale && out->result == JOB_NOT_SMALLER;
    r->tally.failed += out->result < 0;
    if (stale || missing)
        print_finding(r, stale ? "stale" : "missing", job->path,
                      compressor_suffix(job->compressor));
}

static void count_all(struct run *r)
{
    r->tally.fresh += r->plan.fresh;
    for (size_t i = 0; i < r->plan.count; i++) {
        if (r->options->check)
            count_check(r, &r->plan.jobs[i], &r->outcomes[i]);
        else
            count_run(&r->tally, &r->plan.jobs[i], &r->outcomes[i]);
    }
}

static void work_all(struct run *r)
{
    unsigned threads = r->options->threads ? r->options->threads : cpus_usable();
    bool visible = !r->options->quiet && isatty(STDERR_FILENO);
    // Findings are reported in the order of their paths.
    if (!r->options->check)
        plan_sort_by_size(&r->plan);
    progress_init(&r->progress, visible, r->plan.bytes, r->plan.count);
    pool_run(threads, r->plan.count, work, r);
    progress_cleanup(&r->progress);
}

// Returns the exit status.
static int run_plan(const struct options *options, int root)
{
    struct run r = {.options = options};
    const struct plan_listener listener = {take_orphan, take_foreign, take_failure, &r};
    r.env = (struct job_env){.root = root, .dry = options->check, .progress = &r.progress};
    plan_make(&r.plan, root, options->compressors, &listener);
    r.outcomes = calloc(r.plan.count + 1, sizeof(*r.outcomes));
    if (!r.outcomes) {
        log_err("no memory");
        plan_cleanup(&r.plan);
        return EXIT_FAILURE;
    }
    work_all(&r);
    if (!interrupt_seen()) {
        count_all(&r);
        print_tally(&r);
    }
    free(r.outcomes);
    plan_cleanup(&r.plan);
    bool good = r.tally.failed + r.tally.stale + r.tally.missing == 0;
    if (fflush(stdout) != 0) {
        log_err("cannot write: %s", strerror(errno));
        good = false;
    }
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    struct options options;
    char message[OPTIONS_MESSAGE_MAX];
    log_init("tined");
    if (options_parse(argc, argv, &options, message) < 0) {
        log_err("%s", message);
        return EXIT_USAGE;
    }
    interrupt_init();
    int root = open(options.directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (root < 0) {
        log_err("%s: %s", options.directory, strerror(errno));
        return EXIT_FAILURE;
    }
    int status = run_plan(&options, root);
    close(root);
    interrupt_finish();
    return status;
}

#include "server/asking.h"

#include "base/util.h"
#include "server/conn_types.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

int asking_init(struct context *ctx)
{
    int r = questions_init(&ctx->questions, &ctx->served->sites, &ctx->served->types);
    size_t count = ctx->questions.fs_count;
    if (r < 0 || count == 0)
        return r;
    ctx->askings = calloc(count * QUESTIONS_WAITING, sizeof(*ctx->askings));
    ctx->far_snapshots = calloc(count, sizeof(*ctx->far_snapshots));
    if (!ctx->askings || !ctx->far_snapshots)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++)
        snapshots_init(&ctx->far_snapshots[i], ctx->shared->listing_memory);
    ctx->cache.questions = &ctx->questions;
    return 0;
}

void asking_begin(struct context *ctx, const struct conn *c)
{
    if (!ctx->cache.questions)
        return;
    ctx->questions.turn = (struct question_turn){
        .since = c->asking ? ctx->askings[c->asking - 1].since : ctx->turns.group,
        .waits = c->asking,
        .is_late = ctx->is_late,
    };
}

static struct asking *take_free(struct context *ctx, const struct question_fs *fs)
{
    struct asking *one = &ctx->askings[(size_t)(fs - ctx->questions.fs) * QUESTIONS_WAITING];
    assert(fs->waiting < QUESTIONS_WAITING); // the question was refused else
    while (one->fs)
        one++;
    return one;
}

static void set_awaited(struct asking *one, struct question *awaited)
{
    if (one->awaited)
        one->awaited->awaited--;
    if (awaited)
        awaited->awaited++;
    one->awaited = awaited;
}

void asking_wait(struct context *ctx, struct conn *c)
{
    struct question_turn *turn = &ctx->questions.turn;
    if (!c->asking && turn->awaited) {
        struct question_fs *fs = turn->awaited->fs;
        struct asking *one = take_free(ctx, fs);
        *one = (struct asking){.fs = fs, .since = turn->since};
        c->asking = (uint32_t)(one - ctx->askings) + 1;
        fs->waiting++;
    }
    if (c->asking)
        set_awaited(&ctx->askings[c->asking - 1], turn->awaited);
    turn->awaited = NULL;
}

void asking_leave(struct context *ctx, struct conn *c)
{
    if (!c->asking)
        return;
    struct asking *one = &ctx->askings[c->asking - 1];
    set_awaited(one, NULL);
    one->fs->waiting--;
    *one = (struct asking){.fs = NULL};
    c->asking = 0;
    questions_forget(&ctx->questions);
}

bool asking_waits(const struct context *ctx, const struct conn *c)
{
    return c->asking && ctx->askings[c->asking - 1].awaited;
}

bool asking_is_over(const struct context *ctx, const struct conn *c)
{
    return asking_waits(ctx, c) && ctx->askings[c->asking - 1].awaited->is_answered;
}

void asking_end_soon(struct context *ctx)
{
    int64_t *timeout = &ctx->deadlines.timeouts[DEADLINE_ASKED];
    *timeout = MIN(*timeout, ASKING_ENDING);
}

struct snapshots *asking_snapshots(struct context *ctx, const struct tree *tree)
{
    if (tree->is_local || !ctx->cache.questions)
        return &ctx->snapshots;
    return &ctx->far_snapshots[questions_fs(&ctx->questions, tree) - ctx->questions.fs];
}

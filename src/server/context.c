#include "server/context.h"

#include "base/util.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

// How often a loop tells of PROXY headers.
#define PROXY_TELL_PERIOD 1000 // ms

// A disk takes the time that it takes.
#define FOREVER (INT64_MAX / 2)

// A client of a stopping server that was promised persistence gets this long to send one more
// request before the FIN (it may be on its way).
#define LAST_CHANCE 250 // ms

// The next generation of the same configuration is there sooner, if it can be at all.
#define ROOT_WAIT 1000 // ms

static void init_deadlines(struct context *ctx)
{
    const struct conf_timeouts *t = &ctx->served->conf->timeouts;
    const int64_t timeouts[DEADLINE_CLASSES] = {
        [DEADLINE_FIRST] = (int64_t)t->head,    [DEADLINE_HEAD] = (int64_t)t->head,
        [DEADLINE_BODY] = (int64_t)t->body,     [DEADLINE_SEND] = (int64_t)t->send,
        [DEADLINE_IDLE] = (int64_t)t->idle,     [DEADLINE_LAST] = LAST_CHANCE,
        [DEADLINE_LINGER] = (int64_t)t->linger, [DEADLINE_DISK] = FOREVER,
        [DEADLINE_LISTING] = (int64_t)t->send,  [DEADLINE_ROOT] = ROOT_WAIT,
        [DEADLINE_ASKED] = (int64_t)t->root,
    };
    deadlines_init(&ctx->deadlines, timeouts);
}

// 0 or a negative errno; what it has made by then is for context_cleanup().
static int open_all(struct context *ctx)
{
    const struct served *s = ctx->served;
    int r = filecache_init(&ctx->cache, &s->types, s->conf->cache.memory / s->conf->threads,
                           ctx->shared->file_limit);
    if (r == 0)
        r = accesslog_init(&ctx->log, s->access_log);
    if (r == 0)
        r = poller_init(&ctx->poller);
    if (r == 0)
        r = readahead_init(&ctx->readahead);
    if (r == 0 && !(ctx->matched = calloc(sites_most_rules(&s->sites) + 1, sizeof(*ctx->matched))))
        r = -ENOMEM;
    return r;
}

int context_init(struct context *ctx, const struct context_shared *shared,
                 struct scoreboard_slot *slot, struct scoreboard_notes *notes)
{
    const struct conf *conf = shared->served->conf;
    *ctx = (struct context){
        .shared = shared,
        .served = shared->served,
        .slot = slot,
        .notes = notes,
        .poller = {-1},
        .readahead = {.fd = -1},
        .questions = {.fd = -1},
        .turns = {.group = 1},
        .common = {.second = -1},
    };
    clock_read(&ctx->clock);
    snapshots_init(&ctx->snapshots, shared->listing_memory);
    slots_init(&ctx->slots, &slot->connections);
    init_deadlines(ctx);
    // Room for the largest head that the limits allow, with the CRLFs that they do not count.
    bufpool_init(
        &ctx->pool, (uint32_t)(conf->limits.request_line + conf->limits.fields + 16),
        (uint32_t)MAX(conf->limits.big_heads / conf->threads, MIN(conf->limits.big_heads, 1)));
    int r = open_all(ctx);
    if (r < 0)
        context_cleanup(ctx);
    return r;
}

// A thread may still be reading one of a file system that it is left to.
static void clean_far_snapshots(struct context *ctx)
{
    for (size_t i = 0; ctx->far_snapshots && i < ctx->questions.fs_count; i++)
        if (!ctx->questions.fs[i].is_left)
            snapshots_cleanup(&ctx->far_snapshots[i]);
}

void context_cleanup(struct context *ctx)
{
    accesslog_flush(&ctx->log, ctx->clock.now, true);
    accesslog_cleanup(&ctx->log);
    ctx->left = questions_end(&ctx->questions);
    readahead_cleanup(&ctx->readahead);
    snapshots_cleanup(&ctx->snapshots);
    clean_far_snapshots(ctx);
    if (ctx->cache.buckets)
        filecache_cleanup(&ctx->cache);
    questions_cleanup(&ctx->questions);
    free(ctx->far_snapshots);
    free(ctx->askings);
    bufpool_cleanup(&ctx->pool);
    slots_cleanup(&ctx->slots);
    free(ctx->matched);
    free(ctx->handoff_room);
    poller_cleanup(&ctx->poller);
}

void context_add_ready(struct context *ctx, struct conn *c)
{
    // One for each event, and the acceptors leave as many free (acceptor.c).
    assert(ctx->ready.count < CONTEXT_READY);
    ctx->ready.conns[ctx->ready.count++] = c;
}

void context_tell_proxy(struct context *ctx, enum proxy_notice notice, size_t listener)
{
    const struct context_shared *s = ctx->shared;
    int64_t *told = &ctx->proxy_told[notice];
    bool again = !*told || ctx->clock.now - *told >= PROXY_TELL_PERIOD;
    if (!s->on_proxy || !again)
        return;
    *told = ctx->clock.now;
    s->on_proxy(s->context, notice, listener);
}

struct slice context_common(struct context *ctx)
{
    struct common_lines *common = &ctx->common;
    if (common->second != ctx->clock.wall_s) {
        struct slice server = ctx->served->conf->server_header ? SLICE("tined") : SLICE("");
        struct buf b = buf_make(common->text, sizeof(common->text));
        response_common(&b, server, ctx->clock.wall_s);
        common->len = b.len;
        common->second = ctx->clock.wall_s;
    }
    return slice_make(common->text, common->len);
}

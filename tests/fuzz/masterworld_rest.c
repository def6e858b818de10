// The world around a master, but for descriptors and processes (masterworld.c).
#include "masterworld.h"

#include "base/util.h"
#include "server/worker_sandbox.h"
#include "sys/fdpass.h"
#include "sys/listener.h"

#include <assert.h>
#include <errno.h>
#include <linux/sockios.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#define UNHEARD_MAX 16u // messages that a socket holds

// ---- channels ----------------------------------------------------------------------------------

int __wrap_fdpass_send(int socket, const void *data, size_t len, int fd);
int __wrap_fdpass_send(int socket, const void *data, size_t len, int fd)
{
    struct world_process *p = world_process_at(socket);
    const struct channel_message *message = data;
    assert(p->pid && len == sizeof(*message));
    if (fd >= 0)
        assert(world_fd_of(fd)->kind == WORLD_LOG || world_fd_of(fd)->kind == WORLD_HANDOFF);
    if (message->type == CHANNEL_RETIRE)
        world_check_retire(p);
    if (p->has_ended)
        return -EPIPE;
    if (p->is_hung && ++p->unheard > UNHEARD_MAX)
        return -EAGAIN;
    if (message->type == CHANNEL_RETIRE && !p->is_retired) {
        p->is_retired = true;
        p->retired_at = world.now;
    }
    return 0;
}

bool world_say(struct world_process *p, uint32_t type, uint32_t value)
{
    if (p->said_count == WORLD_MESSAGES || p->has_ended)
        return false;
    p->said[p->said_count++] = (struct channel_message){type, value};
    return true;
}

// A message of an unknown type comes with a descriptor.
ssize_t __wrap_fdpass_receive(int socket, void *data, size_t cap, int *ret_fd);
ssize_t __wrap_fdpass_receive(int socket, void *data, size_t cap, int *ret_fd)
{
    struct world_process *p = world_process_at(socket);
    struct channel_message *first = &p->said[0];
    assert(cap == sizeof(*first));
    *ret_fd = -1;
    if (p->said_count == 0)
        return p->has_ended ? 0 : -EAGAIN;
    memcpy(data, first, sizeof(*first));
    if (first->type >= CHANNEL_TYPES)
        *ret_fd = world_open_fd(WORLD_SENT, 0);
    memmove(first, first + 1, --p->said_count * sizeof(*first));
    return sizeof(*first);
}

int __wrap_child_stderr_open(int ret_ends[static 2]);
int __wrap_child_stderr_open(int ret_ends[static 2])
{
    if (world_fails(WORLD_FAIL_PAIR))
        return -EMFILE;
    ret_ends[0] = world_open_fd(WORLD_WORDS, 0);
    ret_ends[1] = world_open_fd(WORLD_WORDS, 0);
    return 0;
}

int __wrap_handoff_pair(int pair[static 2]);
int __wrap_handoff_pair(int pair[static 2])
{
    if (world_fails(WORLD_FAIL_PAIR))
        return -EMFILE;
    pair[0] = world_open_fd(WORLD_HANDOFF, 0);
    pair[1] = world_open_fd(WORLD_HANDOFF, 0);
    return 0;
}

// Of how much waits in such a pair.
int __wrap_ioctl(int fd, unsigned long request, int *ret);
int __wrap_ioctl(int fd, unsigned long request, int *ret)
{
    assert(request == SIOCINQ && world_fd_of(fd)->kind == WORLD_HANDOFF);
    *ret = world.pairs_hold;
    return 0;
}

// ---- what a process has fetched ----------------------------------------------------------------

static void take_item(struct fetched *f, struct fetched_item *item)
{
    bool is_root = item->kind == FETCHED_ROOT || item->kind == FETCHED_LOOK;
    int error = is_root ? world.root_error : item->kind == FETCHED_FILE ? -ENOENT : 0;
    if (item->kind == FETCHED_LOG && world.log_fails)
        error = -EACCES;
    fetched_settle(f, item, error);
    item->dev = 1;
    item->inode = world.root_inode;
    item->is_local = true;
    if (error == 0 && item->kind == FETCHED_ROOT)
        item->fd = world_open_fd(WORLD_ROOT, 0);
    if (error == 0 && item->kind == FETCHED_LOG)
        item->fd = world_open_fd(WORLD_LOG, 0);
}

bool __wrap_fetch_job_receive(int channel, struct fetched *f);
bool __wrap_fetch_job_receive(int channel, struct fetched *f)
{
    struct world_process *p = world_process_at(channel);
    for (size_t i = 0; i < f->count && p->received < p->released; i++) {
        if (f->items[i].error != FETCHED_PENDING)
            continue;
        take_item(f, &f->items[i]);
        p->received++;
    }
    p->received = p->released;
    if (f->pending == 0)
        world_end(p, 0);
    return !p->has_ended && f->pending;
}

int __wrap_rootfs_stat_cached(const char *path, struct file_identity *ret);
int __wrap_rootfs_stat_cached(const char *path, struct file_identity *ret)
{
    (void)path;
    if (!world.root_is_cached)
        return -EAGAIN;
    *ret = (struct file_identity){.dev = 1, .inode = world.root_inode};
    return world.root_error;
}

// ---- listeners ---------------------------------------------------------------------------------

int __wrap_listener_open(const struct endpoint *e, const struct listener_options *o,
                         const char **ret_what);
int __wrap_listener_open(const struct endpoint *e, const struct listener_options *o,
                         const char **ret_what)
{
    (void)o;
    *ret_what = "bind";
    if (world_fails(WORLD_FAIL_LISTENER))
        return -EACCES;
    int fd = world_open_fd(WORLD_LISTENER, 0);
    world_fd_of(fd)->at = *e;
    return fd;
}

int __wrap_listener_address(int fd, struct endpoint *ret);
int __wrap_listener_address(int fd, struct endpoint *ret)
{
    *ret = world_fd_of(fd)->at;
    return 0;
}

void __wrap_listener_stop_deferring(int fd);
void __wrap_listener_stop_deferring(int fd)
{
    assert(world_fd_of(fd)->kind == WORLD_LISTENER);
}

void __wrap_listener_unlink(int fd);
void __wrap_listener_unlink(int fd)
{
    assert(world_fd_of(fd)->kind == WORLD_LISTENER);
}

int __wrap_shutdown(int fd, int how);
int __wrap_shutdown(int fd, int how)
{
    (void)how;
    assert(world_fd_of(fd)->kind == WORLD_LISTENER);
    return 0;
}

int __wrap_listener_somaxconn(void);
int __wrap_listener_somaxconn(void)
{
    return 0;
}

int __wrap_listener_queue(int fd, uint32_t *ret_queued, uint32_t *ret_backlog);
int __wrap_listener_queue(int fd, uint32_t *ret_queued, uint32_t *ret_backlog)
{
    (void)ret_queued, (void)ret_backlog;
    world_fd_of(fd);
    return -EINVAL;
}

// ---- memory, sandbox, privileges ---------------------------------------------------------------

#define MEMORY_HEAD 128u // how many mappings there are of it

int __wrap_sharedmem_map(const char *name, size_t size, void **ret_own, const void **ret_view);
int __wrap_sharedmem_map(const char *name, size_t size, void **ret_own, const void **ret_view)
{
    size_t whole = (MEMORY_HEAD + size + MEMORY_HEAD - 1) / MEMORY_HEAD * MEMORY_HEAD;
    char *memory = aligned_alloc(MEMORY_HEAD, whole);
    (void)name;
    assert(memory);
    memset(memory, 0, whole);
    *(unsigned *)(void *)memory = ret_view ? 2 : 1;
    *ret_own = memory + MEMORY_HEAD;
    if (ret_view)
        *ret_view = *ret_own;
    return 0;
}

void __wrap_sharedmem_lend(void *own, size_t size, bool is_lent);
void __wrap_sharedmem_lend(void *own, size_t size, bool is_lent)
{
    (void)own, (void)size, (void)is_lent;
}

void __wrap_sharedmem_unmap(const void *memory, size_t size);
void __wrap_sharedmem_unmap(const void *memory, size_t size)
{
    unsigned *mappings = (unsigned *)(uintptr_t)((const char *)memory - MEMORY_HEAD);
    (void)size;
    if (--*mappings == 0)
        free(mappings);
}

int __wrap_worker_sandbox_make(struct sandbox *ret, const struct conf *conf,
                               const struct sites *sites);
int __wrap_worker_sandbox_make(struct sandbox *ret, const struct conf *conf,
                               const struct sites *sites)
{
    (void)conf, (void)sites;
    if (world_fails(WORLD_FAIL_RULESET))
        return -ENOMEM;
    *ret = SANDBOX_NONE;
    ret->ruleset = world_open_fd(WORLD_RULESET, 0);
    return 0;
}

int __wrap_privs_reduce_master(const struct privs *p);
int __wrap_privs_reduce_master(const struct privs *p)
{
    (void)p;
    return 0;
}

rlim_t __wrap_privs_raise_nofile(rlim_t want);
rlim_t __wrap_privs_raise_nofile(rlim_t want)
{
    return want;
}

// ---- the control socket ------------------------------------------------------------------------

struct control {
    char path[64];
};

int __wrap_control_new(const struct control_options *options, struct control **ret,
                       const char **ret_what);
int __wrap_control_new(const struct control_options *options, struct control **ret,
                       const char **ret_what)
{
    struct control *c = calloc(1, sizeof(*c));
    (void)ret_what;
    assert(c && strlen(options->path) < sizeof(c->path));
    memcpy(c->path, options->path, strlen(options->path) + 1);
    world.commands = options->commands;
    world.commands_context = options->context;
    *ret = c;
    return 0;
}

void __wrap_control_serve(struct control *c);
void __wrap_control_serve(struct control *c)
{
    (void)c;
}

const char *__wrap_control_path(const struct control *c);
const char *__wrap_control_path(const struct control *c)
{
    return c->path;
}

void __wrap_control_free(struct control *c);
void __wrap_control_free(struct control *c)
{
    free(c);
}

// Each is answered once. A reload that went well was begun after it was asked for.
void __wrap_control_answer(int fd, const char *kind, const char *text);
void __wrap_control_answer(int fd, const char *kind, const char *text)
{
    const struct world_fd *f = world_fd_of(fd);
    assert(f->kind == WORLD_CLIENT && *text);
    struct world_order *order = &world.orders[f->owner];
    bool is_well = strcmp(kind, "result") == 0;
    assert(!world_is_heard_of(f->owner));
    order->is_answered = true;
    if (order->kind == WORLD_ORDER_RELOAD && is_well)
        assert(world.loads > order->loads && world.generations->current);
    assert(order->kind != WORLD_ORDER_UPGRADE || !is_well || world.executions > order->executions);
}

void world_command(const char *name, const char *arguments, enum world_order_kind kind)
{
    const struct control_command *c = world.commands;
    if (!c || world.order_count == WORLD_ORDERS)
        return;
    unsigned number = world.order_count++;
    world.orders[number] = (struct world_order){
        .loads = world.loads, .executions = world.executions, .kind = kind};
    const struct control_request request = {.arguments = slice_of(arguments),
                                            .fd = world_open_fd(WORLD_CLIENT, number)};
    while (strcmp(c->name, name) != 0)
        c++;
    c->run(world.commands_context, &request);
    world_close_fd(request.fd);
    assert(world_is_heard_of(number) || world_keeps_client(number));
}

// ---- the parts of the master -------------------------------------------------------------------

void __real_generations_init(struct generations *gs);
void __wrap_generations_init(struct generations *gs);
void __wrap_generations_init(struct generations *gs)
{
    world.generations = gs;
    __real_generations_init(gs);
}

void __real_generations_add(struct generations *gs, struct generation *g);
void __wrap_generations_add(struct generations *gs, struct generation *g);
void __wrap_generations_add(struct generations *gs, struct generation *g)
{
    world.starting_since = world.now;
    __real_generations_add(gs, g);
}

void __real_fetches_init(struct fetches *fs, struct watches *watches);
void __wrap_fetches_init(struct fetches *fs, struct watches *watches);
void __wrap_fetches_init(struct fetches *fs, struct watches *watches)
{
    world.fetches = fs;
    __real_fetches_init(fs, watches);
}

void __real_reload_init(struct reload *r);
void __wrap_reload_init(struct reload *r);
void __wrap_reload_init(struct reload *r)
{
    world.reload = r;
    __real_reload_init(r);
}

// The configuration is to be loaded afterwards, now or later.
void __real_reload_start(struct reload *r);
void __wrap_reload_start(struct reload *r);
void __wrap_reload_start(struct reload *r)
{
    world.owes_reload = true;
    __real_reload_start(r);
}

void __real_stop_init(struct stop *s);
void __wrap_stop_init(struct stop *s);
void __wrap_stop_init(struct stop *s)
{
    world.stop = s;
    __real_stop_init(s);
}

void __real_upgrade_init(struct upgrade *u);
void __wrap_upgrade_init(struct upgrade *u);
void __wrap_upgrade_init(struct upgrade *u)
{
    world.upgrade = u;
    __real_upgrade_init(u);
}

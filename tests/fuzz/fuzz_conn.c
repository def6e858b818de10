// Connections from state to state: whatever clients send and do, and whenever, the invariants of
// server/conn_check.h hold after every step, the daemon does not spin, and each connection ends.
//
// The world around server/conn.h is in memory: sockets, the poller and the clock are those of this
// file, the file systems those of conn_disk.h. Input: operations on them, a byte each, with the
// operands that they take. After each the connections that are ready get a turn, as server/loop.c
// gives it, unless the operation says that more happens at once.
#include "conn_disk.h"
#include "conn_texts.h"
#include "fuzz.h"
#include "served_tree.h"

#include "base/util.h"
#include "server/asking.h"
#include "server/conn.h"
#include "server/conn_proxy.h"
#include "sys/transmit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>

#define CLIENTS 3
#define TURNS   20000    // more than any answer takes; beyond it the daemon spins
#define TIME    10000000 // ms; when an input begins

// In an operation's byte, above its number in the table below: which client, and that no turn
// follows.
#define CLIENT_OF(byte) ((byte) / 16 % 4 % CLIENTS)
#define AT_ONCE         0x80

static struct client {
    struct conn *conn; // NULL: none is open
    int fd;
    uint32_t interest;
    char unread[8192]; // sent, and not received yet
    size_t len;
    bool finished, gone; // the client
    bool told_end;       // by the daemon
    uint64_t room;       // in the socket
    uint64_t taken;      // bytes of answers
} clients[CLIENTS];

static struct context *ctx;
static struct served served;
static struct door {
    uint16_t listener;
    bool is_trusted; // who comes in by it
} door;              // for those who come next
static uint64_t held_back;

// ---- the world around ---------------------------------------------------------------------------

static struct client *client_of(int fd)
{
    for (size_t i = 0; i < CLIENTS; i++)
        if (clients[i].conn && clients[i].fd == fd)
            return &clients[i];
    abort();
}

ssize_t __wrap_transmit_receive(int fd, void *data, size_t len);
ssize_t __wrap_transmit_receive(int fd, void *data, size_t len)
{
    struct client *c = client_of(fd);
    assert(len > 0); // nothing received would be taken for the end
    if (c->gone)
        return -ECONNRESET;
    if (c->len == 0)
        return c->finished ? 0 : -EAGAIN;
    size_t n = MIN(len, c->len);
    memcpy(data, c->unread, n);
    memmove(c->unread, c->unread + n, c->len - n);
    c->len -= n;
    return (ssize_t)n;
}

static ssize_t take(struct client *c, size_t len)
{
    assert(!c->told_end && len > 0);
    if (c->gone)
        return -EPIPE;
    if (c->room == 0)
        return -EAGAIN;
    size_t n = (size_t)MIN((uint64_t)len, c->room);
    c->room -= n;
    c->taken += n;
    return (ssize_t)n;
}

ssize_t __wrap_transmit_send(int fd, struct iovec *parts, int count, bool more);
ssize_t __wrap_transmit_send(int fd, struct iovec *parts, int count, bool more)
{
    struct client *c = client_of(fd);
    size_t len = 0;
    (void)more;
    for (int i = 0; i < count; i++)
        len += parts[i].iov_len;
    if (c->taken == 0)
        assert(memcmp(parts[0].iov_base, "HTTP/1.1 ", MIN(parts[0].iov_len, 9)) == 0);
    return take(c, len);
}

ssize_t __wrap_transmit_file(int fd, int file, uint64_t offset, size_t len);
ssize_t __wrap_transmit_file(int fd, int file, uint64_t offset, size_t len)
{
    (void)file;
    assert(offset < SERVED_TREE_LARGE && len <= SERVED_TREE_LARGE - offset);
    return take(client_of(fd), len);
}

uint64_t __wrap_transmit_queued(int fd);
uint64_t __wrap_transmit_queued(int fd)
{
    return MIN(held_back, client_of(fd)->taken);
}

int __wrap_shutdown(int fd, int how);
int __wrap_shutdown(int fd, int how)
{
    struct client *c = client_of(fd);
    assert(how == SHUT_WR && !c->told_end);
    c->told_end = true;
    return 0;
}

int __wrap_poller_add(struct poller *p, int fd, uint32_t interest, void *source);
int __wrap_poller_add(struct poller *p, int fd, uint32_t interest, void *source)
{
    struct client *c = client_of(fd);
    (void)p;
    assert(c->interest == 0 && interest && source == c->conn);
    c->interest = interest;
    return 0;
}

int __wrap_poller_set(struct poller *p, int fd, uint32_t interest, void *source);
int __wrap_poller_set(struct poller *p, int fd, uint32_t interest, void *source)
{
    struct client *c = client_of(fd);
    (void)p;
    assert(c->interest && interest && source == c->conn);
    c->interest = interest;
    return 0;
}

void __wrap_poller_remove(struct poller *p, int fd);
void __wrap_poller_remove(struct poller *p, int fd)
{
    (void)p;
    client_of(fd)->interest = 0;
}

struct block *__real_bufpool_get(struct bufpool *pool);
struct block *__wrap_bufpool_get(struct bufpool *pool);
struct block *__wrap_bufpool_get(struct bufpool *pool)
{
    return disk.is_short ? NULL : __real_bufpool_get(pool);
}

// Each look at the time takes as long, so that a listing comes in pieces.
int64_t __wrap_clock_now_us(void);
int64_t __wrap_clock_now_us(void)
{
    static int64_t now;
    return now += 100;
}

// ---- the loop ----------------------------------------------------------------------------------

static void on_event(void *context)
{
    (void)context;
}

static void begin(void)
{
    static const _Atomic bool no;
    static struct budget listing_memory = {.limit = 1 << 20};
    static struct context_shared shared = {
        .served = &served,
        .listing_memory = &listing_memory,
        .leaving = &no,
        .is_unready = &no,
        .connection_limit = CLIENTS,
        .file_limit = 4,
        .on_stopped_accepting = on_event,
        .on_swapped = on_event,
    };
    if (!ctx) {
        served_tree_make(&served);
        ctx = malloc(sizeof(*ctx));
        assert(ctx);
    }
    const struct scoreboard_place *place = &served.scoreboard.places[0];
    assert(context_init(ctx, &shared, place->slots, place->notes) == 0);
    // So much later that the files count as old.
    ctx->clock = (struct clock){.now = TIME, .wall_s = ctx->clock.wall_s + 1000};
    assert(asking_init(ctx) == 0);
    disk = (struct disk){0};
    door = (struct door){0};
    held_back = 0;
}

// ---- turns --------------------------------------------------------------------------------------

static bool is_ready(const struct client *c)
{
    uint32_t ready = (c->len || c->finished || c->gone ? POLLER_IN : 0u) |
                     (c->room || c->gone ? POLLER_OUT : 0u);
    return c->conn && c->interest && (c->gone || (ready & c->interest));
}

// It could have gone on.
static bool waits_in_vain(const struct conn *c)
{
    return (c->state == CONN_ASKED && asking_is_over(ctx, c)) ||
           (c->state == CONN_LISTING && c->listing->state == SNAPSHOT_READ);
}

// Forgets those that are closed.
static void look_at_clients(void)
{
    for (size_t i = 0; i < CLIENTS; i++) {
        struct client *c = &clients[i];
        if (c->conn && c->conn->state == CONN_FREE)
            *c = (struct client){.conn = NULL};
        assert(!c->conn || (c->interest == c->conn->interest && c->taken == c->conn->sent));
        assert(!c->conn || !waits_in_vain(c->conn));
    }
    slots_reuse(&ctx->slots);
}

// Whether any connection was ready.
static bool take_turn(void)
{
    struct deadline *d;
    ctx->turns.round++;
    for (size_t i = 0; i < CLIENTS; i++) {
        if (is_ready(&clients[i])) {
            conn_receive(ctx, clients[i].conn);
            context_add_ready(ctx, clients[i].conn);
        }
    }
    bool was_ready = ctx->ready.count > 0;
    for (size_t i = 0; i < ctx->ready.count; i++)
        conn_advance(ctx, ctx->ready.conns[i]);
    ctx->ready.count = 0;
    ctx->turns.group++;
    while ((d = deadlines_expired(&ctx->deadlines, ctx->clock.now)))
        conn_expire(ctx, CONTAINER_OF(d, struct conn, deadline));
    look_at_clients();
    return was_ready;
}

static void read_disk(void)
{
    disk_read(ctx);
    look_at_clients();
}

static void answer_far(void)
{
    disk_take_far(ctx);
    look_at_clients();
}

static void pass_time(int64_t ms)
{
    ctx->clock.now += ms;
    ctx->clock.wall_s += ms / 1000;
}

// ---- clients ------------------------------------------------------------------------------------

static void client_open(struct client *c)
{
    struct sockaddr_in6 peer = {.sin6_family = door.is_trusted ? AF_UNIX : AF_INET};
    *c = (struct client){.fd = open("/dev/null", O_RDONLY | O_CLOEXEC), .room = 1000};
    assert(c->fd >= 0);
    c->conn = slots_take(&ctx->slots);
    assert(c->conn);
    conn_open(c->conn, c->fd, &peer, door.listener, ctx->clock.now);
    conn_proxy_expect(ctx, c->conn);
    conn_receive(ctx, c->conn);
    conn_advance(ctx, c->conn);
    look_at_clients();
}

static void client_send(struct client *c, struct slice data)
{
    size_t n = MIN(data.len, sizeof(c->unread) - c->len);
    if (n && !c->finished && !c->gone) {
        memcpy(c->unread + c->len, data.ptr, n);
        c->len += n;
    }
}

// ---- operations ---------------------------------------------------------------------------------

typedef void operation(struct client *c, struct slice *operands);

// Count, bytes.
static void send_bytes(struct client *c, struct slice *operands)
{
    size_t len = fuzz_byte(operands);
    struct slice bytes = slice_make(operands->ptr, MIN(operands->len, len));
    client_send(c, bytes);
    *operands = slice_skip(*operands, bytes.len);
}

// Number.
static void send_text(struct client *c, struct slice *operands)
{
    client_send(c, slice_of(texts[fuzz_byte(operands) % ARRAY_SIZE(texts)]));
}

// Number, how much of it.
static void send_beginning(struct client *c, struct slice *operands)
{
    struct slice text = slice_of(texts[fuzz_byte(operands) % ARRAY_SIZE(texts)]);
    size_t len = fuzz_byte(operands);
    client_send(c, slice_make(text.ptr, MIN(text.len, len)));
}

// Two factors.
static void make_room(struct client *c, struct slice *operands)
{
    uint64_t room = fuzz_byte(operands);
    c->room += room * fuzz_byte(operands);
}

// How much.
static void let_time_pass(struct client *c, struct slice *operands)
{
    (void)c;
    pass_time(500 * (int64_t)fuzz_byte(operands));
}

static void finish(struct client *c, struct slice *operands)
{
    (void)operands;
    c->finished = true;
}

static void reset(struct client *c, struct slice *operands)
{
    (void)operands;
    c->gone = true;
}

static void end_serving(struct client *c, struct slice *operands)
{
    (void)c, (void)operands;
    ctx->phase = LOOP_RETIRING;
    asking_end_soon(ctx);
    for (size_t i = 0; i < CLIENTS; i++)
        if (clients[i].conn)
            conn_drain(ctx, clients[i].conn);
}

// Content has to be read from the disk from now on; or no more.
static void cool_disk(struct client *c, struct slice *operands)
{
    (void)c, (void)operands;
    disk.is_cold = !disk.is_cold;
}

static void let_disk_read(struct client *c, struct slice *operands)
{
    (void)c, (void)operands;
    read_disk();
}

// A root leads elsewhere from now on, as the file cache has noticed; or no more.
static void swap_root(struct client *c, struct slice *operands)
{
    (void)c, (void)operands;
    disk.is_swapped = ctx->cache.swapped = !disk.is_swapped;
}

static void run_short(struct client *c, struct slice *operands)
{
    (void)c, (void)operands;
    disk.is_short = !disk.is_short;
}

// It cannot be handed over, for nobody has room.
static void stop_watching(struct client *c, struct slice *operands)
{
    (void)operands;
    conn_unwatch(ctx, c->conn);
    conn_watch(ctx, c->conn);
}

// Bytes sent that clients have not acknowledged.
static void hold_back(struct client *c, struct slice *operands)
{
    (void)c;
    held_back = UINT64_C(1000) * fuzz_byte(operands);
}

// How many of its jobs, and whether the loop hears of it later only.
static void let_far_answer(struct client *c, struct slice *operands)
{
    uint8_t byte = fuzz_byte(operands);
    (void)c;
    disk_do_far(byte % 128);
    if (byte < 128)
        answer_far();
}

// Listener (served_tree.h), whether a proxy comes in, whether any is trusted.
static void set_door(struct client *c, struct slice *operands)
{
    uint8_t byte = fuzz_byte(operands);
    (void)c;
    door = (struct door){.listener = byte % SERVED_TREE_LISTENERS, .is_trusted = byte & 4};
    served.proxies.trusted_count = byte & 8 ? 1 : 0;
}

static operation *const operations[] = {
    send_bytes, send_text,     send_beginning, make_room,     let_time_pass, finish,
    reset,      end_serving,   cool_disk,      let_disk_read, hold_back,     swap_root,
    run_short,  stop_watching, let_far_answer, set_door,
};

// ---- the end ------------------------------------------------------------------------------------

static void check_far(void)
{
    for (size_t i = 0; i < ctx->questions.fs_count; i++) {
        const struct question_fs *fs = &ctx->questions.fs[i];
        snapshots_tick(&ctx->far_snapshots[i], ctx->clock.now + SNAPSHOTS_YOUNG);
        assert(fs->waiting == 0 && fs->open == 0 && list_is_empty(&fs->answered));
        assert(list_is_empty(&ctx->far_snapshots[i].shared) && !ctx->far_snapshots[i].reading);
    }
}

// With room for all that comes, and with time, each connection ends, even if the file system far
// away does not answer, and leaves nothing behind.
static void end_all(void)
{
    int turns = 0;
    disk.is_swapped = disk.is_short = false;
    for (size_t i = 0; i < CLIENTS; i++)
        clients[i].room += UINT32_MAX;
    do
        read_disk();
    while (take_turn() && ++turns < TURNS);
    for (int i = 0; i < 1000 && ctx->slots.taken; i++) {
        pass_time(1000);
        read_disk();
        take_turn();
    }
    assert(turns < TURNS && ctx->slots.taken == 0);
    snapshots_tick(&ctx->snapshots, ctx->clock.now + SNAPSHOTS_YOUNG);
    assert(ctx->pool.big_used == 0 && list_is_empty(&ctx->snapshots.shared));
    for (size_t i = 0; i < DEADLINE_CLASSES; i++)
        assert(ctx->deadlines.counts[i] == 0);
    for (size_t i = 0; i < INFLIGHT_MAX; i++)
        assert(!ctx->notes->inflight.entries[i].is_used);
    read_disk();
    disk_do_far(SIZE_MAX);
    answer_far();
    check_far();
    context_cleanup(ctx);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct slice data = fuzz_slice(bytes, size);
    begin();
    while (data.len) {
        uint8_t byte = fuzz_byte(&data);
        struct client *c = &clients[CLIENT_OF(byte)];
        if (!c->conn)
            client_open(c);
        if (c->conn) // else there was no memory for it
            operations[byte % ARRAY_SIZE(operations)](c, &data);
        look_at_clients();
        if (!(byte & AT_ONCE))
            take_turn();
    }
    end_all();
    return 0;
}

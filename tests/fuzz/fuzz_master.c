// A master and its generations, whatever happens and in whatever order: workers that are ready, die
// or hang, orders of all kinds, processes that do not answer, calls that fail.
//
// The master is all of daemon/master.h, and an upgrade executes it anew (masterexec.h); the world
// around it is masterworld.h. Input: operations, a byte each, with the operands that they take.
// Before each wait of the master must hold that
// - no worker is signalled or told to end without a reason, and each place that wants one has one
// or
//   has a time when it gets one: so there are never fewer workers that serve than before but for a
//   reason;
// - every descriptor is somebody's, and every process;
// - whoever waits for an order waits for something that is under way.
// At the end, when everybody else behaves, the master comes to rest with all of its workers
// serving, every order answered and every process that has ended reaped, and ends when it is told
// to, with everything closed.
//
// `fuzz_master -runs=100000` tries so many sequences, also where libFuzzer is not linked
// (replay.c).
#include "fuzz.h"
#include "mastercheck.h"
#include "masterexec.h"
#include "masterworld.h"

#include "base/log.h"
#include "base/util.h"
#include "conf/conf_load.h"
#include "daemon/master.h"
#include "daemon/worker_process.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

// In an operation's byte: the master does not get to look before the next one.
#define AT_ONCE 0x80

#define OPERATIONS_MAX 400
#define REST_TIME      150000 // ms until the master has come to rest, or has ended
#define WAITS_MAX      20000  // beyond it the master spins

#define LIMITS "timeouts = { drain = \"5s\"; watchdog = \"3s\"; root = \"2s\"; };\n"

static const char *const texts[] = {
    "listen = ( { address = \"127.0.0.1:8001\"; } ); workers = 2; control = \"/c\";\n" LIMITS,
    "listen = ( { address = \"127.0.0.1:8001\"; }, { address = \"127.0.0.1:8002\"; } );\n"
    "workers = 1; threads = 2; control = \"/c\";\n" LIMITS,
    "listen = ( { address = \"127.0.0.1:8002\"; } ); workers = 3; control = \"/d\";\n"
    "log = { access = \"/l\"; };\n" LIMITS,
    "listen = ( { address = \"127.0.0.1:8001\"; } ); workers = 2; control = \"/c\";\n"
    "limits = { worker_age = \"4s\"; };\n"
    "log = { access = \"/l\"; };\n" LIMITS,
    "listen = ( { address = \"unix:/s\"; } ); workers = 1; control = \"\";\n"
    "timeouts = { drain = \"1s\"; lame_duck = \"2s\"; watchdog = \"0\"; };\n",
};

static struct conf *confs[ARRAY_SIZE(texts)];

static enum { OPERATING, RESTING, STOPPING } stage;
static struct slice input;
static unsigned waits, conf_number;
static bool conf_is_bad;
static int64_t stage_ends;
static int exit_status; // of the last image

// ---- configurations -----------------------------------------------------------------------------

static void note_report(void *context, const char *where, const char *message)
{
    (void)context;
    fprintf(stderr, "%s: %s\n", where, message);
}

static void load_all(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(texts) && !confs[i]; i++) {
        char text[1024];
        snprintf(text, sizeof(text), "%ssites = ( { root = \"/r\"; } );\n", texts[i]);
        const struct conf_source source = {.file = "/m.conf", .text = text};
        confs[i] = conf_load(&source, note_report, NULL);
        assert(confs[i]);
    }
}

static struct conf *load(void *context)
{
    (void)context;
    world.loads++;
    world.owes_reload = false;
    return conf_is_bad ? NULL : conf_share(confs[conf_number]);
}

static bool drop_line(const struct log_record *record)
{
    (void)record;
    return true;
}

// As if stderr were the journal: then lines are not written to it.
static void drop_log(void)
{
    char text[64];
    struct stat st;
    assert(fstat(STDERR_FILENO, &st) == 0);
    snprintf(text, sizeof(text), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
    setenv("JOURNAL_STREAM", text, 1);
    log_init(NULL);
    if (!getenv("FUZZ_LOG"))
        log_set_sink(drop_line);
}

// ---- operations ---------------------------------------------------------------------------------

static bool is_starting(const struct world_process *p)
{
    return p->role == WORLD_WORKER && !p->has_ended && !p->has_started && !p->is_hung;
}

static bool is_worker(const struct world_process *p)
{
    return p->role == WORLD_WORKER && !p->has_ended;
}

static bool is_leaving(const struct world_process *p)
{
    return is_worker(p) && p->is_retired && !p->is_hung && !p->is_stuck;
}

static bool is_fetching(const struct world_process *p)
{
    return p->role == WORLD_FETCH && !p->has_ended;
}

static bool is_proving(const struct world_process *p)
{
    return p->role == WORLD_PROOF && !p->has_ended && world.upgrade->exec.proof.pid == p->pid;
}

static bool is_explaining(const struct world_process *p)
{
    return p->role == WORLD_EXPLAIN && !p->has_ended;
}

static bool is_anybody(const struct world_process *p)
{
    return p->pid != 0;
}

// Of its loops, each of which goes round once.
static void set_phase(const struct world_process *p, uint32_t phase)
{
    const struct worker_process *w = world_place_of(p);
    for (uint64_t t = 0; w && t < w->generation->served.conf->threads; t++) {
        worker_process_place(w)->slots[t].phase = phase;
        worker_process_place(w)->notes[t].beat++;
    }
}

static void start_serving(struct world_process *p)
{
    p->has_started = true;
    p->beaten_at = world.now;
    set_phase(p, SCOREBOARD_SERVING);
    world_say(p, CHANNEL_STARTED, 0);
}

static void leave(struct world_process *p)
{
    if (p->has_started)
        world_say(p, CHANNEL_HANDED_OVER, 0);
    set_phase(p, SCOREBOARD_ENDED);
    world_end(p, 0);
}

// Time in steps of a wait, or the time until a timer.
static void let_time_pass(unsigned operand, int timeout_ms)
{
    static const int64_t steps[] = {0, 1, 10, 100, 250, 1000, 1000, 2000, 5000, 30000};
    int64_t ms = operand & 0x80 ? timeout_ms : steps[operand % ARRAY_SIZE(steps)];
    world_pass(MAX(ms, 0));
}

static void have_worker_started(unsigned operand)
{
    struct world_process *p = world_find(is_starting, operand);
    if (p)
        start_serving(p);
}

static void have_worker_die(unsigned operand)
{
    static const int statuses[] = {SIGKILL, SIGSEGV, 0, 1 << 8};
    struct world_process *p = world_find(is_worker, operand);
    if (p)
        world_end(p, statuses[operand / 64]);
}

static void have_worker_hang(unsigned operand)
{
    struct world_process *p = world_find(is_worker, operand);
    if (p)
        p->is_hung = true;
}

static void have_worker_leave(unsigned operand)
{
    struct world_process *p = world_find(is_leaving, operand);
    if (p)
        leave(p);
}

static void have_worker_say(unsigned operand)
{
    struct world_process *p = world_find(is_worker, operand);
    uint32_t type = operand / 16;
    if (!p || p->is_hung)
        return;
    bool is_good = type == CHANNEL_ROOT_SWAPPED && p->has_started;
    p->is_unruly |= !is_good;
    world_say(p, type, 0);
}

static void have_worker_flood(unsigned operand)
{
    struct world_process *p = world_find(is_worker, operand);
    if (!p)
        return;
    p->is_unruly = true;
    while (world_say(p, CHANNEL_ROOT_SWAPPED, 0))
        continue;
}

static void have_items_answered(unsigned operand)
{
    struct world_process *p = world_find(is_fetching, operand);
    if (p)
        p->released += operand & 0x80 ? 100 : 1;
}

static void have_fetch_die(unsigned operand)
{
    struct world_process *p = world_find(is_fetching, operand);
    if (p)
        world_end(p, SIGSEGV);
}

static void have_all_behave(unsigned operand)
{
    struct world_process *p;
    (void)operand;
    while ((p = world_find(is_starting, 0)))
        start_serving(p);
    for (unsigned i = 0; i < WORLD_PROCESSES; i++)
        if (world.processes[i].pid && is_fetching(&world.processes[i]))
            world.processes[i].released = 100;
    while ((p = world_find(is_leaving, 0)))
        leave(p);
}

static void ask_for_reload(unsigned operand)
{
    if (operand & 1)
        world_signal(SIGHUP);
    else
        world_command("reload", "", WORLD_ORDER_RELOAD);
}

static void ask_for_upgrade(unsigned operand)
{
    if (operand & 1)
        world_signal(SIGUSR2);
    else
        world_command("upgrade", "", WORLD_ORDER_UPGRADE);
}

static void end_proof(unsigned operand)
{
    struct world_process *p = world_find(is_proving, 0);
    world.can_execute = operand & 4;
    if (p && operand & 1)
        assert(pwrite(world.upgrade->exec.proof_state, "proven ", 7, 0) == 7);
    if (p)
        world_end(p, operand & 2 ? 0 : 1 << 8);
}

static void ask_for_stop(unsigned operand)
{
    if (operand < 16)
        world_signal(operand == 0 ? SIGQUIT : SIGTERM);
    else if (operand < 24)
        world_command("stop", "", WORLD_ORDER_OTHER);
}

static void ask_for_something(unsigned operand)
{
    static const struct {
        const char *name, *arguments;
    } commands[] = {{"status", ""},
                    {"status", "json"},
                    {"reopen", ""},
                    {"drain", ""},
                    {"explain", "192.0.2.1 8001"}};
    operand %= ARRAY_SIZE(commands) + 1;
    if (operand == ARRAY_SIZE(commands))
        world_signal(SIGUSR1);
    else
        world_command(commands[operand].name, commands[operand].arguments, WORLD_ORDER_OTHER);
}

static void end_explaining(unsigned operand)
{
    struct world_process *p = world_find(is_explaining, operand);
    if (p)
        world_end(p, 0);
}

static void choose_conf(unsigned operand)
{
    conf_is_bad = operand >= 224;
    conf_number = operand % ARRAY_SIZE(texts);
}

static void change_root(unsigned operand)
{
    world.root_inode += operand & 1;
    world.root_is_cached = operand & 2;
    world.root_error = (operand & 12) == 12 ? -ENOENT : 0;
    world.log_fails = (operand & 48) == 48;
    world.pairs_hold = operand & 64;
}

static void have_calls_fail(unsigned operand)
{
    world.faults[operand % WORLD_FAULTS] = 1 + operand / 128;
}

static void have_process_stuck(unsigned operand)
{
    struct world_process *p = world_find(is_anybody, operand);
    if (p && operand & 0x80)
        p->is_traced = !p->is_traced;
    else if (p)
        world_stick(p, !p->is_stuck);
}

typedef void operation(unsigned operand);

static operation *const operations[] = {
    have_worker_started, have_worker_die,     have_worker_hang, have_worker_leave,  have_worker_say,
    have_worker_flood,   have_items_answered, have_fetch_die,   have_all_behave,    ask_for_reload,
    ask_for_upgrade,     end_proof,           ask_for_stop,     ask_for_something,  end_explaining,
    choose_conf,         change_root,         have_calls_fail,  have_process_stuck, have_all_behave,
};

// ---- the end ------------------------------------------------------------------------------------

static void enter_stage(int next)
{
    stage = next;
    waits = 0;
    stage_ends = world.now + REST_TIME;
}

static void have_world_behave(void)
{
    memset(world.faults, 0, sizeof(world.faults));
    world.root_error = 0;
    world.root_is_cached = world.can_execute = true;
    world.log_fails = world.pairs_hold = conf_is_bad = false;
    for (unsigned i = 0; i < WORLD_PROCESSES; i++) {
        struct world_process *p = &world.processes[i];
        const struct worker_process *w = p->pid ? world_place_of(p) : NULL;
        p->is_traced = false;
        world_stick(p, false);
        if (w && w->guard.stage != CHANNEL_GUARD_SILENT &&
            !w->generation->served.conf->timeouts.watchdog)
            p->is_hung = false; // nobody will notice
    }
}

static unsigned count_serving(const struct generation *g)
{
    unsigned count = 0;
    for (unsigned i = 0; i < WORLD_PROCESSES; i++) {
        const struct world_process *p = &world.processes[i];
        const struct worker_process *w = p->pid ? world_place_of(p) : NULL;
        count += w && w->generation == g && is_worker(p) && p->has_started &&
                 w->policy.phase == SUPERVISE_READY && !p->is_retired;
    }
    return count;
}

static bool is_zombie(const struct world_process *p)
{
    return p->has_ended;
}

static bool is_at_rest(void)
{
    const struct generations *gs = world.generations;
    return gs->current && !gs->starting && !reload_is_launching(world.reload) &&
           !world.reload->is_wanted && !world.owes_reload && list_is_empty(&world.fetches->list) &&
           gs->list.next == gs->list.prev && count_serving(gs->current) >= gs->current->wanted &&
           world.open[WORLD_CLIENT] == 0 && !world_find(is_zombie, 0);
}

// Workers of another image are not replaced until a reload succeeds.
static bool wants_reload(void)
{
    const struct generations *gs = world.generations;
    return gs->current && !gs->current->upkeep.watchdogs && !gs->starting && !world.owes_reload &&
           !world.reload->is_wanted && !reload_is_launching(world.reload);
}

static void go_on_resting(int timeout_ms)
{
    have_all_behave(0);
    end_explaining(0);
    if (stage == RESTING && wants_reload()) {
        world_signal(SIGHUP);
        world_pass(1000);
    }
    if (stage == RESTING && (is_at_rest() || stop_is_ending(world.stop))) {
        world_signal(SIGTERM);
        enter_stage(STOPPING);
    }
    assert(world.now < stage_ends && waits < WAITS_MAX);
    struct poller_event events[POLLER_MAX_EVENTS];
    if (world_ready(events) == 0)
        world_pass(MAX(timeout_ms, 1));
}

static void operate(int timeout_ms)
{
    uint8_t byte;
    do {
        byte = fuzz_byte(&input);
        unsigned operand = fuzz_byte(&input), number = byte & 0x7f;
        if (number % 4 == 0)
            let_time_pass(operand, timeout_ms);
        else
            operations[(number - 1 - number / 4) % ARRAY_SIZE(operations)](operand);
    } while (byte & AT_ONCE && input.len);
}

void world_turn(int timeout_ms)
{
    mastercheck_all();
    waits++;
    if (stage == OPERATING && (input.len == 0 || waits > OPERATIONS_MAX)) {
        have_world_behave();
        enter_stage(RESTING);
    }
    if (stage == OPERATING)
        operate(timeout_ms);
    else
        go_on_resting(timeout_ms);
}

// One that cannot take over ends, and the system closes what it was given.
static void check_end(void)
{
    if (world.executions && exit_status == EXIT_FAILURE)
        return;
    for (unsigned i = 0; i < WORLD_KINDS; i++)
        assert(world.open[i] == 0);
}

static void run_image(void)
{
    static char name[] = "tined";
    static char *argv[] = {name, NULL};
    const struct master_options options = {
        .argv = argv, .load = load, .keep_ids = true, .control = true};
    exit_status = master_run(&options);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    load_all();
    drop_log();
    world_begin();
    input = fuzz_slice(data, size);
    enter_stage(OPERATING);
    conf_number = fuzz_byte(&input) % ARRAY_SIZE(texts);
    conf_is_bad = false;
    world.commands = NULL;
    masterexec_run(run_image);
    check_end();
    return 0;
}

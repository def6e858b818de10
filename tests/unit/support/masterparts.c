#include "masterparts.h"

#include "confload.h"

struct masterparts parts;

// ---- configuration -----------------------------------------------------------------------------

struct conf *load_conf(void *context)
{
    char address[PATH_MAX + 8], path[PATH_MAX], site[PATH_MAX];
    (void)context;
    snprintf(address, sizeof(address), "unix:%s", tempdir_path(&parts.dir, "socket", path));
    const struct conf_override overrides[] = {
        {"sites", tempdir_path(&parts.dir, parts.site, site), "-"},
        {"listen", address, "-l"},
        {"workers", "1", "-o"},
        {parts.extra_option, parts.extra_value, "-o"}};
    const struct conf_source source = {
        .overrides = overrides, .override_count = ARRAY_SIZE(overrides) - !parts.extra_option};
    struct conf *conf = parts.is_bad ? NULL : conf_load(&source, fail_on_report, NULL);
    assert_true(parts.is_bad || conf);
    return conf;
}

void lead_site_to(const char *name)
{
    char path[PATH_MAX];
    unlink(tempdir_path(&parts.dir, "site", path));
    assert_int_equal(symlink(name, path), 0);
}

// ---- the parts ---------------------------------------------------------------------------------

static void on_message(void *context, struct worker_process *w,
                       const struct channel_message *message)
{
    (void)context;
    if (message->type == CHANNEL_HANDED_OVER)
        handover_note_sent(w, message->value);
    if (message->type != CHANNEL_STARTED || parts.is_deaf)
        return;
    if (w->generation->phase == GENERATION_CURRENT)
        handover_join(w);
    if (generation_worker_ready(w, clock_now()))
        reload_take_over(&parts.reload);
    upkeep_worker_ready(w, clock_now());
}

static void on_worker_end(void *context, struct worker_process *w)
{
    (void)context;
    upkeep_worker_ended(w);
    handover_note_end(w);
    if (w->generation == parts.generations.starting)
        reload_give_up(&parts.reload);
}

static void on_launched(void *context)
{
    (void)context;
    parts.launches++;
}

static void on_taken_over(void *context)
{
    (void)context;
}

static void on_failed_start(void *context)
{
    (void)context;
    parts.failures++;
}

static void fill_no_facts(void *context, struct sd_lines_facts *ret)
{
    (void)context;
    *ret = (struct sd_lines_facts){.state = "under test", .outcome = "", .healthy = true};
}

static void wire_parts(void)
{
    generations_init(&parts.generations);
    fetches_init(&parts.fetches, &parts.watches);
    parts.generations.maker.watches = &parts.watches;
    parts.generations.maker.events = (struct worker_process_events){on_message, on_worker_end,
                                                                    NULL};
    parts.generations.maker.keep_ids = true;
    parts.service_manager = (struct service_manager){.generations = &parts.generations,
                                                     .facts = fill_no_facts};
    parts.outcome = (struct outcome){.service_manager = &parts.service_manager};
    parts.control_socket = (struct control_socket){.watches = &parts.watches};
    parts.handover_loss = (struct handover_loss){.generations = &parts.generations};
    parts.reload = (struct reload){.generations = &parts.generations,
                                   .control = &parts.control_socket,
                                   .service_manager = &parts.service_manager,
                                   .outcome = &parts.outcome,
                                   .handover_loss = &parts.handover_loss,
                                   .load = load_conf,
                                   .events = {on_launched, on_taken_over, on_failed_start, NULL},
                                   .fetches = &parts.fetches};
    reload_init(&parts.reload);
    parts.stop = (struct stop){.generations = &parts.generations,
                               .service_manager = &parts.service_manager,
                               .reload = &parts.reload};
    stop_init(&parts.stop);
}

int setup_parts(void **state)
{
    (void)state;
    tempdir_make(&parts.dir);
    tempdir_mkdir(&parts.dir, "one");
    tempdir_puts(&parts.dir, "one/hello", "one");
    tempdir_mkdir(&parts.dir, "two");
    tempdir_puts(&parts.dir, "two/hello", "two");
    lead_site_to("one");
    parts.saved_stderr = redirect_stderr(&parts.dir);
    parts.extra_option = NULL;
    parts.site = "site";
    parts.is_bad = parts.is_deaf = false;
    parts.failures = parts.launches = 0;
    wire_parts();
    assert_int_equal(watch_init(&parts.watches), 0);
    service_manager_begin(&parts.service_manager, false);
    return 0;
}

// ---- running -----------------------------------------------------------------------------------

static void note_end_of_patience(void *context)
{
    (void)context; // it has ended the wait
}

void run_until(bool (*enough)(void))
{
    struct timer deadline;
    int64_t end = clock_now() + PATIENCE;
    timers_make(&deadline, note_end_of_patience, NULL);
    timers_set(&parts.watches.timers, &deadline, end);
    while (!enough() && clock_now() < end) {
        watch_wait(&parts.watches);
        reload_free_ended(&parts.reload);
    }
    timers_cancel(&deadline);
    if (!enough())
        fail_msg("what is waited for does not come");
}

bool none_is_left(void)
{
    return list_is_empty(&parts.generations.list);
}

bool is_settled(void)
{
    return !parts.generations.starting && !reload_is_launching(&parts.reload) &&
           (parts.generations.current || parts.reload.exit_status);
}

bool is_alone(void)
{
    return is_settled() && parts.generations.list.next == parts.generations.list.prev;
}

void start_first(void)
{
    reload_begin(&parts.reload);
    reload_start_first(&parts.reload, load_conf(NULL));
    run_until(is_settled);
    assert_non_null(parts.generations.current);
    assert_int_equal(parts.generations.current->id, 1);
}

static bool has_launched(void)
{
    return !reload_is_launching(&parts.reload);
}

void begin_reload(void)
{
    reload_start(&parts.reload);
    run_until(has_launched);
}

int add_waiter(void)
{
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    assert_int_equal(control_waiters_add(&parts.outcome.waiters, pair[1]), 0);
    close(pair[1]);
    return pair[0];
}

void assert_told(int fd, const char *want)
{
    char got[512] = "";
    ssize_t n = recv(fd, got, sizeof(got) - 1, MSG_DONTWAIT);
    if (!want) {
        assert_int_equal(n, -1);
        return;
    }
    assert_true(n > 0);
    assert_string_equal(got, want);
    assert_int_equal(recv(fd, got, sizeof(got), MSG_DONTWAIT), 0);
    close(fd);
}

int teardown_parts(void **state)
{
    (void)state;
    if (!none_is_left())
        stop_at_once(&parts.stop);
    run_until(none_is_left);
    reload_dismiss(&parts.reload);
    service_manager_end(&parts.service_manager);
    fetches_cleanup(&parts.fetches);
    control_socket_cleanup(&parts.control_socket);
    generations_cleanup(&parts.generations);
    watch_cleanup(&parts.watches);
    restore_stderr(parts.saved_stderr);
    tempdir_remove(&parts.dir);
    return 0;
}

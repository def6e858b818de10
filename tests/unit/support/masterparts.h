// The parts of a master up to the stop, put together as daemon/master.c does, with real workers for
// the site of a temporary directory.
#pragma once

#include "process.h"

#include "conf/conf_load.h"
#include "daemon/handover.h"
#include "daemon/stop.h"
#include "daemon/upkeep.h"
#include "daemon/worker_process.h"
#include "server/channel.h"
#include "sys/clock.h"
#include "sys/fdpass.h"

struct masterparts {
    struct tempdir dir; // with the sites "one" and "two", each with a file "hello" that says so
    struct watches watches;
    struct generations generations;
    struct fetches fetches;
    struct service_manager service_manager;
    struct outcome outcome;
    struct control_socket control_socket;
    struct handover_loss handover_loss;
    struct reload reload;
    struct stop stop;
    const char *site;                       // the link that the next configuration serves
    const char *extra_option, *extra_value; // of the next configuration, or NULL
    bool is_bad;                            // the next configuration
    unsigned launches;                      // of first generations
    bool is_deaf;                           // does not hear that a worker has started
    unsigned failures;                      // of starts
    int saved_stderr;
};

// Those of the test that runs.
extern struct masterparts parts;

// Of each test: the log goes to the file "log", and no worker outlives the test.
int setup_parts(void **state);
int teardown_parts(void **state);

// The site at the link "site", on the socket "socket", with one worker; NULL when parts.is_bad.
struct conf *load_conf(void *context);

// Points the link "site" to another directory.
void lead_site_to(const char *name);

// Starts the first generation, and waits until it serves.
void start_first(void);

// Does what the master does, until `enough` holds.
void run_until(bool (*enough)(void));

// Asks for a reload, and waits until the next generation starts.
void begin_reload(void);

// For that: no generation is left; none is starting; and only the current one is left.
bool none_is_left(void);
bool is_settled(void);
bool is_alone(void);

// A client of the control socket that waits for the outcome: the end that it reads from.
int add_waiter(void);

// It was told this, and nothing more; NULL: it still waits.
void assert_told(int fd, const char *want);

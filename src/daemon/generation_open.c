#include "daemon/generation_open.h"

#include "base/log.h"
#include "base/util.h"
#include "server/accesslog.h"
#include "sys/unit_hides.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

// strerror(3) for a negative errno of something fetched.
static const char *describe_fetch_error(int error)
{
    return error == -ETIMEDOUT ? "it does not answer within timeouts.root" : strerror(-error);
}

const char *generation_open_log_error(int error)
{
    switch (-error) {
    case ELOOP:
        return "a symbolic link stands in its place, which is not followed; name the file";
    case EMLINK:
        return "the file has hard links; remove them, or the file";
    case EMEDIUMTYPE:
        return "it is a FIFO, or something else that is no file; remove it";
    case EOWNERDEAD:
        return "the file belongs to somebody else; give it to the user of the workers, or remove "
               "it";
    case EACCES:
        return "Permission denied; the user of the workers opens it where its directory is not "
               "root's alone";
    default:
        return describe_fetch_error(error);
    }
}

// ---- sites -------------------------------------------------------------------------------------

static void report_redirects(const struct sites_failure *failed, int error)
{
    char where[CONF_ORIGIN_MAX];
    for (size_t i = 0; i < failed->line_count; i++)
        log_event(EVENT_CONFIG_INVALID, NULL, "%s:%u: %s", failed->redirects,
                  failed->lines[i].number, failed->lines[i].why);
    if (failed->line_count == 0)
        log_err("%s: the redirects \"%s\" cannot be read: %s",
                conf_origin_format(failed->origin, where), failed->redirects, strerror(error));
}

static void report_root(const struct sites_failure *failed, struct fetched *f, int error)
{
    char where[CONF_ORIGIN_MAX];
    bool is_hidden = fetched_find(f, FETCHED_ROOT, failed->directory)->is_hidden;
    log_event(EVENT_ROOT_FAILED, &(struct event_fields){.site = failed->directory, .error = error},
              "%s: root \"%s\" cannot be opened: %s%s", conf_origin_format(failed->origin, where),
              failed->directory, strerror(error), is_hidden ? "; " UNIT_HIDES_TEXT : "");
}

static void report_silent(const struct sites *s)
{
    const struct tree *first;
    char others[48] = "";
    size_t count = sites_count_silent(s, &first);
    if (count == 0)
        return;
    if (count > 1)
        snprintf(others, sizeof(others), " (nor do %zu others)", count - 1);
    log_event(EVENT_ROOT_SILENT, &(struct event_fields){.site = first->silent},
              "\"%s\" does not answer within timeouts.root%s: its site answers 503 until it does",
              first->silent, others);
}

static int open_sites(struct generation *g, struct fetched *f)
{
    const struct supply supply = fetched_supply(f);
    struct sites_failure failed;
    int r = sites_open_from(&g->served.sites, g->served.conf, &supply, &failed);
    if (r == 0)
        report_silent(&g->served.sites);
    else if (failed.directory)
        report_root(&failed, f, -r);
    else if (failed.redirects)
        report_redirects(&failed, -r);
    else
        log_err("the sites cannot be set up: %s", strerror(-r));
    return r;
}

// ---- files and ids -----------------------------------------------------------------------------

// That the system's file is not there is nothing to talk about: the core knows what a site needs.
static int load_types(struct generation *g, struct fetched *f)
{
    const char *path = g->served.conf->mime_types;
    char place[CONF_PLACE_MAX];
    bool is_system = conf_is_default(g->served.conf, "mime_types");
    int r = mimetable_load(&g->served.types, fetched_take(f, FETCHED_FILE, path));
    g->served.types.after_core = is_system;
    if (r == -ENOENT && is_system)
        return 0;
    if (r < 0)
        log_err("%sthe media types \"%s\" cannot be read: %s",
                conf_place_format(g->served.conf, "mime_types", place), path,
                r == -EINVAL ? "not a regular file" : describe_fetch_error(r));
    return r;
}

// A stream is nothing to wait for, and the journal has to see who opens it.
static int take_log(const char *name, struct fetched *f, int *ret_fd)
{
    if (!accesslog_is_file(name))
        return accesslog_open(name, NULL, ret_fd);
    int fd = fetched_take(f, FETCHED_LOG, name);
    if (fd >= 0)
        *ret_fd = fd;
    return fd < 0 ? fd : 0;
}

static int check_log(const char *name, struct fetched *f)
{
    return accesslog_is_file(name) ? fetched_find(f, FETCHED_LOG_CHECK, name)->error
                                   : accesslog_check(name, NULL);
}

// Without a user there is nobody to open it, as was told.
static int open_log(struct generation *g, struct fetched *f)
{
    const struct conf *c = g->served.conf;
    char place[CONF_PLACE_MAX];
    int r = 0;
    if (f->log == FETCHED_LOG_OPEN && !f->keeps_ids &&
        fetched_find(f, FETCHED_USER, c->user)->error < 0)
        return 0;
    if (f->log == FETCHED_LOG_OPEN)
        r = take_log(c->log.access, f, &g->served.access_log);
    else if (f->log == FETCHED_LOG_CHECKED)
        r = check_log(c->log.access, f);
    if (r < 0)
        log_err("%sthe access log \"%s\" cannot be opened: %s",
                conf_place_format(c, "log.access", place), c->log.access,
                generation_open_log_error(r));
    return r;
}

static int take_privs(struct generation *g, struct fetched *f)
{
    const struct conf *c = g->served.conf;
    char place[CONF_PLACE_MAX];
    if (f->keeps_ids)
        return 0;
    int r = fetched_find(f, FETCHED_USER, c->user)->error;
    const char *what = f->unknown ? f->unknown : "user";
    const char *name = strcmp(what, "user") == 0 ? c->user : c->group;
    if (r == 0)
        g->privs = f->privs;
    else if (r == -ENOENT)
        log_err("%sthere is no %s \"%s\"; create it (%sadd --system %s), or set `%s` in the "
                "configuration",
                conf_place_format(c, what, place), what, name, what, name, what);
    else
        log_err("%sthe %s of the workers cannot be looked up: %s",
                conf_place_format(c, what, place), what, describe_fetch_error(r));
    return r;
}

int generation_open(struct generation *g, struct fetched *f)
{
    int (*const steps[])(struct generation * g, struct fetched * f) = {take_privs, open_sites,
                                                                       load_types, open_log};
    int first = 0;
    for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
        int r = steps[i](g, f);
        if (first == 0)
            first = r;
    }
    return first;
}

#include "daemon/control_socket.h"

#include "base/log.h"

#include <string.h>

static bool is_at_path(const struct control *control, const char *path)
{
    return control ? strcmp(control_path(control), path) == 0 : *path == '\0';
}

// The default, which nobody has asked for, is done without where it does not work.
bool control_socket_open(struct control_socket *cs, const struct conf *conf)
{
    const char *path = conf->control, *what;
    char place[CONF_PLACE_MAX];
    const struct control_options options = {path, cs->commands, cs->context, cs->watches};
    cs->changes = cs->is_wanted && !is_at_path(cs->control, path);
    if (!cs->changes || !*path)
        return true;
    int r = control_new(&options, &cs->next, &what);
    bool is_default = conf_is_default(conf, "control");
    if (r < 0 && is_default)
        log_notice("no control socket: %s: %s: %s", path, what, strerror(-r));
    else if (r < 0)
        log_err("%sthe control socket %s cannot be opened: %s: %s",
                conf_place_format(conf, "control", place), path, what, strerror(-r));
    return r == 0 || is_default;
}

void control_socket_take(struct control_socket *cs)
{
    if (!cs->changes)
        return;
    cs->old = cs->control;
    cs->control = cs->next;
    cs->next = NULL;
    cs->changes = false;
    if (cs->control)
        control_serve(cs->control);
}

void control_socket_give_up(struct control_socket *cs)
{
    control_free(cs->next);
    cs->next = NULL;
    cs->changes = false;
}

void control_socket_free_old(struct control_socket *cs)
{
    control_free(cs->old);
    cs->old = NULL;
}

void control_socket_cleanup(struct control_socket *cs)
{
    control_socket_give_up(cs);
    control_socket_free_old(cs);
    control_free(cs->control);
    cs->control = NULL;
}

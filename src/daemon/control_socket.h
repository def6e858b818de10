// The control socket of a master over its reloads: a configuration may put it elsewhere, and then
// the new one is opened before the old one is closed. Master only.
#pragma once

#include "conf/conf.h"
#include "daemon/control.h"

struct control_socket {
    bool is_wanted;                         // this master takes commands
    const struct control_command *commands; // ends with one without a name
    void *context;                          // of the commands
    struct watches *watches;
    struct control *control; // or NULL
    struct control *next;    // of the generation that is starting, when it is another; or NULL
    struct control *old;     // that `next` has replaced: events of this wait may point into it
    bool changes;            // what `next` is takes the place of `control`
};

// Opens the one that the configuration wants, if it is another than the one that is open. False
// after having logged why that cannot be.
bool control_socket_open(struct control_socket *cs, const struct conf *conf);

// The generation of that configuration has taken over, or was given up.
void control_socket_take(struct control_socket *cs);
void control_socket_give_up(struct control_socket *cs);

// Frees the one that was replaced, when the wait is over.
void control_socket_free_old(struct control_socket *cs);

void control_socket_cleanup(struct control_socket *cs);

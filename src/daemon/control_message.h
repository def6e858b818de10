// The messages on the control socket, as text.
//
// A request is a line, "COMMAND VERSION ARGUMENTS", and behind it the text that the command takes.
// An answer is a line, "result LENGTH", "error LENGTH" or, where the server has logged each line of
// the error as well, "logged LENGTH", and behind it so many bytes of text.
// Master and command are of one program, but for the moments of an upgrade: so each tells a message
// of another version from one that is cut off. Pure.
#pragma once

#include "base/buf.h"
#include "base/slice.h"

#include <stdbool.h>

// In each request. Before there were versions, answers were JSON objects, and commands that take no
// arguments passed over those that came.
#define CONTROL_MESSAGE_VERSION "2"

// Begins the text of a command, but explain's, that is meant for the server of one configuration:
// the real path of its file follows, and a newline. Without it the command is for whoever gets it.
#define CONTROL_MESSAGE_FILE "file "

// More than the first line of an answer takes.
#define CONTROL_MESSAGE_HEAD 64

struct control_message_request {
    struct slice command, arguments;
    struct slice text; // all that follows the first line
};

enum control_message_answer {
    CONTROL_MESSAGE_NONE, // nothing, or it is cut off
    CONTROL_MESSAGE_RESULT,
    CONTROL_MESSAGE_ERROR,
    CONTROL_MESSAGE_LOGGED_ERROR, // the server's log has it too
    CONTROL_MESSAGE_OLD_RESULT,   // a JSON object of a server that has no versions yet
    CONTROL_MESSAGE_OLD_ERROR,
};

// Appends the beginning of a request: its arguments, "\n" and the text are to follow.
void control_message_begin_request(struct buf *b, const char *command);

// False: the request has no version, or another.
bool control_message_parse_request(struct slice message, struct control_message_request *ret);

// Appends an answer; `kind` is "result", "error" or "logged".
void control_message_put_answer(struct buf *b, const char *kind, struct slice text);

// *ret gets the text; of the old ones the object, without the end of its line.
enum control_message_answer control_message_parse_answer(struct slice message, struct slice *ret);

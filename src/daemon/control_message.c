#include "daemon/control_message.h"

#include "base/num.h"
#include "base/util.h"

static const struct {
    const char *name;
    enum control_message_answer kind;
} answer_kinds[] = {
    {"result", CONTROL_MESSAGE_RESULT},
    {"error", CONTROL_MESSAGE_ERROR},
    {"logged", CONTROL_MESSAGE_LOGGED_ERROR},
};

void control_message_begin_request(struct buf *b, const char *command)
{
    buf_printf(b, "%s " CONTROL_MESSAGE_VERSION " ", command);
}

bool control_message_parse_request(struct slice message, struct control_message_request *ret)
{
    struct slice line = slice_split(&message, '\n');
    struct slice command = slice_split(&line, ' ');
    if (!slice_equal(slice_split(&line, ' '), SLICE(CONTROL_MESSAGE_VERSION)))
        return false;
    *ret = (struct control_message_request){command, line, message};
    return true;
}

void control_message_put_answer(struct buf *b, const char *kind, struct slice text)
{
    buf_printf(b, "%s %zu\n", kind, text.len);
    buf_put(b, text);
}

static enum control_message_answer parse_old(struct slice message, struct slice *ret)
{
    *ret = slice_split(&message, '\n');
    if (!message.ptr) // the line has no end
        return CONTROL_MESSAGE_NONE;
    return slice_starts_with(*ret, SLICE("{\"error\"")) ? CONTROL_MESSAGE_OLD_ERROR
                                                        : CONTROL_MESSAGE_OLD_RESULT;
}

enum control_message_answer control_message_parse_answer(struct slice message, struct slice *ret)
{
    if (slice_starts_with(message, SLICE("{")))
        return parse_old(message, ret);
    struct slice text = message, line = slice_split(&text, '\n');
    struct slice kind = slice_split(&line, ' ');
    uint64_t length;
    if (!num_parse_dec(line, SIZE_MAX, &length) || length != text.len)
        return CONTROL_MESSAGE_NONE;
    *ret = text;
    for (size_t i = 0; i < ARRAY_SIZE(answer_kinds); i++)
        if (slice_equal(kind, slice_of(answer_kinds[i].name)))
            return answer_kinds[i].kind;
    return CONTROL_MESSAGE_NONE;
}

// The messages of the control socket: a request is taken apart within its bytes, an answer that is
// written is read as the same, and one that is cut off is no answer.
#include "fuzz.h"

#include "daemon/control_message.h"

static bool is_within(struct slice part, struct slice whole)
{
    return part.len == 0 || (part.ptr >= whole.ptr && part.ptr + part.len <= whole.ptr + whole.len);
}

static void read_request(struct slice message)
{
    struct control_message_request r;
    if (!control_message_parse_request(message, &r))
        return;
    assert(is_within(r.command, message) && is_within(r.arguments, message));
    assert(is_within(r.text, message));
    assert(!memchr(r.command.ptr, '\n', r.command.len));
    assert(r.arguments.len == 0 || !memchr(r.arguments.ptr, '\n', r.arguments.len));
}

static void write_request(struct slice text)
{
    char *written = malloc(text.len + CONTROL_MESSAGE_HEAD);
    assert(written);
    struct buf b = buf_make(written, text.len + CONTROL_MESSAGE_HEAD);
    struct control_message_request r;
    control_message_begin_request(&b, "explain");
    buf_put(&b, SLICE("wait\n"));
    buf_put(&b, text);
    assert(!b.overflow && control_message_parse_request(buf_slice(&b), &r));
    assert(slice_equal(r.command, SLICE("explain")) && slice_equal(r.arguments, SLICE("wait")));
    assert(slice_equal(r.text, text));
    free(written);
}

static void write_answer(struct slice text)
{
    static const struct {
        const char *kind;
        enum control_message_answer meaning;
    } kinds[] = {{"result", CONTROL_MESSAGE_RESULT},
                 {"error", CONTROL_MESSAGE_ERROR},
                 {"logged", CONTROL_MESSAGE_LOGGED_ERROR}};
    size_t room = text.len + CONTROL_MESSAGE_HEAD;
    char *written = malloc(room);
    assert(written);
    for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
        struct buf b = buf_make(written, room);
        struct slice back;
        control_message_put_answer(&b, kinds[i].kind, text);
        assert(!b.overflow);
        assert(control_message_parse_answer(buf_slice(&b), &back) == kinds[i].meaning);
        assert(slice_equal(back, text));
        b.len -= b.len > 0;
        assert(text.len == 0 ||
               control_message_parse_answer(buf_slice(&b), &back) == CONTROL_MESSAGE_NONE);
    }
    free(written);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    char *copy = fuzz_copy(fuzz_slice(bytes, size));
    struct slice message = slice_make(copy, size), text;
    read_request(message);
    if (control_message_parse_answer(message, &text) != CONTROL_MESSAGE_NONE)
        assert(is_within(text, message));
    write_request(message);
    write_answer(message);
    free(copy);
    return 0;
}

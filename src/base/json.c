#include "base/json.h"

#include "base/util.h"

// Bytes that have a letter of their own as an escape.
static const struct {
    char byte, letter;
} escapes[] = {
    {'"', '"'}, {'\\', '\\'}, {'\b', 'b'}, {'\f', 'f'}, {'\n', 'n'}, {'\r', 'r'}, {'\t', 't'},
};

static char letter_of(char byte)
{
    for (size_t i = 0; i < ARRAY_SIZE(escapes); i++)
        if (escapes[i].byte == byte)
            return escapes[i].letter;
    return '\0';
}

static void put_quoted(struct buf *b, struct slice text)
{
    buf_putc(b, '"');
    for (size_t i = 0; i < text.len; i++) {
        char letter = letter_of(text.ptr[i]);
        if (letter)
            buf_printf(b, "\\%c", letter);
        else if ((unsigned char)text.ptr[i] < 0x20)
            buf_printf(b, "\\u%04x", (unsigned)text.ptr[i]);
        else
            buf_putc(b, text.ptr[i]);
    }
    buf_putc(b, '"');
}

// The comma and the name before a value.
static void begin_value(struct json *j, const char *name)
{
    if (j->follows)
        buf_putc(j->b, ',');
    j->follows = true;
    if (name) {
        put_quoted(j->b, slice_of(name));
        buf_putc(j->b, ':');
    }
}

static void begin_container(struct json *j, const char *name, char bracket)
{
    begin_value(j, name);
    buf_putc(j->b, bracket);
    j->follows = false;
}

static void end(struct json *j, char bracket)
{
    buf_putc(j->b, bracket);
    j->follows = true;
}

void json_begin_object(struct json *j, const char *name)
{
    begin_container(j, name, '{');
}

void json_begin_array(struct json *j, const char *name)
{
    begin_container(j, name, '[');
}

void json_end_object(struct json *j)
{
    end(j, '}');
}

void json_end_array(struct json *j)
{
    end(j, ']');
}

void json_put_number(struct json *j, const char *name, uint64_t value)
{
    begin_value(j, name);
    buf_putu(j->b, value);
}

void json_put_string(struct json *j, const char *name, struct slice text)
{
    begin_value(j, name);
    put_quoted(j->b, text);
}

#include "base/json.h"

#include "base/num.h"
#include "base/util.h"

// What has a letter of its own as an escape.
static const struct {
    char byte, letter;
} escapes[] = {
    {'"', '"'},  {'\\', '\\'}, {'/', '/'},  {'\b', 'b'},
    {'\f', 'f'}, {'\n', 'n'},  {'\r', 'r'}, {'\t', 't'},
};

// ---- writing -----------------------------------------------------------------------------------

static char letter_of(char byte)
{
    for (size_t i = 0; i < ARRAY_SIZE(escapes); i++)
        if (escapes[i].byte == byte && byte != '/')
            return escapes[i].letter;
    return '\0';
}

void json_put_string(struct buf *b, struct slice text)
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

// ---- reading -----------------------------------------------------------------------------------

static bool take(struct slice *rest, char c)
{
    while (rest->len && strchr(" \t\r\n", rest->ptr[0]) && rest->ptr[0])
        *rest = slice_skip(*rest, 1);
    if (rest->len == 0 || rest->ptr[0] != c)
        return false;
    *rest = slice_skip(*rest, 1);
    return true;
}

// "\u00e9", without the first two bytes. Only what json_put_string() writes: control bytes.
static bool take_code(struct slice *rest, struct buf *ret)
{
    uint64_t code;
    if (rest->len < 4 || !num_parse_hex(slice_make(rest->ptr, 4), 0x7f, &code))
        return false;
    buf_putc(ret, (char)code);
    *rest = slice_skip(*rest, 4);
    return true;
}

static bool take_escape(struct slice *rest, struct buf *ret)
{
    if (rest->len == 0)
        return false;
    char letter = rest->ptr[0];
    *rest = slice_skip(*rest, 1);
    if (letter == 'u')
        return take_code(rest, ret);
    for (size_t i = 0; i < ARRAY_SIZE(escapes); i++) {
        if (escapes[i].letter == letter) {
            buf_putc(ret, escapes[i].byte);
            return true;
        }
    }
    return false;
}

static bool take_string(struct slice *rest, struct buf *ret)
{
    if (!take(rest, '"'))
        return false;
    while (rest->len && rest->ptr[0] != '"') {
        char c = rest->ptr[0];
        *rest = slice_skip(*rest, 1);
        if ((unsigned char)c < 0x20 || (c == '\\' && !take_escape(rest, ret)))
            return false;
        if (c != '\\')
            buf_putc(ret, c);
    }
    return take(rest, '"');
}

bool json_find(struct slice object, struct slice name, struct buf *ret)
{
    char key_text[64];
    struct buf nothing = {0};
    bool found = false, more = take(&object, '{');
    while (more && !found) {
        struct buf key = buf_make(key_text, sizeof(key_text));
        if (!take_string(&object, &key) || !take(&object, ':'))
            return false;
        found = !key.overflow && slice_equal(buf_slice(&key), name);
        if (!take_string(&object, found ? ret : &nothing))
            return false;
        more = take(&object, ',');
    }
    return found && !ret->overflow;
}

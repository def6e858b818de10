#include "explain/explain_text.h"

#include "http/utf8.h"

#include <grp.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>

// Room for a line with a few paths in it; a longer one is cut.
#define LINE_MAX_LENGTH 32768

static bool is_control(int32_t code)
{
    return code < 0x20 || (code >= 0x7f && code < 0xa0);
}

// One code point, or the one byte that is none.
static void put_code_point(struct buf *b, struct slice piece, int32_t code)
{
    if (code >= 0 && !is_control(code)) {
        buf_put(b, piece);
        return;
    }
    for (size_t i = 0; i < piece.len; i++)
        buf_printf(b, "\\x%02x", (unsigned char)piece.ptr[i]);
}

void explain_text_bytes(struct buf *b, struct slice text)
{
    while (text.len) {
        struct slice piece = text;
        if (slice_starts_with(text, SLICE("\r\n"))) {
            buf_putc(b, '\n');
            text = slice_skip(text, 2);
            continue;
        }
        int32_t code = utf8_next(&text);
        piece.len -= text.len;
        put_code_point(b, piece, code);
    }
}

void explain_text_line(struct buf *b, const char *label, const char *format, ...)
{
    char line[LINE_MAX_LENGTH];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    buf_printf(b, "%-10s ", label);
    explain_text_bytes(b, slice_make(line, MIN((size_t)MAX(n, 0), sizeof(line) - 1)));
    buf_putc(b, '\n');
}

static char type_letter(mode_t mode)
{
    static const struct {
        mode_t type;
        char letter;
    } letters[] = {
        {S_IFDIR, 'd'}, {S_IFLNK, 'l'},  {S_IFIFO, 'p'},
        {S_IFCHR, 'c'}, {S_IFSOCK, 's'}, {S_IFBLK, 'b'},
    };
    for (size_t i = 0; i < ARRAY_SIZE(letters); i++)
        if ((mode & S_IFMT) == letters[i].type)
            return letters[i].letter;
    return '-';
}

// As ls(1) shows it, without the set-id and sticky bits, which do not matter to a reader.
static void put_mode(struct buf *b, mode_t mode)
{
    static const char bits[] = "rwxrwxrwx";
    buf_putc(b, type_letter(mode));
    for (size_t i = 0; i < sizeof(bits) - 1; i++)
        buf_putc(b, (char)(mode & (0400u >> i) ? bits[i] : '-'));
}

const char *explain_text_owner(const struct stat *st, char text[static EXPLAIN_TEXT_OWNER_MAX])
{
    struct buf b = buf_make(text, EXPLAIN_TEXT_OWNER_MAX - 1);
    const struct passwd *user = getpwuid(st->st_uid);
    put_mode(&b, st->st_mode);
    if (user)
        buf_printf(&b, " %.60s:", user->pw_name);
    else
        buf_printf(&b, " %u:", st->st_uid);
    const struct group *group = getgrgid(st->st_gid);
    if (group)
        buf_printf(&b, "%.60s", group->gr_name);
    else
        buf_printf(&b, "%u", st->st_gid);
    text[b.len] = '\0';
    return text;
}

const char *explain_text_user(uid_t uid, char text[static EXPLAIN_TEXT_OWNER_MAX])
{
    const struct passwd *user = getpwuid(uid);
    snprintf(text, EXPLAIN_TEXT_OWNER_MAX, "%.60s (uid %u)",
             user ? user->pw_name : "a user without name", uid);
    return text;
}

const char *explain_text_list(const struct conf_strings *list,
                              char text[static EXPLAIN_TEXT_LIST_MAX])
{
    struct buf b = buf_make(text, EXPLAIN_TEXT_LIST_MAX - 1);
    for (size_t i = 0; i < list->count; i++)
        buf_printf(&b, "%s%s", i ? ", " : "", list->items[i]);
    text[b.len] = '\0';
    return text;
}

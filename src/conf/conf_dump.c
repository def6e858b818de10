#include "conf/conf_dump.h"

#include "conf/conf_store.h"
#include "conf/conf_value.h"

#include <errno.h>
#include <stdlib.h>

// Comments begin here, or after the value when it is longer.
enum { COMMENT_COLUMN = 40, INDENT = 4 };

// A newline in a file's name must not end the comment.
static void print_origin(FILE *out, struct conf_origin origin)
{
    fputs("# ", out);
    for (const char *c = origin.file ? origin.file : "default"; *c; c++)
        putc((unsigned char)*c < 0x20 ? '?' : *c, out);
    if (origin.line)
        fprintf(out, ":%u", origin.line);
    putc('\n', out);
}

// How wide a value is shows when it is printed, so the line is made in memory.
static int print_option(FILE *out, const struct conf *c, const struct conf_option *option,
                        size_t entry, int indent)
{
    char *line = NULL;
    size_t size = 0;
    FILE *memory = open_memstream(&line, &size);
    if (!memory)
        return -ENOMEM;
    fprintf(memory, "%*s%s = ", indent, "", conf_option_name(option));
    conf_value_print(memory, option, conf_store_target(c, option, entry));
    putc(';', memory);
    bool failed = ferror(memory) != 0;
    if (fclose(memory) != 0 || failed) {
        free(line);
        return -ENOMEM;
    }
    fprintf(out, "%-*s ", COMMENT_COLUMN, line);
    print_origin(out, *conf_store_origin(c, option, entry));
    free(line);
    return 0;
}

// The part of the path before the name, without the dot; empty at the top.
static struct slice group_of(const struct conf_option *option)
{
    size_t len = (size_t)(conf_option_name(option) - option->path);
    return slice_make(option->path, len ? len - 1 : 0);
}

static int dump_top(FILE *out, const struct conf *c)
{
    size_t count;
    const struct conf_option *rows = conf_options_all(&count);
    struct slice open = {NULL, 0}; // the group that has been opened
    int error = 0;
    for (size_t i = 0; i < count && error == 0; i++) {
        const struct conf_option *o = &rows[i];
        struct slice group = group_of(o);
        if (o->scope != CONF_TOP || o->type == CONF_INCLUDE)
            continue;
        if (open.len && !slice_equal(open, group))
            fputs("};\n", out);
        if (group.len && !slice_equal(open, group))
            fprintf(out, "%.*s = {\n", SLICE_ARG(group));
        open = group;
        error = print_option(out, c, o, 0, group.len ? INDENT : 0);
    }
    if (open.len)
        fputs("};\n", out);
    return error;
}

static int dump_list(FILE *out, const struct conf *c, enum conf_scope scope)
{
    size_t count, entries = conf_store_count(c, scope);
    const struct conf_option *rows = conf_options_all(&count);
    int error = 0;
    if (entries == 0)
        return 0;
    fprintf(out, "%s = (\n", conf_options_list_name(scope));
    for (size_t entry = 0; entry < entries; entry++) {
        fprintf(out, "%*s{\n", INDENT, "");
        for (size_t i = 0; i < count && error == 0; i++)
            if (rows[i].scope == scope)
                error = print_option(out, c, &rows[i], entry, 2 * INDENT);
        fprintf(out, "%*s}%s\n", INDENT, "", entry + 1 < entries ? "," : "");
    }
    fputs(");\n", out);
    return error;
}

int conf_dump(FILE *out, const struct conf *c)
{
    int error = dump_top(out, c);
    for (size_t i = CONF_TOP + 1; i < CONF_SCOPE_COUNT && error == 0; i++)
        error = dump_list(out, c, (enum conf_scope)i);
    if (error == 0 && (fflush(out) != 0 || ferror(out)))
        error = -EIO;
    return error;
}

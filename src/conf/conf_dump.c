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

// The group that an option stands in, inside its scope: "headers" of "sites.rules.headers.set".
static struct slice group_of(const struct conf_option *option)
{
    size_t end = (size_t)(conf_option_name(option) - option->path);
    size_t begin = strlen(conf_options_scope_path(option->scope));
    begin += begin > 0; // its dot
    return slice_make(option->path + begin, end > begin ? end - begin - 1 : 0);
}

static bool is_dumped(const struct conf *c, const struct conf_option *o, size_t entry)
{
    if (o->type == CONF_INCLUDE)
        return false;
    return o->scope == CONF_TOP || !conf_options_list_of(o->scope)->is_sparse ||
           conf_store_origin(c, o, entry)->file;
}

static int dump_options(FILE *out, const struct conf *c, enum conf_scope scope, size_t entry,
                        int indent)
{
    size_t count;
    const struct conf_option *rows = conf_options_all(&count);
    struct slice open = {NULL, 0}; // the group that has been opened
    int error = 0;
    for (size_t i = 0; i < count && error == 0; i++) {
        const struct conf_option *o = &rows[i];
        struct slice group = group_of(o);
        if (o->scope != scope || !is_dumped(c, o, entry))
            continue;
        if (open.len && !slice_equal(open, group))
            fprintf(out, "%*s};\n", indent, "");
        if (group.len && !slice_equal(open, group))
            fprintf(out, "%*s%.*s = {\n", indent, "", SLICE_ARG(group));
        open = group;
        error = print_option(out, c, o, entry, indent + (group.len ? INDENT : 0));
    }
    if (open.len)
        fprintf(out, "%*s};\n", indent, "");
    return error;
}

static int dump_lists(FILE *out, const struct conf *c, enum conf_scope parent, size_t entry,
                      int indent);

static int dump_list(FILE *out, const struct conf *c, enum conf_scope scope,
                     struct conf_range entries, int indent)
{
    int error = 0;
    if (entries.count == 0)
        return 0;
    fprintf(out, "%*s%s = (\n", indent, "", conf_list_name(conf_options_list_of(scope)));
    for (size_t i = 0; i < entries.count && error == 0; i++) {
        fprintf(out, "%*s{\n", indent + INDENT, "");
        error = dump_options(out, c, scope, entries.first + i, indent + 2 * INDENT);
        if (error == 0)
            error = dump_lists(out, c, scope, entries.first + i, indent + 2 * INDENT);
        fprintf(out, "%*s}%s\n", indent + INDENT, "", i + 1 < entries.count ? "," : "");
    }
    fprintf(out, "%*s);\n", indent, "");
    return error;
}

// The lists that stand in an entry.
static int dump_lists(FILE *out, const struct conf *c, enum conf_scope parent, size_t entry,
                      int indent)
{
    int error = 0;
    for (size_t i = CONF_TOP + 1; i < CONF_SCOPE_COUNT && error == 0; i++) {
        enum conf_scope scope = (enum conf_scope)i;
        if (conf_options_list_of(scope)->parent == parent)
            error = dump_list(out, c, scope, conf_store_children(c, scope, entry), indent);
    }
    return error;
}

int conf_dump(FILE *out, const struct conf *c)
{
    int error = dump_options(out, c, CONF_TOP, 0, 0);
    if (error == 0)
        error = dump_lists(out, c, CONF_TOP, 0, 0);
    if (error == 0 && (fflush(out) != 0 || ferror(out)))
        error = -EIO;
    return error;
}

// Fills in the tables of the manual and the completions: copies standard input to standard output
// and puts in place of each @NAME@ what the code's own tables say. Run by make; not installed.
#include "cli/args.h"
#include "conf/conf_options.h"
#include "http/preset.h"
#include "base/buf.h"
#include "base/event.h"
#include "base/num.h"
#include "base/util.h"
#include "server/counters.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { MAN_WIDTH = 78, NAME_MAX_LENGTH = 32 };

// ---- the manual -------------------------------------------------------------------------------

static const char *const value_kinds[] = {
    [CONF_COUNT] = "number",      [CONF_SIZE] = "size",       [CONF_TIME] = "time",
    [CONF_BOOL] = "boolean",      [CONF_STRING] = "string",   [CONF_PATH] = "path",
    [CONF_LOG_TARGET] = "target", [CONF_STRINGS] = "strings", [CONF_INCLUDE] = "paths",
    [CONF_TOGGLE] = "boolean",    [CONF_CHOICE] = "word",
};

// Text in lines of the width that manuals have, cut at spaces.
static void print_wrapped(struct slice text)
{
    size_t column = 0;
    for (struct slice rest = text; rest.ptr;) {
        struct slice word = slice_split(&rest, ' ');
        bool fits = column + 1 + word.len <= MAN_WIDTH;
        // A line of text that begins with a dot or an apostrophe would be a request to roff.
        const char *guard = word.len && strchr(".'", word.ptr[0]) ? "\\&" : "";
        if (column)
            putchar(fits ? ' ' : '\n');
        printf("%s%.*s", guard, SLICE_ARG(word));
        column = (column && fits ? column + 1 : 0) + word.len;
    }
    putchar('\n');
}

static const char *format_bound(const struct conf_option *o, uint64_t value, char text[static 32])
{
    if (o->type == CONF_SIZE)
        return num_format_size(value, text);
    if (o->type == CONF_TIME)
        return num_format_time(value, text);
    snprintf(text, 32, "%" PRIu64, value);
    return text;
}

// Of a rule only what it mentions counts: an option without a value has no default to tell of.
static bool is_optional(const struct conf_option *o)
{
    return o->scope != CONF_TOP && conf_options_list_of(o->scope)->is_sparse && o->def && !*o->def;
}

static void print_default(const struct conf_option *o)
{
    char text[256], least[32], most[32];
    const char *quote = conf_option_is_quoted(o) ? "\"" : "";
    struct buf b = buf_make(text, sizeof(text));
    if (o->type == CONF_INCLUDE || is_optional(o))
        return;
    if (!o->def)
        buf_puts(&b, "Must be given.");
    else if (o->type == CONF_STRINGS && !*o->def)
        buf_puts(&b, "Default: none.");
    else if (!*o->def)
        buf_puts(&b, "Default: empty.");
    else
        buf_printf(&b, "Default: %s%s%s", quote, o->def, quote);
    if (o->type == CONF_COUNT || o->type == CONF_SIZE || o->type == CONF_TIME)
        buf_printf(&b, ", from %s to %s.", format_bound(o, o->min, least),
                   format_bound(o, o->max, most));
    else if (b.data[b.len - 1] != '.')
        buf_putc(&b, '.');
    print_wrapped(buf_slice(&b));
}

static void print_option_mdoc(const struct conf_option *o)
{
    printf(".It Ic %s No = Ar %s\n", conf_option_name(o), value_kinds[o->type]);
    print_wrapped(slice_of(o->help));
    print_default(o);
}

// "limits" of "limits.body", empty at the top.
static struct slice section_of(const struct conf_option *o)
{
    size_t len = (size_t)(conf_option_name(o) - o->path);
    return slice_make(o->path, len ? len - 1 : 0);
}

static void print_section_mdoc(const struct conf_option *o)
{
    struct slice section = section_of(o), list = slice_of(conf_options_scope_path(o->scope));
    if (section.len == 0)
        puts(".Ss Outside of groups");
    else if (o->scope == CONF_TOP)
        printf(".Ss The group %.*s\n", SLICE_ARG(section));
    else if (section.len == list.len)
        printf(".Ss The entries of %.*s\n", SLICE_ARG(list));
    else
        printf(".Ss The group %.*s of %.*s\n", SLICE_ARG(slice_skip(section, list.len + 1)),
               SLICE_ARG(list));
    puts(".Bl -tag -width Ds");
}

static void options_mdoc(void)
{
    size_t count;
    const struct conf_option *rows = conf_options_all(&count);
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || !slice_equal(section_of(&rows[i]), section_of(&rows[i - 1])))
            print_section_mdoc(&rows[i]);
        print_option_mdoc(&rows[i]);
        if (i + 1 == count || !slice_equal(section_of(&rows[i]), section_of(&rows[i + 1])))
            puts(".El");
    }
}

// The fields that presets set, and why.
static void presets_mdoc(void)
{
    size_t count;
    const struct preset_field *fields = preset_fields(&count);
    for (size_t i = 0; i < count; i++) {
        printf(".It Li \"%s: %s\"\n", fields[i].name, fields[i].value);
        print_wrapped(slice_of(fields[i].why));
    }
}

// ---- completions ------------------------------------------------------------------------------

// The words that may stand behind -o: options by their path, and the lists.
static void options_words(void)
{
    size_t count;
    const struct conf_option *rows = conf_options_all(&count);
    for (size_t i = 0; i < count; i++)
        if (rows[i].scope == CONF_TOP && rows[i].type != CONF_INCLUDE)
            printf("%s= ", rows[i].path);
    printf("%s= %s=", conf_options_scope_path(CONF_LISTEN), conf_options_scope_path(CONF_SITES));
}

static void print_commands(unsigned which)
{
    const char *space = "";
    for (int i = 0; i < COMMAND_COUNT; i++) {
        if (which & 1u << i) {
            printf("%s%s", space, args_command((enum command)i)->name);
            space = " ";
        }
    }
}

static void commands_words(void)
{
    print_commands(ON_ALL);
}

static void directory_words(void)
{
    print_commands(ON_DIRECTORY);
}

// For a place within single quotes: no shell knows another one there.
static void print_escaped(const char *text)
{
    for (; *text; text++) {
        if (*text == '\'')
            fputs("'\\''", stdout);
        else
            putchar(*text);
    }
}

// The words that make each shell offer values of an option.
static const struct {
    const char *bash; // arguments of compgen; NULL: nothing
    const char *zsh, *fish;
} values[VALUE_COUNT] = {
    [VALUE_NONE] = {NULL, "", ""},
    [VALUE_FILE] = {"-f", ":file:_files", " -r -F"},
    [VALUE_OPTION] = {"-W \"$options\"", ":option:->option", " -x -a \"$options\""},
    [VALUE_ADDRESS] = {NULL, ":address:", " -x"},
    [VALUE_METHOD] = {"-W 'GET HEAD OPTIONS'", ":method:(GET HEAD OPTIONS)",
                      " -x -a 'GET HEAD OPTIONS'"},
    [VALUE_HEADER] = {NULL, ":header:", " -x"},
    [VALUE_CLIENT] = {NULL, ":address:", " -x"},
    [VALUE_SOCKET] = {"-f", ":socket:_files", " -r -F"},
    [VALUE_JOBS] = {NULL, ":number:", " -x"},
    [VALUE_CODINGS] = {"-W 'zstd br gzip'", ":codings:_sequence compadd - zstd br gzip",
                       " -x -a 'zstd br gzip'"},
    [VALUE_CONNECT] = {NULL, ":address:", " -x"},
    [VALUE_TIMEOUT] = {NULL, ":time:", " -x"},
};

static void flags_bash(void)
{
    size_t count;
    const struct args_option *flags = args_options(&count);
    for (int c = 0; c < COMMAND_COUNT; c++) {
        printf("        %s) flags='", args_command((enum command)c)->name);
        for (size_t i = 0; i < count; i++)
            if (flags[i].commands & 1u << c && flags[i].letter)
                printf("-%c --%s ", flags[i].letter, flags[i].name);
            else if (flags[i].commands & 1u << c)
                printf("--%s ", flags[i].name);
        puts("' ;;");
    }
}

static void values_bash(void)
{
    size_t count;
    const struct args_option *flags = args_options(&count);
    for (size_t i = 0; i < count; i++) {
        if (flags[i].value == VALUE_NONE)
            continue;
        fputs("        ", stdout);
        if (flags[i].letter)
            printf("-%c | ", flags[i].letter);
        printf("--%s)", flags[i].name);
        if (flags[i].value == VALUE_OPTION)
            fputs(" compopt -o nospace;", stdout);
        if (values[flags[i].value].bash)
            printf(" _tined_offer %s;", values[flags[i].value].bash);
        puts(" return ;;");
    }
}

static void commands_zsh(void)
{
    for (int i = 0; i < COMMAND_COUNT; i++) {
        printf("        '%s:", args_command((enum command)i)->name);
        print_escaped(args_command((enum command)i)->help);
        puts("'");
    }
}

static void flag_zsh(const struct args_option *flag)
{
    fputs("            '*'", stdout);
    if (flag->letter)
        printf("{-%c,--%s}'[", flag->letter, flag->name);
    else
        printf("--%s'[", flag->name);
    print_escaped(flag->help);
    printf("]%s'\n", values[flag->value].zsh);
}

static void flags_zsh(void)
{
    size_t count;
    const struct args_option *flags = args_options(&count);
    for (int c = 0; c < COMMAND_COUNT; c++) {
        printf("        %s) flags=(\n", args_command((enum command)c)->name);
        for (size_t i = 0; i < count; i++)
            if (flags[i].commands & 1u << c)
                flag_zsh(&flags[i]);
        puts("        ) ;;");
    }
}

static void commands_fish(void)
{
    for (int i = 0; i < COMMAND_COUNT; i++) {
        printf("complete -c tined -n __tined_lacks_command -a %s -d '",
               args_command((enum command)i)->name);
        print_escaped(args_command((enum command)i)->help);
        puts("'");
    }
}

// Those of `run` go without the command, too.
static void print_condition_fish(unsigned which)
{
    if (which == ON_ALL)
        return;
    printf(" -n '%s__fish_seen_subcommand_from ",
           which & ON_RUN ? "__tined_lacks_command; or " : "");
    print_commands(which);
    putchar('\'');
}

static void flags_fish(void)
{
    size_t count;
    const struct args_option *flags = args_options(&count);
    for (size_t i = 0; i < count; i++) {
        fputs("complete -c tined", stdout);
        print_condition_fish(flags[i].commands);
        if (flags[i].letter)
            printf(" -s %c", flags[i].letter);
        printf(" -l %s%s -d '", flags[i].name, values[flags[i].value].fish);
        print_escaped(flags[i].help);
        puts("'");
    }
}

// ---- copying ----------------------------------------------------------------------------------

static void sysconfdir(void)
{
    fputs(SYSCONFDIR, stdout);
}

static void pkgdatadir(void)
{
    fputs(PKGDATADIR, stdout);
}

static void pkglibexecdir(void)
{
    fputs(PKGLIBEXECDIR, stdout);
}

// ---- events -----------------------------------------------------------------------------------

static const struct {
    const char *name, *message_id, *meaning;
} events[] = {
#define X(id, level, name, message_id, meaning) {name, message_id, meaning},
    EVENT_TABLE(X)
#undef X
};

// Manuals begin a line with each sentence.
static void print_sentences(struct slice text)
{
    const char *end;
    while ((end = memmem(text.ptr, text.len, ". ", 2))) {
        size_t len = (size_t)(end - text.ptr) + 1;
        print_wrapped(slice_make(text.ptr, len));
        text = slice_skip(text, len + 1);
    }
    print_wrapped(text);
}

static void events_mdoc(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(events); i++) {
        printf(".It Cm %s\n", events[i].name);
        print_sentences(slice_of(events[i].meaning));
    }
}

// The form of catalog files: https://systemd.io/CATALOG
static void events_catalog(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(events); i++) {
        printf("-- %s\nSubject: tined: %s\nDefined-By: tined\nDocumentation: man:tined(8)\n\n",
               events[i].message_id, events[i].name);
        print_wrapped(slice_of(events[i].meaning));
        putchar('\n');
    }
}

// ---- counters ---------------------------------------------------------------------------------

static void print_item(const char *key, const char *text)
{
    printf(".It Cm %s\n", key);
    print_sentences(slice_of(text));
}

static void counters_mdoc(void)
{
#define X(member, key, text, help) print_item(key, help);
    COUNTERS_SINGLE_TABLE(X)
#undef X
#define X(member, key, title, ROWS, help) print_item(key, help);
    COUNTERS_GROUP_TABLE(X)
#undef X
}

static void counters_closed_mdoc(void)
{
#define X(id, key, text) print_item(key, text);
    COUNTERS_CLOSED_TABLE(X)
#undef X
}

static const struct {
    const char *name;
    void (*print)(void);
} fillings[] = {
    {"presets.mdoc", presets_mdoc},     {"sysconfdir", sysconfdir},
    {"pkgdatadir", pkgdatadir},         {"pkglibexecdir", pkglibexecdir},
    {"options.mdoc", options_mdoc},     {"options.words", options_words},
    {"commands.words", commands_words}, {"directory.words", directory_words},
    {"flags.bash", flags_bash},         {"values.bash", values_bash},
    {"commands.zsh", commands_zsh},     {"flags.zsh", flags_zsh},
    {"commands.fish", commands_fish},   {"flags.fish", flags_fish},
    {"events.mdoc", events_mdoc},       {"events.catalog", events_catalog},
    {"counters.mdoc", counters_mdoc},   {"closed.mdoc", counters_closed_mdoc},
};

// Behind an '@': reads the name up to the next '@' and fills it in. A name that is not known
// here is copied.
static void fill(void)
{
    char name[NAME_MAX_LENGTH];
    size_t len = 0;
    int c = getchar();
    for (; c != EOF && c != '@' && c != '\n' && len < sizeof(name) - 1; c = getchar())
        name[len++] = (char)c;
    name[len] = '\0';
    for (size_t i = 0; c == '@' && i < ARRAY_SIZE(fillings); i++) {
        if (strcmp(name, fillings[i].name) == 0) {
            fillings[i].print();
            return;
        }
    }
    printf("@%s", name);
    if (c != EOF)
        ungetc(c, stdin);
}

int main(void)
{
    for (int c = getchar(); c != EOF; c = getchar()) {
        if (c == '@')
            fill();
        else
            putchar(c);
    }
    return fflush(stdout) == 0 && !ferror(stdout) && !ferror(stdin) ? EXIT_SUCCESS : EXIT_FAILURE;
}

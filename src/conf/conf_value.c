#include "conf/conf_value.h"

#include "conf/conf_types.h"
#include "conf/conf_choice.h"
#include "conf/conf_path.h"
#include "base/buf.h"
#include "base/num.h"
#include "base/util.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>

// Bytes of a string in a list: room for a long header field.
enum { STRING_MAX = 2048 };

// Words for each type, in messages that say what a value must be.
static const char *const wanted[] = {
    [CONF_COUNT] = "a whole number",
    [CONF_SIZE] = "a size, in bytes or with a unit (K, M, G)",
    [CONF_TIME] = "a time with a unit (ms, s, min, h, d)",
    [CONF_BOOL] = "true or false",
    [CONF_TOGGLE] = "true or false",
    [CONF_CHOICE] = "one of several words",
    [CONF_STRING] = "a string in quotes",
    [CONF_PATH] = "a path in quotes",
    [CONF_LOG_TARGET] = "\"off\", \"stdout\", \"journal\" or a path",
    [CONF_STRINGS] = "a list of strings",
    [CONF_INCLUDE] = "a path or a list of paths",
};

// The arguments of conf_value_set(), for the functions that judge the value.
struct judge {
    const struct conf_option *option;
    const struct conf_raw *raw;
    const char *directory;
    char *message;
};

static int refuse_value(const struct judge *j, const char *format, ...) PRINTF_LIKE(2, 3);

static int refuse_value(const struct judge *j, const char *format, ...)
{
    va_list args;
    int n = snprintf(j->message, CONF_MESSAGE_MAX, "\"%s\" ", j->option->path);
    va_start(args, format);
    vsnprintf(j->message + n, CONF_MESSAGE_MAX - (size_t)n, format, args);
    va_end(args);
    return -EINVAL;
}

// Quotes the value as written, for the end of a message.
static const char *found(const struct conf_raw *raw, char text[static 80])
{
    switch (raw->kind) {
    case RAW_NUMBER:
        snprintf(text, 80, "%" PRId64, raw->number);
        break;
    case RAW_BOOL:
        snprintf(text, 80, "%s", raw->number ? "true" : "false");
        break;
    case RAW_TEXT:
    case RAW_STRING:
        snprintf(text, 80, strlen(raw->text) > 60 ? "\"%.60s...\"" : "\"%s\"", raw->text);
        break;
    case RAW_STRINGS:
        return "a list";
    case RAW_OTHER:
        return raw->text;
    }
    return text;
}

// The example of a row as it stands in a file.
static void put_example(struct buf *b, const struct conf_option *option)
{
    struct slice rest = slice_of(conf_option_example(option));
    if (option->type != CONF_STRINGS) {
        const char *quote = conf_option_is_quoted(option) ? "\"" : "";
        buf_printf(b, "%s%.*s%s", quote, SLICE_ARG(rest), quote);
        return;
    }
    for (const char *open = "[ "; rest.ptr; open = ", ") {
        struct slice item = slice_split(&rest, '|');
        buf_printf(b, "%s\"%.*s\"", open, SLICE_ARG(item));
    }
    buf_puts(b, " ]");
}

static int refuse_type(const struct judge *j)
{
    char example[256], text[80];
    struct buf b = buf_make(example, sizeof(example) - 1);
    if (j->option->type != CONF_BOOL && j->option->type != CONF_TOGGLE) {
        buf_puts(&b, ", e.g. ");
        put_example(&b, j->option);
    }
    example[b.len] = '\0';
    return refuse_value(j, "must be %s%s; found %s", wanted[j->option->type], example,
                        found(j->raw, text));
}

static const char *format_number(const struct conf_option *option, uint64_t value,
                                 char text[static 32])
{
    if (option->type == CONF_SIZE)
        return num_format_size(value, text);
    if (option->type == CONF_TIME)
        return num_format_time(value, text);
    snprintf(text, 32, "%" PRIu64, value);
    return text;
}

static bool parse_number_text(const struct conf_option *option, struct slice text, uint64_t *ret)
{
    if (option->type == CONF_SIZE)
        return num_parse_size(text, ret);
    if (option->type == CONF_TIME)
        return num_parse_time(text, ret);
    return num_parse_dec(text, UINT64_MAX, ret);
}

static int judge_number(const struct judge *j, uint64_t *ret)
{
    const struct conf_option *o = j->option;
    const struct conf_raw *raw = j->raw;
    char least[32], most[32], text[80];
    uint64_t value = 0;
    bool negative = raw->kind == RAW_NUMBER && raw->number < 0;

    if (raw->kind == RAW_NUMBER) {
        // A number of what: milliseconds, seconds? Only nought is the same in all of them.
        if (o->type == CONF_TIME && raw->number != 0)
            return refuse_type(j);
        value = (uint64_t)raw->number;
    } else if (raw->kind == RAW_TEXT || (raw->kind == RAW_STRING && o->type != CONF_COUNT)) {
        if (!parse_number_text(o, slice_of(raw->text), &value))
            return refuse_type(j);
    } else {
        return refuse_type(j);
    }
    if (negative || value < o->min || value > o->max)
        return refuse_value(j, "must be between %s and %s; found %s",
                            format_number(o, o->min, least), format_number(o, o->max, most),
                            found(raw, text));
    *ret = value;
    return 0;
}

static int judge_bool(const struct judge *j, bool *ret)
{
    const struct conf_raw *raw = j->raw;
    if (raw->kind == RAW_BOOL)
        *ret = raw->number != 0;
    else if (raw->kind == RAW_TEXT && strcmp(raw->text, "true") == 0)
        *ret = true;
    else if (raw->kind == RAW_TEXT && strcmp(raw->text, "false") == 0)
        *ret = false;
    else
        return refuse_type(j);
    return 0;
}

static int judge_toggle(const struct judge *j, enum toggle *ret)
{
    bool on = false;
    int error = judge_bool(j, &on);
    if (error == 0)
        *ret = on ? TOGGLE_ON : TOGGLE_OFF;
    return error;
}

static int judge_choice(const struct judge *j, unsigned *ret)
{
    const struct conf_raw *raw = j->raw;
    bool is_text = raw->kind == RAW_STRING || raw->kind == RAW_TEXT;
    struct slice word = slice_of(is_text ? raw->text : "");
    const char *words = j->option->example;
    char list[256], text[80], hint[80] = "";
    struct buf b = buf_make(list, sizeof(list));
    if (word.len && conf_choice_parse(words, word, ret))
        return 0;
    struct slice near = conf_choice_nearest(words, word);
    if (near.len)
        snprintf(hint, sizeof(hint), "; did you mean \"%.*s\"?", SLICE_ARG(near));
    conf_choice_list(&b, words);
    return refuse_value(j, "must be %.*s; found %s%s", SLICE_ARG(buf_slice(&b)), found(raw, text),
                        hint);
}

static int judge_text(const struct judge *j, const char *value)
{
    const struct conf_raw shown = {.kind = RAW_STRING, .text = value};
    bool is_list = j->option->type == CONF_STRINGS; // whose min and max count the strings
    size_t max = is_list ? STRING_MAX : (size_t)j->option->max;
    char text[80];
    size_t len = strlen(value);
    if (len == 0 && (is_list || j->option->min > 0))
        return refuse_value(j, "must not be empty");
    if (len > max)
        return refuse_value(j, "must not be longer than %zu bytes; this one has %zu", max, len);
    const char *why = len && j->option->check ? j->option->check(slice_of(value)) : NULL;
    return why ? refuse_value(j, "cannot be %s: %s", found(&shown, text), why) : 0;
}

static bool is_log_path(const struct conf_option *option, const char *value)
{
    return option->type == CONF_LOG_TARGET && strchr(value, '/');
}

// Another word than these is more likely misspelt than a file's name.
static bool is_log_target(const char *value)
{
    return strcmp(value, "off") == 0 || strcmp(value, "stdout") == 0 ||
           strcmp(value, "journal") == 0 || strchr(value, '/');
}

static int judge_string(const struct judge *j, char **ret)
{
    const struct conf_option *o = j->option;
    const char *value = j->raw->text;
    char text[80];
    if (j->raw->kind != RAW_STRING && j->raw->kind != RAW_TEXT)
        return refuse_type(j);
    int error = judge_text(j, value);
    if (error < 0)
        return error;
    if (o->type == CONF_LOG_TARGET && !is_log_target(value))
        return refuse_value(j,
                            "must be \"off\", \"stdout\", \"journal\" or a path with a slash, e.g. "
                            "\"%s\"; found %s",
                            o->example, found(j->raw, text));
    char *copy = (o->type == CONF_PATH && *value) || is_log_path(o, value)
                     ? conf_path_join(j->directory, value)
                     : strdup(value);
    if (!copy)
        return -ENOMEM;
    *ret = copy;
    return 0;
}

static void free_strings(struct conf_strings *s)
{
    for (size_t i = 0; i < s->count; i++)
        free(s->items[i]);
    free(s->items);
    *s = (struct conf_strings){NULL, 0};
}

static int copy_strings(const char *const *items, size_t count, struct conf_strings *ret)
{
    struct conf_strings copy = {calloc(count ? count : 1, sizeof(char *)), 0};
    if (!copy.items)
        return -ENOMEM;
    for (; copy.count < count; copy.count++) {
        copy.items[copy.count] = strdup(items[copy.count]);
        if (!copy.items[copy.count]) {
            free_strings(&copy);
            return -ENOMEM;
        }
    }
    *ret = copy;
    return 0;
}

static int judge_strings(const struct judge *j, struct conf_strings *ret)
{
    const struct conf_raw *raw = j->raw;
    const char *const *items = raw->items;
    size_t count = raw->count;
    if (raw->kind == RAW_STRING) { // one string is a list of one
        items = &raw->text;
        count = 1;
    } else if (raw->kind != RAW_STRINGS) {
        return refuse_type(j);
    }
    if (count < j->option->min || count > j->option->max)
        return refuse_value(j, "must have between %" PRIu64 " and %" PRIu64 " strings; found %zu",
                            j->option->min, j->option->max, count);
    for (size_t i = 0; i < count; i++) {
        int error = judge_text(j, items[i]);
        if (error < 0)
            return error;
    }
    return copy_strings(items, count, ret);
}

int conf_value_set(const struct conf_option *option, void *target, const struct conf_raw *raw,
                   const char *directory, char message[static CONF_MESSAGE_MAX])
{
    const struct judge j = {option, raw, directory, message};
    struct conf_strings strings = {NULL, 0};
    char *string = NULL;
    int error = 0;

    switch (option->type) {
    case CONF_COUNT:
    case CONF_SIZE:
    case CONF_TIME:
        return judge_number(&j, target);
    case CONF_BOOL:
        return judge_bool(&j, target);
    case CONF_TOGGLE:
        return judge_toggle(&j, target);
    case CONF_CHOICE:
        return judge_choice(&j, target);
    case CONF_STRING:
    case CONF_PATH:
    case CONF_LOG_TARGET:
        error = judge_string(&j, &string);
        if (error == 0) {
            conf_value_clear(option, target);
            *(char **)target = string;
        }
        break;
    case CONF_STRINGS:
        error = judge_strings(&j, &strings);
        if (error == 0) {
            conf_value_clear(option, target);
            *(struct conf_strings *)target = strings;
        }
        break;
    case CONF_INCLUDE:
        break;
    }
    return error;
}

static int default_strings(const char *text, struct conf_strings *target)
{
    return *text ? copy_strings(&text, 1, target) : 0;
}

int conf_value_set_default(const struct conf_option *option, void *target)
{
    const char *text = option->def ? option->def : "";
    conf_value_clear(option, target);
    switch (option->type) {
    case CONF_COUNT:
    case CONF_SIZE:
    case CONF_TIME:
        parse_number_text(option, slice_of(text), target);
        break;
    case CONF_BOOL:
        *(bool *)target = strcmp(text, "true") == 0;
        break;
    case CONF_TOGGLE:
        *(enum toggle *)target = TOGGLE_UNSET;
        break;
    case CONF_CHOICE:
        conf_choice_parse(option->example, slice_of(text), target);
        break;
    case CONF_STRING:
    case CONF_PATH:
    case CONF_LOG_TARGET:
        *(char **)target = strdup(text);
        return *(char **)target ? 0 : -ENOMEM;
    case CONF_STRINGS:
        return default_strings(text, target);
    case CONF_INCLUDE:
        break;
    }
    return 0;
}

void conf_value_clear(const struct conf_option *option, void *target)
{
    switch (option->type) {
    case CONF_STRING:
    case CONF_PATH:
    case CONF_LOG_TARGET:
        free(*(char **)target);
        *(char **)target = NULL;
        break;
    case CONF_STRINGS:
        free_strings(target);
        break;
    case CONF_COUNT:
    case CONF_SIZE:
    case CONF_TIME:
    case CONF_BOOL:
    case CONF_TOGGLE:
    case CONF_CHOICE:
    case CONF_INCLUDE:
        break;
    }
}

// Writes a string in quotes, with libconfig's escapes.
static void print_escaped(FILE *out, const char *text)
{
    putc('"', out);
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\')
            fprintf(out, "\\%c", c);
        else if (c < 0x20 || c == 0x7f)
            fprintf(out, "\\x%02x", c);
        else
            putc(c, out);
    }
    putc('"', out);
}

static void print_strings(FILE *out, const struct conf_strings *s)
{
    fputs("[", out);
    for (size_t i = 0; i < s->count; i++) {
        fputs(i ? ", " : " ", out);
        print_escaped(out, s->items[i]);
    }
    fputs(s->count ? " ]" : "]", out);
}

void conf_value_print(FILE *out, const struct conf_option *option, const void *target)
{
    char text[32];
    struct slice word;
    switch (option->type) {
    case CONF_COUNT:
        fprintf(out, "%" PRIu64, *(const uint64_t *)target);
        break;
    case CONF_SIZE:
    case CONF_TIME:
        fprintf(out, "\"%s\"", format_number(option, *(const uint64_t *)target, text));
        break;
    case CONF_BOOL:
        fputs(*(const bool *)target ? "true" : "false", out);
        break;
    case CONF_TOGGLE:
        fputs(*(const enum toggle *)target == TOGGLE_ON ? "true" : "false", out);
        break;
    case CONF_CHOICE:
        word = conf_choice_word(option->example, *(const unsigned *)target);
        fprintf(out, "\"%.*s\"", SLICE_ARG(word));
        break;
    case CONF_STRING:
    case CONF_PATH:
    case CONF_LOG_TARGET:
        print_escaped(out, *(char *const *)target);
        break;
    case CONF_STRINGS:
        print_strings(out, target);
        break;
    case CONF_INCLUDE:
        break;
    }
}

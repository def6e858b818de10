#include "http/redirectline.h"

#include "base/num.h"
#include "http/chars.h"
#include "http/rulecheck.h"
#include "http/statuses.h"
#include "http/urlpath.h"

#define DEFAULT_STATUS 301

// ---- names -------------------------------------------------------------------------------------

static bool is_name_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || slice_is_digit(c) || c == '_';
}

// The name behind a colon that `text` begins with; empty: it is none, such as a port.
static struct slice placeholder(struct slice text)
{
    size_t n = 1;
    if (text.len < 2 || text.ptr[0] != ':' || slice_is_digit(text.ptr[1]))
        return slice_make(NULL, 0);
    while (n < text.len && is_name_byte(text.ptr[n]))
        n++;
    return slice_make(text.ptr + 1, n - 1);
}

static bool is_placeholder(struct slice text)
{
    struct slice name = placeholder(text);
    return name.len && name.len + 1 == text.len;
}

static struct slice value_of(const struct redirectline_values *values, struct slice name)
{
    for (size_t i = 0; i < values->count; i++)
        if (slice_equal(values->names[i], name))
            return values->values[i];
    return slice_make(NULL, 0);
}

static bool add_value(struct redirectline_values *values, struct slice name, struct slice value)
{
    if (values->count == REDIRECTLINE_VALUES)
        return false;
    values->names[values->count] = name;
    values->values[values->count++] = value;
    return true;
}

// ---- matching ----------------------------------------------------------------------------------

bool redirectline_match(struct slice pattern, struct slice path, struct redirectline_values *ret)
{
    while (pattern.ptr && path.ptr) {
        struct slice whole = path;
        struct slice want = slice_split(&pattern, '/'), got = slice_split(&path, '/');
        bool is_splat = !pattern.ptr && want.len && want.ptr[want.len - 1] == '*';
        if (is_splat) {
            want.len--;
            return slice_starts_with(whole, want) &&
                   add_value(ret, SLICE("splat"), slice_skip(whole, want.len));
        }
        if (is_placeholder(want) ? got.len == 0 || !add_value(ret, slice_skip(want, 1), got)
                                 : !slice_equal(want, got))
            return false;
    }
    return !pattern.ptr && !path.ptr;
}

// Decodes a value of the query into `room`; a bad escape stands for itself.
static struct slice decode_value(struct slice raw, struct buf *room)
{
    size_t start = room->len;
    for (size_t i = 0; i < raw.len; i++) {
        int high = raw.len - i > 2 && raw.ptr[i] == '%' ? chars_hex(raw.ptr[i + 1]) : -1;
        int low = high >= 0 ? chars_hex(raw.ptr[i + 2]) : -1;
        buf_putc(room, low >= 0 ? (char)(high << 4 | low) : raw.ptr[i]);
        i += low >= 0 ? 2 : 0;
    }
    return slice_make(room->data + start, room->len - start);
}

// The first value of a parameter; ptr NULL: there is none.
static struct slice find_parameter(struct slice query, struct slice name)
{
    while (query.ptr) {
        struct slice value = slice_split(&query, '&'), key = slice_split(&value, '=');
        if (slice_equal(key, name))
            return value.ptr ? value : slice_make("", 0);
    }
    return slice_make(NULL, 0);
}

bool redirectline_has_parameters(const struct redirectline *line, struct slice query,
                                 struct buf *room, struct redirectline_values *ret)
{
    for (size_t i = 0; i < line->parameter_count; i++) {
        const struct redirectline_parameter *p = &line->parameters[i];
        struct slice raw = find_parameter(query, p->name);
        struct slice value = raw.ptr ? decode_value(raw, room) : raw;
        if (!raw.ptr || room->overflow)
            return false;
        if (is_placeholder(p->value) ? !add_value(ret, slice_skip(p->value, 1), value)
                                     : !slice_equal(p->value, value))
            return false;
    }
    return true;
}

// ---- targets -----------------------------------------------------------------------------------

static void put_text(struct buf *b, struct slice text, const struct redirectline_values *values)
{
    while (text.len) {
        struct slice name = placeholder(text), value = value_of(values, name);
        size_t n = value.ptr ? name.len + 1 : 1;
        if (value.ptr)
            urlpath_encode(b, value);
        else
            buf_putc(b, text.ptr[0]);
        text = slice_skip(text, n);
    }
}

// Length of a scheme and host, which hold no names; 0: the reference is a path.
static size_t fixed_length(struct slice reference)
{
    size_t n = 0;
    if (reference.ptr[0] == '/')
        return 0;
    for (unsigned slashes = 0; n < reference.len; n++) {
        slashes += reference.ptr[n] == '/';
        if (slashes == 3 || reference.ptr[n] == '?')
            break;
    }
    return n;
}

void redirectline_put_target(struct buf *b, const struct redirectline *line,
                             const struct redirectline_values *values, struct slice query)
{
    struct slice fragment = line->target, rest = slice_split(&fragment, '#');
    size_t start = b->len, host = fixed_length(rest);
    buf_put(b, slice_make(rest.ptr, host));
    put_text(b, slice_skip(rest, host), values);
    urlpath_keep_one_slash(b, start);
    if (query.ptr && line->status != 200 && slice_find(rest, '?') < 0) {
        buf_putc(b, '?');
        urlpath_put_query(b, query);
    }
    if (fragment.ptr) {
        buf_putc(b, '#');
        put_text(b, fragment, values);
    }
}

// ---- reading -----------------------------------------------------------------------------------

static const char *check_source(struct redirectline *line)
{
    char c = '\0';
    for (size_t i = 0; i < line->path.len; i++) {
        char before = c;
        c = line->path.ptr[i];
        if (c == '*' && i + 1 < line->path.len)
            return "a * stands at the end of the path only";
        line->is_pattern |= c == '*' ||
                            (before == '/' && placeholder(slice_skip(line->path, i)).len);
        if (c == '?' || c == '#')
            return "a path has no '?' and no '#'; write parameters behind it: /view id=:id";
    }
    return line->path.ptr[0] == '/' ? NULL : "a line begins with a path of the site";
}

static const char *read_parameters(struct slice *rest, struct redirectline *line)
{
    for (;;) {
        struct slice peek = *rest, value = slice_cut_word(&peek);
        // A target begins with '/' or a scheme, and only behind that has a '='.
        if (slice_find(value, '=') < 0 || slice_find(value, '/') >= 0)
            return NULL;
        struct slice name = slice_split(&value, '=');
        if (line->parameter_count == REDIRECTLINE_PARAMETERS)
            return "there are too many parameters: at most 8";
        if (name.len == 0)
            return "a parameter has a name: id=:id";
        line->parameters[line->parameter_count++] = (struct redirectline_parameter){name, value};
        *rest = peek;
    }
}

static bool has_name(const struct redirectline *line, struct slice name)
{
    for (struct slice rest = line->path; rest.ptr;) {
        struct slice segment = slice_split(&rest, '/');
        if (is_placeholder(segment) && slice_equal(slice_skip(segment, 1), name))
            return true;
    }
    for (size_t i = 0; i < line->parameter_count; i++) {
        struct slice value = line->parameters[i].value;
        if (is_placeholder(value) && slice_equal(slice_skip(value, 1), name))
            return true;
    }
    return slice_equal(name, SLICE("splat")) && line->path.ptr[line->path.len - 1] == '*';
}

// A name behind a slash or an equals sign is meant as one.
static const char *check_placeholders(const struct redirectline *line)
{
    for (size_t i = 1; i < line->target.len; i++) {
        struct slice name = placeholder(slice_skip(line->target, i));
        if (name.len && strchr("/=", line->target.ptr[i - 1]) && !has_name(line, name))
            return "the target has a placeholder that the path and its parameters do not";
    }
    return NULL;
}

static const char *check_target(const struct redirectline *line)
{
    if (line->target.len == 0)
        return "behind the path stands where it leads: a path, or a URL of http or https";
    if (line->status == 200 && line->target.ptr[0] != '/')
        return "with 200 a file of this site answers; nothing is fetched from another host";
    if (line->status == 200 &&
        (slice_find(line->target, '?') >= 0 || slice_find(line->target, '#') >= 0))
        return "with 200 the target is the path of a file, without a query";
    const char *why = rulecheck_location(line->target);
    return why ? why : check_placeholders(line);
}

static const char *read_status(struct slice word, struct redirectline *line)
{
    uint64_t status;
    if (word.len && word.ptr[word.len - 1] == '!') // a line counts where there is a file, always
        word.len--;
    if (word.len == 0 || !num_parse_dec(word, 999, &status))
        return slice_find(word, '=') > 0
                   ? "conditions by country, language and the like are not known"
                   : "behind the target stands a status, e.g. 302";
    if (status != 200 && !statuses_is_redirect((int)status))
        return "a status is 301, 302, 303, 307, 308, or 200 for a file of the site";
    line->status = (int)status;
    return NULL;
}

const char *redirectline_parse(struct slice text, struct redirectline *ret)
{
    struct redirectline line = {.status = DEFAULT_STATUS};
    struct slice rest = text;
    const char *why = NULL;
    line.path = slice_cut_word(&rest);
    if (line.path.len == 0 || line.path.ptr[0] == '#') {
        line.path.len = 0;
        *ret = line;
        return NULL;
    }
    why = check_source(&line);
    if (!why)
        why = read_parameters(&rest, &line);
    if (!why)
        line.target = slice_cut_word(&rest);
    struct slice word = slice_cut_word(&rest);
    if (!why && word.len && word.ptr[0] != '#') {
        why = read_status(word, &line);
        word = slice_cut_word(&rest);
    }
    if (!why && word.len && word.ptr[0] != '#')
        why = "conditions by country, language and the like are not known";
    if (!why)
        why = check_target(&line);
    if (!why)
        *ret = line;
    return why;
}

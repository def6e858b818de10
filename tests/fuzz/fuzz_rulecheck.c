// The texts of rules: what a check lets pass cannot split a header, leave the site or its host.
//
// Input: a byte that selects the check, then the text.
#include "fuzz.h"

#include "base/util.h"
#include "http/chars.h"
#include "http/fieldline.h"
#include "http/rulecheck.h"
#include "http/template.h"

static void assert_no_control(struct slice s)
{
    for (size_t i = 0; i < s.len; i++)
        assert(s.ptr[i] == '\t' || ((unsigned char)s.ptr[i] >= 0x20 && s.ptr[i] != 0x7f));
}

// Expands a rule's target for a request with hostile captures.
static void check_expansion(struct slice text)
{
    static const struct glob_match captures = {3,
                                               {{"/e.test", 7}, {"", 0}, {"a b?#%2F\\\xff", 10}}};
    static const struct template_values values = {{"/a b", 4}, &captures, {"host.test", 9}};
    static char room[64 * 1024];
    struct buf b = buf_make(room, sizeof(room));
    template_put_path(&b, text, &values);
    assert(b.overflow || chars_all(buf_slice(&b), CHAR_URI));
    if (rulecheck_redirect(text) != NULL)
        return;
    b = buf_make(room, sizeof(room));
    template_put_redirect(&b, text, &values, SLICE("q"));
    if (!b.overflow && text.ptr[0] == '/')
        assert(b.data[0] == '/' && (b.len == 1 || (b.data[1] != '/' && b.data[1] != '\\')));
}

static void check_template(struct slice text)
{
    struct slice rest = text;
    struct template_part part;
    unsigned last = 0;
    size_t left = rest.len;
    bool has_host = false;
    while (template_next(&rest, &part)) {
        has_host |= part.kind == TEMPLATE_HOST;
        assert(rest.len < left && part.text.len > 0);
        assert(part.text.ptr >= text.ptr && part.text.ptr + part.text.len <= text.ptr + text.len);
        if (part.kind == TEMPLATE_CAPTURE) {
            assert(part.capture >= 1 && part.capture <= 9);
            last = MAX(last, part.capture);
        }
        left = rest.len;
    }
    assert(left == 0 && last == template_last_capture(text));
    assert(has_host == template_has_host(text));
    check_expansion(text);
}

static void check_line(unsigned action, struct slice text)
{
    static const char *(*const checks[])(struct slice) = {fieldline_check_set, fieldline_check_add,
                                                          fieldline_check_unset};
    struct slice name, value;
    if (checks[action](text) != NULL)
        return;
    assert_no_control(text);
    assert(text.len && text.ptr[0] != ':');
    if (checks[action] == fieldline_check_unset)
        return;
    fieldline_split(text, &name, &value);
    assert(name.len && value.len && slice_find(name, ' ') < 0);
    assert(!slice_equal_nocase(name, SLICE("Content-Length")));
}

static void check_redirect(struct slice text)
{
    bool is_fixed = !rulecheck_location(text);
    assert(!is_fixed || !rulecheck_redirect(text) || slice_find(text, '$') >= 0);
    if (!is_fixed && rulecheck_redirect(text) != NULL)
        return;
    assert_no_control(text);
    assert(slice_find(text, ' ') < 0 && slice_find(text, '\\') < 0);
    if (text.ptr[0] == '/') {
        assert(text.len == 1 || text.ptr[1] != '/');
        return;
    }
    assert(slice_starts_with(text, SLICE("http://")) || slice_starts_with(text, SLICE("https://")));
    slice_split(&text, '/');
    slice_split(&text, '/');
    struct slice authority = slice_split(&text, '/');
    authority = slice_split(&authority, '?');
    authority = slice_split(&authority, '#');
    if (slice_starts_with(authority, SLICE("$host")))
        authority = slice_skip(authority, 1);
    assert(authority.len && slice_find(authority, '$') < 0 && slice_find(authority, '@') < 0);
}

static void check_paths(struct slice text)
{
    bool is_file = !rulecheck_file(text), is_directory = !rulecheck_directory(text);
    if (!is_file && !is_directory && rulecheck_path(text) != NULL)
        return;
    assert(!is_file || !is_directory);
    assert_no_control(text);
    assert(text.ptr[0] == '/' || text.ptr[0] == '$');
    while (text.ptr)
        assert(!slice_equal(slice_split(&text, '/'), SLICE("..")));
}

static void check_error_page(struct slice text)
{
    unsigned status;
    struct slice path;
    if (rulecheck_error_page(text) != NULL)
        return;
    rulecheck_split_error_page(text, &status, &path);
    assert(status >= 400 && status <= 599);
    assert(rulecheck_file(path) == NULL);
}

static void check_types(struct slice text)
{
    if (!rulecheck_media_type(text) || !rulecheck_types_line(text)) {
        assert_no_control(text);
        assert(slice_find(text, '/') > 0);
    }
}

// Another port of a host is another origin: any port, only where no stranger can have one.
static void check_any_port(struct slice origin)
{
    struct slice host = origin;
    if (!slice_ends_with_nocase(origin, SLICE(":*")))
        return;
    slice_split(&host, '/');
    slice_split(&host, '/');
    assert(slice_equal(host, SLICE("localhost:*")) || slice_equal(host, SLICE("[::1]:*")) ||
           slice_starts_with(host, SLICE("127.")));
    assert(host.ptr[0] != '1' || strspn(host.ptr, "0123456789.") >= host.len - strlen(":*"));
}

static void check_rest(struct slice text)
{
    if (!rulecheck_token(text))
        assert(text.len && slice_find(text, ' ') < 0);
    if (!rulecheck_field_value(text) || !rulecheck_origin(text))
        assert_no_control(text);
    if (rulecheck_origin(text))
        return;
    check_any_port(text);
    if (text.ptr[0] != '*')
        for (size_t i = 0; i < text.len; i++)
            assert(!(text.ptr[i] >= 'A' && text.ptr[i] <= 'Z'));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct slice input = fuzz_slice(bytes, size);
    uint8_t selector = fuzz_byte(&input);
    char *copy = fuzz_copy(input);
    struct slice text = slice_make(copy, input.len);
    switch (selector % 8) {
    case 0:
        check_template(text);
        break;
    case 1:
        check_line(selector / 8 % 3, text);
        break;
    case 2:
        check_redirect(text);
        break;
    case 3:
        check_paths(text);
        break;
    case 4:
        check_error_page(text);
        break;
    case 5:
        check_types(text);
        break;
    default:
        check_rest(text);
        break;
    }
    free(copy);
    return 0;
}

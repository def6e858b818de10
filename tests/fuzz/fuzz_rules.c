// Rules as a whole: those that pass the checks of the configuration, applied to any path, do what a
// simple model of them does, and put nothing into a head that they do not say.
//
// Input: lines. The first four are the client's network, the path of the request, that of the file,
// and Origin; each that follows is a byte that says what of a rule it is, and the text: m begins a
// rule, p adds a pattern to it, n an exception.
#include "fuzz.h"

#include "base/num.h"
#include "base/util.h"
#include "http/chars.h"
#include "http/fieldline.h"
#include "http/rulecheck.h"
#include "http/rules.h"
#include "http/template.h"

#include <stdio.h>

enum { RULES = 12, ITEMS = 8, ROOM = 1 << 16 };

// A rule with the lists that it points at.
struct store {
    struct slice patterns[ITEMS], excepts[ITEMS];
    struct rule_header headers[ITEMS];
    struct network allow[ITEMS], deny[ITEMS];
    struct slice tries[ITEMS], origins[ITEMS];
    struct rule_page pages[ITEMS];
    struct cors cors;
    bool only_ok;
};

static struct rule rules[RULES];
static struct store stores[RULES];
static size_t rule_count;

// ---- reading ------------------------------------------------------------------------------------

static void add_pattern(struct slice *list, size_t *count, struct slice text)
{
    if (*count < ITEMS && text.len && text.ptr[0] == '/' && !glob_check(text))
        list[(*count)++] = text;
}

static void begin_rule(struct slice text)
{
    if (rule_count == RULES)
        return;
    struct store *s = &stores[rule_count];
    memset(s, 0, sizeof(*s));
    struct rule r = {.patterns = s->patterns,
                     .excepts = s->excepts,
                     .headers = s->headers,
                     .allow = {s->allow, 0},
                     .deny = {s->deny, 0},
                     .tries = s->tries,
                     .pages = s->pages};
    add_pattern(s->patterns, &r.pattern_count, text);
    if (r.pattern_count)
        rules[rule_count++] = r;
}

static void add_header(struct rule *r, struct store *s, enum rule_action action, struct slice text)
{
    static const char *(*const checks[])(struct slice) = {[RULE_SET] = fieldline_check_set,
                                                          [RULE_ADD] = fieldline_check_add,
                                                          [RULE_UNSET] = fieldline_check_unset};
    if (r->header_count == ITEMS || checks[action](text))
        return;
    struct rule_header *h = &s->headers[r->header_count++];
    *h = (struct rule_header){.action = action, .name = text, .only_ok = s->only_ok};
    if (action != RULE_UNSET)
        fieldline_split(text, &h->name, &h->value);
}

static void add_network(struct network *list, size_t *count, struct slice text)
{
    if (*count < ITEMS && !network_parse(text, &list[*count]))
        ++*count;
}

static void add_page(struct rule *r, struct store *s, struct slice text)
{
    unsigned status;
    if (r->page_count == ITEMS || rulecheck_error_page(text))
        return;
    struct rule_page *page = &s->pages[r->page_count++];
    rulecheck_split_error_page(text, &status, &page->path);
    page->status = (int)status;
}

static void add_origin(struct rule *r, struct store *s, struct slice text)
{
    if (s->cors.origin_count == ITEMS || rulecheck_origin(text))
        return;
    s->origins[s->cors.origin_count++] = text;
    s->cors.origins = s->origins;
    s->cors.any |= slice_equal(text, SLICE("*"));
    s->cors.expose = s->cors.headers = SLICE("X-One, X-Two");
    r->cors = &s->cors;
}

static bool is_template(struct slice text, const struct rule *r, const char *(*check)(struct slice))
{
    bool good = !check(text);
    for (size_t i = 0; i < r->pattern_count; i++)
        good = good && template_last_capture(text) <= glob_captures(r->patterns[i]);
    return good;
}

// Before anything that has captures, so that each pattern has them.
static bool has_captures(const struct rule *r)
{
    return r->redirect.len || r->rewrite.len || r->try_count;
}

// The settings that a rule has, by a letter each.
static void read_flags(struct rule *r, struct slice text)
{
    r->says.index = slice_find(text, 'i') >= 0;
    r->says.etag = slice_find(text, 'e') >= 0;
    r->says.codings = slice_find(text, 'c') >= 0;
    r->says.charset = slice_find(text, 'h') >= 0;
    r->says.stored = slice_find(text, 's') >= 0;
}

static void read_line(uint8_t what, struct slice text)
{
    uint64_t status;
    if (what == 'm')
        begin_rule(text);
    if (rule_count == 0)
        return;
    struct rule *r = &rules[rule_count - 1];
    struct store *s = &stores[rule_count - 1];
    if (what == 's' || what == 'a' || what == 'u')
        add_header(r, s, what == 's' ? RULE_SET : what == 'a' ? RULE_ADD : RULE_UNSET, text);
    else if (what == 'p' && !has_captures(r))
        add_pattern(s->patterns, &r->pattern_count, text);
    else if (what == 'n')
        add_pattern(s->excepts, &r->except_count, text);
    else if (what == 'o')
        s->only_ok = !s->only_ok;
    else if (what == 't' && !rulecheck_media_type(text))
        r->type = text;
    else if (what == 'r' && is_template(text, r, rulecheck_redirect))
        r->redirect = text;
    else if (what == 'S' && num_parse_dec(text, 599, &status) && status >= 300)
        r->status = (int)status;
    else if (what == 'A')
        add_network(s->allow, &r->allow.count, text);
    else if (what == 'D')
        add_network(s->deny, &r->deny.count, text);
    else if (what == 'w' && is_template(text, r, rulecheck_path))
        r->rewrite = text;
    else if (what == 'y' && r->try_count < ITEMS && is_template(text, r, rulecheck_path))
        s->tries[r->try_count++] = text;
    else if (what == 'f' && !rulecheck_file(text))
        r->fallback = text;
    else if (what == 'e')
        add_page(r, s, text);
    else if (what == 'c')
        add_origin(r, s, text);
    else if (what == 'x')
        s->cors.max_age = text.len;
    else if (what == 'C')
        s->cors.credentials = !s->cors.any;
    else if (what == 'l')
        r->listing = (enum toggle)(text.len % 3);
    else if (what == 'd')
        r->dotfiles = (enum toggle)(text.len % 3);
    else if (what == 'k')
        r->links = (enum symlinks)(text.len % 4);
    else if (what == 'F')
        read_flags(r, text);
}

// ---- the model ----------------------------------------------------------------------------------

static bool is_in(const struct network *list, size_t count, const struct network *client)
{
    bool found = false;
    for (size_t i = 0; i < count; i++)
        found |= network_has(&list[i], client);
    return found;
}

static bool matches(const struct rule *r, struct slice path)
{
    struct glob_match match;
    bool found = false, excepted = false;
    for (size_t i = 0; i < r->pattern_count; i++)
        found |= glob_match(r->patterns[i], path, &match);
    for (size_t i = 0; i < r->except_count; i++)
        excepted |= glob_match(r->excepts[i], path, &match);
    assert((rules_exception(r, path).ptr != NULL) == (found && excepted));
    return found && !excepted;
}

static enum reason refusal_of(const struct rule *r, const struct network *client)
{
    if (is_in(r->deny.items, r->deny.count, client))
        return REASON_RULE_DENY;
    if (r->allow.count && !is_in(r->allow.items, r->allow.count, client))
        return REASON_RULE_ALLOW;
    return REASON_NONE;
}

static void check_ruling(struct slice path, const struct network *client, const struct ruling *got)
{
    const struct rule *matched[RULES];
    struct ruling want = {.matched = matched};
    const struct rule *refuses = NULL;
    for (size_t i = 0; i < rule_count; i++) {
        const struct rule *r = &rules[i];
        if (!matches(r, path))
            continue;
        want.matched[want.matched_count++] = r;
        if (r->redirect.len || r->status) {
            want.final.rule = r;
            want.status = r->redirect.len && !r->status ? 302 : r->status;
            want.reason = want.status < 400 ? REASON_NONE : REASON_RULE_STATUS;
        }
        refuses = refuses || !refusal_of(r, client) ? refuses : r;
        want.type = r->type.len ? r : want.type;
        want.cors = r->cors ? r : want.cors;
        want.index = r->says.index ? r : want.index;
        want.etag = r->says.etag ? r : want.etag;
        want.codings = r->says.codings ? r : want.codings;
        want.charset = r->says.charset ? r : want.charset;
        want.stored = r->says.stored ? r : want.stored;
        want.listing = r->listing ? r : want.listing;
        want.dotfiles = r->dotfiles ? r : want.dotfiles;
        want.links = r->links ? r : want.links;
        want.fallback = r->fallback.len ? r : want.fallback;
        want.lookup.rule = r->rewrite.len || r->try_count ? r : want.lookup.rule;
    }
    if (refuses) {
        want.final.rule = refuses;
        want.status = 403;
        want.reason = refusal_of(refuses, client);
    }
    assert(got->status == want.status && got->matched_count == want.matched_count);
    assert(got->final.rule == want.final.rule && got->lookup.rule == want.lookup.rule);
    for (size_t i = 0; i < want.matched_count; i++)
        assert(got->matched[i] == want.matched[i]);
    assert(got->reason == want.reason && got->type == want.type && got->cors == want.cors);
    assert(got->listing == want.listing && got->dotfiles == want.dotfiles);
    assert(got->links == want.links && got->fallback == want.fallback);
    assert(got->index == want.index && got->etag == want.etag && got->codings == want.codings);
    assert(got->charset == want.charset && got->stored == want.stored);
}

// Another document answers: all that is said of the file is forgotten, and nothing else.
static void check_forgetting(const struct ruling *ruling)
{
    struct ruling other = *ruling;
    rules_forget_file(&other);
    assert(!other.type && !other.etag && !other.codings && !other.charset && !other.stored);
    other.type = ruling->type;
    other.etag = ruling->etag;
    other.codings = ruling->codings;
    other.charset = ruling->charset;
    other.stored = ruling->stored;
    assert(memcmp(&other, ruling, sizeof(other)) == 0);
}

// The headers that the actions leave, done one after the other.
static size_t model_headers(const struct ruling *ruling, bool ok, const struct rule_header **left)
{
    size_t count = 0;
    for (size_t i = 0; i < ruling->matched_count; i++) {
        for (size_t j = 0; j < ruling->matched[i]->header_count; j++) {
            const struct rule_header *h = &ruling->matched[i]->headers[j];
            size_t kept = 0;
            if (h->only_ok && !ok)
                continue;
            for (size_t k = 0; k < count; k++)
                if (h->action == RULE_ADD || !slice_equal_nocase(left[k]->name, h->name))
                    left[kept++] = left[k];
            count = kept;
            if (h->action != RULE_UNSET)
                left[count++] = h;
        }
    }
    return count;
}

static bool is_left(const struct rule_header *const *left, size_t count,
                    const struct rule_header *h)
{
    bool found = false;
    for (size_t i = 0; i < count; i++)
        found |= left[i] == h;
    return found;
}

// Explain says of each action, and of the policy, just that which the answer gets.
static void check_actions(const struct ruling *ruling, int status,
                          const struct rule_header *const *left, size_t count)
{
    struct slice found = rules_directive(ruling, SLICE("frame-ancestors"), status);
    for (size_t i = 0; i < ruling->matched_count; i++) {
        for (size_t j = 0; j < ruling->matched[i]->header_count; j++) {
            const struct rule_header *h = &ruling->matched[i]->headers[j];
            bool counts = !h->only_ok || rules_is_ok(status);
            bool holds = counts && !rules_overruled_by(ruling, i, j, status);
            assert((holds && h->action != RULE_UNSET) == is_left(left, count, h));
            assert(!counts || rules_say_header(ruling, h->name, status));
        }
    }
    for (size_t i = 0; found.ptr && i < count; i++)
        if (slice_equal_nocase(left[i]->name, SLICE("Content-Security-Policy")) &&
            found.ptr >= left[i]->value.ptr &&
            found.ptr + found.len <= left[i]->value.ptr + left[i]->value.len)
            return;
    assert(!found.ptr);
}

static void check_lines(struct slice text)
{
    while (text.len) {
        ptrdiff_t end = slice_find(text, '\n');
        assert(end > 0 && text.ptr[end - 1] == '\r');
        struct slice value = slice_make(text.ptr, (size_t)end - 1);
        struct slice name = slice_split(&value, ':');
        assert(name.len && chars_all(name, CHAR_TOKEN));
        assert(value.len > 1 && value.ptr[0] == ' ' && chars_all(value, CHAR_VALUE));
        text = slice_skip(text, (size_t)end + 1);
    }
}

static void check_headers(const struct ruling *ruling, int status)
{
    static char text[ROOM];
    const struct rule_header *left[RULES * ITEMS];
    struct buf b = buf_make(text, sizeof(text));
    size_t count = model_headers(ruling, status == 200 || status == 206 || status == 304, left);
    check_actions(ruling, status, left, count);
    rules_put_headers(&b, ruling, status, slice_make(NULL, 0));
    if (b.overflow)
        return;
    struct slice rest = buf_slice(&b);
    check_lines(rest);
    for (size_t i = 0; i < count; i++) {
        assert(slice_starts_with(rest, left[i]->name));
        rest = slice_skip(rest, left[i]->name.len + 2);
        assert(slice_starts_with(rest, left[i]->value));
        rest = slice_skip(rest, left[i]->value.len + 2);
    }
    assert(rest.len == 0);
}

// ---- what is made of it -------------------------------------------------------------------------

static void check_location(const struct ruling *ruling, struct slice path)
{
    static char text[ROOM];
    const struct template_values values = {path, &ruling->final.captures, SLICE("a.test")};
    struct buf b = buf_make(text, sizeof(text));
    const struct slice target = ruling->final.rule->redirect;
    template_put_redirect(&b, target, &values, SLICE("q"));
    struct slice location = buf_slice(&b);
    if (b.overflow)
        return;
    for (size_t i = 0; i < location.len; i++)
        assert(location.ptr[i] > ' ' && location.ptr[i] < 0x7f && location.ptr[i] != '\\');
    if (target.ptr[0] == '/')
        assert(location.ptr[0] == '/' && location.ptr[1] != '/');
    else
        assert(slice_starts_with(location, SLICE("http")));
}

// Those of the request's path have a say, also when another file's path has been looked at.
static void check_pages(const struct ruling *ruling, struct slice path)
{
    struct glob_match unused;
    for (int status = 400; status < 600; status++) {
        struct slice page = rules_error_page(ruling, path, status), want = {NULL, 0};
        for (size_t i = 0; i < rule_count; i++) {
            const struct rule *r = &rules[i];
            for (size_t j = rules_match(r, path, &unused) ? r->page_count : 0; j-- > 0;)
                if (r->pages[j].status == status)
                    want = r->pages[j].path;
        }
        assert(slice_equal(page, want));
    }
}

static bool is_origin(struct slice pattern, struct slice origin)
{
    struct slice port = origin;
    if (pattern.ptr[pattern.len - 1] != '*')
        return slice_equal(pattern, origin);
    pattern.len -= 2;
    if (!slice_starts_with(origin, pattern))
        return false;
    port = slice_skip(port, pattern.len);
    return port.len == 0 || (port.ptr[0] == ':' && port.len > 1 &&
                             strspn(port.ptr + 1, "0123456789") >= port.len - 1);
}

static void check_cors(const struct cors *cors, struct slice origin)
{
    static const char *const starts[] = {"GET", "OPTIONS"};
    static char head[ROOM], text[ROOM];
    struct request r;
    for (size_t i = 0; i < ARRAY_SIZE(starts); i++) {
        struct buf h = buf_make(head, sizeof(head)), b = buf_make(text, sizeof(text));
        buf_puts(&h, starts[i]);
        buf_puts(&h, " / HTTP/1.1\r\nHost: a\r\nAccess-Control-Request-Method: GET\r\nOrigin: ");
        buf_put(&h, origin);
        buf_puts(&h, "\r\n\r\n");
        if (h.overflow || slice_find(origin, '\r') >= 0 || request_parse(buf_slice(&h), &r))
            return;
        cors_put(&b, cors, &r);
        check_lines(buf_slice(&b));
        bool listed = false;
        for (size_t j = 0; j < cors->origin_count; j++)
            listed |= is_origin(cors->origins[j], slice_trim(origin));
        assert((b.len > 0) == (listed || cors->any));
        assert(cors_varies(cors) == !cors->any);
        bool allows_methods = b.len && memmem(text, b.len, "Allow-Methods: ", 15);
        assert(allows_methods == (b.len && i == 1));
    }
}

static void check_file(struct ruling *ruling, struct slice file)
{
    const struct rule *matched[RULES];
    struct ruling before = *ruling;
    before.matched = matched;
    memcpy(matched, ruling->matched, sizeof(matched));
    rules_apply_to_file(rules, rule_count, file, ruling);
    assert(ruling->matched_count >= before.matched_count && ruling->matched_count <= rule_count);
    for (size_t i = 1; i < ruling->matched_count; i++)
        assert(ruling->matched[i - 1] < ruling->matched[i]);
    for (size_t i = 0; i < before.matched_count; i++) {
        bool found = false;
        for (size_t j = 0; j < ruling->matched_count; j++)
            found |= ruling->matched[j] == before.matched[i];
        assert(found);
    }
    assert(ruling->status == before.status && ruling->cors == before.cors);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const struct rule *matched[RULES];
    static struct ruling ruling = {.matched = matched};
    struct network client = {.kind = NETWORK_UNIX};
    size_t clients = 0;
    char *copy = fuzz_copy(fuzz_slice(bytes, size));
    struct slice rest = slice_make(copy, size);
    add_network(&client, &clients, slice_split(&rest, '\n'));
    struct slice path = slice_split(&rest, '\n'), file = slice_split(&rest, '\n');
    struct slice origin = slice_split(&rest, '\n');
    rule_count = 0;
    while (rest.len) {
        struct slice line = slice_split(&rest, '\n');
        uint8_t what = fuzz_byte(&line);
        read_line(what, line);
    }
    if (path.len && path.ptr[0] == '/' && file.len) {
        rules_apply(rules, rule_count, path, &client, &ruling);
        check_ruling(path, &client, &ruling);
        if (ruling.status && !ruling.reason && ruling.final.rule->redirect.len)
            check_location(&ruling, path);
        if (ruling.cors)
            check_cors(rules_cors(&ruling), origin);
        check_forgetting(&ruling);
        check_file(&ruling, file);
        check_headers(&ruling, 200);
        check_headers(&ruling, 404);
        check_pages(&ruling, path);
    }
    free(copy);
    return 0;
}

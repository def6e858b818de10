// Rules as a whole: those that pass the checks of the configuration, applied to any path, do what a
// simple model of them does, and put nothing into a head that they do not say.
//
// Input: lines. The first four are the client's network, the path of the request, that of the file,
// and Origin; each that follows is a byte that says what of a rule it is, and the text: m begins a
// rule.
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

static void begin_rule(struct slice text)
{
    if (rule_count == RULES || text.len == 0 || text.ptr[0] != '/' || glob_check(text))
        return;
    struct store *s = &stores[rule_count];
    memset(s, 0, sizeof(*s));
    rules[rule_count++] = (struct rule){.match = text,
                                        .headers = s->headers,
                                        .allow = s->allow,
                                        .deny = s->deny,
                                        .tries = s->tries,
                                        .pages = s->pages};
}

static void add_header(struct rule *r, struct store *s, enum rule_action action, struct slice text)
{
    static const enum fieldline_action checks[] = {
        [RULE_SET] = FIELDLINE_SET, [RULE_ADD] = FIELDLINE_ADD, [RULE_UNSET] = FIELDLINE_UNSET};
    if (r->header_count == ITEMS || fieldline_check(checks[action], text))
        return;
    struct rule_header *h = &s->headers[r->header_count++];
    *h = (struct rule_header){.action = action, .name = text, .only_ok = s->only_ok};
    if (action != RULE_UNSET)
        fieldline_split(text, &h->name, &h->value);
}

static void add_network(struct network *list, size_t *count, struct slice text)
{
    char copy[64];
    if (*count == ITEMS || text.len >= sizeof(copy))
        return;
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    if (strlen(copy) == text.len && !network_parse(copy, &list[*count]))
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

static bool is_template(struct slice text, struct slice pattern, const char *(*check)(struct slice))
{
    return !check(text) && template_last_capture(text) <= glob_captures(pattern);
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
    else if (what == 'o')
        s->only_ok = !s->only_ok;
    else if (what == 't' && !rulecheck_media_type(text))
        r->type = text;
    else if (what == 'r' && is_template(text, r->match, rulecheck_redirect))
        r->redirect = text;
    else if (what == 'S' && num_parse_dec(text, 599, &status) && status >= 300)
        r->status = (int)status;
    else if (what == 'A')
        add_network(s->allow, &r->allow_count, text);
    else if (what == 'D')
        add_network(s->deny, &r->deny_count, text);
    else if (what == 'w' && is_template(text, r->match, rulecheck_path))
        r->rewrite = text;
    else if (what == 'y' && r->try_count < ITEMS && is_template(text, r->match, rulecheck_path))
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
        r->listing = (enum rule_switch)(text.len % 3);
    else if (what == 'd')
        r->dotfiles = (enum rule_switch)(text.len % 3);
    else if (what == 'k')
        r->links = (enum rule_links)(text.len % 4);
}

// ---- the model ----------------------------------------------------------------------------------

static bool is_in(const struct network *list, size_t count, const struct network *client)
{
    bool found = false;
    for (size_t i = 0; i < count; i++)
        found |= network_has(&list[i], client);
    return found;
}

static int status_of(const struct rule *r, const struct network *client)
{
    if (is_in(r->deny, r->deny_count, client))
        return 403;
    if (r->allow_count && !is_in(r->allow, r->allow_count, client))
        return 403;
    return r->redirect.len && !r->status ? 302 : r->status;
}

static void check_ruling(struct slice path, const struct network *client, const struct ruling *got)
{
    struct glob_match match;
    struct ruling want = {.status = 0};
    for (size_t i = 0; i < rule_count && !want.status; i++) {
        const struct rule *r = &rules[i];
        if (!glob_match(r->match, path, &match))
            continue;
        want.matched[want.matched_count++] = r;
        want.status = status_of(r, client);
        want.type = r->type.len ? r->type : want.type;
        want.cors = r->cors ? r->cors : want.cors;
        want.listing = r->listing ? r->listing : want.listing;
        want.dotfiles = r->dotfiles ? r->dotfiles : want.dotfiles;
        want.links = r->links ? r->links : want.links;
        want.fallback = want.fallback || !r->fallback.len ? want.fallback : r;
        want.rewrite.rule = want.rewrite.rule || !r->rewrite.len ? want.rewrite.rule : r;
        want.tries.rule = want.tries.rule || !r->try_count ? want.tries.rule : r;
    }
    assert(got->status == want.status && got->matched_count == want.matched_count);
    assert(!want.status || got->final.rule == want.matched[want.matched_count - 1]);
    for (size_t i = 0; i < want.matched_count; i++)
        assert(got->matched[i] == want.matched[i]);
    assert(slice_equal(got->type, want.type) && got->cors == want.cors);
    assert(got->listing == want.listing && got->dotfiles == want.dotfiles);
    assert(got->links == want.links && got->fallback == want.fallback);
    assert(got->rewrite.rule == want.rewrite.rule && got->tries.rule == want.tries.rule);
}

// What the actions leave, done one after the other.
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
    rules_put_headers(&b, ruling, status);
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
    const struct template_values values = {path, &ruling->final.captures};
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

static void check_pages(const struct ruling *ruling)
{
    for (int status = 400; status < 600; status++) {
        struct slice page = rules_error_page(ruling, status), want = {NULL, 0};
        for (size_t i = 0; i < ruling->matched_count; i++) {
            const struct rule *r = ruling->matched[i];
            for (size_t j = r->page_count; j-- > 0;)
                if (r->pages[j].status == status)
                    want = r->pages[j].path;
        }
        assert(slice_equal(page, want));
    }
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
            listed |= slice_equal(cors->origins[j], slice_trim(origin));
        assert((b.len > 0) == (listed || cors->any));
        assert(cors_varies(cors) == !cors->any);
        bool allows_methods = b.len && memmem(text, b.len, "Allow-Methods: ", 15);
        assert(allows_methods == (b.len && i == 1));
    }
}

static void check_file(struct ruling *ruling, struct slice file)
{
    const struct ruling before = *ruling;
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
    static struct ruling ruling;
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
        if (ruling.status && ruling.final.rule->redirect.len && ruling.status != 403)
            check_location(&ruling, path);
        if (ruling.cors)
            check_cors(ruling.cors, origin);
        check_file(&ruling, file);
        check_headers(&ruling, 200);
        check_headers(&ruling, 404);
        check_pages(&ruling);
    }
    free(copy);
    return 0;
}

#include "http/rulecheck.h"

#include "base/num.h"
#include "base/util.h"
#include "http/authority.h"
#include "http/chars.h"
#include "http/template.h"

#include <assert.h>

// ---- fields ------------------------------------------------------------------------------------

const char *rulecheck_field_value(struct slice text)
{
    if (!chars_all(text, CHAR_VALUE))
        return "a value has no control bytes";
    if (slice_trim(text).len != text.len || text.len == 0)
        return "a value neither begins nor ends with a blank";
    return NULL;
}

static bool is_token(struct slice s)
{
    return s.len > 0 && chars_all(s, CHAR_TOKEN);
}

const char *rulecheck_token(struct slice text)
{
    return is_token(text) ? NULL : "it is one word of letters, digits and '-'";
}

// ---- media types -------------------------------------------------------------------------------

static bool is_media_type(struct slice s)
{
    struct slice type = slice_split(&s, '/');
    return is_token(type) && s.ptr && is_token(s);
}

// RFC 9110 section 5.6.4.
static bool is_quoted_string(struct slice s)
{
    if (s.len < 2 || s.ptr[0] != '"' || s.ptr[s.len - 1] != '"')
        return false;
    s = slice_make(s.ptr + 1, s.len - 2);
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] == '"')
            return false;
        if (s.ptr[i] == '\\' && ++i == s.len)
            return false;
        if (!chars_has(s.ptr[i], CHAR_VALUE))
            return false;
    }
    return true;
}

static bool is_parameter(struct slice s)
{
    struct slice name = slice_split(&s, '=');
    return is_token(name) && s.ptr && (is_token(s) || is_quoted_string(s));
}

// Where the next parameter ends: at a semicolon that no quotes are around.
static size_t parameter_length(struct slice s)
{
    bool quoted = false;
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] == '"')
            quoted = !quoted;
        else if (quoted && s.ptr[i] == '\\')
            i++;
        else if (!quoted && s.ptr[i] == ';')
            return i;
    }
    return s.len;
}

const char *rulecheck_media_type(struct slice text)
{
    struct slice rest = text;
    if (!is_media_type(slice_trim(slice_split(&rest, ';'))) || slice_trim(text).len != text.len)
        return "a media type has the form \"text/html\"";
    while (rest.ptr) {
        size_t len = parameter_length(rest);
        if (!is_parameter(slice_trim(slice_make(rest.ptr, len))))
            return "behind a ';' stands a parameter, e.g. \"charset=utf-8\"";
        rest = len < rest.len ? slice_skip(rest, len + 1) : slice_make(NULL, 0);
    }
    return NULL;
}

const char *rulecheck_types_line(struct slice text)
{
    struct slice rest = text;
    if (!is_media_type(slice_cut_word(&rest)))
        return "a line begins with a media type, e.g. \"text/markdown md markdown\"";
    if (rest.len == 0)
        return "behind the media type stand the extensions, e.g. \"text/markdown md markdown\"";
    while (rest.len) {
        struct slice extension = slice_cut_word(&rest);
        if (slice_find(extension, '.') >= 0)
            return "an extension is the part behind the last dot, e.g. \"gz\"";
        if (!chars_all(extension, CHAR_VALUE) || slice_find(extension, '/') >= 0)
            return "an extension is part of a file's name";
    }
    return NULL;
}

// ---- origins -----------------------------------------------------------------------------------

static bool is_loopback(struct slice host)
{
    bool is_ipv4 = slice_starts_with(host, SLICE("127."));
    for (size_t i = 0; i < host.len; i++)
        is_ipv4 = is_ipv4 && (host.ptr[i] == '.' || slice_is_digit(host.ptr[i]));
    return is_ipv4 || slice_equal(host, SLICE("localhost")) || slice_equal(host, SLICE("[::1]"));
}

// A host whose port is left open: one that nobody else can have.
static const char *check_loopback(struct slice authority)
{
    struct slice host, port;
    if (!authority_parse(authority, &host, &port) || port.ptr || !is_loopback(host))
        return "any port can only be that of localhost or of a loopback address";
    return NULL;
}

// Origins are compared byte by byte with what browsers send.
static const char *check_origin_host(struct slice authority, struct slice scheme)
{
    struct slice host, port;
    for (size_t i = 0; i < authority.len; i++)
        if (authority.ptr[i] >= 'A' && authority.ptr[i] <= 'Z')
            return "browsers send it in small letters";
    if (slice_ends_with_nocase(authority, SLICE(":*")))
        return check_loopback(slice_make(authority.ptr, authority.len - strlen(":*")));
    if (slice_find(authority, '*') >= 0)
        return "'*' stands for no part of a host: name each origin, or \"*\" alone for all";
    if (!authority_parse(authority, &host, &port) || (port.ptr && port.len == 0))
        return "behind \"://\" stands a host, with or without a port, and nothing else";
    if ((slice_equal(scheme, SLICE("http")) && slice_equal(port, SLICE("80"))) ||
        (slice_equal(scheme, SLICE("https")) && slice_equal(port, SLICE("443"))))
        return "browsers leave out the port that the scheme has anyway";
    return NULL;
}

// RFC 3986 section 3.1, in small letters.
static bool is_scheme(struct slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        bool is_letter = c >= 'a' && c <= 'z';
        bool is_other = slice_is_digit(c) || c == '+' || c == '-' || c == '.';
        if (!is_letter && (i == 0 || !is_other))
            return false;
    }
    return s.len > 0;
}

const char *rulecheck_origin(struct slice text)
{
    struct slice authority = text, scheme = slice_split(&authority, ':');
    if (slice_equal(text, SLICE("*")))
        return NULL;
    if (!is_scheme(scheme) || !slice_starts_with(authority, SLICE("//")))
        return "an origin has the form \"https://app.example.org\"; \"*\" stands for all";
    return check_origin_host(slice_skip(authority, 2), scheme);
}

// ---- redirects ---------------------------------------------------------------------------------

// Text that goes into a Location as it is (RFC 3986 section 2).
static const char *check_uri_text(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '#')
            continue;
        if (!chars_has(text.ptr[i], CHAR_URI) || text.ptr[i] == '\\')
            return "a URL has no blanks and no letters beyond ASCII; escape them, e.g. %20";
        if (text.ptr[i] == '%' &&
            (text.len - i < 3 || chars_hex(text.ptr[i + 1]) < 0 || chars_hex(text.ptr[i + 2]) < 0))
            return "behind a '%' stand two hexadecimal digits; '%' itself is %25";
    }
    return NULL;
}

static const char *check_uri_template(struct slice text)
{
    struct template_part part;
    const char *why = NULL;
    ptrdiff_t fragment = slice_find(text, '#');
    if (fragment >= 0 && slice_find(slice_skip(text, (size_t)fragment), '$') >= 0)
        return "behind a '#' there can be no '$'";
    while (!why && template_next(&text, &part)) {
        if (part.kind == TEMPLATE_TEXT)
            why = check_uri_text(part.text);
        else if (part.kind != TEMPLATE_CAPTURE)
            why = "behind a '$' stands 1 to 9, or \"host\" in place of the host; write $$ for a "
                  "dollar";
    }
    return why;
}

// Checks the text behind "$host".
static const char *check_port(struct slice text)
{
    uint64_t port;
    bool good = text.len > 1 && text.ptr[0] == ':' &&
                num_parse_dec(slice_skip(text, 1), UINT16_MAX, &port);
    return text.len == 0 || good ? NULL : "behind $host stands a port, e.g. \":8443\", or nothing";
}

// The host of a redirect is fixed, or the one of the request: no capture may be a part of it.
static const char *check_fixed_host(struct slice rest)
{
    size_t end = 0;
    struct slice host, port;
    while (end < rest.len && !strchr("/?#", rest.ptr[end]))
        end++;
    struct slice authority = slice_make(rest.ptr, end);
    if (slice_starts_with(authority, SLICE("$host")))
        return check_port(slice_skip(authority, strlen("$host")));
    if (slice_find(authority, '$') >= 0)
        return "the host is fixed, or $host; captures stand behind it";
    if (!authority_parse(authority, &host, &port))
        return "there is no good host behind \"://\"";
    return NULL;
}

// Checks how a reference begins; *ret_rest is its text, without the scheme.
static const char *check_reference(struct slice text, struct slice *ret_rest)
{
    static const struct slice schemes[] = {SLICE("http://"), SLICE("https://")};
    if (slice_starts_with(text, SLICE("//")) || slice_starts_with(text, SLICE("/\\")))
        return "what begins so names another host; write \"https://HOST/\" in full if that is "
               "meant";
    *ret_rest = text;
    if (text.len && text.ptr[0] == '/')
        return NULL;
    for (size_t i = 0; i < ARRAY_SIZE(schemes); i++) {
        if (!slice_starts_with(text, schemes[i]))
            continue;
        *ret_rest = slice_skip(text, schemes[i].len);
        return check_fixed_host(*ret_rest);
    }
    return "begin with '/', or with \"https://\" for another host";
}

const char *rulecheck_redirect(struct slice text)
{
    struct slice rest;
    const char *why = check_reference(text, &rest);
    if (why)
        return why;
    if (rest.ptr != text.ptr && slice_starts_with(rest, SLICE("$host")))
        rest = slice_skip(rest, strlen("$host"));
    return check_uri_template(rest);
}

const char *rulecheck_location(struct slice text)
{
    struct slice rest;
    const char *why = check_reference(text, &rest);
    if (!why && slice_starts_with(rest, SLICE("$host")))
        why = "the host is fixed";
    return why ? why : check_uri_text(rest);
}

// ---- paths -------------------------------------------------------------------------------------

// Text of a path that is decoded already.
static const char *check_path_text(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        if ((unsigned char)text.ptr[i] < 0x20 || text.ptr[i] == 0x7f)
            return "a path has no control bytes";
        if (text.ptr[i] == '?' || text.ptr[i] == '#')
            return "a path has no '?' and no '#'; the query stays as it is";
        if (text.ptr[i] == '%' && text.len - i >= 3 && chars_hex(text.ptr[i + 1]) >= 0 &&
            chars_hex(text.ptr[i + 2]) >= 0)
            return "a path stands here without escapes; write the character itself";
    }
    return NULL;
}

// `text` without what it begins with.
static const char *check_segments(struct slice text)
{
    for (struct slice rest = text; rest.ptr;) {
        struct slice segment = slice_split(&rest, '/');
        if (slice_equal(segment, SLICE(".")) || slice_equal(segment, SLICE("..")))
            return "\".\" and \"..\" cannot be parts of it";
        if (segment.len == 0 && rest.ptr)
            return "there are two slashes in a row";
    }
    return NULL;
}

const char *rulecheck_path(struct slice text)
{
    struct slice rest = text;
    struct template_part part;
    const char *why = NULL;
    if (!slice_starts_with(text, SLICE("/")) && !slice_starts_with(text, SLICE("$path")))
        return "begin with '/', the root of the site";
    while (!why && template_next(&rest, &part)) {
        if (part.kind == TEMPLATE_TEXT)
            why = check_path_text(part.text);
        else if (part.kind == TEMPLATE_BAD || part.kind == TEMPLATE_HOST)
            why = "behind a '$' stands 1 to 9 or \"path\"; write $$ for a dollar";
    }
    return why ? why : check_segments(slice_skip(text, text.ptr[0] == '/' ? 1 : 0));
}

static const char *check_plain_path(struct slice text)
{
    if (!slice_starts_with(text, SLICE("/")))
        return "begin with '/', the root of the site";
    const char *why = check_path_text(text);
    return why ? why : check_segments(slice_skip(text, 1));
}

const char *rulecheck_file(struct slice text)
{
    if (text.len && text.ptr[text.len - 1] == '/')
        return "it is a file; name it in full, e.g. \"/index.html\"";
    return check_plain_path(text);
}

const char *rulecheck_directory(struct slice text)
{
    if (slice_equal(text, SLICE("/")))
        return "that is the whole site; use the site's root";
    if (text.len && text.ptr[text.len - 1] != '/')
        return "end with '/', for it is a directory";
    return check_plain_path(text);
}

// ---- error pages -------------------------------------------------------------------------------

const char *rulecheck_error_page(struct slice text)
{
    uint64_t status = 0;
    struct slice path = text, digits = slice_split(&path, ' ');
    if (digits.len != 3 || !num_parse_dec(digits, 599, &status) || status < 400)
        return "begin with a status from 400 to 599, e.g. \"404 /404.html\"";
    if (path.len == 0)
        return "behind the status stands a path, e.g. \"404 /404.html\"";
    return rulecheck_file(path);
}

void rulecheck_split_error_page(struct slice text, unsigned *ret_status, struct slice *ret_path)
{
    uint64_t status;
    struct slice path = text;
    bool good = num_parse_dec(slice_split(&path, ' '), 599, &status);
    assert(good && path.len);
    *ret_status = (unsigned)status;
    *ret_path = path;
}

#include "http/glob.h"

#include <assert.h>
#include <stdint.h>

// A test counts the steps here.
#ifndef GLOB_STEP
#define GLOB_STEP() ((void)0)
#endif

// With a text chosen for each {}, a pattern is pieces of known length with gaps between them. Every
// choice is matched by itself; there are few.
#define ANY_BYTE 256 // a unit: a byte, or this for '?'

enum gap {
    GAP_NAME, // *: any bytes but '/'
    GAP_ANY,  // **: any bytes
    GAP_DIRS, // **/ at the start of a segment: up to the start of any segment
};

struct piece {
    enum gap gap;        // before it; not for the first piece
    uint32_t start, len; // its units
    size_t at;           // where it stands in the path, once it has been placed
    // `found`, the result of the last search for its place, holds for every start before `known`.
    size_t known;
    bool found;
};

struct capture {
    uint32_t piece;      // of a gap the piece behind it
    uint32_t start, len; // of a {} its units
    bool is_gap;
};

struct plan {
    uint32_t unit_count, piece_count, capture_count;
    uint16_t units[GLOB_MAX_LENGTH];
    struct piece pieces[GLOB_MAX_CAPTURES + 1];
    struct capture captures[GLOB_MAX_CAPTURES];
};

// ---- reading a pattern -------------------------------------------------------------------------

// Cuts one byte, escaped or not, off *s; whether it was escaped.
static bool cut_byte(struct slice *s, char *ret)
{
    bool escaped = s->ptr[0] == '\\';
    *ret = s->ptr[escaped];
    *s = slice_skip(*s, escaped ? 2 : 1);
    return escaped;
}

// Cuts a text off the texts of a {}, which end in '}', with the ',' or '}' behind it, and counts
// its bytes, which go to `units` unless that is NULL. Returns whether it is the last one.
static bool cut_text(struct slice *s, uint16_t *units, uint32_t *ret_len)
{
    uint32_t n = 0;
    char c;
    while (cut_byte(s, &c) || (c != ',' && c != '}')) {
        if (units)
            units[n] = (unsigned char)c;
        n++;
    }
    *ret_len = n;
    return c == '}';
}

// Number of texts; `s` stands behind the '{'.
static size_t count_texts(struct slice s)
{
    size_t count = 1;
    uint32_t len;
    while (!cut_text(&s, NULL, &len))
        count++;
    return count;
}

// Cuts the texts of a {} off *s, and takes one of them.
static void add_group(struct plan *p, struct slice *s, size_t choice)
{
    struct capture *c = &p->captures[p->capture_count++];
    uint16_t *units = p->units + p->unit_count;
    uint32_t unused;
    bool is_last = false;
    *c = (struct capture){.piece = p->piece_count - 1, .start = p->unit_count};
    for (size_t i = 0; !is_last; i++)
        is_last = cut_text(s, i == choice ? units : NULL, i == choice ? &c->len : &unused);
    p->unit_count += c->len;
    p->pieces[p->piece_count - 1].len += c->len;
}

// Cuts what follows the first '*' of a gap off *s.
static void add_gap(struct plan *p, struct slice *s, bool at_segment)
{
    enum gap gap = GAP_NAME;
    if (slice_starts_with(*s, SLICE("*"))) {
        gap = at_segment && slice_starts_with(*s, SLICE("*/")) ? GAP_DIRS : GAP_ANY;
        *s = slice_skip(*s, gap == GAP_DIRS ? 2 : 1);
    }
    p->captures[p->capture_count++] = (struct capture){.piece = p->piece_count, .is_gap = true};
    p->pieces[p->piece_count++] = (struct piece){.gap = gap, .start = p->unit_count};
}

// Reads a pattern with the texts that `choice` numbers: its lowest digit, in the base of the number
// of texts, is for the first {}, and so on.
static void make_plan(struct plan *p, struct slice pattern, size_t choice)
{
    struct slice rest = pattern;
    p->unit_count = p->capture_count = 0;
    p->piece_count = 1;
    p->pieces[0] = (struct piece){.start = 0};
    while (rest.len) {
        bool at_segment = rest.ptr == pattern.ptr || rest.ptr[-1] == '/';
        char c;
        bool escaped = cut_byte(&rest, &c);
        if (!escaped && c == '*') {
            add_gap(p, &rest, at_segment);
        } else if (!escaped && c == '{') {
            size_t count = count_texts(rest);
            add_group(p, &rest, choice % count);
            choice /= count;
        } else {
            p->units[p->unit_count++] = !escaped && c == '?' ? ANY_BYTE : (unsigned char)c;
            p->pieces[p->piece_count - 1].len++;
        }
    }
}

// ---- matching ----------------------------------------------------------------------------------

static bool stands_at(const struct plan *p, const struct piece *piece, struct slice path, size_t at)
{
    for (size_t i = 0; i < piece->len; i++) {
        uint16_t unit = p->units[piece->start + i];
        char c = path.ptr[at + i];
        GLOB_STEP();
        if (unit == ANY_BYTE ? c == '/' : unit != (unsigned char)c)
            return false;
    }
    return true;
}

static bool fits(const struct plan *p, size_t j, struct slice path, size_t at)
{
    const struct piece *piece = &p->pieces[j];
    bool is_last = j + 1 == p->piece_count;
    if (is_last && at + piece->len != path.len)
        return false;
    if (piece->gap == GAP_DIRS && at && path.ptr[at - 1] != '/')
        return false;
    return stands_at(p, piece, path, at);
}

// Finds the first place for piece j, before which the gap begins at `from`.
static bool find_piece(struct plan *p, size_t j, struct slice path, size_t from)
{
    struct piece *piece = &p->pieces[j];
    size_t at = from;
    if (from < piece->known)
        return piece->found;
    piece->found = false;
    for (; at + piece->len <= path.len; at++) {
        GLOB_STEP();
        if (fits(p, j, path, at)) {
            piece->at = at;
            piece->found = true;
            break;
        }
        if (piece->gap == GAP_NAME && path.ptr[at] == '/')
            break;
    }
    if (piece->gap == GAP_NAME)
        piece->known = at + 1;
    return piece->found;
}

// Places every piece as far to the front as it goes, so that what follows has the most room. Only
// a piece behind a ** ever moves on, and only the last such one: a * does not leave its segment, so
// where the text behind one is not found, a later start in the same segment finds none either. Each
// piece moves forward only, and looks at no byte of the path twice from the same place: the time
// is bounded by units times bytes.
static bool place_pieces(struct plan *p, struct slice path)
{
    const struct piece *first = &p->pieces[0];
    size_t anchor = 0; // the last piece so far that stands behind a **
    if (first->len > path.len || (p->piece_count == 1 && first->len != path.len) ||
        !stands_at(p, first, path, 0))
        return false;
    for (size_t j = 1; j < p->piece_count; j++) {
        const struct piece *before = &p->pieces[j - 1];
        bool found = find_piece(p, j, path, before->at + before->len);
        if (p->pieces[j].gap != GAP_NAME) {
            anchor = j;
        } else if (!found && anchor) {
            j = anchor;
            found = find_piece(p, j, path, p->pieces[j].at + 1);
        }
        if (!found)
            return false;
    }
    return true;
}

// ---- captures ----------------------------------------------------------------------------------

static struct slice captured(const struct plan *p, const struct capture *c, struct slice path)
{
    const struct piece *piece = &p->pieces[c->piece];
    if (!c->is_gap)
        return slice_make(path.ptr + piece->at + (c->start - piece->start), c->len);
    size_t start = piece[-1].at + piece[-1].len, end = piece->at;
    if (piece->gap == GAP_DIRS && end > start)
        end--;
    return slice_make(path.ptr + start, end - start);
}

// Where the i-th wildcard ends, slash of a **/ included.
static size_t capture_end(const struct plan *p, size_t i)
{
    const struct capture *c = &p->captures[i];
    const struct piece *piece = &p->pieces[c->piece];
    return c->is_gap ? piece->at : piece->at + (c->start - piece->start) + c->len;
}

// Whether the first wildcard in which the two ways to match differ takes less in `a`.
static bool takes_less(const struct plan *a, const struct plan *b)
{
    size_t i = 0;
    while (i < a->capture_count && capture_end(a, i) == capture_end(b, i))
        i++;
    return i < a->capture_count && capture_end(a, i) < capture_end(b, i);
}

// Number of ways to choose a text for each {}.
static size_t count_choices(struct slice pattern)
{
    size_t choices = 1;
    char c;
    while (pattern.len)
        if (!cut_byte(&pattern, &c) && c == '{')
            choices *= count_texts(pattern);
    return choices;
}

bool glob_match(struct slice pattern, struct slice path, struct glob_match *ret)
{
    struct plan plans[2];
    struct plan *plan = &plans[0], *best = NULL;
    size_t choices = count_choices(pattern);
    if (!path.ptr)
        path = SLICE(""); // captures point into it
    assert(pattern.len <= GLOB_MAX_LENGTH && choices <= GLOB_MAX_ALTERNATIVES);
    for (size_t choice = 0; choice < choices; choice++) {
        make_plan(plan, pattern, choice);
        if (place_pieces(plan, path) && (!best || takes_less(plan, best))) {
            best = plan;
            plan = best == &plans[0] ? &plans[1] : &plans[0];
        }
    }
    if (!best)
        return false;
    ret->count = best->capture_count;
    for (size_t i = 0; i < ret->count; i++)
        ret->captures[i] = captured(best, &best->captures[i], path);
    return true;
}

// ---- checking ----------------------------------------------------------------------------------

size_t glob_captures(struct slice pattern)
{
    struct plan plan;
    make_plan(&plan, pattern, 0);
    return plan.capture_count;
}

bool glob_covers(struct slice general, struct slice special)
{
    if (slice_equal(general, special))
        return true;
    if (!slice_ends_with_nocase(general, SLICE("**")))
        return false;
    struct slice prefix = slice_make(general.ptr, general.len - 2);
    for (size_t i = 0; i < prefix.len; i++)
        if (strchr("?*{\\", prefix.ptr[i]))
            return false;
    return slice_starts_with(special, prefix);
}

// Checks the texts behind a '{' and cuts them off *s.
static const char *check_group(struct slice *s, size_t *ret_texts)
{
    size_t texts = 1;
    while (s->len) {
        char c;
        if (cut_byte(s, &c))
            continue;
        if (c == '}') {
            *ret_texts = texts;
            return NULL;
        }
        if (c == '*' || c == '?' || c == '{')
            return "*, ? or { within {}, whose texts hold no pattern: write e.g. \\* for the byte";
        texts += c == ',';
    }
    return "a { without }: write \\{ for the byte";
}

// Checks what stands after a '*' and cuts it off *s.
static const char *check_gap(struct slice *s)
{
    if (slice_starts_with(*s, SLICE("*")))
        *s = slice_skip(*s, 1);
    return slice_starts_with(*s, SLICE("*"))
               ? "more than two * in a row: write * for a part of a name, ** for anything"
               : NULL;
}

// Whether the last byte is a '\\' that escapes nothing.
static bool ends_in_escape(struct slice s)
{
    size_t n = 0;
    while (n < s.len && s.ptr[s.len - 1 - n] == '\\')
        n++;
    return n % 2;
}

const char *glob_check(struct slice pattern)
{
    size_t captures = 0, choices = 1;
    if (pattern.len == 0)
        return "the pattern is empty: write e.g. \"/**\"";
    if (pattern.len > GLOB_MAX_LENGTH)
        return "the pattern is too long: at most 255 bytes";
    if (ends_in_escape(pattern))
        return "a \\ at the end escapes nothing: write \\\\ for the byte";
    while (pattern.len) {
        const char *problem = NULL;
        size_t texts = 1;
        char c;
        if (cut_byte(&pattern, &c))
            continue;
        if (c == '{')
            problem = check_group(&pattern, &texts);
        else if (c == '*')
            problem = check_gap(&pattern);
        else if (c == '}')
            problem = "a } without {: write \\} for the byte";
        captures += c == '{' || c == '*';
        choices *= texts;
        if (problem)
            return problem;
        if (captures > GLOB_MAX_CAPTURES)
            return "too many wildcards: at most nine *, ** and {}";
        if (choices > GLOB_MAX_ALTERNATIVES)
            return "too many texts: at most 64 that all {} together stand for";
    }
    return NULL;
}

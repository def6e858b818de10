#include "content/redirectmap.h"

#include "base/util.h"
#include "http/urlpath.h"
#include "sys/textfile.h"

#include <errno.h>
#include <stdlib.h>

#define FILE_MAX (64u << 20)

// ---- finding -----------------------------------------------------------------------------------

// The slot of a path, or the free one where it would go. Paths are the administrator's.
static uint32_t *slot_of(const struct redirectmap *m, struct slice path)
{
    uint32_t at = slice_hash(path, 0) & m->slot_mask;
    while (m->slots[at] != REDIRECTMAP_NONE &&
           !slice_equal(m->entries[m->slots[at]].line.path, path))
        at = (at + 1) & m->slot_mask;
    return &m->slots[at];
}

static bool entry_matches(const struct redirectmap_entry *e, struct slice path, struct slice query,
                          struct buf *room, struct redirectline_values *ret)
{
    ret->count = 0;
    room->len = 0;
    room->overflow = false;
    return (!e->line.is_pattern || redirectline_match(e->line.path, path, ret)) &&
           redirectline_has_parameters(&e->line, query, room, ret);
}

const struct redirectmap_entry *redirectmap_find(const struct redirectmap *m, struct slice path,
                                                 struct slice query, struct buf *room,
                                                 struct redirectline_values *ret)
{
    if (m->count == 0)
        return NULL;
    uint32_t exact = *slot_of(m, path);
    while (exact != REDIRECTMAP_NONE && !entry_matches(&m->entries[exact], path, query, room, ret))
        exact = m->entries[exact].next;
    for (uint32_t i = 0; i < m->pattern_count && m->patterns[i] < exact; i++)
        if (entry_matches(&m->entries[m->patterns[i]], path, query, room, ret))
            return &m->entries[m->patterns[i]];
    if (exact == REDIRECTMAP_NONE)
        return NULL;
    entry_matches(&m->entries[exact], path, query, room, ret); // for its values
    return &m->entries[exact];
}

// ---- reading -----------------------------------------------------------------------------------

// The state of reading a text.
struct map_reader {
    struct redirectmap *map;
    size_t path_bytes;
    redirectmap_report_cb *report;
    void *context;
    unsigned line;
    bool failed;
};

static void report_line(struct map_reader *r, const char *why)
{
    r->failed = true;
    r->report(r->context, r->line, why);
}

// Puts the decoded path of a line in the place of the one that is written.
static const char *decode_source(struct map_reader *r, struct redirectline *line)
{
    char *at = r->map->paths + r->path_bytes;
    struct slice path;
    bool hidden;
    enum reason reason = urlpath_decode(line->path, at + 1, &path, &hidden);
    if (reason)
        return reason_text(reason);
    at[0] = '/';
    line->path = slice_make(at, path.len + 1);
    r->path_bytes += path.len + 1;
    return NULL;
}

static const char *add_line(struct map_reader *r, struct redirectline *line)
{
    struct redirectmap *m = r->map;
    const char *why = decode_source(r, line);
    if (why)
        return why;
    if (line->is_pattern && m->pattern_count == REDIRECTMAP_PATTERNS_MAX)
        return "there are too many lines with placeholders: at most 1000";
    if (line->is_pattern)
        m->patterns[m->pattern_count++] = m->count;
    m->entries[m->count++] = (struct redirectmap_entry){*line, r->line, REDIRECTMAP_NONE};
    return NULL;
}

static void read_lines(struct map_reader *r, struct slice text)
{
    while (text.ptr) {
        struct slice raw = slice_split(&text, '\n');
        struct redirectline line;
        r->line++;
        if (raw.len && raw.ptr[raw.len - 1] == '\r')
            raw.len--;
        const char *why = redirectline_parse(raw, &line);
        if (!why && line.path.len)
            why = add_line(r, &line);
        if (why)
            report_line(r, why);
    }
}

// Entries of one path follow each other in the order of the file.
static void fill_slots(struct redirectmap *m)
{
    for (uint32_t i = 0; i <= m->slot_mask; i++)
        m->slots[i] = REDIRECTMAP_NONE;
    for (uint32_t i = m->count; i-- > 0;) {
        if (m->entries[i].line.is_pattern)
            continue;
        uint32_t *slot = slot_of(m, m->entries[i].line.path);
        m->entries[i].next = *slot;
        *slot = i;
    }
}

static size_t lines_in(struct slice text)
{
    size_t lines = 1;
    for (size_t i = 0; i < text.len; i++)
        lines += text.ptr[i] == '\n';
    return lines;
}

// Room for as many entries as there are lines. Takes over the text. 0 or -ENOMEM.
static int make_arrays(struct redirectmap *m, char *text, size_t len)
{
    size_t lines = lines_in(slice_make(text, len));
    uint32_t slots = 8;
    while (slots < 2 * lines)
        slots *= 2;
    *m = (struct redirectmap){
        .text = text,
        .paths = malloc(len + lines + 1),
        .entries = calloc(lines, sizeof(struct redirectmap_entry)),
        .slots = calloc(slots, sizeof(uint32_t)),
        .slot_mask = slots - 1,
        .patterns = calloc(REDIRECTMAP_PATTERNS_MAX, sizeof(uint32_t)),
    };
    if (m->paths && m->entries && m->slots && m->patterns)
        return 0;
    redirectmap_cleanup(m);
    return -ENOMEM;
}

static int fill_map(struct redirectmap *m, struct slice text, char *copy,
                    redirectmap_report_cb *report, void *context)
{
    struct redirectmap made;
    int r = make_arrays(&made, copy, text.len);
    if (r < 0)
        return r;
    struct map_reader reader = {.map = &made, .report = report, .context = context};
    read_lines(&reader, slice_make(copy, text.len));
    if (reader.failed) {
        redirectmap_cleanup(&made);
        return -EBADMSG;
    }
    fill_slots(&made);
    *m = made;
    return 0;
}

int redirectmap_make(struct redirectmap *m, struct slice text, redirectmap_report_cb *report,
                     void *context)
{
    char *copy = malloc(text.len + 1);
    if (!copy)
        return -ENOMEM;
    if (text.len)
        memcpy(copy, text.ptr, text.len);
    return fill_map(m, text, copy, report, context);
}

int redirectmap_load(struct redirectmap *m, int fd, redirectmap_report_cb *report, void *context)
{
    char *text = NULL;
    size_t len = 0;
    int r = textfile_read(fd, FILE_MAX, &text, &len);
    return r < 0 ? r : fill_map(m, slice_make(text, len), text, report, context);
}

void redirectmap_cleanup(struct redirectmap *m)
{
    free(m->text);
    free(m->paths);
    free(m->entries);
    free(m->slots);
    free(m->patterns);
    *m = (struct redirectmap){0};
}

#include "content/readme.h"

#include "base/util.h"
#include "http/html.h"
#include "sys/pagecache.h"

#include <stdlib.h>
#include <unistd.h>

#define PIECE (README_PIECE_MAX / HTML_GROWTH)

// ---- which file --------------------------------------------------------------------------------

// A request for a file beside the one for its directory; together they are too large for a stack.
struct inquiry {
    struct request request;
    struct route route;
    char path[ROUTE_PATH_MAX];
    const struct rule *matched[];
};

static bool is_in_directory(const struct file_key *key, const struct route *route,
                            struct slice name)
{
    struct slice path = key->path;
    return key->tree == route->tree && slice_starts_with(path, route->directory) &&
           slice_equal(slice_skip(path, route->directory.len), name);
}

static bool is_readme(const struct cached_file *file, const struct route *route, struct slice name)
{
    return is_in_directory(&file->key, route, name) && !file->far && // a long one far away
           cached_file_coding(file) == CODING_IDENTITY && file->about.size > 0;
}

// Asks for `name` as a client would that follows the link to it. NULL: another answer comes.
static struct cached_file *ask_for(const struct route_query *q, const struct request *r,
                                   const struct route *route, struct slice name,
                                   struct inquiry *inquiry)
{
    struct route *found = &inquiry->route;
    struct buf path = buf_make(inquiry->path, sizeof(inquiry->path));
    buf_put(&path, r->path);
    buf_put(&path, name);
    if (path.overflow)
        return NULL;
    inquiry->request = (struct request){
        .method = METHOD_GET, .path = buf_slice(&path), .host = r->host, .minor_version = 1};
    route_start(q, &inquiry->request, found);
    if (found->status)
        return NULL;
    route_resolve(q, &inquiry->request, found);
    if (found->kind != ROUTE_FILE)
        return NULL;
    if (is_readme(found->file, route, name))
        return found->file;
    cached_file_release(found->file);
    return NULL;
}

struct cached_file *readme_find(const struct route_query *q, const struct request *r,
                                const struct route *route, struct slice *ret_name)
{
    static const struct slice names[] = {{"README", 6}, {"README.txt", 10}};
    size_t most = sites_most_rules(q->sites) + 1;
    struct inquiry *inquiry = malloc(sizeof(*inquiry) + most * sizeof(inquiry->matched[0]));
    struct cached_file *file = NULL;
    if (!inquiry)
        return NULL;
    struct route_query query = *q;
    query.matched = inquiry->matched;
    query.trace = NULL;
    for (size_t i = 0; i < ARRAY_SIZE(names) && !file; i++) {
        if (sites_hides(route->site, names[i]))
            continue;
        file = ask_for(&query, r, route, names[i], inquiry);
        if (file)
            *ret_name = names[i];
    }
    free(inquiry);
    return file;
}

// ---- its text ----------------------------------------------------------------------------------

bool readme_is_cut(const struct readme *m)
{
    return m->file->about.size > README_MAX;
}

static ssize_t read_piece(const struct readme *m, char *data, size_t len)
{
    if (m->loaded)
        return pread(m->file->fd, data, len, (off_t)m->at);
    return pagecache_read(m->file->fd, m->at, data, len);
}

enum body_source_state readme_next(struct readme *m, struct range *range, struct buf *b)
{
    char data[PIECE];
    uint64_t end = MIN(m->file->about.size, README_MAX);
    size_t len = (size_t)MIN(end - m->at, sizeof(data));
    struct slice piece = slice_make(data, len);
    if (m->file->body) {
        piece.ptr = m->file->body + m->at;
    } else {
        ssize_t n = read_piece(m, data, len);
        if (n < (ssize_t)len && !m->loaded) {
            m->loaded = true;
            *range = (struct range){m->at, end - m->at};
            return BODY_SOURCE_LOAD;
        }
        piece.len = n > 0 ? (size_t)n : 0;
    }
    bool last = piece.len < len || m->at + len == end;
    m->at += html_put_lines(b, piece, !last || readme_is_cut(m));
    return last ? BODY_SOURCE_END : BODY_SOURCE_MORE;
}

#include "http/mime.h"

#include "base/util.h"
#include "http/chars.h"

#include <stdlib.h>

// clang-format off
#define CORE(extension, type) {{extension, sizeof(extension) - 1}, {type, sizeof(type) - 1}}

// Sorted by extension, in lower case.
static const struct mime_entry core[] = {
    CORE("3gp", "video/3gpp"),
    CORE("7z", "application/x-7z-compressed"),
    CORE("aac", "audio/aac"),
    CORE("apk", "application/vnd.android.package-archive"),
    CORE("apng", "image/apng"),
    CORE("asc", "text/plain"),
    CORE("atom", "application/atom+xml"),
    CORE("avi", "video/x-msvideo"),
    CORE("avif", "image/avif"),
    CORE("bmp", "image/bmp"),
    CORE("bz2", "application/x-bzip2"),
    CORE("c", "text/x-csrc"),
    CORE("cjs", "text/javascript"),
    CORE("conf", "text/plain"),
    CORE("cpp", "text/x-c++src"),
    CORE("crt", "application/x-x509-ca-cert"),
    CORE("css", "text/css"),
    CORE("csv", "text/csv"),
    CORE("deb", "application/vnd.debian.binary-package"),
    CORE("diff", "text/x-diff"),
    CORE("djvu", "image/vnd.djvu"),
    CORE("doc", "application/msword"),
    CORE("docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    CORE("dtd", "application/xml-dtd"),
    CORE("eot", "application/vnd.ms-fontobject"),
    CORE("eps", "application/postscript"),
    CORE("epub", "application/epub+zip"),
    CORE("flac", "audio/flac"),
    CORE("geojson", "application/geo+json"),
    CORE("gif", "image/gif"),
    CORE("glb", "model/gltf-binary"),
    CORE("gltf", "model/gltf+json"),
    CORE("gpx", "application/gpx+xml"),
    CORE("gz", "application/gzip"),
    CORE("h", "text/x-chdr"),
    CORE("heic", "image/heic"),
    CORE("htm", "text/html"),
    CORE("html", "text/html"),
    CORE("ico", "image/vnd.microsoft.icon"),
    CORE("ics", "text/calendar"),
    CORE("ini", "text/plain"),
    CORE("iso", "application/x-iso9660-image"),
    CORE("jar", "application/java-archive"),
    CORE("jpeg", "image/jpeg"),
    CORE("jpg", "image/jpeg"),
    CORE("js", "text/javascript"),
    CORE("json", "application/json"),
    CORE("jsonld", "application/ld+json"),
    CORE("jxl", "image/jxl"),
    CORE("kml", "application/vnd.google-earth.kml+xml"),
    CORE("log", "text/plain"),
    CORE("lz4", "application/x-lz4"),
    CORE("m3u8", "application/vnd.apple.mpegurl"),
    CORE("m4a", "audio/mp4"),
    CORE("m4s", "video/iso.segment"),
    CORE("m4v", "video/mp4"),
    CORE("map", "application/json"),
    CORE("markdown", "text/markdown"),
    CORE("md", "text/markdown"),
    CORE("mid", "audio/midi"),
    CORE("mjs", "text/javascript"),
    CORE("mkv", "video/matroska"),
    CORE("mov", "video/quicktime"),
    CORE("mp3", "audio/mpeg"),
    CORE("mp4", "video/mp4"),
    CORE("mpd", "application/dash+xml"),
    CORE("mpeg", "video/mpeg"),
    CORE("mpg", "video/mpeg"),
    CORE("msi", "application/x-msi"),
    CORE("odp", "application/vnd.oasis.opendocument.presentation"),
    CORE("ods", "application/vnd.oasis.opendocument.spreadsheet"),
    CORE("odt", "application/vnd.oasis.opendocument.text"),
    CORE("oga", "audio/ogg"),
    CORE("ogg", "audio/ogg"),
    CORE("ogv", "video/ogg"),
    CORE("opus", "audio/ogg"),
    CORE("otf", "font/otf"),
    CORE("patch", "text/x-diff"),
    CORE("pdf", "application/pdf"),
    CORE("pem", "application/x-pem-file"),
    CORE("png", "image/png"),
    CORE("ppt", "application/vnd.ms-powerpoint"),
    CORE("pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
    CORE("ps", "application/postscript"),
    CORE("py", "text/x-python"),
    CORE("rar", "application/vnd.rar"),
    CORE("rdf", "application/rdf+xml"),
    CORE("rpm", "application/x-rpm"),
    CORE("rss", "application/rss+xml"),
    CORE("rst", "text/x-rst"),
    CORE("rtf", "application/rtf"),
    CORE("sh", "application/x-sh"),
    CORE("sig", "application/pgp-signature"),
    CORE("svg", "image/svg+xml"),
    CORE("tar", "application/x-tar"),
    CORE("tgz", "application/gzip"),
    CORE("tif", "image/tiff"),
    CORE("tiff", "image/tiff"),
    CORE("toml", "application/toml"),
    CORE("torrent", "application/x-bittorrent"),
    CORE("ts", "video/mp2t"),
    CORE("tsv", "text/tab-separated-values"),
    CORE("ttf", "font/ttf"),
    CORE("txt", "text/plain"),
    CORE("vcf", "text/vcard"),
    CORE("vtt", "text/vtt"),
    CORE("wasm", "application/wasm"),
    CORE("wav", "audio/wav"),
    CORE("weba", "audio/webm"),
    CORE("webm", "video/webm"),
    CORE("webmanifest", "application/manifest+json"),
    CORE("webp", "image/webp"),
    CORE("woff", "font/woff"),
    CORE("woff2", "font/woff2"),
    CORE("xhtml", "application/xhtml+xml"),
    CORE("xls", "application/vnd.ms-excel"),
    CORE("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    CORE("xml", "application/xml"),
    CORE("xsd", "application/xml"),
    CORE("xsl", "application/xslt+xml"),
    CORE("xslt", "application/xslt+xml"),
    CORE("xz", "application/x-xz"),
    CORE("yaml", "application/yaml"),
    CORE("yml", "application/yaml"),
    CORE("zip", "application/zip"),
    CORE("zst", "application/zstd"),
};
// clang-format on

// ---- reading a table ---------------------------------------------------------------------------

// Cuts the next word off *s; empty when there is none.
static struct slice next_word(struct slice *s)
{
    size_t n = 0;
    struct slice rest = slice_trim(*s);
    while (n < rest.len && rest.ptr[n] != ' ' && rest.ptr[n] != '\t')
        n++;
    struct slice word = slice_make(rest.ptr, n);
    *s = slice_make(rest.ptr ? rest.ptr + n : NULL, rest.len - n);
    return word;
}

// What gets into a Content-Type field is a type and nothing else (RFC 9110 section 8.3.1).
static bool is_type(struct slice s)
{
    struct slice subtype = s;
    struct slice type = slice_split(&subtype, '/');
    return type.len && subtype.len && chars_all(type, CHAR_TOKEN) && chars_all(subtype, CHAR_TOKEN);
}

static void next_line(struct mime_reader *r)
{
    struct slice line = slice_split(&r->text, '\n');
    if (line.len && line.ptr[line.len - 1] == '\r')
        line.len--;
    r->line = slice_split(&line, '#');
    r->type = next_word(&r->line);
    if (!is_type(r->type))
        r->line.len = 0;
}

bool mime_next(struct mime_reader *r, struct mime_entry *ret)
{
    for (;;) {
        struct slice word = next_word(&r->line);
        if (word.len) {
            *ret = (struct mime_entry){word, r->type};
            return true;
        }
        if (!r->text.ptr)
            return false;
        next_line(r);
    }
}

// ---- looking up --------------------------------------------------------------------------------

static int lower(char c)
{
    return c >= 'A' && c <= 'Z' ? c | 0x20 : (unsigned char)c;
}

static int compare_extensions(const void *a, const void *b)
{
    struct slice x = ((const struct mime_entry *)a)->extension;
    struct slice y = ((const struct mime_entry *)b)->extension;
    for (size_t i = 0; i < x.len && i < y.len; i++)
        if (lower(x.ptr[i]) != lower(y.ptr[i]))
            return lower(x.ptr[i]) - lower(y.ptr[i]);
    return (x.len > y.len) - (x.len < y.len);
}

// Equal extensions by their place in the text: qsort() is not stable.
static int compare_entries(const void *a, const void *b)
{
    const char *x = ((const struct mime_entry *)a)->extension.ptr;
    const char *y = ((const struct mime_entry *)b)->extension.ptr;
    int order = compare_extensions(a, b);
    return order ? order : (x > y) - (x < y);
}

size_t mime_sort(struct mime_entry *entries, size_t count)
{
    size_t left = 0;
    if (count == 0)
        return 0;
    qsort(entries, count, sizeof(*entries), compare_entries);
    for (size_t i = 0; i < count; i++)
        if (left == 0 || compare_extensions(&entries[left - 1], &entries[i]) != 0)
            entries[left++] = entries[i];
    return left;
}

// What stands behind the last dot of the file name; empty when there is none.
static struct slice extension_of(struct slice name)
{
    size_t i = name.len;
    while (i > 0 && name.ptr[i - 1] != '.' && name.ptr[i - 1] != '/')
        i--;
    if (i < 2 || name.ptr[i - 1] == '/' || name.ptr[i - 2] == '/')
        return (struct slice){NULL, 0};
    return slice_skip(name, i);
}

struct slice mime_find(const struct mime_entry *entries, size_t count, struct slice name)
{
    struct mime_entry key = {.extension = extension_of(name)};
    const struct mime_entry *found = count ? bsearch(&key, entries, count, sizeof(key),
                                                     compare_extensions)
                                           : NULL;
    return found ? found->type : (struct slice){NULL, 0};
}

struct slice mime_find_core(struct slice name)
{
    return mime_find(core, ARRAY_SIZE(core), name);
}

bool mime_wants_charset(struct slice type)
{
    static const struct slice exact[] = {
        {"application/javascript", 22}, {"application/json", 16}, {"application/toml", 16},
        {"application/xml", 15},        {"application/yaml", 16},
    };
    static const struct slice suffixes[] = {{"+xml", 4}, {"+json", 5}};
    struct slice prefix = SLICE("text/");
    if (type.len >= prefix.len && slice_equal_nocase(slice_make(type.ptr, prefix.len), prefix))
        return true;
    for (size_t i = 0; i < ARRAY_SIZE(exact); i++)
        if (slice_equal_nocase(type, exact[i]))
            return true;
    for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++)
        if (slice_ends_with_nocase(type, suffixes[i]))
            return true;
    return false;
}

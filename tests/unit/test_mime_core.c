#include "support/guarded.h"
#include "support/unit.h"

#include "http/mime_core.h"

TEST(test_core)
{
    static const struct {
        const char *name, *want;
    } cases[] = {
        {"index.html", "text/html"},
        {"a/b.HTM", "text/html"},
        {"x.3gp", "video/3gpp"},       // the first row
        {"x.zst", "application/zstd"}, // the last row
        {"x.js", "text/javascript"},
        {"x.mjs", "text/javascript"},
        {"x.map", "application/json"},
        {"x.svg", "image/svg+xml"},
        {"x.svgz", "image/svg+xml"},
        {"x.woff2", "font/woff2"},
        {"x.wasm", "application/wasm"},
        {"x.webmanifest", "application/manifest+json"},
        {"a.tar.gz", "application/gzip"},
        {"a.b/c.css", "text/css"},
        {"a.css/b", ""},
        {"a/README", "text/plain"},
        {"Readme", "text/plain"},
        {"README.Debian", "text/plain"},
        {"README.md", "text/markdown"},
        {"README.tar.gz", "application/gzip"},
        {"LICENSE-MIT", "text/plain"},
        {"Dockerfile", "text/plain"},
        {"Dockerfile.test", "text/plain"},
        {"READMEs", ""},
        {"README/b", ""},
        {"Release", "text/plain"},
        {"release-2.1", ""},
        {"a.adoc", "text/plain"},
        {"a.jsonl", "text/plain"},
        {"a.rs", "text/plain"},
        {"id.pub", "text/plain"},
        {"a.ts", "video/mp2t"},
        {"a.rss", "application/rss+xml"},
        {"a.tgz", "application/gzip"},
        {"a.efi", "application/efi"},
        {"a.pbf", "application/x-protobuf"},
        {"a.parquet", "application/vnd.apache.parquet"},
        {"", ""},
        {".", ""},
        {"a.", ""},
        {"a.html.", ""},
        {".html", ""}, // a leading dot begins no extension
        {"a/.html", ""},
        {".a.html", "text/html"},
        {"a.htmlx", ""},
        {"a.ht", ""},
        {"html", ""},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct slice got = mime_core_find(guarded_text(cases[i].name));
        if (!slice_equal(got, slice_of(cases[i].want)))
            fail_msg("%s: %.*s", cases[i].name, SLICE_ARG(got));
    }
}

// A table that is not in order would lose some of what a server of today needs.
TEST(test_core_is_complete)
{
    static const char names[] =
        "7z aac apng atom avif bmp bz2 css csv deb doc docx eot epub flac gif gz htm html ico "
        "ics iso jar jpeg jpg js json jsonld jxl log m3u8 m4a m4v map md mjs mkv mov mp3 mp4 mpd "
        "odp ods odt oga ogg ogv opus otf pdf pem png ppt pptx ps rar rpm rss rtf sh svg tar tgz "
        "tif tiff toml torrent ts tsv ttf txt vcf vtt wasm wav weba webm webmanifest webp woff "
        "woff2 xhtml xls xlsx xml xsl xslt xz yaml yml zip zst";
    struct slice rest = slice_of(names);
    size_t count = 0;
    for (; rest.ptr; count++) {
        char name[20] = "x.";
        struct slice extension = slice_split(&rest, ' ');
        memcpy(name + 2, extension.ptr, extension.len);
        struct slice got = mime_core_find(slice_make(name, extension.len + 2));
        if (got.len == 0)
            fail_msg("%s is unknown", name);
    }
    assert_true(count >= 80);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_core),
        cmocka_unit_test(test_core_is_complete),
    };
    return cmocka_run_group_tests_name("mime_core", tests, NULL, NULL);
}

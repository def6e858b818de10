#include "support/unit.h"

#include "precompress/compressor.h"

#include <errno.h>
#include <stdlib.h>

#ifdef HAVE_BROTLI_DECODER
#include <brotli/decode.h>
#endif
#ifdef HAVE_ZLIB
#include <zlib.h>
#endif
#ifdef HAVE_ZSTD
#include <zstd.h>
#endif

// Content in memory, handed out in pieces.
struct memory {
    const unsigned char *in;
    size_t in_len, in_at, piece;
    unsigned char *out;
    size_t out_len, out_size;
    int read_error, write_error;
};

static ssize_t read_memory(void *context, void *data, size_t size)
{
    struct memory *m = context;
    size_t n = MIN(MIN(size, m->piece), m->in_len - m->in_at);
    if (m->read_error && m->in_at > 0)
        return m->read_error;
    if (n)
        memcpy(data, m->in + m->in_at, n);
    m->in_at += n;
    return (ssize_t)n;
}

static int write_memory(void *context, const void *data, size_t len)
{
    struct memory *m = context;
    assert_true(m->out_len + len <= m->out_size);
    if (len)
        memcpy(m->out + m->out_len, data, len);
    m->out_len += len;
    return m->out_len ? m->write_error : 0;
}

static int compress_memory(const struct compressor *coding, struct memory *m, uint64_t size)
{
    const struct compressor_io io = {read_memory, write_memory, m};
    return coding->compress(&io, size);
}

// The decoders write to `out`, which has room for `size` bytes, and return how many they wrote; -1:
// broken, -2: this build cannot tell.
#ifdef HAVE_ZLIB
static long decode_gzip(const struct memory *m, unsigned char *out, size_t size)
{
    z_stream z = {.next_in = m->out, .avail_in = (uInt)m->out_len};
    assert_int_equal(inflateInit2(&z, 16 + MAX_WBITS), Z_OK);
    z.next_out = out;
    z.avail_out = (uInt)size;
    bool whole = inflate(&z, Z_FINISH) == Z_STREAM_END && z.avail_in == 0;
    long len = (long)z.total_out;
    inflateEnd(&z);
    return whole ? len : -1;
}
#endif

static long decode(const struct compressor *coding, const struct memory *m, unsigned char *out,
                   size_t size)
{
    (void)coding, (void)m, (void)out, (void)size;
#ifdef HAVE_ZLIB
    if (strcmp(compressor_name(coding), "gzip") == 0)
        return decode_gzip(m, out, size);
#endif
#ifdef HAVE_ZSTD
    if (strcmp(compressor_name(coding), "zstd") == 0) {
        size_t n = ZSTD_decompress(out, size, m->out, m->out_len);
        return ZSTD_isError(n) ? -1 : (long)n;
    }
#endif
#ifdef HAVE_BROTLI_DECODER
    if (strcmp(compressor_name(coding), "br") == 0) {
        bool whole = BrotliDecoderDecompress(m->out_len, m->out, &size, out);
        return whole ? (long)size : -1;
    }
#endif
    return -2;
}

static void fill(unsigned char *data, size_t len)
{
    uint32_t x = 1;
    for (size_t i = 0; i < len; i++) {
        x = x * 1103515245 + 12345;
        data[i] = i % 7 < 4 ? (unsigned char)('a' + i % 7) : (unsigned char)(x >> 16);
    }
}

static void check_round_trip(const struct compressor *coding, size_t len, size_t piece)
{
    size_t room = len + len / 2 + 1024;
    unsigned char *in = malloc(len + 1), *out = malloc(room), *again = malloc(room),
                  *back = malloc(len + 1);
    fill(in, len);
    struct memory m = {.in = in, .in_len = len, .piece = piece, .out = out, .out_size = room};
    assert_int_equal(compress_memory(coding, &m, len), 0);
    struct memory other = {.in = in, .in_len = len, .piece = len + 1, .out = again};
    other.out_size = room;
    assert_int_equal(compress_memory(coding, &other, len), 0);
    long got = decode(coding, &m, back, len + 1);
    if (got != -2) {
        assert_int_equal(got, len);
        assert_memory_equal(in, back, len);
    }
    got = decode(coding, &other, back, len + 1);
    assert_true(got == -2 || got == (long)len);
    // Only the content matters; no coding promises the same bytes for reads of other sizes.
    if (piece > len) {
        assert_int_equal(m.out_len, other.out_len);
        assert_memory_equal(out, again, m.out_len);
    }
    free(in), free(out), free(again), free(back);
}

TEST(test_round_trip)
{
    static const struct {
        size_t len, piece;
    } cases[] = {{0, 1},      {1, 1},          {255, 1000},      {1000, 1},
                 {5000, 333}, {65536, 65536},  {65537, 1 << 20}, {200000, 4096},
                 {0, 1000},   {300000, 65521}, {600000, 1 << 20}};
    size_t count;
    const struct compressor *all = compressor_all(&count);
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < ARRAY_SIZE(cases); j++)
            check_round_trip(&all[i], cases[j].len, cases[j].piece);
}

TEST(test_errors_are_passed_on)
{
    static unsigned char in[300000], out[400000];
    size_t count;
    const struct compressor *all = compressor_all(&count);
    fill(in, sizeof(in));
    for (size_t i = 0; i < count; i++) {
        struct memory m = {.in = in, .in_len = sizeof(in), .piece = 65536, .out = out};
        m.out_size = sizeof(out);
        m.read_error = -EIO;
        assert_int_equal(compress_memory(&all[i], &m, sizeof(in)), -EIO);
        m.read_error = 0;
        m.in_at = m.out_len = 0;
        m.write_error = -ENOSPC;
        assert_int_equal(compress_memory(&all[i], &m, sizeof(in)), -ENOSPC);
    }
}

// RFC 1952: no flags (so no name), no time, the highest level, a UNIX system.
TEST(test_gzip_has_no_time)
{
    const struct compressor *gzip = compressor_find(SLICE("gzip"));
    unsigned char out[64];
    struct memory m = {.in = (const unsigned char *)"x", .in_len = 1, .piece = 1, .out = out};
    m.out_size = sizeof(out);
    if (!gzip)
        skip();
    assert_int_equal(compress_memory(gzip, &m, 1), 0);
    assert_memory_equal(out, "\x1f\x8b\x08\0\0\0\0\0\2\3", 10);
}

// RFC 8878 section 3.1.1.1.2, RFC 9659: clients need not have more than 8M.
TEST(test_zstd_window)
{
    static unsigned char in[300000], out[400000];
    const struct compressor *zstd = compressor_find(SLICE("zstd"));
    struct memory m = {.in = in, .in_len = sizeof(in), .piece = 65536, .out = out};
    if (!zstd)
        skip();
    fill(in, sizeof(in));
    m.out_size = sizeof(out);
    m.write_error = -EPIPE; // the head is enough
    assert_int_equal(compress_memory(zstd, &m, UINT64_C(1) << 40), -EPIPE);
    assert_memory_equal(out, "\x28\xb5\x2f\xfd", 4);
    assert_int_equal(out[4] & 0x20, 0); // not a single segment: a window descriptor follows
    uint64_t base = UINT64_C(1) << (10 + (out[5] >> 3));
    assert_true(base + base / 8 * (out[5] & 7) <= 8u << 20);
}

TEST(test_names)
{
    static const struct {
        const char *name, *coding;
    } cases[] = {
        {"a.css.gz", "gzip"}, {"a.css.br", "br"}, {"a.zst", "zstd"}, {"a.css", NULL}, {".gz", NULL},
        {"gz", NULL},         {"", NULL},         {"a.gz.x", NULL},  {"a.GZ", NULL},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const struct compressor *got = compressor_of_sibling(slice_of(cases[i].name));
        const struct compressor *want = cases[i].coding ? compressor_find(slice_of(cases[i].coding))
                                                        : NULL;
        assert_ptr_equal(got, want);
    }
    size_t count;
    const struct compressor *all = compressor_all(&count);
    assert_true(count >= 1 && count <= 3);
    for (size_t i = 0; i < count; i++)
        assert_ptr_equal(compressor_find(slice_of(compressor_name(&all[i]))), &all[i]);
    assert_null(compressor_find(SLICE("identity")));
    assert_null(compressor_find(SLICE("")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_errors_are_passed_on),
        cmocka_unit_test(test_gzip_has_no_time),
        cmocka_unit_test(test_zstd_window),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests_name("compressor", tests, NULL, NULL);
}

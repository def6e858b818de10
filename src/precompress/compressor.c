#include "precompress/compressor.h"

#include "base/util.h"

#include <errno.h>
#include <stdlib.h>

#ifdef HAVE_BROTLI
#include <brotli/encode.h>
#endif
#ifdef HAVE_ZLIB
#include <zlib.h>
#endif
#ifdef HAVE_ZSTD
#include <zstd.h>
#endif

enum { CHUNK = 1 << 16 };

struct chunks {
    unsigned char in[CHUNK], out[CHUNK];
};

// ---- zstd --------------------------------------------------------------------------------------
#ifdef HAVE_ZSTD

// The highest level whose window stays within the 8M that a client must have (RFC 9659).
enum { ZSTD_LEVEL = 19 };

static int zstd_put(ZSTD_CCtx *z, const struct compressor_io *io, struct chunks *c, size_t len)
{
    ZSTD_inBuffer in = {c->in, len, 0};
    ZSTD_EndDirective directive = len ? ZSTD_e_continue : ZSTD_e_end;
    for (;;) {
        ZSTD_outBuffer out = {c->out, CHUNK, 0};
        size_t left = ZSTD_compressStream2(z, &out, &in, directive);
        // The parameters are good and the size is as pledged: what can still fail is memory.
        if (ZSTD_isError(left))
            return -ENOMEM;
        int error = io->write(io->context, c->out, out.pos);
        if (error < 0)
            return error;
        if (len ? in.pos == in.size : left == 0)
            return 0;
    }
}

static int zstd_feed(ZSTD_CCtx *z, const struct compressor_io *io, struct chunks *c)
{
    for (;;) {
        ssize_t n = io->read(io->context, c->in, CHUNK);
        int error = n < 0 ? (int)n : zstd_put(z, io, c, (size_t)n);
        if (error < 0 || n == 0)
            return error;
    }
}

static int zstd_compress(const struct compressor_io *io, uint64_t size)
{
    struct chunks *c = malloc(sizeof(*c));
    ZSTD_CCtx *z = ZSTD_createCCtx();
    int error = -ENOMEM;
    if (c && z) {
        ZSTD_CCtx_setParameter(z, ZSTD_c_compressionLevel, ZSTD_LEVEL);
        ZSTD_CCtx_setPledgedSrcSize(z, size);
        error = zstd_feed(z, io, c);
    }
    ZSTD_freeCCtx(z);
    free(c);
    return error;
}

#endif
// ---- br ----------------------------------------------------------------------------------------
#ifdef HAVE_BROTLI

// The default of brotli itself: clients keep a window of that size.
enum { BROTLI_WINDOW_BITS_MAX = 22 };

// The smallest window that holds the file: it costs memory here and at the client.
static uint32_t brotli_window_bits(uint64_t size)
{
    uint32_t bits = BROTLI_MIN_WINDOW_BITS;
    while (bits < BROTLI_WINDOW_BITS_MAX && (UINT64_C(1) << bits) - 16 < size)
        bits++;
    return bits;
}

static int brotli_put(BrotliEncoderState *b, const struct compressor_io *io, const uint8_t *data,
                      size_t len)
{
    BrotliEncoderOperation operation = len ? BROTLI_OPERATION_PROCESS : BROTLI_OPERATION_FINISH;
    size_t no_room = 0;
    do {
        if (!BrotliEncoderCompressStream(b, operation, &len, &data, &no_room, NULL, NULL))
            return -ENOMEM;
        size_t taken = 0; // 0: as much as there is
        const uint8_t *out = BrotliEncoderTakeOutput(b, &taken);
        int error = taken ? io->write(io->context, out, taken) : 0;
        if (error < 0)
            return error;
    } while (len || BrotliEncoderHasMoreOutput(b));
    return 0;
}

static int brotli_feed(BrotliEncoderState *b, const struct compressor_io *io, uint8_t *in)
{
    for (;;) {
        ssize_t n = io->read(io->context, in, CHUNK);
        int error = n < 0 ? (int)n : brotli_put(b, io, in, (size_t)n);
        if (error < 0 || n == 0)
            return error;
    }
}

static int brotli_compress(const struct compressor_io *io, uint64_t size)
{
    uint8_t *in = malloc(CHUNK);
    BrotliEncoderState *b = BrotliEncoderCreateInstance(NULL, NULL, NULL);
    int error = -ENOMEM;
    if (in && b) {
        BrotliEncoderSetParameter(b, BROTLI_PARAM_QUALITY, BROTLI_MAX_QUALITY);
        BrotliEncoderSetParameter(b, BROTLI_PARAM_LGWIN, brotli_window_bits(size));
        BrotliEncoderSetParameter(b, BROTLI_PARAM_SIZE_HINT, (uint32_t)MIN(size, 1u << 30));
        error = brotli_feed(b, io, in);
    }
    if (b)
        BrotliEncoderDestroyInstance(b);
    free(in);
    return error;
}

#endif
// ---- gzip --------------------------------------------------------------------------------------
#ifdef HAVE_ZLIB

// Added to the window's bits it asks zlib for gzip's header, with neither time nor name in it.
enum { GZIP_HEADER = 16, GZIP_MEMORY_LEVEL = 9 };

static int gzip_put(z_stream *z, const struct compressor_io *io, struct chunks *c, size_t len)
{
    z->next_in = c->in;
    z->avail_in = (uInt)len;
    do {
        z->next_out = c->out;
        z->avail_out = CHUNK;
        // With a stream in order it has nothing to fail of: Z_BUF_ERROR says "no progress", and
        // then no room is left over.
        deflate(z, len ? Z_NO_FLUSH : Z_FINISH);
        int error = io->write(io->context, c->out, CHUNK - z->avail_out);
        if (error < 0)
            return error;
    } while (z->avail_out == 0);
    return 0;
}

static int gzip_feed(z_stream *z, const struct compressor_io *io, struct chunks *c)
{
    for (;;) {
        ssize_t n = io->read(io->context, c->in, CHUNK);
        int error = n < 0 ? (int)n : gzip_put(z, io, c, (size_t)n);
        if (error < 0 || n == 0)
            return error;
    }
}

static int gzip_compress(const struct compressor_io *io, uint64_t size)
{
    z_stream z = {0};
    struct chunks *c = malloc(sizeof(*c));
    int error = -ENOMEM;
    (void)size;
    if (c && deflateInit2(&z, Z_BEST_COMPRESSION, Z_DEFLATED, MAX_WBITS + GZIP_HEADER,
                          GZIP_MEMORY_LEVEL, Z_DEFAULT_STRATEGY) == Z_OK) {
        error = gzip_feed(&z, io, c);
        deflateEnd(&z);
    }
    free(c);
    return error;
}

#endif
// ---- the table ---------------------------------------------------------------------------------

static const struct compressor compressors[] = {
#ifdef HAVE_ZSTD
    {CODING_ZSTD, zstd_compress},
#endif
#ifdef HAVE_BROTLI
    {CODING_BR, brotli_compress},
#endif
#ifdef HAVE_ZLIB
    {CODING_GZIP, gzip_compress},
#endif
};

const struct compressor *compressor_all(size_t *ret_count)
{
    *ret_count = ARRAY_SIZE(compressors);
    return compressors;
}

const struct compressor *compressor_find(struct slice name)
{
    for (size_t i = 0; i < ARRAY_SIZE(compressors); i++)
        if (slice_equal(name, encoding_name(compressors[i].coding)))
            return &compressors[i];
    return NULL;
}

const struct compressor *compressor_of_sibling(struct slice name)
{
    for (size_t i = 0; i < ARRAY_SIZE(compressors); i++) {
        struct slice suffix = encoding_suffix(compressors[i].coding);
        if (name.len > suffix.len && slice_equal(slice_skip(name, name.len - suffix.len), suffix))
            return &compressors[i];
    }
    return NULL;
}

// They are literals, so that a NUL follows.
const char *compressor_name(const struct compressor *c)
{
    return encoding_name(c->coding).ptr;
}

const char *compressor_suffix(const struct compressor *c)
{
    return encoding_suffix(c->coding).ptr;
}

#include "http/body.h"

#include "base/util.h"
#include "http/chars.h"

// Bytes of one framing or trailer line with its CRLF: nobody needs more, and what is read is thrown
// away.
#define LINE_MAX_BYTES 4096

// Digits of a chunk size: as many as 64 bits have.
#define SIZE_MAX_DIGITS 16

// What is expected next (RFC 9112 section 7.1).
enum state {
    REFUSED,
    END,
    LENGTH,     // a byte of content of a known length
    SIZE_FIRST, // the first digit of a chunk size
    SIZE,       // another digit, or what ends them
    SPACE,      // white space before the semicolon of an extension
    EXTENSION,
    SIZE_LF,
    DATA,
    DATA_CR,
    DATA_LF,
    TRAILER_FIRST, // a trailer line, or the empty line
    TRAILER_NAME,
    TRAILER_VALUE,
    TRAILER_LF,
    END_LF,
    STATES
};

enum byte { CONTROL, CR, LF, HEX, SEMICOLON, COLON, BLANK, TOKEN, TEXT, BYTES };

// The state after a byte; what is not named is REFUSED.
static const uint8_t next[STATES][BYTES] = {
    [SIZE_FIRST] = {[HEX] = SIZE},
    [SIZE] = {[HEX] = SIZE, [SEMICOLON] = EXTENSION, [BLANK] = SPACE, [CR] = SIZE_LF},
    [SPACE] = {[SEMICOLON] = EXTENSION, [BLANK] = SPACE},
    [EXTENSION] = {[HEX] = EXTENSION,
                   [SEMICOLON] = EXTENSION,
                   [COLON] = EXTENSION,
                   [BLANK] = EXTENSION,
                   [TOKEN] = EXTENSION,
                   [TEXT] = EXTENSION,
                   [CR] = SIZE_LF},
    [SIZE_LF] = {[LF] = DATA},
    [DATA_CR] = {[CR] = DATA_LF},
    [DATA_LF] = {[LF] = SIZE_FIRST},
    [TRAILER_FIRST] = {[HEX] = TRAILER_NAME, [TOKEN] = TRAILER_NAME, [CR] = END_LF},
    [TRAILER_NAME] = {[HEX] = TRAILER_NAME, [TOKEN] = TRAILER_NAME, [COLON] = TRAILER_VALUE},
    [TRAILER_VALUE] = {[HEX] = TRAILER_VALUE,
                       [SEMICOLON] = TRAILER_VALUE,
                       [COLON] = TRAILER_VALUE,
                       [BLANK] = TRAILER_VALUE,
                       [TOKEN] = TRAILER_VALUE,
                       [TEXT] = TRAILER_VALUE,
                       [CR] = TRAILER_LF},
    [TRAILER_LF] = {[LF] = TRAILER_FIRST},
    [END_LF] = {[LF] = END},
};

// The fewest bytes that complete the content from a state on, e.g. "0" CRLF CRLF.
static const uint8_t fewest[STATES] = {
    [SIZE_FIRST] = 5, [SIZE] = 4,    [SPACE] = 5,         [EXTENSION] = 4,    [SIZE_LF] = 3,
    [DATA] = 7,       [DATA_CR] = 7, [DATA_LF] = 6,       [TRAILER_NAME] = 5, [TRAILER_VALUE] = 4,
    [TRAILER_LF] = 3, [END_LF] = 1,  [TRAILER_FIRST] = 2,
};

static enum byte classify(char c)
{
    if (c == '\r')
        return CR;
    if (c == '\n')
        return LF;
    if (c == ';')
        return SEMICOLON;
    if (c == ':')
        return COLON;
    if (c == ' ' || c == '\t')
        return BLANK;
    if (chars_hex(c) >= 0)
        return HEX;
    if (chars_has(c, CHAR_TOKEN))
        return TOKEN;
    return chars_has(c, CHAR_VALUE) ? TEXT : CONTROL;
}

bool body_init(struct body *b, const struct request *r, uint64_t limit)
{
    static const uint8_t begin[] = {
        [BODY_NONE] = END, [BODY_LENGTH] = LENGTH, [BODY_CHUNKED] = SIZE_FIRST};
    *b = (struct body){.left = r->content_length, .limit = limit, .state = begin[r->body]};
    return r->content_length <= limit;
}

// Takes bytes whose number is known beforehand: they need no look.
static size_t skip_data(struct body *b, size_t available)
{
    size_t n = (size_t)MIN(b->left, available);
    b->left -= n;
    b->total += n;
    if (b->left == 0)
        b->state = b->state == LENGTH ? END : DATA_CR;
    return n;
}

// Takes one byte of framing; returns 0 or the status to refuse with.
static int step(struct body *b, char c)
{
    uint8_t from = b->state;
    if (b->total == b->limit)
        return 413;
    b->total++;
    b->state = next[from][classify(c)];
    if (b->state == REFUSED || ++b->line > LINE_MAX_BYTES)
        return 400;
    if (b->state == SIZE) {
        if (b->line > SIZE_MAX_DIGITS)
            return 400;
        b->left = b->left << 4 | (unsigned)chars_hex(c);
    } else if (b->state == DATA) {
        if (b->left > b->limit - b->total)
            return 413;
        b->state = b->left ? DATA : TRAILER_FIRST;
    }
    if (c == '\n')
        b->line = 0;
    return 0;
}

enum body_state body_feed(struct body *b, struct slice data, size_t *ret_used, int *ret_status)
{
    size_t used = 0;
    while (used < data.len && b->state != END) {
        if (b->state == LENGTH || b->state == DATA) {
            used += skip_data(b, data.len - used);
            continue;
        }
        int status = step(b, data.ptr[used++]);
        if (status) {
            *ret_status = status;
            b->state = REFUSED;
            return CONTENT_BAD;
        }
    }
    *ret_used = used;
    return b->state == END ? CONTENT_END : CONTENT_MORE;
}

uint64_t body_wanted(const struct body *b)
{
    bool has_data = b->state == LENGTH || b->state == DATA;
    uint64_t framing = fewest[b->state];
    return framing + (has_data ? MIN(b->left, UINT64_MAX - framing) : 0);
}

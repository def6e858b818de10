#include "http/body.h"

#include "base/util.h"
#include "http/chars.h"

// Bytes of one framing or trailer line with its CRLF: nobody needs more, and what is read is thrown
// away.
#define LINE_MAX_BYTES 4096

// Digits of a chunk size: as many as 64 bits have.
#define SIZE_MAX_DIGITS 16

// The part that comes next (RFC 9112 sections 7.1 to 7.1.2).
enum state {
    REFUSED,
    END,
    LENGTH,     // a byte of content of a known length
    SIZE_FIRST, // the first digit of a chunk size
    SIZE,       // another digit, or what ends them
    SPACE,      // white space before the semicolon of an extension
    NAME_FIRST, // of an extension, after the semicolon
    NAME,
    NAME_SPACE, // white space before the equals sign, or the next semicolon
    VALUE_FIRST,
    VALUE,
    QUOTED,
    ESCAPED, // the byte after a backslash
    QUOTED_END,
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

enum byte {
    CONTROL,
    CR,
    LF,
    HEX,
    SEMICOLON,
    COLON,
    EQUALS,
    QUOTE,
    BACKSLASH,
    BLANK,
    TOKEN,
    TEXT, // any other byte of a field's value
    BYTES
};

// Each byte of a field's value leads to one state.
#define ALL_TEXT(state)                                                             \
    [HEX] = (state), [SEMICOLON] = (state), [COLON] = (state), [EQUALS] = (state),  \
    [QUOTE] = (state), [BACKSLASH] = (state), [BLANK] = (state), [TOKEN] = (state), \
    [TEXT] = (state)

// The state after a byte; what is not named is REFUSED.
static const uint8_t next[STATES][BYTES] = {
    [SIZE_FIRST] = {[HEX] = SIZE},
    [SIZE] = {[HEX] = SIZE, [SEMICOLON] = NAME_FIRST, [BLANK] = SPACE, [CR] = SIZE_LF},
    [SPACE] = {[SEMICOLON] = NAME_FIRST, [BLANK] = SPACE},
    [NAME_FIRST] = {[HEX] = NAME, [TOKEN] = NAME, [BLANK] = NAME_FIRST},
    [NAME] = {[HEX] = NAME,
              [TOKEN] = NAME,
              [BLANK] = NAME_SPACE,
              [EQUALS] = VALUE_FIRST,
              [SEMICOLON] = NAME_FIRST,
              [CR] = SIZE_LF},
    [NAME_SPACE] = {[BLANK] = NAME_SPACE, [EQUALS] = VALUE_FIRST, [SEMICOLON] = NAME_FIRST},
    [VALUE_FIRST] = {[HEX] = VALUE, [TOKEN] = VALUE, [BLANK] = VALUE_FIRST, [QUOTE] = QUOTED},
    [VALUE] =
        {[HEX] = VALUE, [TOKEN] = VALUE, [BLANK] = SPACE, [SEMICOLON] = NAME_FIRST, [CR] = SIZE_LF},
    [QUOTED] = {[HEX] = QUOTED,
                [SEMICOLON] = QUOTED,
                [COLON] = QUOTED,
                [EQUALS] = QUOTED,
                [QUOTE] = QUOTED_END,
                [BACKSLASH] = ESCAPED,
                [BLANK] = QUOTED,
                [TOKEN] = QUOTED,
                [TEXT] = QUOTED},
    [ESCAPED] = {ALL_TEXT(QUOTED)},
    [QUOTED_END] = {[BLANK] = SPACE, [SEMICOLON] = NAME_FIRST, [CR] = SIZE_LF},
    [SIZE_LF] = {[LF] = DATA},
    [DATA_CR] = {[CR] = DATA_LF},
    [DATA_LF] = {[LF] = SIZE_FIRST},
    [TRAILER_FIRST] = {[HEX] = TRAILER_NAME, [TOKEN] = TRAILER_NAME, [CR] = END_LF},
    [TRAILER_NAME] = {[HEX] = TRAILER_NAME, [TOKEN] = TRAILER_NAME, [COLON] = TRAILER_VALUE},
    [TRAILER_VALUE] = {ALL_TEXT(TRAILER_VALUE), [CR] = TRAILER_LF},
    [TRAILER_LF] = {[LF] = TRAILER_FIRST},
    [END_LF] = {[LF] = END},
};

// The fewest bytes that complete the content from a state on, e.g. "0" CRLF CRLF.
static const uint8_t fewest[STATES] = {
    [SIZE_FIRST] = 5,    [SIZE] = 4,       [SPACE] = 6,       [NAME_FIRST] = 5,
    [NAME] = 4,          [NAME_SPACE] = 6, [VALUE_FIRST] = 5, [VALUE] = 4,
    [QUOTED] = 5,        [ESCAPED] = 6,    [QUOTED_END] = 4,  [SIZE_LF] = 3,
    [DATA] = 7,          [DATA_CR] = 7,    [DATA_LF] = 6,     [TRAILER_NAME] = 5,
    [TRAILER_VALUE] = 4, [TRAILER_LF] = 3, [END_LF] = 1,      [TRAILER_FIRST] = 2,
};

static enum byte classify_byte(char c)
{
    static const uint8_t special[256] = {
        ['\r'] = CR,   ['\n'] = LF,        [';'] = SEMICOLON, [':'] = COLON,  ['='] = EQUALS,
        ['"'] = QUOTE, ['\\'] = BACKSLASH, [' '] = BLANK,     ['\t'] = BLANK,
    };
    enum byte byte = (enum byte)special[(unsigned char)c];
    if (byte)
        return byte;
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

// Takes one byte of framing. Returns the reason to refuse the content for, if any.
static enum reason step(struct body *b, char c)
{
    uint8_t from = b->state;
    if (b->total == b->limit)
        return REASON_CONTENT_LONG;
    b->total++;
    b->state = next[from][classify_byte(c)];
    if (b->state == REFUSED || ++b->line > LINE_MAX_BYTES)
        return REASON_CONTENT_CHUNKS;
    if (b->state == SIZE) {
        if (b->line > SIZE_MAX_DIGITS)
            return REASON_CONTENT_CHUNKS;
        b->left = b->left << 4 | (unsigned)chars_hex(c);
    } else if (b->state == DATA) {
        if (b->left > b->limit - b->total)
            return REASON_CONTENT_LONG;
        b->state = b->left ? DATA : TRAILER_FIRST;
    }
    if (c == '\n')
        b->line = 0;
    return REASON_NONE;
}

enum body_state body_feed(struct body *b, struct slice data, size_t *ret_used,
                          enum reason *ret_reason)
{
    size_t used = 0;
    while (used < data.len && b->state != END) {
        if (b->state == LENGTH || b->state == DATA) {
            used += skip_data(b, data.len - used);
            continue;
        }
        enum reason reason = step(b, data.ptr[used++]);
        if (reason) {
            *ret_reason = reason;
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

#include "base/num.h"

#include "base/util.h"

#include <inttypes.h>
#include <stdio.h>

struct unit {
    const char *name;
    uint64_t factor;
};

// Largest first: the formatters take the first that divides.
static const struct unit sizes[] = {
    {"T", UINT64_C(1) << 40},
    {"G", UINT64_C(1) << 30},
    {"M", UINT64_C(1) << 20},
    {"K", UINT64_C(1) << 10},
    {"", 1},
};
static const struct unit times[] = {
    {"d", 86400000}, {"h", 3600000}, {"min", 60000}, {"s", 1000}, {"ms", 1},
};

static bool parse_digits(struct slice s, unsigned base, uint64_t max, uint64_t *ret)
{
    uint64_t value = 0;
    if (s.len == 0)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        unsigned digit;
        if (slice_is_digit(c))
            digit = (unsigned)(c - '0');
        else if (base == 16 && c >= 'a' && c <= 'f')
            digit = (unsigned)(c - 'a') + 10;
        else if (base == 16 && c >= 'A' && c <= 'F')
            digit = (unsigned)(c - 'A') + 10;
        else
            return false;
        if (__builtin_mul_overflow(value, base, &value) ||
            __builtin_add_overflow(value, digit, &value) || value > max)
            return false;
    }
    *ret = value;
    return true;
}

bool num_parse_dec(struct slice s, uint64_t max, uint64_t *ret)
{
    return parse_digits(s, 10, max, ret);
}

bool num_parse_hex(struct slice s, uint64_t max, uint64_t *ret)
{
    return parse_digits(s, 16, max, ret);
}

static bool parse_with_unit(struct slice s, const struct unit *units, size_t count, uint64_t *ret)
{
    size_t digits = 0;
    while (digits < s.len && slice_is_digit(s.ptr[digits]))
        digits++;
    struct slice name = slice_skip(s, digits);
    for (size_t i = 0; i < count; i++) {
        uint64_t value;
        if (!slice_equal(name, slice_of(units[i].name)))
            continue;
        if (!num_parse_dec(slice_make(s.ptr, digits), UINT64_MAX / units[i].factor, &value))
            return false;
        *ret = value * units[i].factor;
        return true;
    }
    return false;
}

bool num_parse_size(struct slice s, uint64_t *ret)
{
    return parse_with_unit(s, sizes, ARRAY_SIZE(sizes), ret);
}

bool num_parse_time(struct slice s, uint64_t *ret)
{
    if (slice_equal(s, SLICE("0"))) {
        *ret = 0;
        return true;
    }
    return parse_with_unit(s, times, ARRAY_SIZE(times), ret);
}

static char *format_with_unit(uint64_t value, const struct unit *unit, char *text)
{
    while (value % unit->factor != 0)
        unit++;
    snprintf(text, 32, "%" PRIu64 "%s", value / unit->factor, unit->name);
    return text;
}

char *num_format_size(uint64_t bytes, char text[static 32])
{
    if (bytes == 0)
        return strcpy(text, "0");
    return format_with_unit(bytes, sizes, text);
}

char *num_format_time(uint64_t ms, char text[static 32])
{
    if (ms == 0)
        return strcpy(text, "0");
    return format_with_unit(ms, times, text);
}

#include "http/httpdate.h"

#include "base/num.h"
#include "base/util.h"

#include <stddef.h>

#define DAY 86400

struct civil {
    int year, month, day; // month 1 to 12
    int hour, minute, second;
    int weekday; // 0 is Sunday
};

static const char *const short_days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
static const char *const long_days[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                        "Thursday", "Friday", "Saturday"};
static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

static bool is_leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int days_in_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return days[month - 1] + (month == 2 && is_leap(year));
}

// Days from 1970-01-01 to the first of January of `year`, which is at least 1.
static int64_t days_before_year(int year)
{
    int64_t y = year - 1;
    return y * 365 + y / 4 - y / 100 + y / 400 - 719162;
}

static int64_t to_seconds(const struct civil *c)
{
    int64_t days = days_before_year(c->year) + c->day - 1;
    for (int month = 1; month < c->month; month++)
        days += days_in_month(c->year, month);
    return ((days * 24 + c->hour) * 60 + c->minute) * 60 + c->second;
}

// Years 1970 to 9999; others are clamped.
static struct civil from_seconds(int64_t seconds)
{
    int64_t clamped = MIN(MAX(seconds, 0), INT64_C(253402300799));
    int64_t days = clamped / DAY;
    int rest = (int)(clamped % DAY);
    struct civil c = {.year = 1970 + (int)(days / 366), .month = 1};
    c.weekday = (int)((days + 4) % 7); // 1970-01-01 is a Thursday
    while (days_before_year(c.year + 1) <= days)
        c.year++;
    days -= days_before_year(c.year);
    for (; days >= days_in_month(c.year, c.month); c.month++)
        days -= days_in_month(c.year, c.month);
    c.day = (int)days + 1;
    c.hour = rest / 3600;
    c.minute = rest / 60 % 60;
    c.second = rest % 60;
    return c;
}

static char *put_digits(char *out, int value, int digits)
{
    for (int i = digits - 1; i >= 0; i--, value /= 10)
        out[i] = (char)('0' + value % 10);
    return out + digits;
}

static char *append_text(char *out, const char *text)
{
    return (char *)mempcpy(out, text, strlen(text));
}

void httpdate_format(int64_t seconds, char out[static HTTPDATE_LEN])
{
    struct civil c = from_seconds(seconds);
    out = append_text(out, short_days[c.weekday]);
    out = append_text(out, ", ");
    out = put_digits(out, c.day, 2);
    out = append_text(out, " ");
    out = append_text(out, months[c.month - 1]);
    out = append_text(out, " ");
    out = put_digits(out, c.year, 4);
    out = append_text(out, " ");
    out = put_digits(out, c.hour, 2);
    out = append_text(out, ":");
    out = put_digits(out, c.minute, 2);
    out = append_text(out, ":");
    out = put_digits(out, c.second, 2);
    append_text(out, " GMT");
}

void httpdate_format_iso(int64_t seconds, char out[static HTTPDATE_ISO_LEN])
{
    struct civil c = from_seconds(seconds);
    const struct {
        int value, digits;
        const char *after;
    } fields[] = {
        {c.year, 4, "-"}, {c.month, 2, "-"},  {c.day, 2, "T"},
        {c.hour, 2, ":"}, {c.minute, 2, ":"}, {c.second, 2, "Z"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
        out = append_text(put_digits(out, fields[i].value, fields[i].digits), fields[i].after);
}

// The meaning of a letter of a form: one of `names`, or a number of `digits`.
struct part {
    char letter;
    bool padded; // the first digit may be a space
    uint8_t digits;
    uint8_t name_count;
    const char *const *names;
    size_t offset; // of the int in struct civil
    int first;     // value of the first name
};

#define NAMES(letter, names, member, first)                                               \
    {                                                                                     \
        letter, false, 0, ARRAY_SIZE(names), names, offsetof(struct civil, member), first \
    }
#define DIGITS(letter, digits, member)                                    \
    {                                                                     \
        letter, false, digits, 0, NULL, offsetof(struct civil, member), 0 \
    }

static const struct part parts[] = {
    NAMES('a', short_days, weekday, 0),
    NAMES('A', long_days, weekday, 0),
    NAMES('b', months, month, 1),
    DIGITS('d', 2, day),
    {'e', true, 2, 0, NULL, offsetof(struct civil, day), 0},
    DIGITS('h', 2, hour),
    DIGITS('m', 2, minute),
    DIGITS('s', 2, second),
    DIGITS('y', 2, year),
    DIGITS('Y', 4, year),
};

static const struct part *find_part(char letter)
{
    for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
        if (parts[i].letter == letter)
            return &parts[i];
    return NULL;
}

static bool read_named_part(struct slice *s, const struct part *p, int *ret)
{
    for (int i = 0; i < p->name_count; i++) {
        struct slice name = slice_of(p->names[i]);
        if (slice_starts_with(*s, name)) {
            *s = slice_skip(*s, name.len);
            *ret = p->first + i;
            return true;
        }
    }
    return false;
}

static bool read_digits(struct slice *s, const struct part *p, int *ret)
{
    size_t pad = p->padded && s->len && s->ptr[0] == ' ';
    uint64_t value;
    if (s->len < p->digits ||
        !num_parse_dec(slice_make(s->ptr + pad, p->digits - pad), 9999, &value))
        return false;
    *s = slice_skip(*s, p->digits);
    *ret = (int)value;
    return true;
}

// Reads `s` by `form`, in which letters of the table stand for parts, other bytes for themselves.
static bool read_form(struct slice s, const char *form, struct civil *ret)
{
    for (; *form; form++) {
        const struct part *p = find_part(*form);
        if (p) {
            int *value = (int *)(void *)((char *)ret + p->offset);
            if (p->names ? !read_named_part(&s, p, value) : !read_digits(&s, p, value))
                return false;
        } else {
            if (s.len == 0 || s.ptr[0] != *form)
                return false;
            s = slice_skip(s, 1);
        }
    }
    return s.len == 0;
}

// A leap second is a valid second; it counts as the first of the next minute.
static bool is_in_range(const struct civil *c)
{
    return c->year >= 1 && c->day >= 1 && c->day <= days_in_month(c->year, c->month) &&
           c->hour <= 23 && c->minute <= 59 && c->second <= 60;
}

// Not more than 50 years in the future (RFC 9110 section 5.6.7).
static void place_year(struct civil *c, int64_t now)
{
    struct civil latest = from_seconds(now);
    latest.year += 50;
    c->year = latest.year - (latest.year - c->year) % 100;
    if (to_seconds(c) > to_seconds(&latest))
        c->year -= 100;
}

bool httpdate_parse(struct slice s, int64_t now, int64_t *ret)
{
    struct civil c = {.day = 0};
    if (read_form(s, "A, d-b-y h:m:s GMT", &c))
        place_year(&c, now);
    else if (!read_form(s, "a, d b Y h:m:s GMT", &c) && !read_form(s, "a b e h:m:s Y", &c))
        return false;
    if (!is_in_range(&c))
        return false;
    *ret = to_seconds(&c);
    return true;
}

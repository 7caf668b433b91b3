/*
 * Times: Unix seconds and nanoseconds, and their text.
 */
#include "proofs/codec/cometbft.h"

static const int64_t SECONDS_MIN = -62135596800; /* 0001-01-01T00:00:00Z */
static const int64_t SECONDS_END = 253402300800; /* 10000-01-01T00:00:00Z */
enum { NANOS = 1000000000 };

bool cometbft_time_in_range(struct cometbft_time time)
{
    return time.seconds >= SECONDS_MIN && time.seconds < SECONDS_END && time.nanos >= 0 && time.nanos < NANOS;
}

int cometbft_time_compare(struct cometbft_time a, struct cometbft_time b)
{
    if (a.seconds != b.seconds)
        return a.seconds < b.seconds ? -1 : 1;
    return (a.nanos > b.nanos) - (a.nanos < b.nanos);
}

struct cometbft_time cometbft_time_add(struct cometbft_time time, int64_t nanos)
{
    int64_t rest = time.nanos + nanos % NANOS;
    return (struct cometbft_time){time.seconds + nanos / NANOS + rest / NANOS, (int32_t)(rest % NANOS)};
}

/* Days from 1970-01-01 to a date of the Gregorian calendar, year >= 1. */
static int64_t days_to(int64_t year, int64_t month, int64_t day)
{
    /* years that begin in March end with the leap day */
    int64_t y = month > 2 ? year : year - 1;
    int64_t m = month > 2 ? month - 3 : month + 9;
    return y * 365 + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719468;
}

static int64_t days_in(int64_t year, int64_t month)
{
    return (month == 12 ? days_to(year + 1, 1, 1) : days_to(year, month + 1, 1)) - days_to(year, month, 1);
}

/* Digits at *at, exactly `count`, then `end`; -1 otherwise. */
static int64_t take(const char *text, size_t len, size_t *at, size_t count, char end)
{
    int64_t value = 0;
    if (len - *at < count + 1)
        return -1;
    for (size_t i = 0; i < count; i++) {
        char c = text[(*at)++];
        if (c < '0' || c > '9')
            return -1;
        value = value * 10 + (c - '0');
    }
    return text[(*at)++] == end ? value : -1;
}

bool cometbft_time_parse(struct cometbft_time *time, const char *text, size_t len)
{
    size_t at = 0;
    *time = (struct cometbft_time){0};
    int64_t year = take(text, len, &at, 4, '-');
    int64_t month = year < 1 ? -1 : take(text, len, &at, 2, '-');
    int64_t day = month < 1 || month > 12 ? -1 : take(text, len, &at, 2, 'T');
    int64_t hour = day < 1 || day > days_in(year, month) ? -1 : take(text, len, &at, 2, ':');
    int64_t minute = hour < 0 || hour > 23 ? -1 : take(text, len, &at, 2, ':');
    if (minute < 0 || minute > 59 || len - at < 3)
        return false;
    bool decimals = text[at + 2] == '.';
    int64_t second = take(text, len, &at, 2, decimals ? '.' : 'Z');
    if (second < 0 || second > 59)
        return false;
    int32_t nanos = 0;
    int32_t unit = NANOS / 10;
    for (; decimals && at < len && text[at] >= '0' && text[at] <= '9' && unit > 0; at++, unit /= 10)
        nanos += (text[at] - '0') * unit;
    if (decimals && (unit == NANOS / 10 || at == len || text[at++] != 'Z'))
        return false;
    *time = (struct cometbft_time){((days_to(year, month, day) * 24 + hour) * 60 + minute) * 60 + second, nanos};
    return at == len;
}

/*
 * The poll loop (loop.h).
 */
#include "connectors/sdk/loop.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <time.h>

struct entry {
    void (*ready)(void *context, int fd, short revents);
    void *context;
    uint64_t serial; /* tells a descriptor from a later one with the same number */
};

struct sdk_loop {
    struct pollfd fds[SDK_LOOP_FDS_MAX];
    struct entry entries[SDK_LOOP_FDS_MAX];
    size_t count;
    uint64_t serial;
    struct sdk_timer *timers; /* ascending by due */
    uint64_t now;
    bool stopped;
    int code;
};

static uint64_t clock_ms(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000 + (uint64_t)time.tv_nsec / 1000000;
}

struct sdk_loop *sdk_loop_new(void)
{
    struct sdk_loop *loop = calloc(1, sizeof *loop);
    if (loop)
        loop->now = clock_ms();
    return loop;
}

void sdk_loop_free(struct sdk_loop *loop)
{
    free(loop);
}

static size_t find(const struct sdk_loop *loop, int fd)
{
    size_t i = 0;
    while (i < loop->count && loop->fds[i].fd != fd)
        i++;
    return i;
}

bool sdk_loop_watch(struct sdk_loop *loop, int fd, short events, void (*ready)(void *context, int fd, short revents),
                    void *context)
{
    const size_t at = find(loop, fd);
    if (events == 0) {
        if (at < loop->count) {
            loop->count--;
            loop->fds[at] = loop->fds[loop->count];
            loop->entries[at] = loop->entries[loop->count];
        }
        return true;
    }
    if (at == SDK_LOOP_FDS_MAX)
        return false;
    if (at == loop->count) {
        loop->count++;
        loop->entries[at].serial = ++loop->serial;
    }
    loop->fds[at] = (struct pollfd){.fd = fd, .events = events};
    loop->entries[at].ready = ready;
    loop->entries[at].context = context;
    return true;
}

void sdk_timer_clear(struct sdk_loop *loop, struct sdk_timer *timer)
{
    struct sdk_timer **link = &loop->timers;
    while (*link && *link != timer)
        link = &(*link)->next;
    if (*link)
        *link = timer->next;
    timer->armed = false;
}

void sdk_timer_set(struct sdk_loop *loop, struct sdk_timer *timer, uint64_t ms)
{
    sdk_timer_clear(loop, timer);
    timer->due = loop->now + ms;
    timer->armed = true;
    struct sdk_timer **link = &loop->timers;
    while (*link && (*link)->due <= timer->due)
        link = &(*link)->next;
    timer->next = *link;
    *link = timer;
}

void sdk_timer_hasten(struct sdk_loop *loop, struct sdk_timer *timer, uint64_t ms)
{
    if (!timer->armed || timer->due > loop->now + ms)
        sdk_timer_set(loop, timer, ms);
}

uint64_t sdk_loop_now(const struct sdk_loop *loop)
{
    return loop->now;
}

static int wait_ms(const struct sdk_loop *loop)
{
    if (!loop->timers)
        return -1;
    const uint64_t due = loop->timers->due;
    return due <= loop->now ? 0 : (int)(due - loop->now > 60000 ? 60000 : due - loop->now);
}

/* Timers that were due when the round began; one that arms itself again waits for the next round. */
static void fire_timers(struct sdk_loop *loop)
{
    const uint64_t until = loop->now;
    for (size_t rounds = 0; rounds < 256 && !loop->stopped; rounds++) {
        struct sdk_timer *timer = loop->timers;
        if (!timer || timer->due > until)
            return;
        loop->timers = timer->next;
        timer->armed = false;
        timer->fire(timer->context);
    }
}

static void dispatch(struct sdk_loop *loop)
{
    struct pollfd fds[SDK_LOOP_FDS_MAX];
    uint64_t serials[SDK_LOOP_FDS_MAX];
    const size_t count = loop->count;
    for (size_t i = 0; i < count; i++) {
        fds[i] = loop->fds[i];
        serials[i] = loop->entries[i].serial;
    }
    for (size_t i = 0; i < count && !loop->stopped; i++) {
        const size_t at = fds[i].revents ? find(loop, fds[i].fd) : loop->count;
        if (at < loop->count && loop->entries[at].serial == serials[i])
            loop->entries[at].ready(loop->entries[at].context, fds[i].fd, fds[i].revents);
    }
}

int sdk_loop_run(struct sdk_loop *loop)
{
    while (!loop->stopped) {
        loop->now = clock_ms();
        const int ready = poll(loop->fds, loop->count, wait_ms(loop));
        if (ready < 0 && errno != EINTR)
            return 1;
        loop->now = clock_ms();
        if (ready > 0)
            dispatch(loop);
        fire_timers(loop);
    }
    return loop->code;
}

void sdk_loop_stop(struct sdk_loop *loop, int code)
{
    loop->stopped = true;
    loop->code = code;
}

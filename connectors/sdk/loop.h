/*
 * A small poll(2) loop: descriptors, timers, and a monotonic clock in milliseconds. One thread; callbacks may add and
 * remove anything, themselves included.
 */
#ifndef CONNECTORS_SDK_LOOP_H
#define CONNECTORS_SDK_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SDK_LOOP_FDS_MAX = 64 };

struct sdk_loop;

/* NULL: no memory. */
struct sdk_loop *sdk_loop_new(void);
void sdk_loop_free(struct sdk_loop *loop);

/* Calls ready(context, fd, revents) when poll reports any of `events` (POLLIN, POLLOUT) or an error on fd. Replaces what was
 * set for fd; events 0 forgets it (before the descriptor is closed). False when SDK_LOOP_FDS_MAX are watched. */
bool sdk_loop_watch(struct sdk_loop *loop, int fd, short events, void (*ready)(void *context, int fd, short revents),
                    void *context);

/* A timer lives inside its owner; zeroed is unset. Set `fire` and `context` before it is armed. It fires once. */
struct sdk_timer {
    void (*fire)(void *context);
    void *context;
    uint64_t due; /* private from here on */
    struct sdk_timer *next;
    bool armed;
};

/* Fires in ms milliseconds (0: in the next round); moves it when it is armed already. */
void sdk_timer_set(struct sdk_loop *loop, struct sdk_timer *timer, uint64_t ms);
/* Fires in at most ms milliseconds: never moves it back. */
void sdk_timer_hasten(struct sdk_loop *loop, struct sdk_timer *timer, uint64_t ms);
void sdk_timer_clear(struct sdk_loop *loop, struct sdk_timer *timer);

/* Milliseconds of the monotonic clock, as of the start of this round. */
uint64_t sdk_loop_now(const struct sdk_loop *loop);

/* Runs until sdk_loop_stop; returns its code. */
int sdk_loop_run(struct sdk_loop *loop);
void sdk_loop_stop(struct sdk_loop *loop, int code);

#endif

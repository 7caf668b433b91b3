/*
 * The event loop: descriptors, timers, wake-ups from other threads, signals, ends of child processes. loop.c is the only
 * file that knows libevent. One thread runs it and makes every call but edge_loop_stop's; a callback may add and remove
 * anything, itself included.
 */
#ifndef RELAY_EDGE_LOOP_H
#define RELAY_EDGE_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct edge_loop;
struct edge_watch;
struct edge_timer;

/* NULL: no memory or no descriptors. */
struct edge_loop *edge_loop_new(void);
/* Every watch, timer, wake, signal and process watch must be gone. NULL is allowed. */
void edge_loop_free(struct edge_loop *loop);

/* Runs until edge_loop_stop; returns its code. */
int edge_loop_run(struct edge_loop *loop);
/* Ends the run after the current callback. */
void edge_loop_stop(struct edge_loop *loop, int code);

/* Milliseconds of the monotonic clock, and seconds and milliseconds of Unix time, read now. */
uint64_t edge_loop_now(void);
uint64_t edge_loop_unix(void);
uint64_t edge_loop_unix_ms(void);

/* Watches fd (the caller's: not closed here). Nothing is reported until edge_watch_set. NULL: no memory. */
struct edge_watch *edge_watch_new(struct edge_loop *loop, int fd,
                                  void (*ready)(void *context, bool readable, bool writable), void *context);
/* What is wanted from now on. Level-triggered: reported as long as it holds. */
void edge_watch_set(struct edge_watch *watch, bool readable, bool writable);
void edge_watch_free(struct edge_watch *watch); /* NULL is allowed */

/* A timer that is unset. NULL: no memory. */
struct edge_timer *edge_timer_new(struct edge_loop *loop, void (*fire)(void *context), void *context);
/* Fires once in ms milliseconds; moves it when it is set. */
void edge_timer_set(struct edge_timer *timer, uint64_t ms);
void edge_timer_clear(struct edge_timer *timer);
void edge_timer_free(struct edge_timer *timer); /* NULL is allowed */

/*
 * A wake-up from other threads: an eventfd in *fd. Whoever adds 1 to it has `woken` called on the loop, once for any
 * number of additions. The fd lives as long as the watch; edge_wake_free closes it.
 */
struct edge_wake;
struct edge_wake *edge_wake_new(struct edge_loop *loop, int *fd, void (*woken)(void *context), void *context);
void edge_wake_free(struct edge_wake *wake); /* NULL is allowed */

/* Calls back on the loop (not in a signal handler) when the process gets signo. NULL: no memory. */
struct edge_signal;
struct edge_signal *edge_signal_new(struct edge_loop *loop, int signo, void (*fire)(void *context), void *context);
void edge_signal_free(struct edge_signal *signal); /* NULL is allowed */

/* Reports the end of a child process, once, and reaps it: status as waitpid gives it. Freed before: it is not reaped. */
struct edge_process;
struct edge_process *edge_process_new(struct edge_loop *loop, pid_t pid, void (*ended)(void *context, int status),
                                      void *context);
void edge_process_free(struct edge_process *process); /* NULL is allowed */

/* Reaps a child that was killed, without the loop. One that has not ended in ms (it hangs in the kernel) is left as it is; without
 * a descriptor to wait on it is waited for as long as it takes. */
void edge_process_reap(pid_t pid, int ms);

#endif

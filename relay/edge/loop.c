/*
 * The event loop over libevent. The only file that includes it.
 */
#include "relay/edge/loop.h"

#include <event2/event.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct edge_loop {
    struct event_base *base;
    int code;
};

struct edge_watch {
    struct edge_loop *loop;
    struct event *event;
    int fd;
    short wanted;
    void (*ready)(void *context, bool readable, bool writable);
    void *context;
};

struct edge_timer {
    struct event *event;
    void (*fire)(void *context);
    void *context;
};

struct edge_wake {
    struct event *event;
    int fd;
    void (*woken)(void *context);
    void *context;
};

struct edge_signal {
    struct event *event;
    void (*fire)(void *context);
    void *context;
};

struct edge_process {
    struct event *event; /* on a pidfd */
    int pidfd;
    pid_t pid;
    void (*ended)(void *context, int status);
    void *context;
};

struct edge_loop *edge_loop_new(void)
{
    struct edge_loop *loop = calloc(1, sizeof(*loop));
    struct event_config *config = event_config_new();
    if (loop != NULL && config != NULL) {
        event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK | EVENT_BASE_FLAG_PRECISE_TIMER);
        loop->base = event_base_new_with_config(config);
    }
    if (config != NULL)
        event_config_free(config);
    if (loop == NULL || loop->base == NULL) {
        free(loop);
        return NULL;
    }
    return loop;
}

void edge_loop_free(struct edge_loop *loop)
{
    if (loop == NULL)
        return;
    event_base_free(loop->base);
    free(loop);
}

int edge_loop_run(struct edge_loop *loop)
{
    loop->code = 0;
    event_base_loop(loop->base, EVLOOP_NO_EXIT_ON_EMPTY);
    return loop->code;
}

void edge_loop_stop(struct edge_loop *loop, int code)
{
    loop->code = code;
    event_base_loopbreak(loop->base);
}

uint64_t edge_loop_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

uint64_t edge_loop_unix(void)
{
    return (uint64_t)time(NULL);
}

uint64_t edge_loop_unix_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* ---- descriptors --------------------------------------------------------------------------------------------------- */

static void watch_ready(evutil_socket_t fd, short what, void *arg)
{
    struct edge_watch *watch = arg;
    (void)fd;
    watch->ready(watch->context, (what & EV_READ) != 0, (what & EV_WRITE) != 0);
}

struct edge_watch *edge_watch_new(struct edge_loop *loop, int fd,
                                  void (*ready)(void *context, bool readable, bool writable), void *context)
{
    struct edge_watch *watch = calloc(1, sizeof(*watch));
    if (watch == NULL)
        return NULL;
    *watch = (struct edge_watch){.loop = loop, .fd = fd, .ready = ready, .context = context};
    watch->event = event_new(loop->base, fd, EV_PERSIST, watch_ready, watch);
    if (watch->event == NULL) {
        free(watch);
        return NULL;
    }
    return watch;
}

void edge_watch_set(struct edge_watch *watch, bool readable, bool writable)
{
    short wanted = (short)((readable ? EV_READ : 0) | (writable ? EV_WRITE : 0));
    if (wanted == watch->wanted)
        return;
    event_del(watch->event);
    watch->wanted = wanted;
    if (wanted == 0)
        return;
    event_assign(watch->event, watch->loop->base, watch->fd, (short)(wanted | EV_PERSIST), watch_ready, watch);
    event_add(watch->event, NULL);
}

void edge_watch_free(struct edge_watch *watch)
{
    if (watch == NULL)
        return;
    event_free(watch->event);
    free(watch);
}

/* ---- timers -------------------------------------------------------------------------------------------------------- */

static void timer_fired(evutil_socket_t fd, short what, void *arg)
{
    struct edge_timer *timer = arg;
    (void)fd, (void)what;
    timer->fire(timer->context);
}

struct edge_timer *edge_timer_new(struct edge_loop *loop, void (*fire)(void *context), void *context)
{
    struct edge_timer *timer = calloc(1, sizeof(*timer));
    if (timer == NULL)
        return NULL;
    timer->fire = fire;
    timer->context = context;
    timer->event = evtimer_new(loop->base, timer_fired, timer);
    if (timer->event == NULL) {
        free(timer);
        return NULL;
    }
    return timer;
}

void edge_timer_set(struct edge_timer *timer, uint64_t ms)
{
    struct timeval wait = {.tv_sec = (time_t)(ms / 1000), .tv_usec = (suseconds_t)(ms % 1000 * 1000)};
    evtimer_add(timer->event, &wait);
}

void edge_timer_clear(struct edge_timer *timer)
{
    evtimer_del(timer->event);
}

void edge_timer_free(struct edge_timer *timer)
{
    if (timer == NULL)
        return;
    event_free(timer->event);
    free(timer);
}

/* ---- wake-ups ------------------------------------------------------------------------------------------------------ */

static void wake_woken(evutil_socket_t fd, short what, void *arg)
{
    struct edge_wake *wake = arg;
    uint64_t count;
    (void)what;
    /* Emptied before the callback: what is added while it runs wakes the loop again. */
    if (read(fd, &count, sizeof(count)) == (ssize_t)sizeof(count))
        wake->woken(wake->context);
}

struct edge_wake *edge_wake_new(struct edge_loop *loop, int *fd, void (*woken)(void *context), void *context)
{
    struct edge_wake *wake = calloc(1, sizeof(*wake));
    *fd = -1;
    if (wake == NULL)
        return NULL;
    wake->woken = woken;
    wake->context = context;
    wake->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    wake->event = wake->fd < 0 ? NULL : event_new(loop->base, wake->fd, EV_READ | EV_PERSIST, wake_woken, wake);
    if (wake->event == NULL || event_add(wake->event, NULL) != 0) {
        edge_wake_free(wake);
        return NULL;
    }
    *fd = wake->fd;
    return wake;
}

void edge_wake_free(struct edge_wake *wake)
{
    if (wake == NULL)
        return;
    if (wake->event != NULL)
        event_free(wake->event);
    if (wake->fd >= 0)
        close(wake->fd);
    free(wake);
}

/* ---- signals, processes -------------------------------------------------------------------------------------------- */

static void signal_fired(evutil_socket_t signo, short what, void *arg)
{
    struct edge_signal *signal = arg;
    (void)signo, (void)what;
    signal->fire(signal->context);
}

struct edge_signal *edge_signal_new(struct edge_loop *loop, int signo, void (*fire)(void *context), void *context)
{
    struct edge_signal *signal = calloc(1, sizeof(*signal));
    if (signal == NULL)
        return NULL;
    signal->fire = fire;
    signal->context = context;
    signal->event = evsignal_new(loop->base, signo, signal_fired, signal);
    if (signal->event == NULL || event_add(signal->event, NULL) != 0) {
        edge_signal_free(signal);
        return NULL;
    }
    return signal;
}

void edge_signal_free(struct edge_signal *signal)
{
    if (signal == NULL)
        return;
    if (signal->event != NULL)
        event_free(signal->event);
    free(signal);
}

static void process_ended(evutil_socket_t fd, short what, void *arg)
{
    struct edge_process *process = arg;
    int status = 0;
    (void)fd, (void)what;
    if (waitpid(process->pid, &status, WNOHANG) == 0)
        return;
    event_del(process->event);
    process->ended(process->context, status);
}

struct edge_process *edge_process_new(struct edge_loop *loop, pid_t pid, void (*ended)(void *context, int status),
                                      void *context)
{
    struct edge_process *process = calloc(1, sizeof(*process));
    if (process == NULL)
        return NULL;
    process->pid = pid;
    process->ended = ended;
    process->context = context;
    process->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (process->pidfd >= 0)
        process->event = event_new(loop->base, process->pidfd, EV_READ | EV_PERSIST, process_ended, process);
    if (process->event == NULL || event_add(process->event, NULL) != 0) {
        edge_process_free(process);
        return NULL;
    }
    return process;
}

void edge_process_free(struct edge_process *process)
{
    if (process == NULL)
        return;
    if (process->event != NULL)
        event_free(process->event);
    if (process->pidfd >= 0)
        close(process->pidfd);
    free(process);
}

void edge_process_reap(pid_t pid, int ms)
{
    struct pollfd end = {.fd = (int)syscall(SYS_pidfd_open, pid, 0), .events = POLLIN};
    bool hangs = end.fd >= 0 && poll(&end, 1, ms) == 0;
    if (end.fd >= 0)
        close(end.fd);
    waitpid(pid, NULL, hangs ? WNOHANG : 0);
}

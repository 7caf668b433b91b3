/* Connections that have not said who they are: a bound on their number, and on their time; and on those of one address. */
#include "relay/edge/stranger.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct stranger {
    uint64_t since; /* ms, monotonic */
    struct edge_stranger_name name;
    bool greeted; /* no stranger any more: it only counts for its address, until its other end has gone */
};

enum { SHARES = 16 };

static struct {
    pthread_mutex_t mutex; /* guards what follows */
    struct stranger list[EDGE_STRANGER_MARK_MAX];
    /* A second descriptor for each: nng may close its own, and that number be another's then. */
    struct pollfd fds[EDGE_STRANGER_MARK_MAX];
    size_t len;
} here = {.mutex = PTHREAD_MUTEX_INITIALIZER};
static atomic_uint_fast64_t waits, ended, refused;

void edge_stranger_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= EDGE_STRANGER_LIMIT)
        return;
    limit.rlim_cur = limit.rlim_max < EDGE_STRANGER_LIMIT ? limit.rlim_max : EDGE_STRANGER_LIMIT;
    (void)setrlimit(RLIMIT_NOFILE, &limit); /* what is then refused, edge_stranger_mark still holds against */
}

size_t edge_stranger_mark(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= EDGE_STRANGER_LIMIT)
        return EDGE_STRANGER_MARK_MAX;
    size_t mark = limit.rlim_cur - limit.rlim_cur / 4;
    return mark < EDGE_STRANGER_MARK_MAX ? mark : EDGE_STRANGER_MARK_MAX;
}

size_t edge_stranger_share(void)
{
    return edge_stranger_mark() / SHARES;
}

uint64_t edge_stranger_waits(void)
{
    return atomic_load(&waits);
}

uint64_t edge_stranger_ended(void)
{
    return atomic_load(&ended);
}

uint64_t edge_stranger_refused(void)
{
    return atomic_load(&refused);
}

static uint64_t clock_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000u + (uint64_t)now.tv_nsec / 1000000u;
}

/* ---- nng's thread -------------------------------------------------------------------------------------------------- */

/* The kernel gives the lowest number that is free, so that number tells how many are in use. */
static bool scarce(int any)
{
    int lowest = fcntl(any, F_DUPFD_CLOEXEC, 0);
    if (lowest >= 0)
        close(lowest);
    return lowest < 0 || (size_t)lowest + 1 >= edge_stranger_mark(); /* two are needed */
}

union address {
    struct sockaddr any;
    struct sockaddr_in four;
    struct sockaddr_in6 six;
};

/* One end's address and port; false: not over TCP. */
static bool address_take(uint8_t out[16], uint16_t *port, const union address *address)
{
    memset(out, 0, 16);
    if (address->any.sa_family == AF_INET)
        memcpy(out, &address->four.sin_addr, sizeof(address->four.sin_addr));
    else if (address->any.sa_family == AF_INET6)
        memcpy(out, &address->six.sin6_addr, sizeof(address->six.sin6_addr));
    *port = ntohs(address->any.sa_family == AF_INET ? address->four.sin_port : address->six.sin6_port);
    return address->any.sa_family == AF_INET || address->any.sa_family == AF_INET6;
}

/* False: not over TCP. own: both ends are of one address. */
static bool name_of(struct edge_stranger_name *name, bool *own, int fd)
{
    union address theirs = {0}, ours = {0};
    socklen_t lens[2] = {sizeof(theirs), sizeof(ours)};
    uint8_t address[16];
    memset(name, 0, sizeof(*name));
    if (getpeername(fd, &theirs.any, &lens[0]) != 0 || getsockname(fd, &ours.any, &lens[1]) != 0 ||
        !address_take(name->theirs, &name->their_port, &theirs) || !address_take(address, &name->our_port, &ours))
        return false;
    *own = memcmp(address, name->theirs, sizeof(address)) == 0;
    return true;
}

/* Of one machine: the same IPv4 address, also as IPv6 writes it, or one network of 64 bits. */
static bool same_machine(const uint8_t a[16], const uint8_t b[16])
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    return memcmp(a, b, memcmp(a, mapped, sizeof(mapped)) == 0 ? 16 : 8) == 0;
}

/* Whether the address has fewer than its share. Locked. */
static bool may_come(const uint8_t address[16])
{
    size_t count = 0;
    for (size_t i = 0; i < here.len; i++)
        count += same_machine(here.list[i].name.theirs, address);
    return count < edge_stranger_share();
}

/* 0, or the errno for nng: it has all that it may have, or there is no room to remember it. */
static int remember(int fd)
{
    struct stranger stranger = {.since = clock_ms()};
    bool own;
    if (!name_of(&stranger.name, &own, fd))
        return 0; /* on this machine, or gone already */
    int second = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    pthread_mutex_lock(&here.mutex);
    int error = !own && !may_come(stranger.name.theirs)            ? ECONNABORTED
                : second < 0 || here.len == EDGE_STRANGER_MARK_MAX ? EMFILE
                                                                   : 0;
    if (error == 0) {
        here.list[here.len] = stranger;
        here.fds[here.len++] = (struct pollfd){.fd = second};
    }
    pthread_mutex_unlock(&here.mutex);
    atomic_fetch_add(&refused, error == ECONNABORTED);
    if (error != 0 && second >= 0)
        close(second);
    return error;
}

/* In the place of libc's. After EMFILE nng asks again in 10 ms, after ECONNABORTED at once, after EAGAIN when somebody comes. Doors
 * that accept at the same time may pass the mark by a few. */
int edge_stranger_accept(int listener, struct sockaddr *address, socklen_t *len) __asm__("accept");

int edge_stranger_accept(int listener, struct sockaddr *address, socklen_t *len)
{
    struct pollfd somebody = {.fd = listener, .events = POLLIN};
    if (scarce(listener)) {
        bool came = poll(&somebody, 1, 0) == 1;
        atomic_fetch_add(&waits, came);
        errno = came ? EMFILE : EAGAIN;
        return -1;
    }
    int fd = accept4(listener, address, len, SOCK_CLOEXEC);
    int error = fd < 0 ? 0 : remember(fd);
    if (error == 0)
        return fd;
    close(fd);
    errno = error;
    return -1;
}

/* ---- greeted, or late ---------------------------------------------------------------------------------------------- */

static void forget(size_t place)
{
    close(here.fds[place].fd);
    here.list[place] = here.list[--here.len];
    here.fds[place] = here.fds[here.len];
}

void edge_stranger_greeted(const struct edge_stranger_name *name)
{
    pthread_mutex_lock(&here.mutex);
    for (size_t i = 0; i < here.len; i++)
        if (memcmp(&here.list[i].name, name, sizeof(*name)) == 0) {
            here.list[i].greeted = true;
            here.fds[i].events = POLLRDHUP;
        }
    pthread_mutex_unlock(&here.mutex);
}

void edge_stranger_tick(uint64_t now)
{
    pthread_mutex_lock(&here.mutex);
    int looked = poll(here.fds, here.len, 0);
    for (size_t i = here.len; i-- > 0;) {
        bool over =
            looked > 0 && (here.fds[i].revents & (POLLHUP | POLLERR | POLLRDHUP)) != 0; /* its other end, or nng */
        bool late = !here.list[i].greeted && now >= here.list[i].since + EDGE_STRANGER_MS;
        if (late && !over)
            atomic_fetch_add(&ended, shutdown(here.fds[i].fd, SHUT_RDWR) == 0);
        if (late || over)
            forget(i);
    }
    pthread_mutex_unlock(&here.mutex);
}

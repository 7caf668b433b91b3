/*
 * chaos_wire NEAR FAR: a cable that delays. Passes every packet from one interface to the other, both ways, and each is late
 * by "MILLISECONDS JITTER REORDER" as the newest line on its standard input says: MILLISECONDS, more or less up to JITTER;
 * REORDER percent are not late at all. Before the first line nothing is late. It ends when its input ends. A kernel's netem
 * does the same; this one needs no kernel module.
 *
 * Packets that are late wait in a heap of at most PACKETS_MAX; more are lost, as on a real cable.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { PACKET_BYTES = 1600, PACKETS_MAX = 8192, AT_ONCE = 64 };

struct packet {
    uint64_t due, number; /* nanoseconds; packets that are due together leave as they came */
    int out;
    size_t len;
    uint8_t bytes[PACKET_BYTES];
};

struct wire {
    int ends[2];
    double delay_ms, jitter_ms, reorder_percent;
    struct packet *heap[PACKETS_MAX], *spare;
    size_t len;
    uint64_t count;
};

static uint64_t now_ns(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000U + (uint64_t)time.tv_nsec;
}

static bool before(const struct packet *a, const struct packet *b)
{
    return a->due < b->due || (a->due == b->due && a->number < b->number);
}

static void swap(struct wire *wire, size_t a, size_t b)
{
    struct packet *kept = wire->heap[a];
    wire->heap[a] = wire->heap[b];
    wire->heap[b] = kept;
}

static void put(struct wire *wire, struct packet *packet)
{
    size_t at = wire->len++;
    wire->heap[at] = packet;
    for (; at > 0 && before(wire->heap[at], wire->heap[(at - 1) / 2]); at = (at - 1) / 2)
        swap(wire, at, (at - 1) / 2);
}

static struct packet *take(struct wire *wire)
{
    struct packet *first = wire->heap[0];
    wire->heap[0] = wire->heap[--wire->len];
    for (size_t at = 0, child; (child = 2 * at + 1) < wire->len; at = child) {
        if (child + 1 < wire->len && before(wire->heap[child + 1], wire->heap[child]))
            child++;
        if (!before(wire->heap[child], wire->heap[at]))
            break;
        swap(wire, at, child);
    }
    return first;
}

static double chance(void) /* 0 to 1; nothing here has to be hard to guess */
{
    static uint64_t state = 0x9e3779b97f4a7c15U;
    state = state * 6364136223846793005U + 1442695040888963407U;
    return (double)(state >> 11) / (double)(1ULL << 53);
}

static uint64_t lateness_ns(const struct wire *wire)
{
    if (chance() * 100 < wire->reorder_percent)
        return 0;
    double late = wire->delay_ms + (2 * chance() - 1) * wire->jitter_ms;
    return late <= 0 ? 0 : (uint64_t)(late * 1e6);
}

static int open_end(const char *name)
{
    struct sockaddr_ll address = {
        .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL), .sll_ifindex = (int)if_nametoindex(name)};
    int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, htons(ETH_P_ALL)), bytes = 4 << 20;
    if (fd < 0 || address.sll_ifindex == 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0 ||
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes)) != 0) {
        fprintf(stderr, "chaos_wire: %s: %s\n", name, strerror(errno));
        exit(1);
    }
    return fd;
}

/* What waits at one end goes into the heap, or is lost. */
static void receive(struct wire *wire, int side)
{
    for (int i = 0; i < AT_ONCE; i++) {
        struct packet *packet = wire->spare != NULL ? wire->spare : malloc(sizeof(*packet));
        struct sockaddr_ll from;
        socklen_t from_len = sizeof(from);
        if (packet == NULL)
            exit(1);
        wire->spare = packet;
        ssize_t got = recvfrom(wire->ends[side], packet->bytes, sizeof(packet->bytes), MSG_TRUNC,
                               (struct sockaddr *)&from, &from_len);
        if (got < 0)
            return;
        if (from.sll_pkttype == PACKET_OUTGOING || (size_t)got > sizeof(packet->bytes) || wire->len == PACKETS_MAX)
            continue;
        packet->len = (size_t)got;
        packet->out = wire->ends[1 - side];
        packet->number = wire->count++;
        packet->due = now_ns() + lateness_ns(wire);
        wire->spare = NULL;
        put(wire, packet);
    }
}

static void send_due(struct wire *wire)
{
    uint64_t now = now_ns();
    while (wire->len > 0 && wire->heap[0]->due <= now) {
        struct packet *packet = take(wire);
        (void)!send(packet->out, packet->bytes, packet->len, 0); /* a full interface loses it, as cables do */
        if (wire->spare == NULL)
            wire->spare = packet;
        else
            free(packet);
    }
}

static bool obey(struct wire *wire)
{
    static char text[256]; /* lines are short, and come whole */
    ssize_t got = read(STDIN_FILENO, text, sizeof(text) - 1);
    if (got <= 0)
        return false;
    text[got] = '\0';
    char *line = text, *end;
    for (char *next; (next = strchr(line, '\n')) != NULL && next[1] != '\0';)
        line = next + 1;
    wire->delay_ms = strtod(line, &end);
    wire->jitter_ms = strtod(end, &end);
    wire->reorder_percent = strtod(end, &end);
    return true;
}

int main(int argc, char **argv)
{
    static struct wire wire;
    if (argc != 3) {
        fprintf(stderr, "usage: chaos_wire NEAR FAR\n");
        return 2;
    }
    for (int side = 0; side < 2; side++)
        wire.ends[side] = open_end(argv[1 + side]);
    printf("ready\n");
    fflush(stdout);
    for (;;) {
        struct pollfd fds[] = {{.fd = wire.ends[0], .events = POLLIN},
                               {.fd = wire.ends[1], .events = POLLIN},
                               {.fd = STDIN_FILENO, .events = POLLIN}};
        uint64_t now = now_ns(), late = wire.len == 0             ? UINT64_MAX
                                        : wire.heap[0]->due > now ? wire.heap[0]->due - now
                                                                  : 0;
        struct timespec wait = {.tv_sec = (time_t)(late / 1000000000U), .tv_nsec = (long)(late % 1000000000U)};
        if (ppoll(fds, 3, late == UINT64_MAX ? NULL : &wait, NULL) < 0 && errno != EINTR)
            return 1;
        for (int side = 0; side < 2; side++)
            receive(&wire, side);
        send_due(&wire);
        if (fds[2].revents != 0 && !obey(&wire))
            return 0;
    }
}

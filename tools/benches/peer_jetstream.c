/*
 * bench-jetstream: NATS JetStream end to end, for comparison: published asynchronously, stored in a file stream, pushed to a
 * consumer that acknowledges each message. Latency goes from the publish call (or, paced, the moment it was due) to the
 * consumer's callback: the acknowledgement's way back is not counted. Paced, it stops at its end also when it lags behind: then
 * "kept" is less than 1, and the latencies are those of what was sent.
 *
 *   bench-jetstream --url nats://127.0.0.1:PORT [--payload B] [--rate N] [--seconds S] [--window N]
 */
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

#include <nats/nats.h>

enum { STUCK_S = 20 };

struct bench {
    const char *url;
    size_t payload;
    uint64_t rate, window;
    double seconds;
    natsConnection *publisher, *consumer;
    jsCtx *publish, *consume;
    natsSubscription *subscription;
    pthread_mutex_t mutex; /* guards all below */
    pthread_cond_t arrived;
    uint64_t received, last_us;
    uint32_t *latencies;
    size_t cap;
};

static _Noreturn void die(const char *what, natsStatus status)
{
    fprintf(stderr, "bench-jetstream: %s: %s\n", what, natsStatus_GetText(status));
    exit(1);
}

static void check(natsStatus status, const char *what)
{
    if (status != NATS_OK)
        die(what, status);
}

static uint64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u;
}

static void arrived(natsConnection *connection, natsSubscription *subscription, natsMsg *message, void *context)
{
    struct bench *bench = context;
    uint64_t born, now = now_us();
    (void)connection, (void)subscription;
    memcpy(&born, natsMsg_GetData(message), sizeof(born));
    check(natsMsg_Ack(message, NULL), "cannot acknowledge");
    natsMsg_Destroy(message);
    pthread_mutex_lock(&bench->mutex);
    if (bench->received < bench->cap)
        bench->latencies[bench->received] = (uint32_t)(now - born);
    bench->received++;
    bench->last_us = now;
    pthread_cond_signal(&bench->arrived);
    pthread_mutex_unlock(&bench->mutex);
}

static natsConnection *connect_to(const struct bench *bench)
{
    natsConnection *connection = NULL;
    natsOptions *options = NULL;
    check(natsOptions_Create(&options), "no memory");
    check(natsOptions_SetURL(options, bench->url), "bad URL");
    if (bench->rate) /* its best setting for latency: else it flushes about every millisecond */
        check(natsOptions_SetSendAsap(options, true), "no SendAsap");
    check(natsConnection_Connect(&connection, options), bench->url);
    natsOptions_Destroy(options);
    return connection;
}

static void begin(struct bench *bench)
{
    const char *subjects[] = {"bench.messages"};
    jsStreamConfig stream;
    jsSubOptions consumer;
    jsOptions options;
    jsErrCode error = 0;
    bench->publisher = connect_to(bench);
    bench->consumer = connect_to(bench);
    check(jsOptions_Init(&options), "options");
    options.PublishAsync.MaxPending = (int64_t)bench->window;
    options.PublishAsync.StallWait = STUCK_S * 1000;
    check(natsConnection_JetStream(&bench->publish, bench->publisher, &options), "no JetStream");
    check(natsConnection_JetStream(&bench->consume, bench->consumer, NULL), "no JetStream");
    check(jsStreamConfig_Init(&stream), "stream");
    stream.Name = "BENCH";
    stream.Subjects = subjects;
    stream.SubjectsLen = 1;
    stream.Storage = js_FileStorage;
    natsStatus gone = js_DeleteStream(bench->publish, "BENCH", NULL, &error); /* of the run before */
    (void)gone;
    check(js_AddStream(NULL, bench->publish, &stream, NULL, &error), "cannot make a stream");
    check(jsSubOptions_Init(&consumer), "consumer");
    consumer.Config.AckPolicy = js_AckExplicit;
    consumer.Config.MaxAckPending = (int64_t)(bench->window * 4);
    consumer.ManualAck = true;
    check(js_Subscribe(&bench->subscription, bench->consume, subjects[0], arrived, bench, NULL, &consumer, &error),
          "cannot subscribe");
    check(natsSubscription_SetPendingLimits(bench->subscription, -1, -1), "limits");
}

/* Waits until all but `left` messages arrived, or until a time; false: nothing came for STUCK_S. */
static bool wait_for(struct bench *bench, uint64_t number, uint64_t until_us)
{
    bool stuck = false;
    pthread_mutex_lock(&bench->mutex);
    uint64_t give_up = now_us() + STUCK_S * 1000000u;
    while (bench->received < number && !stuck) {
        uint64_t until = until_us ? until_us : give_up;
        struct timespec at = {(time_t)(until / 1000000u), (long)(until % 1000000u) * 1000};
        if (pthread_cond_timedwait(&bench->arrived, &bench->mutex, &at) != 0) {
            if (until_us)
                break;
            stuck = true;
        }
    }
    pthread_mutex_unlock(&bench->mutex);
    return !stuck;
}

static uint64_t run(struct bench *bench, uint64_t start)
{
    uint8_t *payload = calloc(1, bench->payload);
    uint64_t sent = 0, end = start + (uint64_t)(bench->seconds * 1e6);
    if (payload == NULL || bench->payload < 8)
        die("payload of 8 bytes or more", NATS_INVALID_ARG);
    for (;; sent++) {
        uint64_t born = now_us();
        if (bench->rate) {
            uint64_t due = start + sent * 1000000u / bench->rate;
            while (born < due && due < end) {
                wait_for(bench, UINT64_MAX, due);
                born = now_us();
            }
            born = due;
        } else if (sent >= bench->window && !wait_for(bench, sent - bench->window + 1, 0)) {
            die("nothing arrived for 20 s", NATS_TIMEOUT);
        }
        if (born >= end || now_us() >= end)
            break;
        memcpy(payload, &born, sizeof(born));
        check(js_PublishAsync(bench->publish, "bench.messages", payload, (int)bench->payload, NULL), "cannot publish");
    }
    jsPubOptions wait;
    check(jsPubOptions_Init(&wait), "options");
    wait.MaxWait = STUCK_S * 1000;
    check(js_PublishAsyncComplete(bench->publish, &wait), "not all was stored");
    if (!wait_for(bench, sent, 0))
        die("not all arrived", NATS_TIMEOUT);
    free(payload);
    return sent;
}

static int compare(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

int main(int argc, char **argv)
{
    static struct bench bench = {.payload = 256, .window = 1024, .seconds = 2};
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--url") == 0)
            bench.url = argv[i + 1];
        else if (strcmp(argv[i], "--payload") == 0)
            bench.payload = strtoul(argv[i + 1], NULL, 10);
        else if (strcmp(argv[i], "--rate") == 0)
            bench.rate = strtoull(argv[i + 1], NULL, 10);
        else if (strcmp(argv[i], "--seconds") == 0)
            bench.seconds = strtod(argv[i + 1], NULL);
        else if (strcmp(argv[i], "--window") == 0)
            bench.window = strtoull(argv[i + 1], NULL, 10);
        else
            die(argv[i], NATS_INVALID_ARG);
    }
    if (bench.url == NULL)
        die("--url nats://127.0.0.1:PORT", NATS_INVALID_ARG);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&bench.arrived, &attributes);
    pthread_mutex_init(&bench.mutex, NULL);
    bench.cap = (size_t)((bench.rate ? (double)bench.rate : 2e6) * (bench.seconds + 1));
    bench.latencies = malloc(bench.cap * sizeof(*bench.latencies));
    prctl(PR_SET_TIMERSLACK, 1UL);
    check(nats_Open(-1), "libnats");
    begin(&bench);
    uint64_t start = now_us(), sent = run(&bench, start);
    double seconds = (double)(bench.last_us - start) / 1e6;
    double kept = bench.rate ? (double)sent / ((double)bench.rate * bench.seconds) : 1;
    size_t len = sent < bench.cap ? (size_t)sent : bench.cap;
    qsort(bench.latencies, len, sizeof(*bench.latencies), compare);
    printf("{\"messages\": %llu, \"seconds\": %.3f, \"msgs_per_s\": %.0f, \"kept\": %.3f, \"p50_ms\": %.3f, "
           "\"p99_ms\": %.3f}\n",
           (unsigned long long)sent, seconds, (double)sent / seconds, kept, len ? bench.latencies[len / 2] / 1e3 : 0,
           len ? bench.latencies[len * 99 / 100] / 1e3 : 0);
    return 0;
}

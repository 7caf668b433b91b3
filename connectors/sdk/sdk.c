/*
 * Framing, decoding and the order of messages, around one const struct connector_ops (sdk.h).
 */
#include "connectors/sdk/sdk.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "connectors/sdk/fault.h"
#include "connectors/sdk/position.h"
#include "connectors/sdk/watch.h"

enum { RELAY_FD = 3, READ_CHUNK = 65536 };

struct connector {
    const struct connector_ops *ops;
    void *context;
    struct sdk_watches *watches;
    struct sdk_positions *positions;
    struct sdk_loop *loop;
    uint8_t *in; /* what was read and not yet understood */
    size_t in_len, in_cap;
    uint8_t *out; /* what waits to be written: out[out_at .. out_len) */
    size_t out_at, out_len, out_cap;
    struct codec_pack pack;
    struct connector_scratch *scratch;
    bool asked_to_configure, configured, wants_drained, ending;
};

static void relay_ready(void *context, int fd, short revents);

/* A relay that does not read its answers is not listened to, either: so answers are bounded. */
static bool out_is_full(const struct connector *connector)
{
    return connector->out_len - connector->out_at > SDK_OUT_MAX - SDK_OUT_RESERVE / 2;
}

static void watch_relay(struct connector *connector)
{
    short events = 0;
    if (connector->out_len > connector->out_at)
        events |= POLLOUT;
    if (!out_is_full(connector))
        events |= POLLIN;
    sdk_loop_watch(connector->loop, RELAY_FD, events, relay_ready, connector);
}

static bool out_reserve(struct connector *connector, size_t more)
{
    if (connector->out_at) {
        memmove(connector->out, connector->out + connector->out_at, connector->out_len - connector->out_at);
        connector->out_len -= connector->out_at;
        connector->out_at = 0;
    }
    if (connector->out_len + more <= connector->out_cap)
        return true;
    size_t cap = connector->out_cap ? connector->out_cap : READ_CHUNK;
    while (cap < connector->out_len + more)
        cap *= 2;
    uint8_t *grown = realloc(connector->out, cap);
    if (!grown)
        return false;
    connector->out = grown;
    connector->out_cap = cap;
    return true;
}

static void out_write(struct connector *connector)
{
    while (connector->out_at < connector->out_len) {
        SDK_FAULT("writes", "bytes", "before");
        const ssize_t n = write(RELAY_FD, connector->out + connector->out_at, connector->out_len - connector->out_at);
        SDK_FAULT("writes", "bytes", "after");
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            break;
        if (n < 0) {
            connector_exit(connector, 0); /* the relay is gone */
            return;
        }
        connector->out_at += (size_t)n;
    }
    if (connector->out_at == connector->out_len)
        connector->out_at = connector->out_len = 0;
    watch_relay(connector);
}

enum sdk_sent connector_send(struct connector *connector, const struct connector_message *message)
{
    const bool bulk = message->type == CONNECTOR_RECORDS || message->type == CONNECTOR_EVIDENCE ||
                      message->type == CONNECTOR_HEADER || message->type == CONNECTOR_POSITION_IS;
    SDK_FAULT("gives", codec_connector_type_name(message->type), "before");
    const size_t limit = bulk ? SDK_OUT_MAX - SDK_OUT_RESERVE : SDK_OUT_MAX;
    codec_pack_clear(&connector->pack);
    codec_connector_encode(&connector->pack, message);
    const struct bytes body = codec_pack_bytes(&connector->pack);
    if (body.len == 0) {
        connector_log(connector, "a %s message is over the protocol's limits",
                      codec_connector_type_name(message->type));
        return SDK_TOO_LARGE;
    }
    if (connector->out_len - connector->out_at + 4 + body.len > limit || !out_reserve(connector, 4 + body.len)) {
        connector->wants_drained = true;
        return SDK_FULL;
    }
    struct codec_writer writer;
    codec_writer_init(&writer, connector->out + connector->out_len, 4 + body.len);
    codec_write_u32(&writer, (uint32_t)body.len);
    codec_write_bytes(&writer, body);
    connector->out_len += writer.len;
    watch_relay(connector);
    return SDK_SENT;
}

bool connector_is_full(const struct connector *connector)
{
    return connector->wants_drained;
}

static void breach(struct connector *connector, const char *what, const char *where)
{
    connector_log(connector, "the relay broke the protocol: %s: %s", what, where);
    connector_exit(connector, 2);
}

/* The order of the first messages: configure once, and nothing but status until it has gone well. */
static bool in_order(struct connector *connector, const struct connector_message *message)
{
    if (message->type == CONNECTOR_CONFIGURE) {
        if (connector->asked_to_configure)
            return false;
        connector->asked_to_configure = true;
        return true;
    }
    return message->type == CONNECTOR_ASK_STATUS || connector->configured;
}

/* A relay of before message 15 refuses its connectors by name, and takes all others. */
static uint32_t protocol_of(const struct connector_ops *ops)
{
    return ops->offences ? CODEC_CONNECTOR_PROTOCOL : CODEC_CONNECTOR_PROTOCOL_FIRST;
}

static void handle(struct connector *connector, const struct connector_message *message)
{
    const struct connector_ops *ops = connector->ops;
    void *context = connector->context;
    const char *name = codec_connector_type_name(message->type);
    if (!in_order(connector, message)) {
        breach(connector, name, "not at this time");
        return;
    }
    switch (message->type) {
    case CONNECTOR_CONFIGURE:
        if (message->configure.protocol != protocol_of(ops))
            breach(connector, name, "unknown protocol version");
        else
            ops->configure(context, &message->configure);
        break;
    case CONNECTOR_SUBSCRIBE: sdk_watches_subscribe(connector->watches, &message->subscribe); break;
    case CONNECTOR_CREDIT: sdk_watches_credit(connector->watches, &message->credit); break;
    case CONNECTOR_UNSUBSCRIBE:
        sdk_watches_unsubscribe(connector->watches, message->unsubscribe.watch);
        sdk_positions_unwatch(connector->positions, message->unsubscribe.watch);
        break;
    case CONNECTOR_POSITION: sdk_positions_watch(connector->positions, &message->position); break;
    case CONNECTOR_ASK_HEADER: ops->ask_header(context, &message->ask_header); break;
    case CONNECTOR_ASK_AGAIN: sdk_watches_again(connector->watches, &message->ask_again); break;
    case CONNECTOR_SUBMIT: ops->submit(context, &message->submit); break;
    case CONNECTOR_ASK_RESULT: ops->ask_result(context, &message->ask_result); break;
    case CONNECTOR_ASK_STATUS: ops->status(context); break;
    case CONNECTOR_NONE:
    case CONNECTOR_MANIFEST:
    case CONNECTOR_CONFIGURED:
    case CONNECTOR_HEADER:
    case CONNECTOR_RECORDS:
    case CONNECTOR_EVIDENCE:
    case CONNECTOR_OFFENCE:
    case CONNECTOR_RESULT:
    case CONNECTOR_POSITION_IS:
    case CONNECTOR_STATUS:
    case CONNECTOR_NOTICE:
    case CONNECTOR_CANNOT:
    case CONNECTOR_ACCOUNT: breach(connector, name, "is for the connector to say"); break;
    }
}

/* Takes whole messages from the front of `in`, as long as there is room for answers. */
static void handle_input(struct connector *connector)
{
    struct connector_message message;
    size_t at = 0;
    while (connector->in_len - at >= 4 && !connector->ending && !out_is_full(connector)) {
        struct codec_reader reader;
        codec_reader_init(&reader, (struct bytes){connector->in + at, 4});
        const uint32_t len = codec_read_u32(&reader);
        if (len == 0 || len > CODEC_CONNECTOR_MESSAGE_MAX) {
            breach(connector, "length", "not 1 … 4 MiB");
            return;
        }
        if (connector->in_len - at - 4 < len)
            break;
        const char *where = NULL;
        if (!codec_connector_decode(&message, connector->scratch, (struct bytes){connector->in + at + 4, len},
                                    &where)) {
            breach(connector, "malformed message", where);
            return;
        }
        SDK_FAULT("takes", codec_connector_type_name(message.type), "before");
        handle(connector, &message);
        SDK_FAULT("takes", codec_connector_type_name(message.type), "after");
        at += 4 + (size_t)len;
    }
    if (at) {
        memmove(connector->in, connector->in + at, connector->in_len - at);
        connector->in_len -= at;
    }
}

static void relay_read(struct connector *connector)
{
    if (connector->in_cap - connector->in_len < READ_CHUNK) {
        /* A message of 4 MiB and its length fit after at most seven doublings. */
        const size_t cap = connector->in_cap ? connector->in_cap * 2 : 4 * READ_CHUNK;
        uint8_t *grown = realloc(connector->in, cap);
        if (!grown) {
            connector_log(connector, "no memory");
            connector_exit(connector, 1);
            return;
        }
        connector->in = grown;
        connector->in_cap = cap;
    }
    const ssize_t n = read(RELAY_FD, connector->in + connector->in_len, READ_CHUNK);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
        return;
    if (n <= 0) {
        connector_exit(connector, 0);
        return;
    }
    connector->in_len += (size_t)n;
    handle_input(connector);
}

static void relay_ready(void *context, int fd, short revents)
{
    struct connector *connector = context;
    (void)fd;
    if (revents & POLLOUT) {
        out_write(connector);
        handle_input(connector); /* what was left unread while there was no room */
    }
    if (revents & (POLLIN | POLLHUP | POLLERR))
        relay_read(connector);
    if (connector->wants_drained && connector->out_len - connector->out_at < SDK_OUT_MAX / 4) {
        connector->wants_drained = false;
        if (connector->ops->drained)
            connector->ops->drained(connector->context);
    }
}

struct sdk_loop *connector_loop(struct connector *connector)
{
    return connector->loop;
}

void connector_serves(struct connector *connector, struct sdk_watches *watches, struct sdk_positions *positions)
{
    connector->watches = watches;
    connector->positions = positions;
}

void connector_configured(struct connector *connector, bool ok, const char *format, ...)
{
    char text[CODEC_CONNECTOR_TEXT_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    connector->configured = ok;
    const struct connector_message message = {.type = CONNECTOR_CONFIGURED,
                                              .configured = {ok, codec_connector_text(text)}};
    connector_send(connector, &message);
}

void connector_notice(struct connector *connector, enum connector_notice_code code, const char *format, ...)
{
    char text[CODEC_CONNECTOR_TEXT_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    const struct connector_message message = {.type = CONNECTOR_NOTICE,
                                              .notice = {(uint8_t)code, codec_connector_text(text)}};
    connector_send(connector, &message);
}

void connector_cannot(struct connector *connector, enum connector_type type, struct bytes about, const char *format,
                      ...)
{
    char text[CODEC_CONNECTOR_TEXT_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    const struct connector_message message = {.type = CONNECTOR_CANNOT,
                                              .cannot = {(uint8_t)type, about, codec_connector_text(text)}};
    connector_send(connector, &message);
}

void connector_cannot_watch(struct connector *connector, enum connector_type type, uint32_t watch, const char *text)
{
    uint8_t about[4];
    struct codec_writer writer;
    codec_writer_init(&writer, about, sizeof about);
    codec_write_u32(&writer, watch);
    connector_cannot(connector, type, BYTES_OF(about), "%s", text);
}

void connector_cannot_height(struct connector *connector, uint64_t height, const char *text)
{
    uint8_t about[8];
    struct codec_writer writer;
    codec_writer_init(&writer, about, sizeof about);
    codec_write_u64(&writer, height);
    connector_cannot(connector, CONNECTOR_ASK_HEADER, BYTES_OF(about), "%s", text);
}

void connector_log(const struct connector *connector, const char *format, ...)
{
    char line[1536];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    fprintf(stderr, "%s: %s\n", connector->ops->name, line);
}

void connector_exit(struct connector *connector, int code)
{
    connector->ending = true;
    sdk_loop_stop(connector->loop, code);
}

static void say_manifest(struct connector *connector)
{
    struct bytes families[CODEC_CONNECTOR_FAMILIES_MAX];
    size_t count = 0;
    while (count < CODEC_CONNECTOR_FAMILIES_MAX && connector->ops->families[count]) {
        families[count] = codec_connector_text(connector->ops->families[count]);
        count++;
    }
    const struct connector_message message = {
        .type = CONNECTOR_MANIFEST,
        .manifest = {protocol_of(connector->ops), codec_connector_text(connector->ops->name),
                     codec_connector_text(connector->ops->version), families, count, connector->ops->slot,
                     connector->ops->receipts, connector->ops->ics23},
    };
    connector_send(connector, &message);
}

static int run(struct connector *connector)
{
    const int flags = fcntl(RELAY_FD, F_GETFL);
    if (flags < 0 || fcntl(RELAY_FD, F_SETFL, flags | O_NONBLOCK) < 0 || fcntl(RELAY_FD, F_SETFD, FD_CLOEXEC) < 0) {
        connector_log(connector, "descriptor 3 is not open: a connector is started by a relay, not by hand");
        return 2;
    }
    connector->loop = sdk_loop_new();
    connector->scratch = malloc(sizeof *connector->scratch);
    if (connector->loop && connector->scratch)
        connector->context = connector->ops->start(connector);
    if (!connector->context) {
        connector_log(connector, "cannot start");
        return 1;
    }
    say_manifest(connector);
    const int code = sdk_loop_run(connector->loop);
    connector->ops->stop(connector->context);
    return code;
}

int connector_main(const struct connector_ops *ops, int argc, char **argv)
{
    struct connector connector = {.ops = ops};
    if (argc > 1) {
        const bool version = strcmp(argv[1], "--version") == 0;
        fprintf(version ? stdout : stderr, "%s connector %s, protocol %u: a relay starts it, without arguments\n",
                ops->name, ops->version, (unsigned)protocol_of(ops));
        return version ? 0 : 2;
    }
    signal(SIGPIPE, SIG_IGN);
    codec_pack_init(&connector.pack, CODEC_CONNECTOR_MESSAGE_MAX + 16);
    const int code = run(&connector);
    codec_pack_fini(&connector.pack);
    sdk_loop_free(connector.loop);
    free(connector.scratch);
    free(connector.in);
    free(connector.out);
    return code;
}
